/** Blocks that a list moves over themselves, within one medium of a device. */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { deviceWwn } from '../../src/san/port-id.js';
import { listOf, patched, sense } from '../ecopy/list-builder.js';
import { RandomSource } from '../support/random-source.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { blocks, CopyFixture } from './copy-fixture.js';

const MIB = 2 ** 20;
let fixture: CopyFixture;
let disk: string;

afterAll(cleanScratch);

beforeEach(async () => {
  fixture = await CopyFixture.openWritten();
  disk = fixture.addDisk(Buffer.alloc(MIB, 7));
});

/** E0h with the name of the disk; the end are its parameters. */
function descriptor(parameters: string): string {
  const wwn = deviceWwn(fixture.array.identity.serial, 1);
  return `e0000000 ${'00'.repeat(8)} ${wwn} ${'00'.repeat(8)} ${parameters}`;
}

describe('blocks of a disk', () => {
  it.each([
    ['forward', 3, 5],
    ['backward', 5, 3],
    ['forward, a part of a sector', 3, 3],
  ])('are moved %s, over themselves, more than is read at a time', async (_what, from, to) => {
    const before = Buffer.from(new RandomSource(11).bytes(3 * MIB));
    writeFileSync(disk, before);
    const target = descriptor('00000200');
    const u64 = (value: number) => value.toString(16).padStart(16, '0');
    // 2.5 MiB and some bytes, and 7 bytes further on the destination where both begin in one sector.
    const bytes = 2.5 * MIB + 9;
    const offset = from === to ? 7 : 0;
    const segment = `0a00001c 0000 0000 ${bytes.toString(16).padStart(8, '0')} ${u64(from)}${u64(to)} 0000 000${offset}`;
    // PAD: what is read and not wanted is dropped.
    const pad = patched(target, 28, '04');
    expect(await fixture.copy(listOf({ flags: '0100', targets: [pad], segments: [segment] }))).toBe(
      'good',
    );
    const expected = Buffer.from(before);
    expected.set(before.subarray(from * 512, from * 512 + bytes), to * 512 + offset);
    expect(readFileSync(disk).equals(expected)).toBe(true);
  });

  it('are not moved over themselves where they are too many, and then nothing is', async () => {
    const target = descriptor('00010000');
    truncateSync(disk, 40 * MIB);
    const moved = (blockCount: number) =>
      fixture.copy(listOf({ targets: [target], segments: [blocks([0, 0], [0, 1], blockCount)] }));
    expect(await moved(513)).toBe(sense('0a', '2600', 'a00014'));
    expect(readFileSync(disk).subarray(0, MIB).equals(Buffer.alloc(MIB, 7))).toBe(true);
    expect(await moved(512)).toBe('good');
  });
});
