/**
 * Exclusive control of the shared memory ([000] figs. 9 and 11): one microprocessor at a time looks at the bitmap tables and
 * searches. The lock word names its owner and counts, so that no two takings look alike.
 *
 * It never stays locked: that of a worker that has ended is released by the array core (`releaseControlOf`), and control
 * that one owner has had for the length of a lease may be taken by anyone. Each contender measures the lease with its own
 * clock from when it first saw the word, so no two clocks need agree. What an owner does after it was taken away
 * fails at the state words (request-slots.ts), which change in one step and name the holder too.
 */
import { signalWord } from '../base/shared-words.js';
import { HEADER, type SharedMemory } from './shared-memory.js';

export const CONTROL_LEASE_MS = 1_000;
/** Owner number of the array core; microprocessor m is owner m + 1. */
export const ARRAY_OWNER = 0xff;
const OWNER_BITS = 0xff;
const NUMBER_BITS = 0xff_ffff;

/** `from`: the owner it was taken away from because its lease was over; undefined: it was free. */
export interface Taking {
  readonly from: number | undefined;
}

export class ExclusiveControl {
  /** The word this one wrote when it took control; 0: it has not. */
  private held = 0;
  private watched = 0;
  private watchedSinceMs = 0;

  constructor(
    private readonly memory: SharedMemory,
    private readonly owner: number,
  ) {}

  /** Takes control where it is free, or a lease is over at `nowMs`, on a clock that never goes back. */
  take(nowMs: number): Taking | undefined {
    const seen = Atomics.load(this.memory.words, HEADER.lock);
    if (seen !== 0 && !this.leaseIsOver(seen, nowMs)) return undefined;
    if (!this.exchange(seen)) return undefined;
    return { from: seen === 0 ? undefined : ownerOf(seen) };
  }

  /** Control has been taken and not taken away since. */
  get isHeld(): boolean {
    return this.held !== 0 && Atomics.load(this.memory.words, HEADER.lock) === this.held;
  }

  /** False where it was taken away meanwhile. */
  release(): boolean {
    const { held } = this;
    this.held = 0;
    return held !== 0 && releaseWord(this.memory, held);
  }

  private leaseIsOver(seen: number, nowMs: number): boolean {
    if (seen !== this.watched) {
      this.watched = seen;
      this.watchedSinceMs = nowMs;
    }
    return nowMs - this.watchedSinceMs >= CONTROL_LEASE_MS;
  }

  private exchange(seen: number): boolean {
    const number = Atomics.add(this.memory.words, HEADER.lockNumber, 1) & NUMBER_BITS;
    const next = (number << 8) | this.owner;
    if (Atomics.compareExchange(this.memory.words, HEADER.lock, seen, next) !== seen) return false;
    this.held = next;
    return true;
  }
}

/** Number of the owner, or undefined where control is free. */
export function controlOwner(memory: SharedMemory): number | undefined {
  const seen = Atomics.load(memory.words, HEADER.lock);
  return seen === 0 ? undefined : ownerOf(seen);
}

/** Releases what a worker that has ended still held; false where it held nothing. */
export function releaseControlOf(memory: SharedMemory, owner: number): boolean {
  const seen = Atomics.load(memory.words, HEADER.lock);
  return seen !== 0 && ownerOf(seen) === owner && releaseWord(memory, seen);
}

function releaseWord(memory: SharedMemory, word: number): boolean {
  if (Atomics.compareExchange(memory.words, HEADER.lock, word, 0) !== word) return false;
  signalWord(memory.words, HEADER.boardSignal);
  return true;
}

function ownerOf(word: number): number {
  return word & OWNER_BITS;
}
