/**
 * The array core's side of the shared memory ([000] fig. 10): target jobs place requests with their bitmap tables, wait, and
 * take the outcomes; and the workers of microprocessors begin, are watched, and end. It never waits: what needs
 * exclusive control says false where a microprocessor has it, and is asked again.
 */
import { assert } from '../base/assert.js';
import type { Clock } from '../base/clock.js';
import { signalWord, wordChanged } from '../base/shared-words.js';
import { NO_PROGRESS, type Progress, resetDataArea, signalRing } from './data-area.js';
import type { BitmapTable } from './discovery.js';
import {
  ARRAY_OWNER,
  controlOwner,
  ExclusiveControl,
  releaseControlOf,
  type Taking,
} from './exclusive-control.js';
import {
  allSlots,
  endWhereOver,
  MICROPROCESSOR_MODES,
  type MicroprocessorMode,
  takeControl,
} from './microprocessor-kernel.js';
import type { RequestSlot } from './request-slots.js';
import type { Outcome } from './request-state.js';
import { HEADER, type MicroprocessorField, type SharedMemory } from './shared-memory.js';

export interface PlacedRequest {
  /** Of the job: requests with lower numbers are searched first. */
  readonly number: number;
  readonly table: BitmapTable;
  readonly payload: Uint8Array;
  /** Where it goes on that was begun before. */
  readonly progress?: Progress;
  readonly kept?: string;
}

interface Watch {
  heartbeat: number;
  sinceMs: number;
}

export class RequestBoard {
  readonly slots: readonly RequestSlot[];
  private readonly control: ExclusiveControl;
  private readonly watches: Watch[];

