/** A backup: fills the backup data area from the source, in slices, with other work between them. */
import { assert } from '../base/assert.js';
import { asArrayError } from '../base/errors.js';
import { SECTOR_BYTES } from '../base/sizes.js';
import type { BackupPointer } from '../device/backup-writer.js';
import type { KeptBackup } from '../microprocessor/backup-driver.js';
import { ChunkProducer, readKept, readProgress, wantedFeed } from '../san/data-area.js';
import type { RequestSlot } from '../san/request-slots.js';
import type { BackupRequest, SourcePiece, Transfer, TransferEnd } from './backup-path.js';
import { DeviceErrand, type ErrandEnd, type ErrandHost } from './device-errand.js';
import { turnOrAbort } from './turn-or-abort.js';

const CHUNK_BYTES = 256 * 1024;
/** Of one chunk of zeros; its length is a 32-bit word. */
const ZEROS_BYTES_MAX = 2 ** 30;

export class BackupErrand extends DeviceErrand implements Transfer {
  doneBytes: number;
  durable: BackupPointer | undefined;
  readonly done: Promise<TransferEnd>;
  private abort = new AbortController();
  private feeding = false;
  /** Whom it feeds, and from where on. */
  private fed: RequestSlot | undefined;
  private feed = 0;
  private offset = 0;
  private isEndSent = false;
  private resolve: (end: TransferEnd) => void = () => {};

  constructor(
    host: ErrandHost,
    private readonly backup: BackupRequest,
  ) {
    const { medium, management, resume } = backup;
    super(host, backup, { kind: 'backup', medium, management, resume });
    this.doneBytes = resume?.nextOffset ?? 0;
    this.durable = resume;
    this.done = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  protected override get isBusy(): boolean {
    return this.feeding;
  }

  protected override abandon(): void {
    this.abort.abort();
  }

  protected move(slot: RequestSlot): void {
    this.note(slot);
    const producer = new ChunkProducer(slot);
    if (this.feeding || !this.takeAim(slot) || producer.room === 0) return;
    this.feeding = true;
    this.abort = new AbortController();
    const { signal } = this.abort;
    this.fill(slot, producer)
      .catch((error: unknown) => {
        if (!signal.aborted) this.fail(asArrayError(error));
      })
      .finally(() => {
        this.feeding = false;
        this.host.wake();
      });
  }

  protected settle(end: ErrandEnd): void {
    if (end.outcome !== 'done') this.resolve(end);
    else {
      const { media } = JSON.parse(end.kept) as KeptBackup;
      this.resolve({ outcome: 'done', media: media ?? [] });
    }
  }

  private note(slot: RequestSlot): void {
    const doneBytes = Math.max(this.doneBytes, readProgress(slot).bytes);
    const kept = readKept(slot);
    if (kept !== '') this.durable = (JSON.parse(kept) as KeptBackup).durable;
    if (doneBytes === this.doneBytes) return;
    this.doneBytes = doneBytes;
    this.request.onChange?.();
  }

  /** Until there is no room, or nobody there to be fed. */
  private async fill(slot: RequestSlot, producer: ChunkProducer): Promise<void> {
    while (this.takeAim(slot) && producer.room > 0) {
      await this.feedChunk(slot, producer);
      await this.host.clock.yield();
    }
  }

  /** False where nothing is wanted, or all has been sent. */
  private takeAim(slot: RequestSlot): boolean {
    const wanted = wantedFeed(slot);
    const isWanted = slot.status().state === 'transferring' && !this.isEnding;
    if (wanted === undefined || !isWanted) return false;
    if (wanted.feed !== this.feed || slot !== this.fed) {
      this.fed = slot;
      this.feed = wanted.feed;
      this.offset = wanted.from;
      this.isEndSent = false;
    }
    return !this.isEndSent;
  }

  /** Nothing where meanwhile somebody else wants another. */
  private async feedChunk(slot: RequestSlot, producer: ChunkProducer): Promise<void> {
    const { feed: segment, offset: position } = this;
    const bytesLeft = this.backup.management.manifest.imageBytes - position;
    const head = { segment, position, devicePosition: 0 };
    if (bytesLeft === 0) {
      producer.publish({ ...head, kind: 'end', length: 0 });
      this.isEndSent = true;
      return;
    }
    const chunkBytes = Math.min(CHUNK_BYTES, slot.memory.shape.chunkBytes);
    // Chunks end at the same places wherever it goes on.
    const bytes = Math.min(chunkBytes - (position % chunkBytes), bytesLeft);
    await turnOrAbort(this.backup.pace?.(bytes, this.port), this.abort.signal);
    if (!this.isWanted(slot)) return;
    const target = producer.nextContent().subarray(0, bytes);
    const piece = await this.backup.source.read(position, target, this.abort.signal);
    checkPiece(piece, bytes, bytesLeft);
    if (!this.isWanted(slot)) return;
    const length = Math.min(piece.length, ZEROS_BYTES_MAX);
    producer.publish({ ...head, kind: piece.kind, length });
    this.offset += length;
  }

  private isWanted(slot: RequestSlot): boolean {
    return !this.abort.signal.aborted && wantedFeed(slot)?.feed === this.feed;
  }
}

function checkPiece({ kind, length }: SourcePiece, dataMax: number, zerosMax: number): void {
  const isWhole = length > 0 && length % SECTOR_BYTES === 0;
  assert(
    isWhole && length <= (kind === 'data' ? dataMax : zerosMax),
    'a piece fits what was asked',
  );
}
