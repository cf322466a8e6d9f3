/** Parameter lists carried out on an array: worked examples, instants, list identifiers, what hosts may name. */
import { beforeEach, describe, expect, it } from 'vitest';
import { COPY_RESULTS_MAX } from '../../src/base/limits.js';
import { listOf, patched, sense } from '../ecopy/list-builder.js';
import { bytesOf, EXAMPLES, hexOf } from '../ecopy/worked-examples.js';
import { RandomSource } from '../support/random-source.js';
import { blocks, CopyFixture, NEXUS } from './copy-fixture.js';

const MIB = 2 ** 20;
const KIB = 1024;
let fixture: CopyFixture;
let random: Buffer;

beforeEach(async () => {
  fixture = await CopyFixture.open({ db: 8 * MIB, db2: 8 * MIB, far: 8 * MIB, hidden: MIB });
  random = Buffer.from(new RandomSource(5).bytes(MIB));
  await fixture.write('db', 0, random);
});

/** A worked example whose target `index` is a volume of the array. */
function named(example: Uint8Array, names: readonly string[], header = 16): Uint8Array {
  const list = Buffer.from(example);
  for (const [index, name] of names.entries()) {
    const at = header + index * 32;
    const own = bytesOf(fixture.descriptor(name)).subarray(0, 28);
    list.set(own, at);
  }
  return list;
}

/** What `to` holds is what `from` held. */
function isCopied(
  from: Buffer,
  [start, length]: readonly [number, number],
  to: Buffer,
  at: number,
) {
  return from.subarray(start, start + length).equals(to.subarray(at, at + length));
}

const SYSTEM = { targets: [] as string[] };
const list = (...segments: string[]) => listOf({ flags: '0100', ...SYSTEM, segments });

beforeEach(() => {
  SYSTEM.targets = ['db', 'db2', 'far'].map((name) => fixture.descriptor(name));
});

describe('the worked examples', () => {
  it('1: blocks of one disk', async () => {
    expect(await fixture.copy(named(EXAMPLES.diskToDisk, ['db']))).toBe('good');
    const content = await fixture.content('db');
    expect(isCopied(random, [0x100 * 512, 16 * 512], content, 0x2000 * 512)).toBe(true);
    expect(content.subarray(0x2010 * 512).every((byte) => byte === 0)).toBe(true);
    expect(await fixture.results('00')).toBe('000000080100010100000008');
  });

  it('5: residual data over two segments, 512 to 4096 bytes', async () => {
    expect(await fixture.copy(named(EXAMPLES.residualData, ['db', 'db2']))).toBe('good');
    const content = await fixture.content('db2');
    expect(isCopied(random, [0, 8192], content, 0)).toBe(true);
    expect(content.subarray(8192).every((byte) => byte === 0)).toBe(true);
  });

  it('5: without CAT the residue is an error, and the block is written', async () => {
    const example = named(EXAMPLES.residualData, ['db', 'db2']);
    example[0x51] = 0;
    // Nothing was left to be written: the residual is valid, and 0.
    const expected = `f0${sense('0a', '260a').slice(2)}`;
    expect(await fixture.copy(example)).toBe(expected);
    expect(isCopied(random, [0, 4096], await fixture.content('db2'), 0)).toBe(true);
  });

  it('7: a truncated list copies nothing', async () => {
    expect(await fixture.copy(named(EXAMPLES.truncated, ['db']))).toBe(sense('05', '1a00'));
    expect(fixture.array.jobs()).toEqual([]);
  });

  it('8: the first segment is carried out, the second names no target', async () => {
    const example = named(EXAMPLES.badIndex, ['db', 'db2']);
    const failed = sense('0a', '0804', 'a00006', '0001');
    expect(await fixture.copy(example)).toBe(failed);
    const content = await fixture.content('db2');
    expect(isCopied(random, [0, 8 * 512], content, 0)).toBe(true);
    expect(content.subarray(8 * 512).every((byte) => byte === 0)).toBe(true);
    const details = `0000004a${'00'.repeat(52)}02000012${failed}`;
    expect(await fixture.results('04', { id: '28' })).toBe(details);
  });
});

