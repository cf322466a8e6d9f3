/**
 * What one pool has of the write cache's memory (CacheSlabs). Cached content takes a whole block, or a single page (a small
 * write), so that a burst of small writes does not cost four times its size.
 *
 * Invariant: a block's mask has a bit for each page in use; the pool holds a block exactly while its
 * mask is not 0. `partial` may name blocks that are no longer partly used: they are skipped.
 */
import { BLOCK_BYTES, PAGE_BYTES, PAGES_PER_BLOCK } from '../base/sizes.js';
import type { CacheSlabs, CacheSpan, CacheUser } from './cache-slabs.js';

/** Share in use from which on blocks are stored though nobody asks. */
const FILLING_SHARE = 0.7;
const ALL_PAGES = 2 ** PAGES_PER_BLOCK - 1;

/** What a write takes at most. */
export interface MemoryNeed {
  blocks: number;
  pages: number;
}

export class CacheMemory implements CacheUser {
  heldBlocks = 0;
  onRoom: () => void = () => {};
  private readonly partial: number[] = [];
  private readonly masks: Uint8Array;
  /** Free pages of blocks that are partly in use. */
  private loosePages = 0;
  private usedPages = 0;

  constructor(
    private readonly slabs: CacheSlabs,
    /** Tells the pool's writer thread of a slab. */
    readonly share: (slab: SharedArrayBuffer) => void,
  ) {
    this.masks = new Uint8Array(slabs.blockNumbersEnd);
    slabs.join(this);
  }

  /** Of all pools together. */
  get limitBytes(): number {
    return this.slabs.blockCountMax * BLOCK_BYTES;
  }

  /** Little is left of what the pool may have. */
  get isFilling(): boolean {
    const blocks = this.heldBlocks + this.slabs.roomFor(this);
    return this.usedPages > blocks * PAGES_PER_BLOCK * FILLING_SHARE;
  }

  get usedBytes(): number {
    return this.usedPages * PAGE_BYTES;
  }

  hasRoom({ blocks, pages }: MemoryNeed): boolean {
    const pageBlocks = Math.ceil(Math.max(0, pages - this.loosePages) / PAGES_PER_BLOCK);
    const taken = blocks + pageBlocks;
    return taken === 0 || taken <= this.slabs.roomFor(this);
  }

  /** A block with undefined content; the caller has asked `hasRoom`. */
  takeBlock(): CacheSpan {
    const block = this.takeFree();
    this.masks[block] = ALL_PAGES;
    this.usedPages += PAGES_PER_BLOCK;
    return this.slabs.span(block * PAGES_PER_BLOCK, BLOCK_BYTES);
  }

  /** A page with undefined content; the caller has asked `hasRoom`. */
  takePage(): CacheSpan {
    const block = this.partlyUsed() ?? this.split();
    const mask = this.masks[block] as number;
    const bit = 31 - Math.clz32(~mask & ALL_PAGES);
    this.masks[block] = mask | (1 << bit);
    this.loosePages -= 1;
    this.usedPages += 1;
    return this.slabs.span(block * PAGES_PER_BLOCK + bit, PAGE_BYTES);
  }

  release({ page, bytes }: CacheSpan): void {
    const block = Math.floor(page / PAGES_PER_BLOCK);
    if (bytes.length === BLOCK_BYTES) {
      this.usedPages -= PAGES_PER_BLOCK;
      this.giveBack(block);
      return;
    }
    const mask = this.masks[block] as number;
    const left = mask & ~(1 << (page % PAGES_PER_BLOCK));
    this.masks[block] = left;
    this.usedPages -= 1;
    this.loosePages += 1;
    if (left === 0) {
      this.loosePages -= PAGES_PER_BLOCK;
      this.giveBack(block);
    } else if (mask === ALL_PAGES) {
      this.partial.push(block);
    }
  }

  /** What was released is there for all pools that wait. */
  tellRoom(): void {
    this.slabs.roomMade();
  }

  /** The pool is closed: whatever it still holds is free. */
  close(): void {
    for (const [block, mask] of this.masks.entries()) if (mask !== 0) this.giveBack(block);
    this.slabs.leave(this);
    this.slabs.roomMade();
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
    const block = this.slabs.takeBlock();
    this.heldBlocks += 1;
    return block;
  }

  private giveBack(block: number): void {
    this.masks[block] = 0;
    this.heldBlocks -= 1;
    this.slabs.giveBack(block);
  }
}
