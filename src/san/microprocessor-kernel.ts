/**
 * What a microprocessor does in shared memory ([000] fig. 11): it polls, takes exclusive control, looks whether it may start a
 * request, searches the device through its ports, and lets go of control. It does not know the device: who drives the kernel
 * tells what the device answered. Everything is synchronous, for a worker's own thread.
 *
 *    for (;;) { seen = signal(); search = poll(); if (!search) sleep(seen, ...); else ... }
 *    search     port -> failed(reason) gives the next port of its own, or lets go; found() begins the transfer
 *    transfer   wish() between two chunks; letGo() for another port; end(outcome)
 */
import type { Clock } from '../base/clock.js';
import { signalWord } from '../base/shared-words.js';
import { ChunkConsumer, ChunkProducer, signalRing } from './data-area.js';
import { nextPort } from './discovery.js';
import { ExclusiveControl, type Taking } from './exclusive-control.js';
import type { PortId } from './port-id.js';
import { RequestSlot, type RequestStatus } from './request-slots.js';
import type { Outcome, RequestEvent, Wish } from './request-state.js';
import type { SearchReason } from './search-reasons.js';
import { HEADER, type SharedMemory } from './shared-memory.js';

/** Numbers in shared memory. One that is down takes no request and lets go of the one it has. */
export const MICROPROCESSOR_MODES = ['absent', 'running', 'down'] as const;
export type MicroprocessorMode = (typeof MICROPROCESSOR_MODES)[number];

export class MicroprocessorKernel {
  private readonly control: ExclusiveControl;
  private readonly slots: readonly RequestSlot[];

  constructor(
    readonly memory: SharedMemory,
    readonly index: number,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {
    this.control = new ExclusiveControl(memory, index + 1);
    this.slots = allSlots(memory);
  }

  /** To be read before polling, and then given to `sleep`. */
  signal(): number {
    return Atomics.load(this.memory.words, HEADER.boardSignal);
  }

  /** Until something happened after `seen` was read, or for `timeoutMs`. */
  sleep(seen: number, timeoutMs: number): void {
    Atomics.wait(this.memory.words, HEADER.boardSignal, seen, timeoutMs);
  }

  /** Says that the worker is alive. */
  beat(): void {
    Atomics.add(this.memory.words, this.memory.microprocessorWord(this.index, 'heartbeat'), 1);
  }

  get mode(): MicroprocessorMode {
    const place = this.memory.microprocessorWord(this.index, 'mode');
    return MICROPROCESSOR_MODES[Atomics.load(this.memory.words, place)] ?? 'absent';
  }

  /** Steps 1010 to 1034: undefined where there is nothing to do, it is not its turn, or another has control. */
  poll(): DeviceSearch | undefined {
    this.beat();
    if (this.mode !== 'running' || !this.slots.some((slot) => this.concerns(slot)))
      return undefined;
    const taking = takeControl(this.control, this.slots, this.clock.monotonicMs());
    if (taking === undefined) return undefined;
    const search = this.claimNext();
    if (search === undefined) {
      this.control.release();
      // The array core may have wanted it meanwhile.
      signalWord(this.memory.words, HEADER.arraySignal);
    }
    return search;
  }

  releaseControl(): void {
    this.control.release();
  }

  /** A slot is not used for another request while somebody has it in hand. */
  takeInHand(slot: RequestSlot | undefined): void {
    const place = this.memory.microprocessorWord(this.index, 'slotInHand');
    Atomics.store(this.memory.words, place, slot === undefined ? 0 : slot.slot + 1);
  }

  /**
   * Worth taking control for: its turn, or nobody's, or a search whose lease may be over. Looking first keeps those whose
   * turn it is not from waking each other with every release.
   */
  private concerns(slot: RequestSlot): boolean {
    const { state } = slot.status();
    if (state !== 'placed') return state === 'searching';
    return this.turnOf(slot) !== undefined || isOver(slot);
  }

  /** The oldest request whose next port it is connected to. Requests that nobody may start end here (step 1018). */
  private claimNext(): DeviceSearch | undefined {
    const placed = this.slots.filter((slot) => slot.status().state === 'placed');
    for (const slot of placed.sort((one, other) => one.number - other.number)) {
      this.takeInHand(slot);
      const seen = slot.status();
      const port = this.turnOf(slot);
      if (endWhereOver(slot) || port === undefined) continue;
      const claimed = slot.advance(seen, 'claim', { holder: this.index });
      if (claimed === undefined) continue;
      slot.port = port;
      return new DeviceSearch(this, slot, claimed);
    }
    this.takeInHand(undefined);
    return undefined;
  }

  /** That of the state word: its holder, if it had one, uses the device no more. */
  isOver(slot: number, attempt: number): boolean {
    const status = this.slots[slot]?.status();
    return status?.holder === undefined || status.attempt !== attempt;
  }

  /** The next port of the table, if it is this microprocessor's turn there. */
  turnOf(slot: RequestSlot): PortId | undefined {
    const table = slot.table();
    const port = nextPort(table);
    return port !== undefined && (table.masks[port] & (1 << this.index)) !== 0 ? port : undefined;
  }
}

/** A search under exclusive control; over as soon as `failed` or `found` gives undefined. */
export class DeviceSearch {
  constructor(
    private readonly kernel: MicroprocessorKernel,
    readonly slot: RequestSlot,
    private readonly claimed: RequestStatus,
  ) {}