describe('a copy', () => {
  it('is a job that tells what RECEIVE COPY RESULTS would', async () => {
    await fixture.copy(list(blocks([0, 1], [0, 0], 8)));
    const [job] = fixture.array.jobs();
    expect(job).toMatchObject({ kind: 'ecopy', state: 'done', message: 'wrote 4K in 1 segments' });
    expect(job).toMatchObject({ subject: 'list 1 of local at CL1-A', done: 4096, total: 4096 });
    expect(job?.report?.().slice(0, 3)).toEqual([
      'segments in the list: 1',
      'copy status: the copy is done, segments processed: 1, bytes written: 4096',
      'failed segment details: no segment failed',
    ]);
  });

  it('inside a pool shares blocks', async () => {
    await fixture.drive(fixture.array.sync());
    const stored = () => fixture.array.pools().map(({ storedBlocks }) => storedBlocks);
    const before = stored();
    expect(await fixture.copy(list(blocks([0, 1], [0, 1024], 2048)))).toBe('good');
    await fixture.drive(fixture.array.sync());
    expect(stored()).toEqual(before);
    expect(isCopied(random, [0, MIB], await fixture.content('db2'), 512 * KIB)).toBe(true);
  });

  it.each([
    ['across pools', 2, [0, 0]],
    ['at another place in the block', 1, [3, 8]],
    ['at the same place in the block', 1, [5, 69]],
  ] as const)('%s copies the bytes', async (_what, target, [from, to]) => {
    expect(await fixture.copy(list(blocks([0, target], [from, to], 1500)))).toBe('good');
    const content = await fixture.content(target === 1 ? 'db2' : 'far');
    expect(isCopied(random, [from * 512, 1500 * 512], content, to * 512)).toBe(true);
    const outside = [content.subarray(0, to * 512), content.subarray((to + 1500) * 512)];
    expect(outside.every((part) => part.every((byte) => byte === 0))).toBe(true);
  });

  it('of holes makes holes of what was there', async () => {
    await fixture.write('far', 0, new Uint8Array(3 * MIB).fill(7));
    expect(await fixture.copy(list(blocks([0, 2], [2048, 0], 4096)))).toBe('good');
    await fixture.drive(fixture.array.sync());
    expect((await fixture.content('far')).subarray(0, 2 * MIB).every((byte) => byte === 0)).toBe(
      true,
    );
    expect(fixture.array.volume('far').allocatedBytes).toBe(MIB);
  });

  it('takes the source as of its acceptance', async () => {
    const sent = fixture.send(list(blocks([0, 1], [0, 0], 2048), blocks([0, 2], [0, 0], 2048)));
    await fixture.write('db', 0, new Uint8Array(MIB).fill(9));
    expect((await fixture.drive(sent)).status).toBe(0);
    expect(isCopied(random, [0, MIB], await fixture.content('db2'), 0)).toBe(true);
    expect(isCopied(random, [0, MIB], await fixture.content('far'), 0)).toBe(true);
    expect(fixture.frozen()).toBe(0);
  });

  it('sees in later segments what earlier ones wrote, and overlaps rightly', async () => {
    const segments = [blocks([0, 1], [0, 100], 64), blocks([1, 1], [100, 132], 64)];
    expect(await fixture.copy(list(...segments, blocks([1, 0], [100, 1], 96)))).toBe('good');
    const expected = Buffer.concat([random.subarray(0, 32 * 512), random.subarray(0, 64 * 512)]);
    expect(isCopied(expected, [0, expected.length], await fixture.content('db2'), 51_200)).toBe(
      true,
    );
    expect(isCopied(expected, [0, expected.length], await fixture.content('db'), 512)).toBe(true);
  });

  it.each([
    ['its source', blocks([0, 1], [16_380, 0], 8), '0c', '1200'],
    ['its destination', blocks([0, 1], [0, 16_380], 8), '14', '0012'],
    ['any volume', blocks([0, 1], [0, 2 ** 48], 8), '14', '0012'],
  ])('past the end of %s moves nothing', async (_what, segment, pointer, places) => {
    const own = sense('05', '2100');
    const expected = sense('0a', '0000', `a000${pointer}`).replace(
      /^(.{14}).{6}/,
      `$1${(0x0a + 19).toString(16).padStart(2, '0')}${places}`,
    );
    expect(await fixture.copy(list(segment))).toBe(`${expected}02${own}`);
    expect((await fixture.content('db2')).every((byte) => byte === 0)).toBe(true);
  });

  it('ends between two steps when it is cancelled', async () => {
    const sent = fixture.send(list(blocks([0, 2], [0, 0], 2048), blocks([0, 2], [0, 2048], 2048)));
    await fixture.drive(fixture.array.cancelJob(1));
    expect(hexOf((await fixture.drive(sent)).sense).slice(4, 6)).toBe('0a');
    expect(fixture.array.job(1)).toMatchObject({ state: 'cancelled' });
    expect(fixture.frozen()).toBe(0);
  });

  it('that the mount ends has failed, and nothing is left of it', async () => {
    const sent = fixture.send(list(blocks([0, 2], [0, 0], 2048)));
    await fixture.pools.stop();
    expect((await sent).status).toBe(2);
    await fixture.pools.mount();
    fixture.begin();
    expect(fixture.array.job(1)).toMatchObject({ state: 'failed' });
    expect([fixture.frozen(), await fixture.pools.findings()]).toEqual([0, []]);
  });

  it('that a crash ends has failed, and nothing is left of it', async () => {
    void fixture.send(list(blocks([0, 2], [0, 0], 2048)));
    await fixture.drive(fixture.array.sync());
    await fixture.pools.kill();
    fixture.begin();
    expect(fixture.array.job(1)).toMatchObject({ state: 'failed' });
    await fixture.drive(fixture.array.sync());
    expect([fixture.frozen(), await fixture.pools.findings()]).toEqual([0, []]);
  });

  it('keeps its source from being deleted', async () => {
    const sent = fixture.send(list(blocks([0, 2], [0, 0], 2048)));
    const refused = fixture.pools.refusal(() =>
      fixture.array.deleteVolume('db', { snapshots: true }),
    );
    expect(await refused).toBe('EBUSY');
    expect((await fixture.drive(sent)).status).toBe(0);
    await fixture.drive(fixture.array.deleteVolume('db', { snapshots: true }));
  });
});

