/**
 * The memory of the write cache, which all pools of an array share: slabs that the writer thread of each pool knows, so that it
 * reads them without a copy. Slabs are made at once, those of a very large cache when needed, and kept.
 *
 * A pool may hold all of it but what is reserved for the others, so that one pool that is written much, or cannot
 * store what it has, never stops another: each can always get its reserve. Where a pool joins or leaves, the
 * reserves change, and are there again once the others have stored what they hold.
 *
 * Invariant: a block is free, or held by one pool.
 */
import { assert } from '../base/assert.js';
import { CACHE_BYTES_MIN, CACHE_RESERVE_PERCENT, POOLS_MAX } from '../base/limits.js';
import { BLOCK_BYTES, PAGE_BYTES } from '../base/sizes.js';

const SLAB_BLOCKS = 256;
const SLAB_BYTES = SLAB_BLOCKS * BLOCK_BYTES;
const RESERVE_BLOCKS_MIN = CACHE_BYTES_MIN / BLOCK_BYTES;
/** Memory made at once, before it is needed: the first touch of a page takes as long as filling it. */
const READY_BYTES_MAX = 320 * 2 ** 20;

/** Cache memory in use: `bytes` is a page or a block, `page` its number for the writer threads. */
export interface CacheSpan {
  readonly page: number;
  readonly bytes: Uint8Array;
}

/** What a pool has of the cache. */
export interface CacheUser {
  readonly heldBlocks: number;
  /** Tells the pool's writer thread of a slab; all in the order they were made. */
  share(slab: SharedArrayBuffer): void;
  /** Some of the memory is free again. */
  readonly onRoom: () => void;
}

export class CacheSlabs {
  private blocks: number;
  private readonly slabs: SharedArrayBuffer[] = [];
  /** By page; those of blocks by their first page. */
  private readonly pageSpans: (CacheSpan | undefined)[] = [];
  private readonly blockSpans: (CacheSpan | undefined)[] = [];
  private readonly free: number[] = [];
  /** Blocks of slabs not made yet. */
  private unmade: number;
  private readonly users = new Set<CacheUser>();

  constructor(bytesMax: number) {
    this.blocks = Math.floor(bytesMax / BLOCK_BYTES);
    this.unmade = this.blocks;
    const ready = Math.min(bytesMax, READY_BYTES_MAX);
    while (this.unmade > 0 && this.slabs.length * SLAB_BYTES < ready) this.makeSlab();
  }

  get blockCountMax(): number {
    return this.blocks;
  }

  /** Above the number of every block there will be. */
  get blockNumbersEnd(): number {
    return this.blocks + (POOLS_MAX + 1) * SLAB_BLOCKS;
  }

  /** A pool more; the smallest cache grows with their number. */
  join(user: CacheUser): void {
    this.users.add(user);
    for (const slab of this.slabs) user.share(slab);
    const missing = this.users.size * RESERVE_BLOCKS_MIN - this.blocks;
    if (this.users.size < 2 || missing <= 0) return;
    this.blocks += missing;
    this.unmade += missing;
  }

  leave(user: CacheUser): void {
    this.users.delete(user);
  }

  /** Blocks that `user` may take now, besides those it holds; below 0 where a reserve is not there yet. */
  roomFor(user: CacheUser): number {
    let room = this.free.length + this.unmade;
    if (this.users.size < 2) return room;
    const share = Math.floor((this.blocks / this.users.size) * (CACHE_RESERVE_PERCENT / 100));
    const reserve = Math.max(RESERVE_BLOCKS_MIN, share);
    for (const other of this.users) {
      if (other !== user) room -= Math.max(0, reserve - other.heldBlocks);
    }
    return room;
  }

  /** Tells all pools that wait: what one has freed another may take. */
  roomMade(): void {
    for (const { onRoom } of this.users) onRoom();
  }

  /** The caller has seen that there is room for it. */
  takeBlock(): number {
    if (this.free.length === 0) this.makeSlab();
    return this.free.pop() as number;
  }

  giveBack(block: number): void {
    this.free.push(block);
  }

  /** Views are made once: one for each small write would keep the garbage collector busy. */
  span(page: number, sizeBytes: number): CacheSpan {
    const spans = sizeBytes === PAGE_BYTES ? this.pageSpans : this.blockSpans;
    const known = spans[page];
    if (known !== undefined) return known;
    const first = page * PAGE_BYTES;
    const slab = this.slabs[Math.floor(first / SLAB_BYTES)] as SharedArrayBuffer;
    const span = { page, bytes: new Uint8Array(slab, first % SLAB_BYTES, sizeBytes) };
    spans[page] = span;
    return span;
  }

  private makeSlab(): void {
    assert(this.unmade > 0, 'a writer waits for room before it takes memory');
    const slab = new SharedArrayBuffer(SLAB_BYTES);
    const first = this.slabs.length * SLAB_BLOCKS;
    this.slabs.push(slab);
    for (const user of this.users) user.share(slab);
    const count = Math.min(SLAB_BLOCKS, this.unmade);
    this.unmade -= count;
    // Those made first are taken first: the writer thread touches them in that order.
    const made = Array.from({ length: count }, (_, index) => first + count - 1 - index);
    this.free.unshift(...made);
  }
}
