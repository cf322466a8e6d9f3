/** What the targets of a list may be: names, hidden volumes, targets that refuse. */
import { beforeEach, describe, expect, it } from 'vitest';
import { listOf, sense } from '../ecopy/list-builder.js';
import { blocks, CONTENT, CopyFixture, isCopied, NEXUS } from './copy-fixture.js';

let fixture: CopyFixture;

beforeEach(async () => {
  fixture = await CopyFixture.openWritten();
});

describe('what a host may name', () => {
  const ABSENT = sense('0a', '0d02', '800030');
  const copyFrom = async (target: string) => {
    const targets = [fixture.targets[1] ?? '', target];
    return fixture.copy(listOf({ targets, segments: [blocks([1, 0], [0, 0], 8)] }));
  };
  const wwn = (port: string) => `3${fixture.array.identity.serial}${port}`;
  const TAIL = `${'00'.repeat(8)} 00000200`;

  it.each([
    ['its NAA identifier', () => fixture.descriptor('db')],
    [
      'its T10 vendor name',
      () => {
        const name = `ARRAYFS VOL${String(fixture.array.volume('db').number).padStart(5, '0')}`;
        return `e4000000 02010010 ${Buffer.from(name).toString('hex')} 00000000 00000200`;
      },
    ],
    ['port name and LUN', () => `e0000000 ${'00'.repeat(8)} ${wwn('01a')} ${TAIL}`],
    [
      'N_Port and LUN',
      () => `e1000000 ${'00'.repeat(8)} ${'00'.repeat(8)} 00 01010a 00000000 00000200`,
    ],
    [
      'N_Port with its name',
      () => `e2000000 ${'00'.repeat(8)} ${wwn('01a')} 00 01010a 00000000 00000200`,
    ],
    [
      'target identifier and LUN',
      () => `e3000000 ${'00'.repeat(8)} 00 01 ${'00'.repeat(14)} 00000200`,
    ],
  ])('a volume by %s', async (_what, descriptor) => {
    expect(await copyFrom(descriptor())).toBe('good');
    expect(isCopied(CONTENT, [0, 4096], await fixture.content('db2'), 0)).toBe(true);
  });

  it.each([
    ['a hidden volume', () => fixture.descriptor('hidden')],
    [
      'a volume that is not mapped',
      () => {
        fixture.san = { ...fixture.san, mappings: fixture.san.mappings.slice(1) };
        return fixture.descriptor('db');
      },
    ],
    ['an unknown identifier', () => `e4000000 01030010 ${'65'.repeat(16)} 00000000 00000200`],
    ['an identifier in another code', () => fixture.descriptor('db').replace('0103', '0203')],
    ['the name of a port', () => fixture.descriptor('db').replace('0103', '0113')],
    ['a LUN that is not mapped', () => `e0000000 0005${'00'.repeat(6)} ${wwn('01a')} ${TAIL}`],
    ['the LUN of a hidden volume', () => `e0000000 0003${'00'.repeat(6)} ${wwn('01a')} ${TAIL}`],
    ['a port without the LUN', () => `e0000000 ${'00'.repeat(8)} ${wwn('02a')} ${TAIL}`],
    ['a foreign port', () => `e0000000 ${'00'.repeat(8)} 5000aa0000000010 ${TAIL}`],
    [
      'an N_Port with another name',
      () => `e2000000 ${'00'.repeat(8)} ${wwn('02a')} 00 01010a 00000000 00000200`,
    ],
    [
      'an unknown target identifier',
      () => `e3000000 ${'00'.repeat(8)} 00 0f ${'00'.repeat(14)} 00000200`,
    ],
    ['NUL', () => `e4200000 ${'00'.repeat(24)} 00000200`],
  ])('is not %s: it looks like what is not there', async (_what, descriptor) => {
    expect(await copyFrom(descriptor())).toBe(ABSENT);
  });

  it('is not what a host sees that has gone', async () => {
    const targets = fixture.targets;
    const list1 = listOf({ targets, segments: [blocks([0, 1], [0, 0], 8)] });
    expect(await fixture.copy(list1, { host: 'gone', port: 'CL1-A' })).toBe(
      sense('0a', '0d02', '800010'),
    );
  });

  it.each([
    ['an optical disk', (text: string) => text.replace('e400', 'e407')],
    [
      'a disk of blocks that are no sectors',
      (text: string) => text.replace(/00000200$/, '00000201'),
    ],
  ])('is not a disk where the list says %s', async (_what, change) => {
    expect(await copyFrom(change(fixture.descriptor('db')))).toBe(sense('0a', '0d03', '800030'));
  });

  it('is a target that is NUL, where no command is sent to it', async () => {
    const targets = [fixture.targets[0] ?? '', `e4200000 ${'00'.repeat(24)} 00000200`];
    const nothing = listOf({ targets, segments: [blocks([1, 1], [0, 0], 0)] });
    expect(await fixture.copy(nothing)).toBe('good');
  });

  it('lies at the ports of the group that the command came through', async () => {
    const group = {
      number: 1,
      name: 'g',
      targets: ['CL2-A'] as const,
      initiators: ['CL2-C'] as const,
    };
    fixture.san = { ...fixture.san, groups: [group] };
    const list1 = fixture.list(blocks([0, 1], [0, 0], 8));
    expect(await fixture.copy(list1, { ...NEXUS, port: 'CL2-A' })).toBe(
      sense('0a', '0d02', '800010'),
    );
    expect(await fixture.copy(list1, { ...NEXUS, port: 'CL2-B' })).toBe('good');
  });
});

describe('a target that refuses', () => {
  it('is a snapshot that is to be written', async () => {
    await fixture.drive(fixture.array.takeSnapshots(['db2'], { name: 'old' }));
    fixture.map('db2@old', 'local');
    const all = [...fixture.targets, fixture.descriptor('db2@old')];
    const to = (segment: string) => fixture.copy(listOf({ targets: all, segments: [segment] }));
    const result = await to(blocks([0, 3], [0, 0], 8));
    // THIRD PARTY DEVICE FAILURE of the destination: WRITE PROTECTED.
    expect(result.slice(0, 36)).toBe('70000a000000001d0012' + '0000' + '0d0100800070');
    expect(result.slice(36)).toBe(`02${sense('07', '2700')}`);
    expect(await to(blocks([3, 0], [0, 0], 8))).toBe('good');
  });

  it('is a reserved volume, and says what it had still to write', async () => {
    await fixture.drive(fixture.array.reserveVolumes(['db2']));
    expect((await fixture.copy(fixture.list(blocks([0, 1], [0, 0], 8)))).slice(24, 28)).toBe(
      '0d01',
    );
  });

  it('knows no reservation keys', async () => {
    const register = `14000018 0000 0001 ${'00'.repeat(20)}`;
    expect((await fixture.copy(fixture.list(register))).slice(-36)).toBe(sense('05', '2000'));
  });

  it('is not ready without a sector', async () => {
    await fixture.drive(fixture.array.createVolume({ name: 'empty', sizeBytes: 0 }));
    fixture.map('empty', 'local');
    const targets = [...fixture.targets, fixture.descriptor('empty')];
    const send = (...segments: string[]) => fixture.copy(listOf({ targets, segments }));
    const verify = (target: string, ready: string) => `07000008 ${target} 0000 ${ready}000000`;
    expect(await send(verify('0000', '01'), verify('0003', '00'))).toBe('good');
    const refused = await send(verify('0000', '01'), verify('0003', '01'));
    expect([refused.slice(20, 28), refused.slice(-36)]).toEqual(['00010d01', sense('02', '0403')]);
  });
});
