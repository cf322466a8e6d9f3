/** Parameter lists with tapes and disks: the worked examples, residues, marks, and what devices answer. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { SimhTape } from '../../src/device/simh-tape.js';
import { deviceWwn } from '../../src/san/port-id.js';
import { listOf, patched, sense } from '../ecopy/list-builder.js';
import { bytesOf, EXAMPLES, hexOf } from '../ecopy/worked-examples.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { blocks, CONTENT, CopyFixture, NEXUS } from './copy-fixture.js';

const KIB = 1024;
const MIB = KIB * KIB;
let fixture: CopyFixture;
let tapes: string;
let disk: string;

afterAll(cleanScratch);

beforeEach(async () => {
  fixture = await CopyFixture.openWritten();
  tapes = fixture.addTape({ cartridgeBytes: MIB });
  disk = fixture.addDisk(Buffer.alloc(MIB, 7));
});

/** E0h with the name of a device. */
function deviceDescriptor(number: number, type: string, parameters: string, lun = 0): string {
  const wwn = deviceWwn(fixture.array.identity.serial, number);
  return `e0${type}0000 00${lun.toString(16).padStart(2, '0')}000000000000 ${wwn} ${'00'.repeat(8)} ${parameters}`;
}
const tape = (parameters = '00000000', lun = 0) => deviceDescriptor(1, '01', parameters, lun);

/** Objects on a cartridge: records as bytes, marks as `mark`. */
function objects(name = 'AFS001'): (Buffer | 'mark')[] {
  const medium = SimhTape.open(join(tapes, `${name}.tap`), 'read');
  const found: (Buffer | 'mark')[] = [];
  for (;;) {
    const reading = medium.read();
    if (reading.kind === 'end-of-medium') break;
    found.push(reading.kind === 'record' ? Buffer.from(reading.data) : 'mark');
  }
  medium.close();
  return found;
}

/** A cartridge with these records and marks. */
function record(name: string, all: readonly (Uint8Array | 'mark')[]): void {
  const medium = SimhTape.open(join(tapes, `${name}.tap`), 'write', MIB);
  for (const each of all) {
    if (each === 'mark') medium.writeMarks(1);
    else medium.writeRecord(each);
  }
  medium.close();
}

const sizes = (all: readonly (Buffer | 'mark')[]) =>
  all.map((each) => (each === 'mark' ? each : each.length));

/** Replaces descriptors of an example. */
function withTargets(example: Uint8Array, targets: readonly string[], at = 16): Buffer {
  const list = Buffer.from(example);
  for (const [index, target] of targets.entries()) list.set(bytesOf(target), at + index * 32);
  return list;
}

describe('the worked examples with tapes', () => {
  it('2: a block of a disk becomes a record of variable length', async () => {
    const list = withTargets(EXAMPLES.diskToTape, [fixture.descriptor('db'), tape()]);
    // LBA 12345678h is beyond these volumes.
    list.writeBigUInt64BE(64n, list.length - 8);
    expect(await fixture.copy(list)).toBe('good');
    expect(objects()).toEqual([CONTENT.subarray(64 * 512, 192 * 512)]);
    expect(await fixture.results('00', { id: '22' })).toBe('000000080100010100000040');
  });

  it('3: fixed blocks of a tape go to a disk', async () => {
    const parts = [0, 1, 2, 3].map((part) =>
      CONTENT.subarray(part * 32 * KIB, (part + 1) * 32 * KIB),
    );
    record('AFS001', parts);
    const list = withTargets(EXAMPLES.tapeToDisk, [tape('01008000'), fixture.descriptor('far')]);
    list.writeBigUInt64BE(3n, list.length - 8);
    expect(await fixture.copy(list)).toBe('good');
    const content = await fixture.content('far');
    expect(content.subarray(1536, 1536 + 128 * KIB).equals(CONTENT.subarray(0, 128 * KIB))).toBe(
      true,
    );
  });

  it('4: a label, a mark, data and two marks', async () => {
    const targets = [fixture.descriptor('db'), tape()];
    expect(await fixture.copy(withTargets(EXAMPLES.labelledTape, targets))).toBe('good');
    const label = Buffer.from(EXAMPLES.labelledTape.subarray(0x94, 0xe4));
    expect(objects()).toEqual([label, 'mark', CONTENT.subarray(0, 64 * KIB), 'mark', 'mark']);
    expect(label.toString()).toMatch(/^VOL1AFS001/);
  });

  it('6: the Legato form, records of 16 KiB', async () => {
    const list = withTargets(EXAMPLES.legato, [fixture.descriptor('db'), tape()], 12);
    expect(await fixture.copy(list)).toBe('good');
    expect(objects()).toEqual([CONTENT.subarray(64 * 512, 96 * 512)]);
  });
});