  get port(): PortId | undefined {
    return this.slot.port;
  }

  /** How often the request was claimed by now: which of them this search is. */
  get attempt(): number {
    return this.claimed.attempt;
  }

  /** The request was taken away: its lease was over. */
  get isLost(): boolean {
    return this.slot.status().word !== this.claimed.word;
  }

  /**
   * The device is not to be had through the port. The next port to be searched, if it is one of this microprocessor's; else
   * it has let go: of a request that was taken away from it too.
   */
  failed(reason: SearchReason): PortId | undefined {
    const { kernel, slot, port } = this;
    if (this.isLost || port === undefined) return this.leave();
    slot.failPort(port, reason);
    if (slot.wish === 'end') return this.leave('end', 'cancelled');
    const next = kernel.turnOf(slot);
    if (next === undefined) {
      return nextPort(slot.table()) === undefined
        ? this.leave('exhausted', 'unreachable')
        : this.leave('not-found');
    }
    slot.port = next;
    kernel.beat();
    return next;
  }

  /** The device answers and the login is done. Undefined: the request was taken away or cancelled, log out. */
  found(): Transfer | undefined {
    const { kernel, slot, port } = this;
    if (this.isLost || port === undefined) return this.leave();
    if (slot.wish === 'end') return this.leave('end', 'cancelled');
    slot.setResult(port, 'found');
    const transferring = slot.advance(this.claimed, 'found', { holder: kernel.index });
    if (transferring === undefined) return this.leave();
    kernel.releaseControl();
    signalBoth(slot);
    return new Transfer(kernel, slot, transferring);
  }

  private leave(event?: RequestEvent, outcome?: Outcome): undefined {
    const { kernel, slot } = this;
    if (event !== undefined) slot.advance(this.claimed, event, outcome && { outcome });
    kernel.takeInHand(undefined);
    kernel.releaseControl();
    signalBoth(slot);
  }
}

/** Data moves between the data area and the device; nobody else touches the request's ring and pointer. */
export class Transfer {
  /** Of a backup. */
  readonly consumer: ChunkConsumer;
  /** Of a restore. */
  readonly producer: ChunkProducer;

  constructor(
    private readonly kernel: MicroprocessorKernel,
    readonly slot: RequestSlot,
    private readonly claimed: RequestStatus,
  ) {
    this.consumer = new ChunkConsumer(slot);
    this.producer = new ChunkProducer(slot);
  }

  /** What to do between two chunks; says that the worker is alive. */
  wish(): Wish {
    this.kernel.beat();
    const { wish } = this.slot;
    return wish === 'none' && this.kernel.mode !== 'running' ? 'let-go' : wish;
  }

  /** Logged out: another microprocessor, or port, goes on at the progress pointer. */
  letGo(): void {
    if (this.kernel.mode !== 'running') this.slot.excludeMicroprocessor(this.kernel.index);
    this.slot.clearWish('let-go');
    this.leave('let-go');
  }

  end(outcome: Exclude<Outcome, 'unreachable'>, report = ''): void {
    this.slot.report = report;
    this.leave('end', outcome);
  }

  private leave(event: RequestEvent, outcome?: Outcome): void {
    this.slot.advance(this.claimed, event, outcome && { outcome });
    this.kernel.takeInHand(undefined);
    signalBoth(this.slot);
  }
}

export function allSlots(memory: SharedMemory): RequestSlot[] {
  return Array.from(
    { length: memory.shape.slots },
    (_unused, slot) => new RequestSlot(memory, slot),
  );
}

/** Takes exclusive control; where the lease of a search was over, that search is over too. */
export function takeControl(
  control: ExclusiveControl,
  slots: readonly RequestSlot[],
  nowMs: number,
): Taking | undefined {
  const taking = control.take(nowMs);
  if (taking?.from !== undefined) evictSearches(slots, taking.from - 1);
  return taking;
}

/** The microprocessor is marked unavailable, and its port failed ([000] fig. 11, step 1038). */
function evictSearches(slots: readonly RequestSlot[], microprocessor: number): void {
  for (const slot of slots) {
    const seen = slot.status();
    if (seen.state !== 'searching' || seen.holder !== microprocessor) continue;
    const { port } = slot;
    if (!slot.advance(seen, 'holder-lost')) continue;
    if (port !== undefined) slot.failPort(port, 'no-answer');
    slot.excludeMicroprocessor(microprocessor);
  }
}

/** Ends a placed request that was cancelled meanwhile, or that nobody is left to search for. */
export function endWhereOver(slot: RequestSlot): boolean {
  const seen = slot.status();
  if (seen.state !== 'placed' || !isOver(slot)) return false;
  const ended =
    slot.wish === 'end'
      ? slot.advance(seen, 'cancel', { outcome: 'cancelled' })
      : slot.advance(seen, 'exhausted', { outcome: 'unreachable' });
  if (ended !== undefined) signalBoth(slot);
  return ended !== undefined;
}

function isOver(slot: RequestSlot): boolean {
  return slot.wish === 'end' || nextPort(slot.table()) === undefined;
}

function signalBoth(slot: RequestSlot): void {
  signalWord(slot.memory.words, HEADER.boardSignal);
  signalRing(slot);
}
