/**
 * Slots on their way into the file: consecutive ones are collected and written at once. What is still
 * here can be read like what is in the file.
 */
import { BLOCK_BYTES } from '../base/sizes.js';
import { pageAligned } from './aligned-memory.js';
import type { SlotDevice } from './slot-file.js';

/** Slots written at once: 2 MiB. */
const STAGED_SLOTS_MAX = 128;

/** Slots from which on a write past the page cache pays (256 KiB). */
const DIRECT_SLOTS_MIN = 16;

export class SlotStaging {
  private readonly memory = pageAligned(STAGED_SLOTS_MAX * BLOCK_BYTES);
  /** All of it is part of a stream. */
  private isStream = true;
  private first = 0;
  private count = 0;

  constructor(private readonly device: SlotDevice) {}

  /** Takes a copy of the content. `isStream`: it need not stay in the page cache. */
  add(slot: number, content: Uint8Array, isStream = false): void {
    const follows = slot === this.first + this.count && this.count < STAGED_SLOTS_MAX;
    if (!follows) this.flush();
    if (this.count === 0) {
      this.first = slot;
      this.isStream = true;
    }
    this.isStream &&= isStream;
    this.memory.set(content, this.count * BLOCK_BYTES);
    this.count += 1;
  }

  /** Content that is not in the file yet; borrowed until the next `add`. */
  read(slot: number): Uint8Array | undefined {
    const index = slot - this.first;
    if (index < 0 || index >= this.count) return undefined;
    return this.memory.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES);
  }

  /** Writes all of it to the file; after a failure it is still here. */
  flush(): void {
    if (this.count === 0) return;
    const direct = this.isStream && this.count >= DIRECT_SLOTS_MIN;
    this.device.write(this.first, this.memory.subarray(0, this.count * BLOCK_BYTES), direct);
    this.count = 0;
  }

  drop(): void {
    this.count = 0;
  }
}
