/** The slot file on a real disk, and what is staged before it. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { createSlotFile, SLOT_FILE, SlotFile } from '../../src/store/slot-file.js';
import { SlotStaging } from '../../src/store/slot-staging.js';

const block = (byte: number) => new Uint8Array(BLOCK_BYTES).fill(byte);
/** First and last byte of a block, as read. */
const ends = (content: Uint8Array | undefined) => content && [content[0], content[BLOCK_BYTES - 1]];

let directory = '';
let file: SlotFile;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'arrayfs-slots-'));
  createSlotFile(directory);
  file = new SlotFile(directory, 'r+');
});
afterEach(() => {
  file.close();
  rmSync(directory, { recursive: true });
});

describe('SlotFile', () => {
  it('is made empty and readable by its owner alone', () => {
    const { size, mode } = statSync(join(directory, SLOT_FILE));
    expect([size, mode & 0o777, file.slotCount()]).toEqual([0, 0o600, 0]);
  });

  it('holds slot n at byte n x 16 KiB', () => {
    file.write(2, Buffer.concat([block(7), block(8)]));
    expect([file.slotCount(), statSync(join(directory, SLOT_FILE)).size]).toEqual([
      4,
      4 * BLOCK_BYTES,
    ]);
    expect([ends(file.read(0)), ends(file.read(2)), ends(file.read(3))]).toEqual([
      [0, 0],
      [7, 7],
      [8, 8],
    ]);
  });

  it('reads nothing past its end, nor half a slot', () => {
    file.write(0, block(1).subarray(0, BLOCK_BYTES / 2));
    expect([file.read(0), file.read(1), file.slotCount()]).toEqual([undefined, undefined, 0]);
  });

  it('is cut to a number of slots', () => {
    file.write(0, Buffer.concat([block(1), block(2), block(3)]));
    file.truncate(1);
    expect([file.slotCount(), ends(file.read(0)), file.read(1)]).toEqual([1, [1, 1], undefined]);
  });

  it('does not count holes as taken on the disk', () => {
    file.write(1_000, block(1));
    file.sync();
    expect(file.diskBytes()).toBeGreaterThanOrEqual(BLOCK_BYTES);
    expect(file.diskBytes()).toBeLessThan(100 * BLOCK_BYTES);
  });

  it('fetches any slots, also past its end', async () => {
    file.write(0, block(1));
    await file.fetch(0, 200);
    await file.fetch(5_000, 1);
    expect(ends(file.read(0))).toEqual([1, 1]);
  });

  it('says which file is missing', () => {
    expect(() => new SlotFile(join(directory, 'none'), 'r')).toThrow(/^EIO: .*blocks\.dat/);
  });
});

describe('SlotStaging', () => {
  it('writes what is consecutive at once, when something else comes or it is full', () => {
    const writes: [number, number][] = [];
    const write = file.write.bind(file);
    file.write = (slot, content) => {
      writes.push([slot, content.length / BLOCK_BYTES]);
      write(slot, content);
    };
    const staging = new SlotStaging(file);
    for (const slot of [4, 5, 6, 9, 8]) staging.add(slot, block(slot));
    for (let slot = 20; slot < 150; slot += 1) staging.add(slot, block(slot));
    staging.flush();
    staging.flush();
    expect(writes).toEqual([
      [4, 3],
      [9, 1],
      [8, 1],
      [20, 128],
      [148, 2],
    ]);
    expect([4, 6, 8, 9, 83, 89].map((slot) => ends(file.read(slot))?.[0])).toEqual([
      ...[4, 6, 8, 9, 83, 89],
    ]);
  });

  it('can be read before it is in the file, and not after it was dropped', () => {
    const staging = new SlotStaging(file);
    const content = block(3);
    staging.add(7, block(2));
    staging.add(8, content);
    content.fill(9);
    expect([ends(staging.read(7)), ends(staging.read(8)), staging.read(9)]).toEqual([
      [2, 2],
      [3, 3],
      undefined,
    ]);
    staging.drop();
    staging.flush();
    expect([staging.read(7), file.slotCount()]).toEqual([undefined, 0]);
  });

  it('keeps what could not be written, and writes it then', () => {
    const staging = new SlotStaging(file);
    const write = file.write.bind(file);
    file.write = () => {
      throw new Error('full');
    };
    staging.add(0, block(1));
    expect(() => staging.flush()).toThrow('full');
    expect(() => staging.add(5, block(2))).toThrow('full');
    file.write = write;
    staging.flush();
    expect([ends(file.read(0)), file.slotCount()]).toEqual([[1, 1], 1]);
  });
});
