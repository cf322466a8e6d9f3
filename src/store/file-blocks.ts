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
import type { SlotDevice } from './slot-file.js';
import { usedSlots } from './slot-records.js';
import { SlotWriter } from './slot-writer.js';

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

  put(content: Uint8Array, isStream = false): number {
    return this.writer.put(content, isStream) + 1;
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
