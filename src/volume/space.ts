/**
 * Space of a pool. Accepting a write reserves its block at real disk cost: within the capacity, and
 * within what the host's file system has left above a reserve. So a full array says ENOSPC at the
 * write and never at destage. Overwriting takes a fresh block until the old one is freed.
 */
import type { Clock } from '../base/clock.js';
import { HOST_RESERVE_BYTES } from '../base/limits.js';
import type { BlockStore } from '../store/block-store.js';

/** Age at which the host's free space is asked for again. */
const SAMPLE_MS = 250;
/** Blocks accepted after which it is asked for again. */
const SAMPLE_BLOCKS = 512;
/** Share of the pool's unused file space that is counted on: the rest may be in pieces. */
const REUSABLE_SHARE = 0.75;

export class Space {
  storedBlocks = 0;
  private readonly blockCostBytes: number;
  private sampledMs = Number.NEGATIVE_INFINITY;
  private acceptedSince = 0;
  private hostBytes = 0;

  constructor(
    private readonly store: BlockStore,
    readonly capacityBytes: number,
    private readonly clock: Clock,
  ) {
    this.blockCostBytes = store.blockCostBytes;
  }

  /** Whether `blocks` more can be accepted while `dirtyBlocks` wait in the cache. */
  hasRoom(blocks: number, dirtyBlocks: number): boolean {
    if (this.freeBytes(dirtyBlocks) < blocks * this.blockCostBytes) return false;
    this.acceptedSince += blocks;
    return true;
  }

  get usedBytes(): number {
    return this.storedBlocks * this.blockCostBytes;
  }

  /** What can still be accepted, at disk cost. */
  freeBytes(dirtyBlocks: number): number {
    this.sample();
    const dirtyBytes = dirtyBlocks * this.blockCostBytes;
    const byCapacity = this.capacityBytes - this.usedBytes - dirtyBytes;
    return Math.max(0, Math.min(byCapacity, this.hostBytes - dirtyBytes));
  }

  /** Not even one block can be accepted. */
  isFull(dirtyBlocks: number): boolean {
    return this.freeBytes(dirtyBlocks) < this.blockCostBytes;
  }

  /** What is used up when nothing more can be accepted. */
  fullReason(): string {
    const byCapacity = this.capacityBytes - this.usedBytes;
    return byCapacity <= this.hostBytes
      ? 'the array is full (its capacity is used up)'
      : 'the disk that holds the array is full';
  }

  /** Forgets the last sample, for a decision that must not be wrong. */
  refresh(): void {
    this.sampledMs = Number.NEGATIVE_INFINITY;
  }

  private sample(): void {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.sampledMs < SAMPLE_MS && this.acceptedSince < SAMPLE_BLOCKS) return;
    this.sampledMs = nowMs;
    this.acceptedSince = 0;
    const reusable = Math.max(0, this.store.fileBytes() - this.usedBytes) * REUSABLE_SHARE;
    this.hostBytes = this.store.hostFreeBytes() - HOST_RESERVE_BYTES + reusable;
  }
}