  constructor(
    readonly memory: SharedMemory,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {
    this.slots = allSlots(memory);
    this.control = new ExclusiveControl(memory, ARRAY_OWNER);
    const count = memory.shape.microprocessors;
    this.watches = Array.from({ length: count }, () => ({ heartbeat: 0, sinceMs: 0 }));
  }

  // ---- requests

  /** Undefined where all slots are used: the request waits outside. */
  place({ number, table, payload, progress, kept }: PlacedRequest): RequestSlot | undefined {
    const slot = this.slots.find((candidate) => candidate.status().state === 'free');
    if (slot?.advance(slot.status(), 'reserve') === undefined) return undefined;
    assert(payload.length <= this.memory.shape.payloadBytes, 'the payload fits its slot');
    slot.store('number', number);
    slot.setWish('none');
    slot.port = undefined;
    slot.report = '';
    slot.store('payloadBytes', payload.length);
    slot.payload.set(payload);
    slot.clearResults();
    slot.writeTable(table);
    resetDataArea(slot, progress ?? NO_PROGRESS, kept);
    slot.advance(slot.status(), 'place');
    this.signal(slot);
    return slot;
  }

  /** Withdraws a request; its holder, if it has one, ends it between two chunks. */
  cancel(slot: RequestSlot): void {
    slot.setWish('end');
    endWhereOver(slot);
    this.signal(slot);
  }

  /**
   * Asks the holder to let go between two chunks, so that the transfer goes on by `table`. False where it is not
   * transferring any more.
   */
  handOver(slot: RequestSlot, table: BitmapTable): boolean {
    if (slot.status().state !== 'transferring') return false;
    slot.clearResults();
    slot.writeTable(table);
    slot.setWish('let-go');
    this.signal(slot);
    return true;
  }

  /**
   * Ports or microprocessors have come or gone: `table` is used when the request is searched the next time. False where it
   * is being searched, or is about to be: later again.
   */
  replaceTable(slot: RequestSlot, table: BitmapTable): boolean {
    const { state, holder } = slot.status();
    if (state === 'transferring' && slot.wish === 'none' && this.isRunning(holder)) {
      // Nobody reads it: the holder only lets go when this side wants it.
      slot.writeTable(table);
      return true;
    }
    if (this.takeControl() === undefined) return false;
    const isPlaced = slot.status().state === 'placed';
    if (isPlaced) slot.writeTable(table);
    this.control.release();
    this.signal(slot);
    return isPlaced;
  }

  outcome(slot: RequestSlot): Outcome | undefined {
    return slot.status().outcome;
  }

  /** After the outcome was taken. False while a microprocessor still has the slot in hand: later again. */
  free(slot: RequestSlot): boolean {
    return this.inHand(slot).length === 0 && slot.advance(slot.status(), 'collect') !== undefined;
  }

  /** Microprocessors that look at the slot, also those that a lease has taken the request away from. */
  inHand(slot: RequestSlot): number[] {
    return this.watches.flatMap((_watch, index) => {
      return this.load(index, 'slotInHand') === slot.slot + 1 ? [index] : [];
    });
  }

  /** Ends requests that were cancelled without a holder, or that nobody is left to search for. */
  settle(): void {
    for (const slot of this.slots) endWhereOver(slot);
  }

  /** Ends a search that takes longer than its lease, where no microprocessor is left to do so. */
  expireLease(): boolean {
    if (controlOwner(this.memory) === undefined) return false;
    const taking = this.takeControl();
    this.control.release();
    if (taking?.from === undefined) return false;
    this.settle();
    return true;
  }

  // ---- microprocessors

  /** A worker is about to be started in this place. Tells its generation. */
  started(index: number): number {
    this.watches[index] = { heartbeat: 0, sinceMs: this.clock.monotonicMs() };
    this.store(index, 'heartbeat', 0);
    this.store(index, 'slotInHand', 0);
    const generation = this.load(index, 'generation') + 1;
    this.store(index, 'generation', generation);
    this.setMode(index, 'running');
    return generation;
  }

  setMode(index: number, mode: MicroprocessorMode): void {
    this.store(index, 'mode', MICROPROCESSOR_MODES.indexOf(mode));
    signalWord(this.memory.words, HEADER.boardSignal);
    for (const slot of this.slots) if (slot.status().holder === index) this.signal(slot);
  }

  mode(index: number): MicroprocessorMode {
    return MICROPROCESSOR_MODES[this.load(index, 'mode')] ?? 'absent';
  }

  generation(index: number): number {
    return this.load(index, 'generation');
  }

  /**
   * The worker's thread has ended, in whatever moment: what it held is released, and what it had is there for the
   * next at its progress pointer. Gives the transfers that lost their holder.
   */
  lost(index: number): readonly RequestSlot[] {
    this.setMode(index, 'absent');
    const orphans = this.slots.filter((slot) => {
      const seen = slot.status();
      if (seen.holder !== index) return false;
      slot.clearWish('let-go');
      return slot.advance(seen, 'holder-lost') !== undefined && seen.state === 'transferring';
    });
    this.store(index, 'slotInHand', 0);
    releaseControlOf(this.memory, index + 1);
    // Who has looked since the first signal has not seen all of this.
    this.giveUp(index);
    return orphans;
  }

  /** Its thread is to end, which a device may hold up for ever: nobody waits for it to search. */
  giveUp(index: number): void {
    this.withdraw(index);
    this.settle();
    signalWord(this.memory.words, HEADER.boardSignal);
  }

  /** Takes it out of all tables. */
  withdraw(index: number): void {
    for (const slot of this.slots) slot.excludeMicroprocessor(index);
  }

  /** Microprocessors that should run and have given no sign of life for `limitMs`. */
  silent(limitMs: number): number[] {
    const nowMs = this.clock.monotonicMs();
    return this.watches.flatMap((watch, index) => {
      const heartbeat = this.load(index, 'heartbeat');
      if (heartbeat !== watch.heartbeat) Object.assign(watch, { heartbeat, sinceMs: nowMs });
      const isSilent = this.mode(index) !== 'absent' && nowMs - watch.sinceMs >= limitMs;
      return isSilent ? [index] : [];
    });
  }

  // ---- waiting

  /** To be read before looking at anything, and then given to `changed`. */
  signalCount(): number {
    return Atomics.load(this.memory.words, HEADER.arraySignal);
  }

  /** Resolves when a microprocessor did something after `seen` was read; undefined where it has. */
  changed(seen: number): Promise<unknown> | undefined {
    return wordChanged(this.memory.words, HEADER.arraySignal, seen);
  }

  private takeControl(): Taking | undefined {
    return takeControl(this.control, this.slots, this.clock.monotonicMs());
  }

  private isRunning(holder: number | undefined): boolean {
    return holder !== undefined && this.mode(holder) === 'running';
  }

  private signal(slot: RequestSlot): void {
    signalWord(this.memory.words, HEADER.boardSignal);
    signalRing(slot);
  }

  private load(index: number, field: MicroprocessorField): number {
    return Atomics.load(this.memory.words, this.memory.microprocessorWord(index, field));
  }

  private store(index: number, field: MicroprocessorField, value: number): void {
    Atomics.store(this.memory.words, this.memory.microprocessorWord(index, field), value);
  }
}
