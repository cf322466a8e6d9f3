/** Memory of the cache: pages and blocks, fragmentation, and that `hasRoom` never lies. */
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES, PAGE_BYTES, PAGES_PER_BLOCK } from '../../src/base/sizes.js';
import { CacheMemory } from '../../src/volume/cache-memory.js';
import { CacheSlabs, type CacheSpan } from '../../src/volume/cache-slabs.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';

function newMemory(blocks: number): { memory: CacheMemory; slabs: SharedArrayBuffer[] } {
  const slabs: SharedArrayBuffer[] = [];
  const memory = new CacheMemory(new CacheSlabs(blocks * BLOCK_BYTES), (slab) => slabs.push(slab));
  return { memory, slabs };
}

const blocks = (count: number) => ({ blocks: count, pages: 0 });
const pages = (count: number) => ({ blocks: 0, pages: count });

describe('CacheMemory', () => {
  it('shares its slabs at once, and reuses what was released', () => {
    const { memory, slabs } = newMemory(300);
    expect([slabs.length, memory.limitBytes]).toEqual([2, 300 * BLOCK_BYTES]);
    const taken = Array.from({ length: 300 }, () => memory.takeBlock());
    expect(new Set(taken.map(({ page }) => page)).size).toBe(300);
    expect([slabs.length, memory.usedBytes]).toEqual([2, 300 * BLOCK_BYTES]);
    expect([memory.hasRoom(blocks(1)), memory.hasRoom(pages(1))]).toEqual([false, false]);
    expect(() => memory.takeBlock()).toThrow(/assertion failed/);
    expect(() => memory.takePage()).toThrow(/assertion failed/);
    memory.release(taken[7] as CacheSpan);
    expect(memory.takeBlock().page).toBe(taken[7]?.page);
    expect(slabs).toHaveLength(2);
  });

  it('numbers pages over all slabs, as the writer thread finds them', () => {
    const { memory, slabs } = newMemory(300);
    const perSlab = (slabs[0]?.byteLength ?? 256 * BLOCK_BYTES) / PAGE_BYTES;
    for (let count = 0; count < 300; count += 1) {
      const { page, bytes } = memory.takeBlock();
      const slab = slabs[Math.floor(page / perSlab)];
      expect([bytes.buffer, bytes.byteOffset]).toEqual([slab, (page % perSlab) * PAGE_BYTES]);
    }
  });

  it('gives four pages out of one block', () => {
    const { memory } = newMemory(2);
    const taken = Array.from({ length: 4 }, () => memory.takePage());
    const blockOf = ({ page }: CacheSpan) => Math.floor(page / PAGES_PER_BLOCK);
    expect(new Set(taken.map(blockOf)).size).toBe(1);
    expect(new Set(taken.map(({ page }) => page)).size).toBe(4);
    expect(taken.map(({ bytes }) => bytes.length)).toEqual(Array(4).fill(PAGE_BYTES));
    expect([memory.usedBytes, memory.hasRoom(blocks(1)), memory.hasRoom(blocks(2))]).toEqual([
      BLOCK_BYTES,
      true,
      false,
    ]);
  });

  it('has no room for a block in blocks that have one page each', () => {
    const { memory } = newMemory(3);
    const taken = Array.from({ length: 12 }, () => memory.takePage());
    for (const [index, span] of taken.entries()) if (index % 4 !== 0) memory.release(span);
    expect([
      memory.hasRoom(blocks(1)),
      memory.hasRoom(pages(9)),
      memory.hasRoom(pages(10)),
    ]).toEqual([false, true, false]);
    memory.release(taken[0] as CacheSpan);
    expect([memory.hasRoom(blocks(1)), memory.hasRoom(blocks(2))]).toEqual([true, false]);
  });

  it('counts what is asked for together', () => {
    const { memory } = newMemory(2);
    memory.takePage();
    expect([
      memory.hasRoom({ blocks: 1, pages: 3 }),
      memory.hasRoom({ blocks: 1, pages: 4 }),
      memory.hasRoom({ blocks: 0, pages: 7 }),
      memory.hasRoom({ blocks: 0, pages: 8 }),
    ]).toEqual([true, false, true, false]);
  });

  it('fills partly used blocks before it splits another one', () => {
    const { memory } = newMemory(4);
    const taken = Array.from({ length: 8 }, () => memory.takePage());
    memory.release(taken[1] as CacheSpan);
    memory.release(taken[6] as CacheSpan);
    const again = [memory.takePage(), memory.takePage()].map(({ page }) => page);
    expect(again.sort()).toEqual([taken[1]?.page, taken[6]?.page].sort());
  });

  it.each(Array.from({ length: repeat(30) }, (_, index) => 3_000 + index))(
    'gives all that it says it has, and nothing twice, seed %d',
    (seed) => {
      const random = new RandomSource(seed);
      const size = random.pick([1, 2, 7, 40, 300]);
      const { memory, slabs } = newMemory(size);
      const model = new Model(size);
      for (let turn = 0; turn < 600; turn += 1) {
        if (random.chance(0.45)) model.releaseSome(memory, random);
        else model.takeSome(memory, random);
        expect(memory.usedBytes).toBe(model.usedBytes);
      }
      model.expectContent();
      expect(slabs.length).toBeLessThanOrEqual(Math.ceil(size / 256));
    },
  );
});

