/**
 * Memory of the write-back cache, in shared slabs so that the writer thread reads it without a copy.
 * Cached content takes a whole block, or a single page (a small write), so that a burst of small
 * writes does not cost four times its size. Slabs are made at once, those of a very large cache when needed, and kept.
 *
 * Invariant: a block's mask has a bit for each page in use; a block is in `free` exactly while its
 * mask is 0. `partial` may name blocks that are no longer partly used: they are skipped.
 */
import { assert } from '../base/assert.js';
import { BLOCK_BYTES, PAGE_BYTES, PAGES_PER_BLOCK } from '../base/sizes.js';

const SLAB_BLOCKS = 256;
/** Share in use from which on blocks are stored though nobody asks. */
const FILLING_SHARE = 0.7;
/** Memory made at once, before it is needed: the first touch of a page takes as long as filling it. */
const READY_BYTES_MAX = 320 * 2 ** 20;
const ALL_PAGES = 2 ** PAGES_PER_BLOCK - 1;

/** Cache memory in use: `bytes` is a page or a block, `page` its number for the writer thread. */
export interface CacheSpan {
  readonly page: number;
  readonly bytes: Uint8Array;
}

/** What a write takes at most. */
export interface MemoryNeed {
  blocks: number;
  pages: number;
}

export class CacheMemory {
  readonly blockCountMax: number;
  private readonly slabs: SharedArrayBuffer[] = [];
  /** By page; those of blocks by their first page. */
  private readonly pageSpans: (CacheSpan | undefined)[] = [];
  private readonly blockSpans: (CacheSpan | undefined)[] = [];
  private readonly free: number[] = [];
  private readonly partial: number[] = [];
  private readonly masks: Uint8Array;
  /** Blocks of slabs not made yet. */
  private unmade: number;
  /** Free pages of blocks that are partly in use. */
  private loosePages = 0;
  private usedPages = 0;

  constructor(
    bytesMax: number,
    /** Tells the writer thread of a new slab. */
    private readonly share: (slab: SharedArrayBuffer) => void,
  ) {
    this.blockCountMax = Math.floor(bytesMax / BLOCK_BYTES);
    this.unmade = this.blockCountMax;
    this.masks = new Uint8Array(this.blockCountMax + SLAB_BLOCKS);
    const ready = Math.min(bytesMax, READY_BYTES_MAX);
    while (this.unmade > 0 && this.slabs.length * SLAB_BLOCKS * BLOCK_BYTES < ready) this.grow();
  }

  /** Little of it is left. */
  get isFilling(): boolean {
    return this.usedPages > this.blockCountMax * PAGES_PER_BLOCK * FILLING_SHARE;
  }

  get usedBytes(): number {
    return this.usedPages * PAGE_BYTES;
  }

  hasRoom({ blocks, pages }: MemoryNeed): boolean {
    const pageBlocks = Math.ceil(Math.max(0, pages - this.loosePages) / PAGES_PER_BLOCK);
    return blocks + pageBlocks <= this.free.length + this.unmade;
  }

  /** A block with undefined content; the caller has asked `hasRoom`. */
  takeBlock(): CacheSpan {
    const block = this.takeFree();
    this.masks[block] = ALL_PAGES;
    this.usedPages += PAGES_PER_BLOCK;
    return this.span(block * PAGES_PER_BLOCK, BLOCK_BYTES);
  }

  /** A page with undefined content; the caller has asked `hasRoom`. */
  takePage(): CacheSpan {
    const block = this.partlyUsed() ?? this.split();
    const mask = this.masks[block] as number;
    const bit = 31 - Math.clz32(~mask & ALL_PAGES);
    this.masks[block] = mask | (1 << bit);
    this.loosePages -= 1;
    this.usedPages += 1;
    return this.span(block * PAGES_PER_BLOCK + bit, PAGE_BYTES);
  }

  release({ page, bytes }: CacheSpan): void {
    const block = Math.floor(page / PAGES_PER_BLOCK);
    if (bytes.length === BLOCK_BYTES) {
      this.usedPages -= PAGES_PER_BLOCK;
      this.masks[block] = 0;
      this.free.push(block);
      return;
    }
    const mask = this.masks[block] as number;
    const left = mask & ~(1 << (page % PAGES_PER_BLOCK));
    this.masks[block] = left;
    this.usedPages -= 1;
    this.loosePages += 1;
    if (left === 0) {
      this.loosePages -= PAGES_PER_BLOCK;
      this.free.push(block);
    } else if (mask === ALL_PAGES) {
      this.partial.push(block);
    }
  }

  private partlyUsed(): number | undefined {
    for (;;) {
      const block = this.partial[this.partial.length - 1];
      if (block === undefined) return undefined;
      const mask = this.masks[block] as number;
      if (mask !== 0 && mask !== ALL_PAGES) return block;
      this.partial.pop();
    }
  }

  private split(): number {
    const block = this.takeFree();
    this.partial.push(block);
    this.loosePages += PAGES_PER_BLOCK;
    return block;
  }

  private takeFree(): number {
    if (this.free.length === 0) this.grow();
    return this.free.pop() as number;
  }

  /** Views are made once: one for each small write would keep the garbage collector busy. */
  private span(page: number, sizeBytes: number): CacheSpan {
    const spans = sizeBytes === PAGE_BYTES ? this.pageSpans : this.blockSpans;
    const known = spans[page];
    if (known !== undefined) return known;
    const first = page * PAGE_BYTES;
    const slabBytes = SLAB_BLOCKS * BLOCK_BYTES;
    const slab = this.slabs[Math.floor(first / slabBytes)] as SharedArrayBuffer;
    const span = { page, bytes: new Uint8Array(slab, first % slabBytes, sizeBytes) };
    spans[page] = span;
    return span;
  }

  private grow(): void {
    assert(this.unmade > 0, 'a writer waits for room before it takes memory');
    const slab = new SharedArrayBuffer(SLAB_BLOCKS * BLOCK_BYTES);
    const first = this.slabs.length * SLAB_BLOCKS;
    this.slabs.push(slab);
    this.share(slab);
    const count = Math.min(SLAB_BLOCKS, this.unmade);
    this.unmade -= count;
    // Those made first are taken first: the writer thread touches them in that order.
    const made = Array.from({ length: count }, (_, index) => first + count - 1 - index);
    this.free.unshift(...made);
  }
}
