/**
 * Memory of the write-back cache: slots of one block each, in shared slabs so that the writer thread
 * reads them without a copy. Slabs are made when needed, up to the bound, and kept.
 */
import { assert } from '../base/assert.js';
import { BLOCK_BYTES } from '../base/sizes.js';

const SLAB_BLOCKS = 256;

export class SlotMemory {
  private readonly slabs: SharedArrayBuffer[] = [];
  private readonly free: number[] = [];
  readonly slotCountMax: number;
  private usedSlots = 0;

  constructor(
    bytesMax: number,
    /** Tells the writer thread of a new slab. */
    private readonly share: (slab: SharedArrayBuffer) => void,
  ) {
    this.slotCountMax = Math.floor(bytesMax / BLOCK_BYTES);
  }

  get used(): number {
    return this.usedSlots;
  }

  get available(): number {
    return this.slotCountMax - this.usedSlots;
  }

  /** A slot with undefined content; the caller has checked `available`. */
  take(): { slot: number; bytes: Uint8Array } {
    assert(this.usedSlots < this.slotCountMax, 'a writer waits for room before it takes a slot');
    if (this.free.length === 0) this.grow();
    const slot = this.free.pop() as number;
    this.usedSlots += 1;
    const slab = this.slabs[Math.floor(slot / SLAB_BLOCKS)] as SharedArrayBuffer;
    const bytes = new Uint8Array(slab, (slot % SLAB_BLOCKS) * BLOCK_BYTES, BLOCK_BYTES);
    return { slot, bytes };
  }

  release(slot: number): void {
    this.usedSlots -= 1;
    this.free.push(slot);
  }

  private grow(): void {
    const slab = new SharedArrayBuffer(SLAB_BLOCKS * BLOCK_BYTES);
    const first = this.slabs.length * SLAB_BLOCKS;
    this.slabs.push(slab);
    this.share(slab);
    for (let index = SLAB_BLOCKS - 1; index >= 0; index -= 1) this.free.push(first + index);
  }
}
