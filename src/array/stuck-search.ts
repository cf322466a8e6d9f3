/**
 * Microprocessors that a device has held up in the search of a request: each port was given up when its lease was over, and where all
 * were, the device may only be slow, or hang for a while. The errand then waits until one of them comes back, and is searched again.
 * It does not set more of them on a device that has answered none: those that are stuck in it serve nobody else.
 */
import type { RequestBoard } from '../san/request-board.js';
import type { RequestSlot } from '../san/request-slots.js';

/** From when all ports were given up; in this time a microprocessor counts as lost, too. */
const HANG_MS_MAX = 30_000;

export interface StuckHost {
  readonly board: RequestBoard;
  readonly clock: { monotonicMs(): number };
  running(): readonly { readonly index: number }[];
}

export class StuckSearch {
  private untilMs: number | undefined;
  /** Those that were held up at the first look, with the number of their threads. */
  private stuck: readonly { readonly index: number; readonly generation: number }[] | undefined;

  constructor(private readonly host: StuckHost) {}

  /** Of a request that ended unreachable; undefined where no port was given up for want of an answer. */
  verdict(slot: RequestSlot): 'wait' | 'again' | 'over' | undefined {
    if (!slot.results().some(({ reason }) => reason === 'no-answer')) return undefined;
    const { board, clock } = this.host;
    const nowMs = clock.monotonicMs();
    this.untilMs ??= nowMs + HANG_MS_MAX;
    this.stuck ??= board
      .inHand(slot)
      .map((index) => ({ index, generation: board.generation(index) }));
    if (nowMs >= this.untilMs) return 'over';
    const running = new Set(this.host.running().map(({ index }) => index));
    const held = new Set(board.inHand(slot));
    const alive = this.stuck.filter(({ index, generation }) => {
      return running.has(index) && board.generation(index) === generation;
    });
    const isBack = this.stuck.length === 0 || alive.some(({ index }) => !held.has(index));
    if (!isBack) return alive.length > 0 ? 'wait' : 'over';
    this.stuck = undefined;
    return 'again';
  }

  /** The device has answered. */
  found(): void {
    this.untilMs = undefined;
    this.stuck = undefined;
  }
}
