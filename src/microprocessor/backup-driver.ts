/**
 * Writes the chunks of the backup data area to the medium. Pointers into the backup are kept beside the progress pointer after
 * every chunk, so whoever goes on reads the position back from the medium, and asks for chunks from there.
 */

import { BLOCK_BYTES } from '../base/sizes.js';
import { beginBackup, resumeBackup } from '../device/backup-image.js';
import type { BackupPointer, BackupWriter } from '../device/backup-writer.js';
import { type Chunk, readKept, readProgress, wantFeed } from '../san/data-area.js';
import type { Driver, DriverParts, Step } from './driver.js';
import type { WorkOf } from './errand-order.js';

/** Between two pointers that a power cut leaves true: syncing costs as long as it takes. */
const DURABLE_MS = 2_000;
const ZEROS = Buffer.alloc(BLOCK_BYTES);

/** What is kept of a backup in shared memory, as JSON. */
export interface KeptBackup {
  /** What is on the medium as long as its machine runs. */
  readonly now: BackupPointer;
  readonly durable: BackupPointer;
  /** All media, when the backup is whole. */
  readonly media?: readonly string[];
}

export class BackupDriver implements Driver {
  private writer: BackupWriter | undefined;
  private feed = 0;
  private isComplete = false;
  private durable: BackupPointer | undefined;
  private durableMs = 0;

  constructor(
    private readonly parts: DriverParts,
    private readonly work: WorkOf<'backup'>,
  ) {}

  begin(): void {
    const { session, transfer } = this.parts;
    const { medium, management } = this.work;
    const kept = readKept(transfer.slot);
    const before = kept === '' ? undefined : (JSON.parse(kept) as KeptBackup);
    // The one before ended between the last byte and its report.
    this.isComplete = before?.media !== undefined;
    if (this.isComplete) return;
    const from = goesOnAt(this.work, kept);
    this.writer = from
      ? resumeBackup(session, from, management)
      : beginBackup(session, medium, management);
    // Syncing all that the one before has written would hold up whoever follows.
    this.durable = before?.durable ?? this.work.resume;
    this.durableMs = this.parts.monotonicMs();
    transfer.consumer.keep(this.kept(false));
    // Holes behind the last extent need not come again.
    const done = Math.max(this.writer.nextOffset, readProgress(transfer.slot).bytes);
    this.feed = wantFeed(transfer.slot, done);
  }

  step(): Step {
    if (this.isComplete) return 'done';
    const { consumer, slot } = this.parts.transfer;
    const chunk = consumer.next();
    if (chunk === undefined) return 'idle';
    if (chunk.segment !== this.feed) {
      // For the one before, who asked from another position.
      consumer.consumed(chunk, this.position(), { bytes: readProgress(slot).bytes });
      return 'moved';
    }
    const { position: start, length, kind } = chunk;
    this.parts.gate({ start, end: start + Math.max(1, length) });
    if (kind === 'end') return this.finish(chunk);
    if (kind === 'data') this.write(chunk);
    if (kind === 'zeros' && this.isIncrement) this.open.zero(start, length);
    const bytes = this.doneBytes(start + length);
    consumer.consumed(chunk, this.position(), { bytes, kept: this.kept(this.isDue) });
    return 'moved';
  }

  suspend(): void {
    if (this.writer === undefined) return;
    this.parts.transfer.consumer.keep(this.kept(true));
  }

  /** The pointer stays before the end, where a writer can go on. */
  private finish(chunk: Chunk): Step {
    const before = JSON.parse(this.kept(true)) as KeptBackup;
    const { media } = this.open.finish();
    const kept: KeptBackup = { ...before, media };
    const bytes = this.work.management.manifest.imageBytes;
    const told = { bytes, kept: JSON.stringify(kept) };
    this.parts.transfer.consumer.consumed(chunk, this.position(), told);
    return 'done';
  }

  /** Run by run, blocks of zeros as such: holes, or what has become zeros since the base. */
  private write({ content, position }: Chunk): void {
    let runAt: number | undefined;
    const put = (end: number) => {
      if (runAt !== undefined) this.open.write(position + runAt, content.subarray(runAt, end));
      runAt = undefined;
    };
    for (let at = 0, next = 0; at < content.length; at = next) {
      next = Math.min(at + BLOCK_BYTES - ((position + at) % BLOCK_BYTES), content.length);
      const isHole = ZEROS.subarray(0, next - at).equals(content.subarray(at, next));
      if (isHole) put(at);
      else runAt ??= at;
      if (isHole && this.isIncrement) this.open.zero(position + at, next - at);
    }
    put(content.length);
  }

  private get isIncrement(): boolean {
    return this.work.management.manifest.base !== undefined;
  }

  private get open(): BackupWriter {
    if (this.writer === undefined) throw new Error('a backup is begun before it is written');
    return this.writer;
  }

  private get isDue(): boolean {
    return this.parts.monotonicMs() - this.durableMs >= DURABLE_MS;
  }

  private kept(isDurable: boolean): string {
    if (isDurable || this.durable === undefined) {
      this.durable = this.open.checkpoint();
      this.durableMs = this.parts.monotonicMs();
    }
    const kept: KeptBackup = { now: this.open.pointer, durable: this.durable };
    return JSON.stringify(kept);
  }

  /** Not what still waits in memory for a block to be full. */
  private doneBytes(end: number): number {
    const { nextOffset, pointer } = this.open;
    const before = readProgress(this.parts.transfer.slot).bytes;
    return Math.max(before, nextOffset > pointer.nextOffset ? pointer.nextOffset : end);
  }

  private position(): number {
    const { pointer } = this.open;
    return pointer.structure === 'stream' ? pointer.position : pointer.nextOffset;
  }
}

/** Where a backup goes on; undefined where it is to be begun. */
export function goesOnAt({ resume }: WorkOf<'backup'>, kept: string): BackupPointer | undefined {
  return kept === '' ? resume : (JSON.parse(kept) as KeptBackup).now;
}
