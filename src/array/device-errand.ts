/**
 * An errand for the microprocessors, on the array core's side (backup-path.ts has its course): places the request with the
 * bitmap table of its ports, changes the table as ports and microprocessors come and go, and takes the outcome. What data it
 * moves is up to the kinds of errands. All happens in turns of one loop (microprocessor-engine.ts); none of them waits.
 */
import type { Clock } from '../base/clock.js';
import type { ArrayError } from '../base/errors.js';
import {
  decodeFailure,
  type ErrandOrder,
  encodeOrder,
  type Work,
} from '../microprocessor/errand-order.js';
import { type Progress, readKept, readProgress } from '../san/data-area.js';
import { bitmapTable } from '../san/discovery.js';
import type { Microprocessor } from '../san/microprocessors.js';
import type { PortId } from '../san/port-id.js';
import type { RequestBoard } from '../san/request-board.js';
import type { RequestSlot } from '../san/request-slots.js';
import type { Outcome } from '../san/request-state.js';
import type { PortResult } from '../san/search-reasons.js';
import { type Errand, type ErrandPhase, type ErrandRequest, PathError } from './backup-path.js';
import { ErrandTrace, type ErrandWitness } from './errand-trace.js';
import { failureError, unreachableError } from './path-errors.js';
import { StuckSearch } from './stuck-search.js';

/** Microprocessors that end one after the other without moving anything: then the errand is the cause. */
const LOST_IN_PLACE_MAX = 5;

export interface ErrandHost {
  readonly board: RequestBoard;
  readonly clock: Clock;
  readonly serial: string;
  readonly witness: ErrandWitness | undefined;
  /** Those that run and are not down. */
  running(): readonly Microprocessor[];
  nameOf(index: number): string;
  /** A thread is about to be started in the place of one that ended. */
  readonly isRestarting: boolean;
  /** The outcome has been taken; one that a search took too long for may still be in somebody's hand. */
  release(slot: RequestSlot): void;
  /** Another turn of all errands, soon. */
  wake(): void;
  /** It holds nothing any more. */
  ended(errand: DeviceErrand): void;
}

type StuckVerdict = ReturnType<StuckSearch['verdict']>;
export type EndReason = 'cancelled' | 'stopped';

/** What came of it: `failed` with an error, where nobody wanted it to end. */
export type ErrandEnd =
  | { readonly outcome: 'done'; readonly kept: string }
  | { readonly outcome: EndReason }
  | {
      readonly outcome: 'failed';
      readonly error: ArrayError;
      readonly results: readonly PortResult[];
      /** What the device said at ports, `CL1-C: ...`. */
      readonly details: string;
    };

export abstract class DeviceErrand implements Errand {
  phase: ErrandPhase = 'waiting';
  port: PortId | undefined;
  microprocessor: string | undefined;
  attempts = 0;
  protected slot: RequestSlot | undefined;
  private endReason: EndReason | undefined;
  private ownError: ArrayError | undefined;
  private portsWish: 'none' | 'replace' | 'hand-over' = 'none';
  private refused: readonly PortResult[] = [];
  private attempt: number | undefined;
  private readonly trace: ErrandTrace;
  private lostInPlace = { bytes: -1, count: 0 };
  /** A probe tells at once that it got no answer. */
  private readonly stuck: StuckSearch | undefined;
  /** Where it goes on in another slot. */
  private left: { readonly progress: Progress; readonly kept: string } | undefined;

  constructor(
    protected readonly host: ErrandHost,
    protected readonly request: ErrandRequest,
    private readonly work: Work,
  ) {
    this.trace = new ErrandTrace(host.witness, request.device.name);
    this.stuck = work.kind === 'probe' ? undefined : new StuckSearch(host);
  }

  /** Moves what can be moved now. Before the outcome is taken it is called once more. */
  protected abstract move(slot: RequestSlot): void;
  /** Something of its own still uses the slot. */
  protected get isBusy(): boolean {
    return false;
  }
  /** It is over: nobody searches or moves any more. */
  protected abstract settle(end: ErrandEnd): void;
  /** What it waits for itself is of no use any more. */
  protected abandon(): void {}

  get number(): number {
    return this.request.number;
  }

  cancel(): void {
    this.endEarly('cancelled');
  }

  stop(): void {
    this.endEarly('stopped');
  }

  handOver(): void {
    this.portsWish = 'hand-over';
    this.host.wake();
  }

  /** Ports or microprocessors have come or gone. */
  refreshPorts(): void {
    if (this.portsWish === 'none') this.portsWish = 'replace';
    this.host.wake();
  }

  /** The array ends, and a device that does not answer still has it: nobody waits any more. */
  giveUp(): void {
    if (this.phase !== 'ended') this.end({ outcome: 'stopped' });
  }

  /** Whether the slot is its own. */
  has(slot: RequestSlot): boolean {
    return this.slot === slot;
  }

  /** The microprocessor that moved its data has ended. */
  lostHolder(): void {
    if (this.slot === undefined) return;
    const { bytes } = readProgress(this.slot);
    const count = bytes === this.lostInPlace.bytes ? this.lostInPlace.count + 1 : 1;
    this.lostInPlace = { bytes, count };
    if (count < LOST_IN_PLACE_MAX) return;
    this.fail(new PathError('EIO', `${count} microprocessors have ended at the same place of it`));
  }

