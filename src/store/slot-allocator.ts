/**
 * Which slot a block gets: next-fit by a cursor that goes round the file and takes free slots run by
 * run, so that blocks put in address order lie in address order. While less than a quarter of the file
 * is free it grows; else runs are reused, long ones as long as a round finds any, then shorter ones.
 *
 * A slot is taken from the moment it is handed out until it is given back; when that may be is for
 * the caller to know.
 */
import { SlotBits } from './slot-bits.js';

/** Slots of a run that is worth while (1 MiB), and most that one search takes (4 MiB). */
const RUN_WANTED = 64;
const RUN_SLOTS_MAX = 256;
/** Share of the file that may be free before free slots are looked for. */
const FREE_SHARE = 1 / 4;

export class SlotAllocator {
  private readonly taken = new SlotBits();
  /** Slots after the last one that is taken: the file ends here. */
  private end = 0;
  /** Free slots handed out next: [next, runEnd). */
  private next = 0;
  private runEnd = 0;
  /** Shortest run the present round takes. */
  private runMin = RUN_WANTED;

  /** Slots of the file that are free. */
  get free(): number {
    return this.end - this.taken.count;
  }

  /** Slots of a chunk that are in use; to be told before anything is taken. */
  load(chunk: number, bitmap: Uint8Array): void {
    this.taken.load(chunk, bitmap);
    this.trim();
  }

  /** Takes a slot that is known to be in use. */
  claim(slot: number): void {
    this.taken.set(slot);
    this.end = Math.max(this.end, slot + 1);
    if (slot >= this.next && slot < this.runEnd) this.goOnAt(this.next);
  }

  /** Takes a free slot. The file grows past `limit` slots only where none is free. */
  take(limit: number): number {
    // A run at the end of the file is left where the file should not grow any more.
    const growsTooFar = this.next >= this.end && this.end >= limit && this.free > 0;
    if (this.next === this.runEnd || growsTooFar) this.findRun(limit);
    const slot = this.next;
    this.next += 1;
    this.claim(slot);
    return slot;
  }

  giveBack(slot: number): void {
    this.taken.clear(slot);
  }

  /** The next search begins at `slot`. */
  goOnAt(slot: number): void {
    this.next = slot;
    this.runEnd = slot;
  }

  /** Takes free slots off the end of the file; returns the slots it has then. */
  trim(): number {
    this.end = this.taken.last + 1;
    if (this.next > this.end) this.goOnAt(this.end);
    return this.end;
  }

  private findRun(limit: number): void {
    const mayGrow = this.end < limit;
    if (this.free === 0 || (mayGrow && this.free < this.end * FREE_SHARE)) {
      this.setRun(this.end, this.end + RUN_SLOTS_MAX);
      return;
    }
    while (!this.findRunFrom(this.next, this.end)) {
      if (this.findRunFrom(0, this.next)) {
        // A new round: frees since the last one may have made long runs.
        this.runMin = Math.min(RUN_WANTED, this.runMin * 2);
        return;
      }
      this.runMin = Math.ceil(this.runMin / 2);
    }
  }

  /** Takes the first run that is long enough and begins in [from, to). */
  private findRunFrom(from: number, to: number): boolean {
    let start = this.taken.nextClear(from, this.end);
    while (start < to) {
      const limit = Math.min(this.end, start + RUN_SLOTS_MAX);
      const end = this.taken.nextSet(start, limit);
      if (end - start >= this.runMin) {
        this.setRun(start, end);
        return true;
      }
      start = this.taken.nextClear(end, this.end);
    }
    return false;
  }

  private setRun(start: number, end: number): void {
    this.next = start;
    this.runEnd = end;
  }
}