describe('list identifiers', () => {
  const segment = blocks([0, 1], [0, 0], 8);
  const withId = (flags: string, segments: readonly string[] = [segment]) =>
    listOf({ flags, targets: SYSTEM.targets, segments });
  const IN_PROGRESS = sense('05', '0016');

  it('in use are refused to the same host at the same port alone', async () => {
    fixture.san = { ...fixture.san };
    const running = fixture.send(withId('0700', [blocks([0, 2], [0, 0], 2048)]));
    expect(hexOf((await fixture.send(withId('0700'))).sense)).toBe(IN_PROGRESS);
    expect(fixture.array.jobs()).toHaveLength(1);
    const status = await fixture.results('00', { id: '07' });
    expect(status.slice(0, 14)).toBe('00000008000001');
    expect(await fixture.results('01', { id: '07' })).toBe('status 2');
    expect(await fixture.copy(withId('0700'), { ...NEXUS, port: 'CL2-B' })).toBe('good');
    expect(await fixture.copy(withId('0800'))).toBe('good');
    expect((await fixture.drive(running)).status).toBe(0);
    expect(await fixture.copy(withId('0700'))).toBe('good');
  });

  it('are not needed, and several copies may have none', async () => {
    const running = fixture.send(withId('0018'));
    expect(await fixture.copy(withId('0018'))).toBe('good');
    expect((await fixture.drive(running)).status).toBe(0);
    expect(await fixture.results('00', { id: '00' })).toBe('status 2');
    expect(fixture.array.job(1).subject).toBe('list without identifier of local at CL1-A');
  });

  it('lead to results until they are fetched whole', async () => {
    await fixture.copy(withId('0100'));
    expect(await fixture.results('00', { bytes: '4' })).toBe('00000008');
    expect(await fixture.results('00')).toBe('000000080100010100000004');
    expect(await fixture.results('00')).toBe('status 2');
    expect(await fixture.results('04')).toBe('00000000');
    expect(await fixture.results('01', { bytes: '0' })).toBe('');
    expect(await fixture.results('01')).toBe('status 2');
    expect(fixture.array.job(1).report?.()).toContain('segments in the list: 1');
  });

  it('lead to the held data of the segments that ask for it', async () => {
    const held = patched(blocks([0, 1], [8, 0], 2), 0, '0d');
    await fixture.copy(withId('0100', [segment, held]));
    const data = hexOf(random.subarray(8 * 512, 10 * 512));
    expect(await fixture.results('01')).toBe(`00000400${data}`);
    await fixture.copy(withId('0110', [held]));
    expect(await fixture.results('01')).toBe('status 2');
    // HDD: it was not held.
    expect((await fixture.results('00')).slice(8, 10)).toBe('81');
  });

  it('are forgotten, the oldest first, when there are too many', async () => {
    for (let copy = 0; copy <= COPY_RESULTS_MAX; copy += 1) {
      expect(await fixture.copy(withId(`${copy.toString(16).padStart(2, '0')}00`))).toBe('good');
    }
    expect(await fixture.results('00', { id: '00' })).toBe('status 2');
    expect(await fixture.results('00', { id: '01' })).toMatch(/^0000000801/);
  });
});