/** What is taken, with a byte of its own in each span, and the pages that are in use. */
class Model {
  private readonly taken: { span: CacheSpan; byte: number }[] = [];
  private readonly pagesInUse = new Set<number>();
  private nextByte = 1;

  constructor(private readonly blockCount: number) {}

  get usedBytes(): number {
    return this.pagesInUse.size * PAGE_BYTES;
  }

  /** Takes a need as a write does: blocks and pages in any order, if and only if there is room. */
  takeSome(memory: CacheMemory, random: RandomSource): void {
    const need = { blocks: random.integer(0, 3), pages: random.integer(0, 9) };
    expect(memory.hasRoom(need)).toBe(this.hasRoom(need));
    if (!this.hasRoom(need)) return;
    const kinds = [...Array(need.blocks).fill('block'), ...Array(need.pages).fill('page')];
    while (kinds.length > 0) {
      const [kind] = kinds.splice(random.integer(0, kinds.length - 1), 1);
      this.note(kind === 'block' ? memory.takeBlock() : memory.takePage());
    }
  }

  releaseSome(memory: CacheMemory, random: RandomSource): void {
    for (let count = random.integer(1, 12); count > 0 && this.taken.length > 0; count -= 1) {
      const [gone] = this.taken.splice(random.integer(0, this.taken.length - 1), 1);
      if (gone === undefined) return;
      expectBytes(gone);
      for (const page of pagesOf(gone.span)) this.pagesInUse.delete(page);
      memory.release(gone.span);
    }
  }

  expectContent(): void {
    for (const each of this.taken) expectBytes(each);
  }

  private note(span: CacheSpan): void {
    for (const page of pagesOf(span)) {
      expect(this.pagesInUse.has(page)).toBe(false);
      expect(page).toBeLessThan(this.blockCount * PAGES_PER_BLOCK);
      this.pagesInUse.add(page);
    }
    const byte = this.nextByte;
    this.nextByte = 1 + (this.nextByte % 255);
    span.bytes.fill(byte);
    this.taken.push({ span, byte });
  }

  private hasRoom(need: { blocks: number; pages: number }): boolean {
    const used = new Map<number, number>();
    for (const page of this.pagesInUse) {
      const block = Math.floor(page / PAGES_PER_BLOCK);
      used.set(block, (used.get(block) ?? 0) + 1);
    }
    let loose = 0;
    for (const count of used.values()) loose += PAGES_PER_BLOCK - count;
    const freeBlocks = this.blockCount - used.size;
    const pagesInFreeBlocks = (freeBlocks - need.blocks) * PAGES_PER_BLOCK;
    return freeBlocks >= need.blocks && need.pages <= loose + pagesInFreeBlocks;
  }
}

function pagesOf({ page, bytes }: CacheSpan): number[] {
  return Array.from({ length: bytes.length / PAGE_BYTES }, (_, index) => page + index);
}

function expectBytes({ span, byte }: { span: CacheSpan; byte: number }): void {
  expect(Buffer.alloc(span.bytes.length, byte).equals(span.bytes)).toBe(true);
}
