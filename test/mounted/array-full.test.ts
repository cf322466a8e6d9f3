/** An array that is full: ENOSPC at the write, all else goes on, and nothing acknowledged is lost. */
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canMount, codeOf, MIB, MountedArray, writeWhole } from '../support/mounted-array.js';
import { cleanScratch } from '../support/scratch-directory.js';

const PIECE = MIB;

describe.skipIf(!canMount)('a full array', () => {
  let array: MountedArray;
  /** Pieces of the volume `full` that were acknowledged. */
  let pieces = 0;

  const pieceNumber = (number: number) => Buffer.alloc(PIECE, number + 1);

  /** Writes pieces until a write fails; its errno. */
  function fillUp(): string | undefined {
    const file = openSync(array.volume('full'), 'r+');
    const code = codeOf(() => {
      for (;;) {
        writeWhole(file, pieceNumber(pieces), pieces * PIECE);
        pieces += 1;
      }
    });
    fsyncSync(file);
    closeSync(file);
    return code;
  }

  function expectAllThere(): void {
    const image = readFileSync(array.volume('full'));
    for (let piece = 0; piece < pieces; piece += 1) {
      const found = image.subarray(piece * PIECE, (piece + 1) * PIECE);
      expect(found.equals(pieceNumber(piece)), `piece ${piece}`).toBe(true);
    }
  }

  beforeAll(() => {
    array = MountedArray.create({ capacity: '32M' });
    array.ok('create', 'full 1G');
    array.ok('create', 'spare 4M');
    const spare = openSync(array.volume('spare'), 'r+');
    writeSync(spare, Buffer.alloc(4 * MIB, 0xee), 0, 4 * MIB, 0);
    closeSync(spare);
  });
  afterAll(cleanScratch);

  it('fails the write that does not fit with ENOSPC', () => {
    expect(fillUp()).toBe('ENOSPC');
    expect(pieces).toBeGreaterThan(10);
    const { usedBytes, capacityBytes } = array.pool();
    expect(usedBytes).toBeLessThanOrEqual(capacityBytes);
  });

  it('is read as ever', () => {
    expectAllThere();
    expect(readFileSync(array.volume('spare')).every((byte) => byte === 0xee)).toBe(true);
  });

  it('still takes snapshots, labels and new empty volumes', () => {
    array.ok('snapshot', 'spare name=s');
    array.ok('label', 'spare text=full');
    array.ok('create', 'empty 1G');
    array.ok('delete', 'empty');
    array.ok('delete', 'spare@s');
  });

  it('takes writes again after a deletion', async () => {
    const before = pieces;
    array.ok('delete', 'spare');
    await array.reclaimed();
    expect(fillUp()).toBe('ENOSPC');
    expect(pieces).toBeGreaterThan(before);
    expectAllThere();
  });

  it('has lost nothing after kill -9, and is full again', async () => {
    await array.kill();
    array.mountAgain();
    expectAllThere();
    const before = pieces;
    expect(fillUp()).toBe('ENOSPC');
    expect(pieces).toBeLessThanOrEqual(before + 1);
  });

  it('is clean', async () => {
    await array.umount();
    expect(array.findings()).toBeUndefined();
  });
});
