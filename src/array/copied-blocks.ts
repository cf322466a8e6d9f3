/**
 * Blocks that the copying of a pair has just read from its instant, for a backup that follows it ([002]: "data to be staged from the
 * main logical volume for duplexing is transferred directly as backup data"): read once, they serve both. What does
 * not fit is read again.
 */
import { BLOCK_BYTES } from '../base/sizes.js';
import type { Snapshot } from './copies.js';

const KEPT_BLOCKS_MAX = 256;

/** Goes along with the copying of a pair. */
export interface CopyFollower {
  /** Whole blocks were read from this instant, one after the other from `block` on. `data` is borrowed: it has them only now. */
  read(instant: Snapshot, block: number, data: Uint8Array): void;
  /** A track is not pending any more. */
  copied(): void;
}

export class CopiedBlocks implements CopyFollower {
  private readonly kept = new Map<number, Uint8Array>();
  /** Bytes that were not read a second time. */
  sharedBytes = 0;
  private wake = () => {};

  constructor(private readonly instant: Snapshot) {}

  read(instant: Snapshot, block: number, data: Uint8Array): void {
    if (instant !== this.instant) return;
    for (let done = 0; done < data.length; done += BLOCK_BYTES) {
      if (this.kept.size >= KEPT_BLOCKS_MAX) return;
      this.kept.set(block + done / BLOCK_BYTES, data.slice(done, done + BLOCK_BYTES));
    }
  }

  copied(): void {
    this.wake();
  }

  /** Calls `action` when a track was copied, until it is another one's turn. */
  whenCopied(action: () => void): void {
    this.wake = action;
  }

  /** Fills `target` where all of the range is kept; what lies before its end is not kept any longer. */
  take(offset: number, target: Uint8Array): boolean {
    const end = offset + target.length;
    const first = Math.floor(offset / BLOCK_BYTES);
    const last = Math.ceil(end / BLOCK_BYTES);
    let isWhole = true;
    for (let block = first; block < last && isWhole; block += 1) isWhole = this.kept.has(block);
    for (let block = first; block < last && isWhole; block += 1) {
      const start = block * BLOCK_BYTES;
      const from = Math.max(offset, start);
      const part = this.kept.get(block)?.subarray(from - start, end - start) ?? new Uint8Array();
      target.set(part, from - offset);
    }
    for (const block of this.kept.keys()) {
      if ((block + 1) * BLOCK_BYTES <= end) this.kept.delete(block);
    }
    if (isWhole) this.sharedBytes += target.length;
    return isWhole;
  }
}