  /** One look at everything. */
  turn(): void {
    if (this.phase === 'ended') return;
    const { slot } = this;
    if (slot === undefined) {
      this.place();
      return;
    }
    this.observe(slot);
    this.applyPorts(slot);
    const outcome = this.host.board.outcome(slot);
    this.move(slot);
    if (outcome === undefined) return;
    const stuck = outcome === 'unreachable' ? this.stuck?.verdict(slot) : undefined;
    if (stuck === 'wait' && !this.isEnding) return;
    if (this.isBusy) this.abandon();
    else this.take(slot, outcome, stuck);
  }

  /** It ends with this error, between two chunks. */
  fail(error: ArrayError): void {
    if (this.phase === 'ended') return;
    this.ownError ??= error;
    this.withdraw();
  }

  protected get isEnding(): boolean {
    return this.endReason !== undefined || this.ownError !== undefined;
  }

  protected get order(): ErrandOrder {
    return { serial: this.host.serial, device: this.request.device, work: this.work };
  }

  private endEarly(reason: EndReason): void {
    if (this.phase === 'ended') return;
    this.endReason ??= reason;
    this.withdraw();
  }

  private withdraw(): void {
    this.abandon();
    if (this.slot !== undefined) this.host.board.cancel(this.slot);
    this.host.wake();
  }

  private place(): void {
    const usable = this.request.ports();
    const { table, refused } = bitmapTable(usable, this.host.running());
    this.refused = refused;
    const isHopeless = usable.ports.length === 0 || !this.host.isRestarting;
    const end = this.ownEnd([]);
    if (end !== undefined) this.end(end);
    else if (table.order.length > 0) {
      const { number } = this.request;
      const payload = encodeOrder(this.order);
      this.slot = this.host.board.place({ number, table, payload, ...this.left });
    } else if (isHopeless) {
      this.end(failed(unreachableError(this.request.device.name, refused, ''), refused));
    }
  }

  private observe(slot: RequestSlot): void {
    const { state, holder, attempt } = slot.status();
    const { port } = slot;
    const isMoving = state === 'transferring';
    this.trace.at(holder === undefined ? undefined : port, isMoving, this.host.clock.nowMs());
    if (isMoving) {
      this.trace.results(attempt, slot.results());
      this.stuck?.found();
    }
    const phase = PHASES[state] ?? this.phase;
    const microprocessor = holder === undefined ? this.microprocessor : this.host.nameOf(holder);
    const isNew = holder !== undefined && attempt !== this.attempt;
    if (isNew) {
      this.attempt = attempt;
      this.attempts += 1;
    }
    const isChanged =
      isNew || phase !== this.phase || port !== this.port || microprocessor !== this.microprocessor;
    Object.assign(this, { phase, port, microprocessor });
    if (isChanged) this.request.onChange?.();
  }

  private applyPorts(slot: RequestSlot): void {
    if (this.portsWish === 'none' || this.isEnding) return;
    const { board } = this.host;
    const { table, refused } = bitmapTable(this.request.ports(), this.host.running());
    this.refused = refused;
    const { state } = slot.status();
    // It ended by the table before: `take` looks at the wish.
    if (state === 'ended') return;
    const isLost = slot.port === undefined || !table.order.includes(slot.port);
    const isHandedOver =
      state === 'transferring' && (this.portsWish === 'hand-over' || isLost)
        ? board.handOver(slot, table)
        : board.replaceTable(slot, table);
    // Later again where it is being searched: the search ends with a signal.
    if (isHandedOver) this.portsWish = 'none';
  }

  private take(slot: RequestSlot, outcome: Outcome, stuck: StuckVerdict): void {
    const progress = readProgress(slot);
    const kept = readKept(slot);
    const details = slot.report;
    const results = [...slot.results(), ...this.refused];
    this.trace.results(slot.status().attempt, slot.results());
    this.host.release(slot);
    this.slot = undefined;
    // It ended by a table that is not true any more, or the device answers again.
    const isNew = this.portsWish !== 'none' || this.host.isRestarting;
    const isOutdated = stuck === undefined ? isNew : stuck === 'again';
    this.portsWish = 'none';
    const own = this.ownEnd(results);
    if (outcome === 'done') this.end({ outcome, kept });
    else if (own !== undefined) this.end(own);
    else if (outcome === 'unreachable' && isOutdated) {
      this.left = { progress, kept };
      this.phase = 'waiting';
      this.host.wake();
    } else {
      const error =
        outcome === 'failed'
          ? failureError(decodeFailure(details))
          : unreachableError(this.request.device.name, results, details);
      this.end(failed(error, results, details));
    }
  }

  /** Where it was ended from this side. */
  private ownEnd(results: readonly PortResult[]): ErrandEnd | undefined {
    if (this.ownError !== undefined) return failed(this.ownError, results);
    return this.endReason && { outcome: this.endReason };
  }

  private end(end: ErrandEnd): void {
    this.phase = 'ended';
    // Its end may be seen in the very turn in which it was still moving.
    this.trace.at(undefined, false, this.host.clock.nowMs());
    this.host.ended(this);
    this.settle(end);
    this.request.onChange?.();
  }
}

const PHASES: Readonly<Record<string, ErrandPhase | undefined>> = {
  placed: 'waiting',
  searching: 'searching',
  transferring: 'moving',
};

function failed(error: ArrayError, results: readonly PortResult[] = [], details = ''): ErrandEnd {
  return { outcome: 'failed', error, results, details };
}