describe('segments with tapes', () => {
  const send = (targets: readonly string[], ...segments: string[]) =>
    fixture.copy(listOf({ flags: '0100', targets, segments }));
  const toTape = '00000014 0000 0001 00 004000 0000 0040 0000000000000000';
  const marks = (count: string) => `10000008 0000 0001 00 ${count}`;
  const fromTape = (transfer: string, count: string) =>
    `01000014 0001 0000 00 ${transfer} 0000 ${count} 0000000000000800`;

  it('position, mark and write where they say', async () => {
    const targets = () => [fixture.descriptor('db'), tape()];
    expect(await send(targets(), toTape, marks('000002'))).toBe('good');
    expect(sizes(objects())).toEqual([16 * KIB, 16 * KIB, 'mark', 'mark']);
    const toEnd = '11000008 0000 0001 03 000000';
    const backOverMark = '11000008 0000 0001 01 ffffff';
    expect(await send(targets(), toEnd, backOverMark, toTape)).toBe('good');
    expect(sizes(objects())).toEqual([16 * KIB, 16 * KIB, 'mark', 16 * KIB, 16 * KIB]);
    const locate = '12000008 0000 0001 00000001';
    expect(await send(targets(), locate, marks('000001'))).toBe('good');
    expect(sizes(objects())).toEqual([16 * KIB, 'mark']);
  });

  it('read records that are shorter than the transfer', async () => {
    record('AFS001', [CONTENT.subarray(0, 1000), CONTENT.subarray(1000, 4096), 'mark']);
    const targets = [fixture.descriptor('far'), tape()];
    expect(await send(targets, fromTape('004000', '0008'))).toBe('good');
    const content = await fixture.content('far');
    expect(content.subarray(MIB, MIB + 4096).equals(CONTENT.subarray(0, 4096))).toBe(true);
  });

  it.each([
    ['a mark', '004000', '0009', '0d01', /f?0208?.*/, '80'],
    ['a record that is too long', '000200', '0008', '0d05', /./, '05'],
  ])('fail at %s', async (_what, transfer, count, codes, _rest, byte2) => {
    record('AFS001', [CONTENT.subarray(0, 4096), 'mark', CONTENT.subarray(0, 4096)]);
    const refused = await send([fixture.descriptor('far'), tape()], fromTape(transfer, count));
    expect([refused.slice(4, 6), refused.slice(24, 28)]).toEqual(['0a', codes]);
    // The tape's own sense: behind its status.
    expect(refused.slice(36, 38)).toBe('02');
    expect(refused.slice(42, 44)).toBe(byte2);
  });

  it('end at the end of a tape, and say what is not on it', async () => {
    // 32 records of 64 KiB, of which 15 fit.
    const segment = '00000014 0000 0001 00 010000 0000 1000 0000000000000000';
    const refused = await send([fixture.descriptor('db'), tape()], segment);
    expect(refused.slice(0, 28)).toBe('f0000a00000011'.concat(refused.slice(14, 24), '0d01'));
    // The tape's own: VOLUME OVERFLOW, END-OF-PARTITION/MEDIUM DETECTED.
    expect(refused.slice(36)).toBe(`02${sense('0d', '0002')}`);
    expect(sizes(objects())).toEqual(Array.from({ length: 15 }, () => 64 * KIB));
    expect(await fixture.results('00')).toBe('0000000802000101000003c0');
  });

  it('copy a tape as it is, up to two marks', async () => {
    const all = [
      CONTENT.subarray(0, 80),
      'mark',
      CONTENT.subarray(0, 999),
      CONTENT.subarray(0, 65_536),
      'mark',
      'mark',
    ] as const;
    record('AFS001', [...all, CONTENT.subarray(0, 80)]);
    const targets = [tape(), tape('00000000', 2)];
    expect(await send(targets, '13000008 0000 0001 00000002')).toBe('good');
    expect(sizes(objects('AFS002'))).toEqual(
      sizes(all.map((each) => (each === 'mark' ? each : Buffer.from(each)))),
    );
    expect(await send(targets, '13000008 0000 0001 00000000')).toBe('good');
    expect(sizes(objects('AFS002'))).toEqual([...sizes(objects('AFS001'))]);
  });

  it('move streams, discard and hold', async () => {
    record('AFS001', [
      CONTENT.subarray(0, 1024),
      CONTENT.subarray(1024, 2048),
      CONTENT.subarray(2048, 3072),
    ]);
    const targets = [tape(), tape('00000000', 3)];
    const discard = '0600000c 0000 0000 00 000400 00000400';
    const stream = '0e000010 0000 0001 00 000400 00 000200 00000800';
    expect(await send(targets, discard, stream)).toBe('good');
    expect(objects('AFS003')).toEqual(
      [2, 3, 4, 5].map((part) => CONTENT.subarray(part * 512, (part + 1) * 512)),
    );
    expect(await fixture.results('01')).toBe(`00000800${hexOf(CONTENT.subarray(1024, 3072))}`);
  });

  it('write embedded data, padded', async () => {
    const targets = [fixture.descriptor('db'), tape('05000010')];
    const embedded = '05000010 0000 0001 00 000001 0003 0000 41424300';
    expect(await send(targets, embedded)).toBe('good');
    expect(objects()).toEqual([Buffer.from('ABC'.padEnd(16, '\0'))]);
  });

  it('verify that a tape is there', async () => {
    expect(await send([tape(), tape('00000000', 9)], '07000008 0000 0000 01000000')).toBe('good');
    const absent = await send([tape(), tape('00000000', 9)], '07000008 0001 0000 01000000');
    expect([absent.slice(24, 28), absent.slice(-36)]).toEqual(['0d01', sense('02', '3a00')]);
  });

  it('do not reach a device outside the zones of the group', async () => {
    const group = {
      number: 1,
      name: 'g',
      targets: ['CL1-A'] as const,
      initiators: ['CL1-D'] as const,
    };
    const zone = fixture.san.ports.map((port) =>
      port.id === 'CL1-D' ? { ...port, devices: [] } : port,
    );
    fixture.san = { ...fixture.san, groups: [group], ports: zone };
    expect(await send([fixture.descriptor('db'), tape()], toTape)).toBe(
      sense('0a', '0d02', '800030'),
    );
    expect(
      await fixture.copy(
        listOf({ flags: '0100', targets: [fixture.descriptor('db'), tape()], segments: [toTape] }),
        { ...NEXUS, port: 'CL1-B' },
      ),
    ).toBe('good');
  });

  it('are refused where a disk is called a tape, and the other way round', async () => {
    const named = deviceDescriptor(2, '01', '00000000');
    expect(await send([fixture.descriptor('db'), named], toTape)).toBe(
      sense('0a', '0d03', '800030'),
    );
    const called = deviceDescriptor(1, '00', '00000200');
    expect(await send([fixture.descriptor('db'), called], blocks([0, 1], [0, 0], 1))).toBe(
      sense('0a', '0d03', '800030'),
    );
  });
});

