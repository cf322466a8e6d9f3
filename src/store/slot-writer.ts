/**
 * The states of slots in the writer, and the changes of the transaction under way; file-blocks.ts says
 * what a slot goes through.
 */
import type { ContainerTables } from './block-container.js';
import { recordKey } from './keys.js';
import { SlotAllocator } from './slot-allocator.js';
import { CHUNK_SLOTS, chunkOf, SlotBits } from './slot-bits.js';
import type { SlotDevice } from './slot-file.js';
import { packUsedSlots, usedChunks } from './slot-records.js';
import { SlotStaging } from './slot-staging.js';

const ALL_USED = new Uint8Array(CHUNK_SLOTS / 8).fill(0xff);

/** A slot kept or freed, and the set of unpublished ones it was in, if any. */
interface Move {
  readonly slot: number;
  readonly from: Set<number> | undefined;
}

export class SlotWriter {
  readonly staging: SlotStaging;
  nextId = 1;
  /** What the bitmaps say, with the changes of the transaction under way. */
  private readonly used = new SlotBits();
  private readonly allocator = new SlotAllocator();
  /** Chunks whose bitmap cannot be read: all their slots are taken, and stay as they are. */
  private readonly damaged = new Set<number>();
  private readonly changedChunks = new Set<number>();
  /** Put by the task under way, and by those before; not kept. */
  private readonly putting = new Set<number>();
  private readonly waiting = new Set<number>();
  /** Changes of the transaction under way, and where the slots came from. */
  private kept: Move[] = [];
  private freed: Move[] = [];
  /** Kept by a commit that failed and may all the same be on the disk, then given up. */
  private doubtful: number[] = [];
  private isPrepared = false;
  private isWritten = false;
  /** The last sync failed. */
  private isLost = false;
  private limit = 0;

  constructor(
    private readonly tables: ContainerTables,
    private readonly device: SlotDevice,
    private readonly growthLimit: () => number,
  ) {
    this.staging = new SlotStaging(device);
    for (const { chunk, bitmap } of usedChunks(tables)) {
      if (bitmap === undefined) this.damaged.add(chunk);
      else this.used.load(chunk, bitmap);
      this.allocator.load(chunk, bitmap ?? ALL_USED);
    }
  }

  /** Undefined where some bitmap cannot be read. */
  get usedCount(): number | undefined {
    return this.damaged.size === 0 ? this.used.count : undefined;
  }

  has(slot: number): boolean {
    return this.used.has(slot) || this.putting.has(slot) || this.waiting.has(slot);
  }

  *usedFrom(from: number): Generator<number> {
    const end = this.used.last + 1;
    for (let slot = from; ; slot += 1) {
      slot = this.used.nextSet(slot, end);
      if (slot >= end) return;
      yield slot;
    }
  }

  /** What a task that did not end has put is free again, and the next put begins there. */
  startPuts(nextId: number): void {
    this.nextId = nextId;
    this.limit = this.growthLimit();
    if (this.putting.size === 0) return;
    this.staging.drop();
    const [first = 0] = this.putting;
    for (const slot of this.putting) this.allocator.giveBack(slot);
    this.putting.clear();
    this.allocator.goOnAt(first);
    this.allocator.trim();
  }

  put(content: Uint8Array, isStream: boolean): number {
    const slot = this.allocator.take(this.limit);
    this.putting.add(slot);
    this.isWritten = true;
    this.staging.add(slot, content, isStream);
    this.nextId = Math.max(this.nextId, slot + 2);
    return slot;
  }

  endPuts(): number {
    this.staging.flush();
    for (const slot of this.putting) this.waiting.add(slot);
    this.putting.clear();
    return this.nextId;
  }

  sync(): void {
    this.staging.flush();
    if (this.isLost) this.writeAgain();
    if (this.isWritten) {
      this.isLost = true;
      this.device.sync();
    }
    this.isLost = false;
    this.isWritten = false;
  }

  /**
   * After a sync that failed the kernel takes what it could not write for written: only a new write
   * makes it try again. What it has dropped meanwhile is found by its checksum.
   */
  private writeAgain(): void {
    for (const slot of [...this.waiting].sort((a, b) => a - b)) {
      const content = this.device.read(slot);
      if (content !== undefined) this.staging.add(slot, content, false);
    }
    this.staging.flush();
  }

  keep(slot: number): void {
    if (!this.used.set(slot)) return;
    this.changedChunks.add(chunkOf(slot));
    const from = this.takeUnpublished(slot);
    // A repair keeps what nobody has put.
    if (from === undefined) this.allocator.claim(slot);
    this.kept.push({ slot, from });
  }

  free(slot: number): boolean {
    if (this.used.clear(slot)) {
      this.changedChunks.add(chunkOf(slot));
      this.freed.push({ slot, from: undefined });
      return true;
    }
    const from = this.takeUnpublished(slot);
    if (from !== undefined) this.freed.push({ slot, from });
    return from !== undefined || this.damaged.has(chunkOf(slot));
  }

  prepare(): void {
    this.isPrepared = true;
    for (const chunk of this.changedChunks) {
      const key = recordKey('usedSlots', chunk);
      const bitmap = this.used.bitmap(chunk);
      if (bitmap === undefined) this.tables.remove('records', key);
      else this.tables.put('records', key, packUsedSlots(bitmap));
    }
  }

  committed(): void {
    const given = [...this.freed.map(({ slot }) => slot), ...this.doubtful];
    for (const slot of given) this.allocator.giveBack(slot);
    this.doubtful = [];
    this.endTransaction();
    if (given.length > 0) this.cutTail();
  }

  undone(): void {
    for (const { slot, from } of this.freed) {
      if (from === undefined) this.used.set(slot);
      else from.add(slot);
    }
    for (const { slot, from } of this.kept) {
      this.used.clear(slot);
      // The task will be run again with other slots, which must not be these.
      if (from === this.putting && this.isPrepared) this.doubtful.push(slot);
      else from?.add(slot);
    }
    this.endTransaction();
  }

  private takeUnpublished(slot: number): Set<number> | undefined {
    if (this.putting.delete(slot)) return this.putting;
    return this.waiting.delete(slot) ? this.waiting : undefined;
  }

  private endTransaction(): void {
    this.isPrepared = false;
    this.freed = [];
    this.kept = [];
    this.changedChunks.clear();
  }

  /** Gives the end of the file back to the host where a chunk or more of it is free. */
  private cutTail(): void {
    const slotCount = this.allocator.trim();
    if (this.device.slotCount() - slotCount < CHUNK_SLOTS) return;
    try {
      this.device.truncate(slotCount);
    } catch {
      // The slots are reused all the same.
    }
  }
}
