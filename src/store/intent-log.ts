/**
 * The intent log: makes acknowledged changes durable by one append, before the generation they are in
 * is published. Its bytes are log-format.ts, what they say is log-entries.ts.
 *
 * The store's log record (generation, salt, where replay starts) changes with every publish; a log
 * that is begun anew is first announced there, then gets its header, so a crash in between finds an
 * empty log.
 */

import { ArrayError, asArrayError } from '../base/errors.js';
import { PAGE_BYTES } from '../base/sizes.js';
import type { LogDevice } from './log-device.js';
import {
  batchBytes,
  HEADER_PAGES,
  type LogRecord,
  packBatch,
  packHeader,
  RING_START,
} from './log-format.js';

/** A batch in the ring that is still needed. */
interface Segment {
  readonly position: number;
  readonly number: number;
  /** Newest generation that has something in it. */
  readonly sequence: number;
}

interface Pending {
  readonly payloads: Uint8Array[];
  sizeBytes: number;
  sequence: number;
  readonly done: Promise<void>;
  readonly settle: (error?: ArrayError) => void;
}

export class IntentLog {
  /** Why appending has ended for this mount; everything is published instead. */
  failure: ArrayError | undefined;
  private position: number;
  private number: number;
  private readonly segments: Segment[] = [];
  private pending: Pending | undefined;
  private writing: Pending | undefined;

  constructor(
    private readonly device: LogDevice,
    private readonly record: LogRecord,
  ) {
    this.position = record.position;
    this.number = record.batch;
  }

  /** Writes the header of a log whose record the store has. */
  async begin(tagSeed: number): Promise<void> {
    const { generation, salt } = this.record;
    const page = new Uint8Array(PAGE_BYTES);
    page.set(packHeader({ tagSeed, generation, salt, sizeBytes: this.device.sizeBytes }));
    await this.device.write((generation % HEADER_PAGES) * PAGE_BYTES, page);
  }

  /** `sizeBytes` more can be appended now. */
  hasRoom(sizeBytes: number): boolean {
    if (this.failure !== undefined) return false;
    const size = batchBytes(sizeBytes + (this.pending?.sizeBytes ?? 0));
    return this.placeFor(size) !== undefined;
  }

  /** So much is in use that publishing should free some. */
  get isFilling(): boolean {
    return this.usedBytes > (this.device.sizeBytes - RING_START) / 2;
  }

  /** Bytes between the oldest batch still needed and the end. */
  get usedBytes(): number {
    const first = this.segments[0];
    if (first === undefined) return 0;
    const distance = this.position - first.position;
    return distance > 0 ? distance : distance + this.device.sizeBytes - RING_START;
  }

  /**
   * Appends what belongs to generations up to `sequence`; resolves when it is durable. The caller has
   * asked `hasRoom`. Calls while an append is under way share the next one.
   */
  append(payload: Uint8Array, sequence: number): Promise<void> {
    this.pending ??= newPending();
    this.pending.payloads.push(payload);
    this.pending.sizeBytes += payload.length;
    this.pending.sequence = Math.max(this.pending.sequence, sequence);
    const { done } = this.pending;
    if (this.writing === undefined) void this.run();
    return done;
  }

  /** Nothing is appended any more. */
  fail(error: ArrayError): void {
    this.failure ??= error;
  }

  /** Resolves when everything appended so far is durable. */
  durable(): Promise<void> {
    return (this.pending ?? this.writing)?.done ?? Promise.resolve();
  }

  /** The record to be stored with the publication of generation `sequence`. */
  recordAt(sequence: number): LogRecord {
    const first = this.segments.find((segment) => segment.sequence > sequence);
    const { generation, salt } = this.record;
    return first === undefined
      ? { generation, salt, position: this.position, batch: this.number }
      : { generation, salt, position: first.position, batch: first.number };
  }

  /** Generation `sequence` is published: the space of what only older ones needed is free. */
  published(sequence: number): void {
    let first = this.segments[0];
    while (first !== undefined && first.sequence <= sequence) {
      this.segments.shift();
      first = this.segments[0];
    }
  }

  async close(): Promise<void> {
    await this.durable().catch(() => undefined);
    await this.device.close();
  }

  private async run(): Promise<void> {
    while (this.pending !== undefined) {
      const pending = this.pending;
      this.pending = undefined;
      this.writing = pending;
      try {
        if (this.failure !== undefined) throw this.failure;
        await this.write(pending);
        pending.settle();
      } catch (error) {
        this.failure = asArrayError(error);
        pending.settle(this.failure);
      }
    }
    this.writing = undefined;
  }

  private async write({ payloads, sizeBytes, sequence }: Pending): Promise<void> {
    const bytes = packBatch(payloads, sizeBytes, this.number, this.record.salt);
    const position = this.placeFor(bytes.length);
    if (position === undefined) throw new ArrayError('ENOSPC', 'the intent log is full');
    const { number } = this;
    this.position = position + bytes.length;
    this.number += 1;
    this.segments.push({ position, number, sequence });
    await this.device.write(position, bytes);
  }

  /** Where a batch of whole pages goes; undefined where it would run into what is still needed. */
  private placeFor(size: number): number | undefined {
    const { sizeBytes } = this.device;
    const tail = this.segments[0]?.position;
    const fits = this.position + size <= sizeBytes;
    if (tail === undefined) {
      if (fits) return this.position;
      return RING_START + size <= sizeBytes ? RING_START : undefined;
    }
    // Position equal to the tail would be a full ring.
    if (this.position <= tail) return this.position + size < tail ? this.position : undefined;
    if (fits) return this.position;
    return RING_START + size < tail ? RING_START : undefined;
  }
}

function newPending(): Pending {
  let settle: Pending['settle'] = () => {};
  const done = new Promise<void>((resolve, reject) => {
    settle = (error) => (error === undefined ? resolve() : reject(error));
  });
  // Whoever waits is told; nobody has to wait.
  done.catch(() => undefined);
  return { payloads: [], sizeBytes: 0, sequence: 0, done, settle };
}
