/**
 * One request in shared memory, as both sides see it. Its state word changes in one step and names the holder and
 * how often it was claimed, so a change that comes too late changes nothing. Order of the search and masks are written
 * by the array core alone, where nobody reads them: before the request is placed, while it is transferring,
 * or under exclusive control; a holder only takes bits away.
 */
import { assert } from '../base/assert.js';
import type { BitmapTable } from './discovery.js';
import { MICROPROCESSORS_MAX } from './microprocessors.js';
import { PORT_IDS, type PortId, portNumber, portOfNumber } from './port-id.js';
import {
  afterRequestEvent,
  OUTCOMES,
  type Outcome,
  REQUEST_STATES,
  type RequestEvent,
  type RequestState,
  WISHES,
  type Wish,
} from './request-state.js';
import {
  type PortResult,
  reasonNumber,
  reasonOfNumber,
  type SearchReason,
} from './search-reasons.js';
import type { SharedMemory, SlotField } from './shared-memory.js';

/** A state word taken apart. */
export interface RequestStatus {
  readonly word: number;
  readonly state: RequestState;
  /** Microprocessor that has it: only in searching and transferring. */
  readonly holder: number | undefined;
  /** Only in ended. */
  readonly outcome: Outcome | undefined;
  /** How often it was claimed, modulo 65,536. */
  readonly attempt: number;
}

/** For the byte beside the state: who has it, or what came of it. */
interface StateExtra {
  readonly holder?: number;
  readonly outcome?: Outcome;
}

export class RequestSlot {
  private readonly words: Int32Array;

  constructor(
    readonly memory: SharedMemory,
    readonly slot: number,
  ) {
    this.words = memory.words;
  }

  status(): RequestStatus {
    return statusOf(this.load('state'));
  }

  /**
   * Changes the state if it is still as `seen`, and gives the new one; undefined where it is not, or where
   * the event does not fit it.
   */
  advance(
    seen: RequestStatus,
    event: RequestEvent,
    extra: StateExtra = {},
  ): RequestStatus | undefined {
    const state = afterRequestEvent(seen.state, event);
    if (state === undefined) return undefined;
    const attempt = (seen.attempt + (event === 'claim' ? 1 : 0)) & 0xffff;
    const holder = (extra.holder ?? -1) + 1;
    const beside = extra.outcome === undefined ? holder : OUTCOMES.indexOf(extra.outcome) + 1;
    const next = (attempt << 16) | (beside << 8) | REQUEST_STATES.indexOf(state);
    const place = this.memory.slotWord(this.slot, 'state');
    const found = Atomics.compareExchange(this.words, place, seen.word, next);
    return found === seen.word ? statusOf(next) : undefined;
  }

  get number(): number {
    return this.load('number') >>> 0;
  }

  get wish(): Wish {
    return WISHES[this.load('wish')] ?? 'none';
  }

  setWish(wish: Wish): void {
    this.store('wish', WISHES.indexOf(wish));
  }

  /** A wish that has come true; one that came meanwhile stays. */
  clearWish(wish: Wish): void {
    const place = this.memory.slotWord(this.slot, 'wish');
    Atomics.compareExchange(this.words, place, WISHES.indexOf(wish), 0);
  }

  /** The initiator port that is searched or used, or was last. */
  get port(): PortId | undefined {
    return portOfNumber(this.load('port'));
  }

  set port(port: PortId | undefined) {
    this.store('port', port === undefined ? 0 : portNumber(port));
  }

  get payload(): Buffer {
    return this.memory.payload(this.slot).subarray(0, this.load('payloadBytes'));
  }

  get report(): string {
    return this.memory.report(this.slot).toString('utf8', 0, this.load('reportBytes'));
  }

  /** A text that does not fit is cut. */
  set report(text: string) {
    const report = this.memory.report(this.slot);
    this.store('reportBytes', report.write(text));
  }

  /** What is left of the bitmap table. */
  table(): BitmapTable {
    const order = Array.from(PORT_IDS, (_port, rank) =>
      portOfNumber(Atomics.load(this.words, this.memory.slotArray(this.slot, 'order') + rank)),
    );
    const masks = PORT_IDS.map((port) => [port, Atomics.load(this.words, this.maskWord(port))]);
    return {
      order: order.filter((port) => port !== undefined),
      masks: Object.fromEntries(masks) as Record<PortId, number>,
    };
  }

  writeTable({ order, masks }: BitmapTable): void {
    const first = this.memory.slotArray(this.slot, 'order');
    for (const [rank, port] of PORT_IDS.entries()) {
      const next = order[rank];
      Atomics.store(this.words, first + rank, next === undefined ? 0 : portNumber(next));
      Atomics.store(this.words, this.maskWord(port), masks[port]);
    }
  }

  /** Nobody needs to search there any more: the port itself is the reason. */
  failPort(port: PortId, reason: SearchReason): void {
    this.setResult(port, reason);
    Atomics.store(this.words, this.maskWord(port), 0);
  }

  /** The microprocessor is marked unavailable in the table ([000] fig. 11, step 1038). */
  excludeMicroprocessor(index: number): void {
    assert(index < MICROPROCESSORS_MAX, 'a microprocessor has a bit');
    for (const port of PORT_IDS) Atomics.and(this.words, this.maskWord(port), ~(1 << index));
  }

  setResult(port: PortId, reason: SearchReason): void {
    const first = this.memory.slotArray(this.slot, 'results');
    Atomics.store(this.words, first + portNumber(port) - 1, reasonNumber(reason));
  }

  clearResults(): void {
    const first = this.memory.slotArray(this.slot, 'results');
    for (const index of PORT_IDS.keys()) Atomics.store(this.words, first + index, 0);
  }

  /** Of the ports of the table that were searched, or that nobody can search any more, in the order of the search. */
  results(): PortResult[] {
    const first = this.memory.slotArray(this.slot, 'results');
    const { order, masks } = this.table();
    return order.flatMap((port): PortResult[] => {
      const reason = reasonOfNumber(Atomics.load(this.words, first + portNumber(port) - 1));
      const isLeft = masks[port] === 0 && (reason ?? 'found') === 'found';
      if (isLeft) return [{ port, reason: 'no-microprocessor' }];
      return reason === undefined ? [] : [{ port, reason }];
    });
  }

  load(field: SlotField): number {
    return Atomics.load(this.words, this.memory.slotWord(this.slot, field));
  }

  store(field: SlotField, value: number): void {
    Atomics.store(this.words, this.memory.slotWord(this.slot, field), value);
  }

  private maskWord(port: PortId): number {
    return this.memory.slotArray(this.slot, 'masks') + portNumber(port) - 1;
  }
}

function statusOf(word: number): RequestStatus {
  const state = REQUEST_STATES[word & 0xff];
  assert(state !== undefined, 'a slot has a known state');
  const beside = (word >>> 8) & 0xff;
  const isHeld = state === 'searching' || state === 'transferring';
  return {
    word,
    state,
    holder: isHeld ? beside - 1 : undefined,
    outcome: state === 'ended' ? OUTCOMES[beside - 1] : undefined,
    attempt: word >>> 16,
  };
}
