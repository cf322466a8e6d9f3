/** What a pair has read to copy it, kept for a backup that follows. */
import { beforeEach, describe, expect, it } from 'vitest';
import { CopiedBlocks } from '../../src/array/copied-blocks.js';
import type { Snapshot } from '../../src/array/copies.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';

// Only which one it is matters.
const INSTANT = { number: 7 } as Snapshot;
let blocks: CopiedBlocks;

/** Bytes that tell their block. */
function content(block: number, count: number): Uint8Array {
  return Uint8Array.from({ length: count * BLOCK_BYTES }, (_byte, index) => {
    return (block + Math.floor(index / BLOCK_BYTES)) % 256;
  });
}

beforeEach(() => {
  blocks = new CopiedBlocks(INSTANT);
});

function take(offset: number, length: number): string {
  const target = new Uint8Array(length).fill(99);
  const isTaken = blocks.take(offset, target);
  return `${isTaken} ${target[0]} ${target.at(-1)}`;
}

describe('blocks of a copy', () => {
  it('are given where all of a range is there, also inside blocks', () => {
    blocks.read(INSTANT, 4, content(4, 3));
    expect(take(4 * BLOCK_BYTES + 512, BLOCK_BYTES)).toBe('true 4 5');
    expect(take(6 * BLOCK_BYTES, BLOCK_BYTES)).toBe('true 6 6');
    expect(blocks.sharedBytes).toBe(2 * BLOCK_BYTES);
  });

  it('are not given where one is missing, nor when what follows was asked for', () => {
    blocks.read(INSTANT, 4, content(4, 1));
    blocks.read(INSTANT, 6, content(6, 1));
    expect(take(4 * BLOCK_BYTES, 3 * BLOCK_BYTES)).toBe('false 99 99');
    expect(take(4 * BLOCK_BYTES, BLOCK_BYTES)).toBe('false 99 99');
    expect(blocks.sharedBytes).toBe(0);
  });

  it('stay as they were read, whatever becomes of the memory they were read into', () => {
    const data = content(4, 2);
    blocks.read(INSTANT, 4, data);
    data.fill(99);
    expect(take(4 * BLOCK_BYTES, 2 * BLOCK_BYTES)).toBe('true 4 5');
  });

  it('of another instant are passed over', () => {
    blocks.read({ number: 8 } as Snapshot, 4, content(4, 1));
    expect(take(4 * BLOCK_BYTES, BLOCK_BYTES)).toBe('false 99 99');
  });

  it('are bounded: those that come first stay', () => {
    blocks.read(INSTANT, 0, content(0, 300));
    expect(take(255 * BLOCK_BYTES, BLOCK_BYTES)).toBe('true 255 255');
    expect(take(256 * BLOCK_BYTES, BLOCK_BYTES)).toBe('false 99 99');
    blocks.read(INSTANT, 300, content(300, 1));
    expect(take(300 * BLOCK_BYTES, BLOCK_BYTES)).toBe('true 44 44');
  });

  it('tell who waits of each track', () => {
    let told = 0;
    blocks.copied();
    blocks.whenCopied(() => {
      told += 1;
    });
    blocks.copied();
    expect(told).toBe(1);
  });
});