describe('what a host may name', () => {
  const ABSENT = sense('0a', '0d02', '800030');
  const copyFrom = async (target: string) => {
    const targets = [SYSTEM.targets[1] ?? '', target];
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
    expect(isCopied(random, [0, 4096], await fixture.content('db2'), 0)).toBe(true);
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
    const targets = SYSTEM.targets;
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
    const targets = [SYSTEM.targets[0] ?? '', `e4200000 ${'00'.repeat(24)} 00000200`];
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
    const list1 = list(blocks([0, 1], [0, 0], 8));
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
    SYSTEM.targets.push(fixture.descriptor('db2@old'));
    const result = await fixture.copy(list(blocks([0, 3], [0, 0], 8)));
    // THIRD PARTY DEVICE FAILURE of the destination: WRITE PROTECTED.
    expect(result.slice(0, 36)).toBe('70000a000000001d0012' + '0000' + '0d0100800070');
    expect(result.slice(36)).toBe(`02${sense('07', '2700')}`);
    expect(await fixture.copy(list(blocks([3, 0], [0, 0], 8)))).toBe('good');
  });

  it('is a reserved volume, and says what it had still to write', async () => {
    await fixture.drive(fixture.array.reserveVolumes(['db2']));
    expect((await fixture.copy(list(blocks([0, 1], [0, 0], 8)))).slice(24, 28)).toBe('0d01');
  });

  it('knows no reservation keys', async () => {
    const register = `14000018 0000 0001 ${'00'.repeat(20)}`;
    expect((await fixture.copy(list(register))).slice(-36)).toBe(sense('05', '2000'));
  });

  it('is not ready without a sector', async () => {
    await fixture.drive(fixture.array.createVolume({ name: 'empty', sizeBytes: 0 }));
    fixture.map('empty', 'local');
    SYSTEM.targets.push(fixture.descriptor('empty'));
    const verify = (target: string, ready: string) => `07000008 ${target} 0000 ${ready}000000`;
    expect(await fixture.copy(list(verify('0000', '01'), verify('0003', '00')))).toBe('good');
    const refused = await fixture.copy(list(verify('0000', '01'), verify('0003', '01')));
    expect([refused.slice(20, 28), refused.slice(-36)]).toEqual(['00010d01', sense('02', '0403')]);
  });
});