describe('segments with a disk', () => {
  it('write the blocks they name, and read them', async () => {
    // PAD: what is read and not wanted is dropped.
    const targets = [
      fixture.descriptor('db', 512, 4),
      deviceDescriptor(2, '00', '00000200'),
      fixture.descriptor('far'),
    ];
    const offset = `0a00001c 0000 0001 00000005 ${'00'.repeat(8)} 0000000000000020 0003 0001`;
    const segments = [blocks([0, 1], [4, 8], 6), offset, blocks([1, 2], [7, 0], 8)];
    expect(await fixture.copy(listOf({ flags: '0100', targets, segments }))).toBe('good');
    const expected = Buffer.alloc(MIB, 7);
    expected.set(CONTENT.subarray(4 * 512, 10 * 512), 8 * 512);
    expected.set(CONTENT.subarray(3, 8), 32 * 512 + 1);
    expect(readFileSync(disk).equals(expected)).toBe(true);
    expect(
      (await fixture.content('far')).subarray(0, 4096).equals(expected.subarray(7 * 512, 15 * 512)),
    ).toBe(true);
  });

  it('past its end move nothing', async () => {
    const targets = [fixture.descriptor('db'), deviceDescriptor(2, '00', '00000200')];
    const list = listOf({ targets, segments: [patched(blocks([0, 1], [0, 2047], 2), 0, '02')] });
    expect((await fixture.copy(list)).slice(24, 28)).toBe('0000');
    expect(readFileSync(disk).equals(Buffer.alloc(MIB, 7))).toBe(true);
  });
});
