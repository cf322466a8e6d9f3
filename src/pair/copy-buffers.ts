/**
 * Memory of copies under way, used again: what is allocated for each piece stays until garbage is collected, tens of MiB of
 * it, and its first touch takes as long as filling it.
 */
import { PAIR_BUFFERS_MAX } from '../base/limits.js';
import { TRACK_BYTES } from '../base/sizes.js';
import { PACE_TRACKS } from './difference-bits.js';

/** The largest piece that a pace copies. */
const KEPT_BYTES = Math.max(...Object.values(PACE_TRACKS)) * TRACK_BYTES;

export class CopyBuffers {
  private readonly kept: Uint8Array[] = [];

  /** `work` has the bytes, with whatever is in them, until what it returns is settled. */
  async use<T>(sizeBytes: number, work: (bytes: Uint8Array) => T | Promise<T>): Promise<T> {
    const buffer = sizeBytes > KEPT_BYTES ? new Uint8Array(sizeBytes) : this.take();
    try {
      return await work(buffer.subarray(0, sizeBytes));
    } finally {
      const isKept = buffer.length === KEPT_BYTES && this.kept.length < PAIR_BUFFERS_MAX;
      if (isKept) this.kept.push(buffer);
    }
  }

  private take(): Uint8Array {
    return this.kept.pop() ?? new Uint8Array(KEPT_BYTES);
  }
}
