/**
 * The history of the array: one record per event, shown as one growing text. Offsets in the text
 * never change while mounted; the oldest events are dropped when the array is opened.
 */

import type { Clock } from '../base/clock.js';
import { EVENT_MESSAGE_CHARACTERS_MAX, EVENTS_MAX } from '../base/limits.js';
import { printable } from '../base/names.js';
import { type EventRecord, packEvent, unpackEvent } from '../store/history-records.js';
import { parseRecordKey, recordKey, recordKeyEnd } from '../store/keys.js';

import type { EventText, EventView } from './disk-array.js';
import type { Pool } from './pool.js';

/** Events kept in memory, so that the newest are read before they are stored. */
const MEMORY_EVENTS_MAX = 4_096;

export class Events implements EventText {
  private first: number;
  private next: number;
  /** Offset in the text of all events ever, of the first one kept and of the end. */
  private startOffset: number;
  private endOffset: number;
  private readonly recent = new Map<number, { event: EventRecord; sequence: number }>();

  constructor(
    private pool: Pool,
    private readonly clock: Clock,
    readOnly: boolean,
  ) {
    this.next = pool.allocation.peek('nextEvent');
    this.first = this.findFirst();
    if (!readOnly) this.dropOldest();
    this.startOffset = this.event(this.first)?.textOffset ?? 0;
    const last = this.event(this.next - 1);
    this.endOffset = last === undefined ? this.startOffset : last.textOffset + lineOf(last).length;
  }

  get sizeBytes(): number {
    return this.endOffset - this.startOffset;
  }

  /** From now on `pool` has all events, with the generation that is active in it. */
  moveTo(pool: Pool): void {
    this.pool = pool;
    for (const entry of this.recent.values()) entry.sequence = pool.content.sequence;
  }

  /** The event is durable with whatever is made durable next. */
  record(code: string, subject: string, message: string): void {
    // A pool that cannot be written keeps its newest in memory: those that are too many are not kept.
    if (this.pool.isFailed && this.recent.size >= MEMORY_EVENTS_MAX) return;
    const event = {
      timeMs: this.clock.nowMs(),
      textOffset: this.endOffset,
      code,
      subject,
      message: printable(message).slice(0, EVENT_MESSAGE_CHARACTERS_MAX),
    };
    const number = this.pool.allocation.take('nextEvent');
    this.next = number + 1;
    this.endOffset += lineOf(event).length;
    this.recent.set(number, { event, sequence: this.pool.content.sequence });
    this.pool.content.change(recordKey('event', number), packEvent(event));
    this.forgetStored();
  }

  read(offset: number, target: Uint8Array): number {
    let position = this.startOffset + offset;
    let done = 0;
    for (
      let number = this.find(position);
      number < this.next && done < target.length;
      number += 1
    ) {
      const event = this.event(number);
      if (event === undefined) continue;
      const part = lineOf(event).subarray(position - event.textOffset);
      const size = Math.min(part.length, target.length - done);
      target.set(part.subarray(0, size), done);
      done += size;
      position += size;
    }
    return done;
  }

  newest(count: number): EventView[] {
    const events: EventView[] = [];
    for (let number = Math.max(this.first, this.next - count); number < this.next; number += 1) {
      const event = this.event(number);
      if (event === undefined) continue;
      const { timeMs, code, subject, message } = event;
      events.push({ sequence: number, timeMs, code, subject, message });
    }
    return events;
  }

  private event(number: number): EventRecord | undefined {
    const known = this.recent.get(number);
    if (known !== undefined) return known.event;
    const value = this.pool.store.get('records', recordKey('event', number));
    return value && unpackEvent(value);
  }

  private findFirst(): number {
    const start = recordKey('event');
    for (const { key } of this.pool.store.range('records', start, recordKeyEnd('event'))) {
      return parseRecordKey(key).first;
    }
    return this.next;
  }

  private dropOldest(): void {
    while (this.next - this.first > EVENTS_MAX) {
      this.pool.content.change(recordKey('event', this.first), undefined);
      this.first += 1;
    }
  }

  /** Number of the event whose line holds the byte at `position`. */
  private find(position: number): number {
    let low = this.first;
    let high = this.next;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      const event = this.event(middle);
      if (event === undefined || event.textOffset <= position) low = middle;
      else high = middle;
    }
    return low;
  }

  private forgetStored(): void {
    if (this.recent.size <= MEMORY_EVENTS_MAX) return;
    for (const [number, { sequence }] of this.recent) {
      if (this.recent.size <= MEMORY_EVENTS_MAX / 2) return;
      if (sequence > this.pool.content.publishedSequence) return;
      this.recent.delete(number);
    }
  }
}

/** The event's line in /events: time, code, subject, message. */
function lineOf(event: EventRecord): Buffer {
  const time = new Date(event.timeMs).toISOString();
  return Buffer.from(`${time} ${event.code} ${event.subject} ${event.message}\n`);
}
