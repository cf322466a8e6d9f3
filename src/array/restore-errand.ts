/** A restore: takes the chunks out of the backup data area and gives them to the sink, in slices. */
import { asArrayError } from '../base/errors.js';
import { HEADER_SEGMENT, type RestoreHeader } from '../microprocessor/restore-driver.js';
import { type Chunk, ChunkConsumer } from '../san/data-area.js';
import type { RequestSlot } from '../san/request-slots.js';
import type { RestoreRequest, Transfer, TransferEnd } from './backup-path.js';
import { DeviceErrand, type ErrandEnd, type ErrandHost } from './device-errand.js';
import { turnOrAbort } from './turn-or-abort.js';

export class RestoreErrand extends DeviceErrand implements Transfer {
  doneBytes = 0;
  readonly durable = undefined;
  readonly done: Promise<TransferEnd>;
  private abort = new AbortController();
  private draining = false;
  /** The sink has the whole image, whatever becomes of the microprocessor. */
  private isWhole = false;
  private resolve: (end: TransferEnd) => void = () => {};

  constructor(
    host: ErrandHost,
    private readonly restore: RestoreRequest,
  ) {
    const { medium, reference } = restore;
    super(host, restore, { kind: 'restore', medium, reference });
    this.done = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  protected override get isBusy(): boolean {
    return this.draining;
  }

  /** What is in the area of a transfer that has ended by itself is given all the same. */
  protected override abandon(): void {
    if (this.isEnding) this.abort.abort();
  }

  protected move(slot: RequestSlot): void {
    const consumer = new ChunkConsumer(slot);
    if (this.draining || this.isEnding || consumer.next() === undefined) return;
    this.draining = true;
    this.abort = new AbortController();
    this.drain(consumer)
      .catch((error: unknown) => this.fail(asArrayError(error)))
      .finally(() => {
        this.draining = false;
        this.host.wake();
      });
  }

  protected settle(end: ErrandEnd): void {
    const isDone = end.outcome === 'done' || this.isWhole;
    this.resolve(isDone ? { outcome: 'done', media: [this.restore.medium] } : end);
  }

  private async drain(consumer: ChunkConsumer): Promise<void> {
    for (let chunk = consumer.next(); chunk !== undefined; chunk = consumer.next()) {
      const isData = chunk.kind !== 'end';
      const turn = isData ? this.restore.pace?.(chunk.length, this.port) : undefined;
      await turnOrAbort(turn, this.abort.signal);
      if (this.abort.signal.aborted) return;
      await this.give(chunk);
      consumer.consumed(chunk, chunk.devicePosition);
      this.doneBytes = chunk.devicePosition;
      this.request.onChange?.();
      await this.host.clock.yield();
    }
  }

  private async give({ kind, segment, position, length, content }: Chunk): Promise<void> {
    const { sink } = this.restore;
    if (kind === 'end') this.isWhole = true;
    else if (kind === 'zeros') await sink.zeros(position, length);
    else if (kind === 'same') return;
    else if (segment !== HEADER_SEGMENT) await sink.write(position, content);
    else {
      const header = JSON.parse(content.toString()) as RestoreHeader;
      const { imageBytes, information, manifest } = header;
      const sector = information === undefined ? undefined : Buffer.from(information, 'base64');
      await sink.begin({ imageBytes, information: sector, manifest });
    }
  }
}
