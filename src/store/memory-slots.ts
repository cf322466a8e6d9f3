/**
 * A slot file in memory, for tests and simulation: knows what was synced, and what a power cut leaves of
 * the rest.
 */
import { ArrayError } from '../base/errors.js';
import { BLOCK_BYTES } from '../base/sizes.js';
import type { SlotDevice } from './slot-file.js';

export class MemorySlots implements SlotDevice {
  private size = 0;
  private readonly synced = new Map<number, Uint8Array>();
  private readonly written = new Map<number, Uint8Array>();
  /** What a sync that failed has left in memory: later ones do not know of it. */
  private readonly forgotten = new Map<number, Uint8Array>();
  /** Syncs that fail from now on. */
  failingSyncs = 0;

  slotCount(): number {
    return this.size;
  }

  read(slot: number): Uint8Array | undefined {
    if (slot >= this.size) return undefined;
    return this.bytes(slot) ?? new Uint8Array(BLOCK_BYTES);
  }

  readBytes(slot: number, start: number, target: Uint8Array): boolean {
    let done = 0;
    while (done < target.length) {
      const position = start + done;
      const content = this.read(slot + Math.floor(position / BLOCK_BYTES));
      if (content === undefined) return false;
      const part = content.subarray(position % BLOCK_BYTES);
      const size = Math.min(part.length, target.length - done);
      target.set(part.subarray(0, size), done);
      done += size;
    }
    return true;
  }

  write(slot: number, content: Uint8Array): void {
    const count = content.length / BLOCK_BYTES;
    for (let index = 0; index < count; index += 1) {
      const part = content.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES);
      this.written.set(slot + index, new Uint8Array(part));
      this.forgotten.delete(slot + index);
    }
    this.size = Math.max(this.size, slot + count);
  }

  sync(): void {
    if (this.failingSyncs > 0) {
      this.failingSyncs -= 1;
      for (const [slot, content] of this.written) this.forgotten.set(slot, content);
      this.written.clear();
      throw new ArrayError('EIO', 'injected failure of a sync');
    }
    for (const [slot, content] of this.written) this.synced.set(slot, content);
    this.written.clear();
  }

  async flush(): Promise<void> {
    await Promise.resolve();
    this.sync();
  }

  truncate(slotCount: number): void {
    for (const slots of [this.synced, this.written, this.forgotten]) {
      for (const slot of [...slots.keys()]) if (slot >= slotCount) slots.delete(slot);
    }
    this.size = slotCount;
  }

  async fetch(): Promise<void> {}

  diskBytes(): number {
    return new Set([...this.synced.keys(), ...this.written.keys()]).size * BLOCK_BYTES;
  }

  close(): void {}

  /** The file after a kill, or after a power cut in which writes that were not synced are `lost`. */
  crash(lost: (slot: number) => boolean): MemorySlots {
    const left = new MemorySlots();
    left.size = this.size;
    for (const [slot, content] of this.synced) left.synced.set(slot, new Uint8Array(content));
    for (const [slot, content] of [...this.forgotten, ...this.written]) {
      if (!lost(slot)) left.synced.set(slot, new Uint8Array(content));
    }
    return left;
  }

  /** The stored bytes themselves, to damage them. */
  bytes(slot: number): Uint8Array | undefined {
    return this.written.get(slot) ?? this.forgotten.get(slot) ?? this.synced.get(slot);
  }
}
