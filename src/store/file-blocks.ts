/**
 * The block container over a slot file: the block with id n is slot n - 1. A put always takes a slot
 * that neither the pool's durable state nor anything under way uses, so nothing is ever overwritten
 * that a crash could bring back.
 *
 *   put               taken: written soon, free again after a crash, and when its task does not end
 *   endPuts           in the file, and waiting to be kept or freed
 *   sync              in the file for good
 *   keep              marked used in the bitmaps of the transaction under way
 *   commit of that    used: what the bitmaps (records `usedSlots`) say
 *   free              marked free in the bitmaps of the transaction under way, still taken
 *   commit of that    free: may be taken again
 *
 * A transaction that is undone takes its marks back.
 */
import { FILE_BLOCK_COST_BYTES } from '../base/limits.js';
import type { ContainerTables, TransactionBlocks } from './block-container.js';
import { recordKey } from './keys.js';
import { SlotAllocator } from './slot-allocator.js';
import { CHUNK_SLOTS, chunkOf, SlotBits } from './slot-bits.js';
import type { SlotDevice } from './slot-file.js';
import { packUsedSlots, usedChunks, usedSlots } from './slot-records.js';
import { SlotStaging } from './slot-staging.js';

export class FileBlocks implements TransactionBlocks {
  readonly costBytes = FILE_BLOCK_COST_BYTES;
  readonly marksApart = true;
  /** Made by the first change: only the writer needs it. */
  private writing: SlotWriter | undefined;

  constructor(
    private readonly tables: ContainerTables,
    private readonly device: SlotDevice,
    /** Slots the file may grow to while free ones can be reused. */
    private readonly growthLimit: () => number,
  ) {}

  read(id: number): Uint8Array | undefined {
    return this.writing?.staging.read(id - 1) ?? this.device.read(id - 1);
  }

  readRun(id: number, start: number, target: Uint8Array): boolean {
    return this.device.readBytes(id - 1, start, target);
  }

  flush(): Promise<void> {
    return this.device.flush();
  }

  async prefetch(ids: readonly number[]): Promise<void> {
    const slots = ids.map((id) => id - 1).sort((a, b) => a - b);
    const fetches: Promise<void>[] = [];
    let first = 0;
    for (let index = 1; index <= slots.length; index += 1) {
      if (slots[index] === (slots[index - 1] as number) + 1) continue;
      fetches.push(this.device.fetch(slots[first] as number, index - first));
      first = index;
    }
    await Promise.all(fetches);
  }

  *ids(fromId: number): Generator<number> {
    const from = Math.max(0, fromId - 1);
    for (const slot of this.writing?.usedFrom(from) ?? usedSlots(this.tables, from)) yield slot + 1;
  }

  put(content: Uint8Array): number {
    return this.writer.put(content) + 1;
  }

  free(id: number): boolean {
    return this.writer.free(id - 1);
  }

  has(id: number): boolean {
    return this.writer.has(id - 1);
  }

  markedCount(): number | undefined {
    return this.writer.usedCount;
  }

  keep(id: number): void {
    this.writer.keep(id - 1);
  }

  /** The bitmaps never knew of them: after a crash there is nothing to do. */
  discardUnpublished(): number {
    return 0;
  }

  startPuts(nextId: number): void {
    this.writer.startPuts(nextId);
  }

  endPuts(): number {
    return this.writer.endPuts();
  }

  /** No slot is chosen by it. */
  nextId(): number {
    return this.writer.nextId;
  }

  sync(): void {
    this.writing?.sync();
  }

  prepare(): void {
    this.writing?.prepare();
  }

  committed(): void {
    this.writing?.committed();
  }

  undone(): void {
    this.writing?.undone();
  }

  fileBytes(): number {
    return this.device.diskBytes();
  }

  close(): void {
    this.device.close();
  }

  private get writer(): SlotWriter {
    this.writing ??= new SlotWriter(this.tables, this.device, this.growthLimit);
    return this.writing;
  }
}

const ALL_USED = new Uint8Array(CHUNK_SLOTS / 8).fill(0xff);

/** The states of slots, and the changes of the transaction under way. */
class SlotWriter {
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

  put(content: Uint8Array): number {
    const slot = this.allocator.take(this.limit);
    this.putting.add(slot);
    this.isWritten = true;
    this.staging.add(slot, content);
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
    if (this.isWritten) this.device.sync();
    this.isWritten = false;
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

/** A slot kept or freed, and the set of unpublished ones it was in, if any. */
interface Move {
  readonly slot: number;
  readonly from: Set<number> | undefined;
}
