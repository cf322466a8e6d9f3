/**
 * Copies for all pairs ([003] figs. 5, 6; [001] fig. 3): one loop for each pair that has something to copy, in
 * turns as its pace says, with host I/O between them. First copy, updates, resync and split differ only in
 * where the instant comes from.
 *
 *   turn    the next pending tracks are copied from the instant
 *   end     nothing is pending: made durable on the target, then the pair goes on to its next state
 *   round   of a duplex pair: a new instant when hosts have changed something, at most one a second,
 *           or at once where an fsync waits. A whole round or none of it stays on the secondary.
 */
import type { Clock, Timer } from '../base/clock.js';
import { type ArrayError, asArrayError } from '../base/errors.js';
import { CopyBuffers } from '../pair/copy-buffers.js';
import { PACE_TRACKS } from '../pair/difference-bits.js';
import { stateRow } from '../pair/pair-states.js';
import { copyTracks } from '../pair/track-copy.js';
import type { PairRole } from '../store/pair-records.js';
import type { Pair } from './pair.js';
import { SideError } from './pair-instants.js';

/** Between the instants of a duplex pair. */
const UPDATE_INTERVAL_MS = 1_000;
/** fsync waits for a secondary as long as this; then the pair is suspended. */
const SYNC_WAIT_MS = 5_000;
/** After a turn that failed for want of space, or at a damaged block. */
const RETRY_MS = 1_000;
/** Share of the time a pace leaves to others, in turns: it pauses so many times as long as a turn took. */
const PAUSE_TURNS = { slow: 19, medium: 1, fast: 0 } as const;
const SLOW_PAUSE_MS = 10;

interface Waiter {
  readonly round: number;
  readonly resolve: () => void;
}

interface Loop {
  again: boolean;
  /** Begins the next round without waiting for its time. */
  hurry: () => void;
  ended: Promise<void> | undefined;
}

/** What a step of a loop says of the next one: at once, later, or none until somebody wakes it. */
type Next = 'now' | 'idle' | { readonly laterMs: number };

export class PairCopier {
  private readonly loops = new Map<Pair, Loop>();
  private readonly waiters = new Map<Pair, Waiter[]>();
  private readonly roundMs = new Map<Pair, number>();
  private readonly buffers = new CopyBuffers();
  private stopped = false;

  constructor(private readonly clock: Clock) {}

  /** There may be something to copy. */
  wake(pair: Pair): void {
    if (this.stopped) return;
    const loop = this.loops.get(pair);
    if (loop !== undefined) {
      loop.again = true;
      return;
    }
    const started: Loop = { again: false, hurry: () => {}, ended: undefined };
    this.loops.set(pair, started);
    started.ended = this.run(pair, started);
  }

  /** Resolves when the secondary of a duplex pair has what is accepted now, or the pair is no longer duplex. */
  settle(pair: Pair): Promise<void> {
    const isChanged = pair.primarySide.changed.count > 0;
    if (!isChanged && pair.instant === undefined) return Promise.resolve();
    const round = isChanged ? pair.round + 1 : pair.round;
    return new Promise((resolve) => {
      const timer = this.clock.after(SYNC_WAIT_MS, () => this.tooLate(pair));
      const waiter = { round, resolve: () => resolve(timer.cancel()) };
      this.waiters.set(pair, [...(this.waiters.get(pair) ?? []), waiter]);
      this.wake(pair);
      this.loops.get(pair)?.hurry();
    });
  }

  /** Ends after the turn under way. */
  async stop(): Promise<void> {
    this.stopped = true;
    const loops = [...this.loops.values()];
    for (const loop of loops) loop.hurry();
    await Promise.all(loops.map((loop) => loop.ended));
  }

  private async run(pair: Pair, loop: Loop): Promise<void> {
    try {
      for (;;) {
        loop.again = false;
        await pair.persisted();
        if (this.stopped) return;
        const next = await this.tryStep(pair);
        if (pair.state !== 'duplex') this.release(pair, Number.POSITIVE_INFINITY);
        if (next === 'now') await this.clock.yield();
        else if (next !== 'idle') await this.wait(next.laterMs, loop);
        else if (!loop.again) return;
      }
    } finally {
      this.loops.delete(pair);
      this.release(pair, this.stopped ? Number.POSITIVE_INFINITY : 0);
    }
  }

  private async tryStep(pair: Pair): Promise<Next> {
    const { instant, state } = pair;
    try {
      return await this.step(pair);
    } catch (error) {
      // The state has changed meanwhile: what failed is of no interest any more.
      if (pair.instant !== instant || pair.state !== state) return 'now';
      return this.failed(pair, asArrayError(error));
    }
  }

  private async step(pair: Pair): Promise<Next> {
    const { state, instant } = pair;
    if (stateRow(state).copiesTo === undefined || pair.missingSide !== undefined) return 'idle';
    if (instant === undefined) return this.beginRound(pair);
    await pair.instantPublished();
    // Another instant is to be published, and known to the target, before it is copied.
    if (pair.instant !== instant) return 'now';
    const transfer = pair.transfer();
    const run = pair.target.pending.bits.firstRun(0, PACE_TRACKS[pair.pace]);
    if (run === undefined || transfer === undefined) return this.endRound(pair);
    const startMs = this.clock.monotonicMs();
    const passed = pair.passFaults(run);
    if (passed !== undefined) {
      await passed;
      if (pair.instant !== instant) return 'now';
    }
    await copyTracks(transfer, run, this.buffers);
    if (pair.state === state) pair.clearProblem();
    const tookMs = this.clock.monotonicMs() - startMs;
    const turns = PAUSE_TURNS[pair.pace];
    if (turns === 0) return 'now';
    const leastMs = pair.pace === 'slow' ? SLOW_PAUSE_MS : 0;
    return { laterMs: Math.max(leastMs, tookMs * turns) };
  }

  private async beginRound(pair: Pair): Promise<Next> {
    const { clock } = this;
    if (pair.state === 'duplex') {
      if (pair.primarySide.changed.count + pair.target.pending.count === 0) return 'idle';
      const ageMs = clock.monotonicMs() - (this.roundMs.get(pair) ?? Number.NEGATIVE_INFINITY);
      if (ageMs < UPDATE_INTERVAL_MS && !this.waiters.has(pair)) {
        return { laterMs: UPDATE_INTERVAL_MS - ageMs };
      }
      this.roundMs.set(pair, clock.monotonicMs());
      pair.keep(pair.target);
    }
    pair.takeInstant();
    await pair.persist();
    return 'now';
  }

  private async endRound(pair: Pair): Promise<Next> {
    const { instant, state, target } = pair;
    await target.volume.pool.content.durable();
    if (pair.instant !== instant || pair.state !== state || target.pending.count > 0) return 'now';
    const { round } = pair;
    pair.equal();
    this.release(pair, round);
    return 'now';
  }

  /** A side that cannot be written or read: the pair is suspended, or tries again where a copy was promised. */
  private failed(pair: Pair, error: ArrayError): Next {
    const { state } = pair;
    if (state === 'duplex-pending' || state === 'duplex' || state === 'resync') {
      pair.event(`${lostRole(pair, error)}-lost`, error.reason);
      return 'idle';
    }
    pair.setProblem(error.reason);
    return { laterMs: RETRY_MS };
  }

  private tooLate(pair: Pair): void {
    if (this.waiters.has(pair) && pair.state === 'duplex') {
      pair.event('secondary-late', `the secondary held up fsync for ${SYNC_WAIT_MS} ms`);
    }
    this.release(pair, Number.POSITIVE_INFINITY);
  }

  private release(pair: Pair, round: number): void {
    const waiters = this.waiters.get(pair) ?? [];
    const left = waiters.filter((waiter) => waiter.round > round);
    if (left.length > 0) this.waiters.set(pair, left);
    else this.waiters.delete(pair);
    for (const waiter of waiters) if (waiter.round <= round) waiter.resolve();
  }

  private async wait(delayMs: number, loop: Loop): Promise<void> {
    let timer: Timer | undefined;
    await new Promise<void>((resolve) => {
      timer = this.clock.after(delayMs, resolve);
      loop.hurry = resolve;
    });
    timer?.cancel();
    loop.hurry = () => {};
  }
}

/** The side that copying failed at: a target that is full or fails, or a source that fails or is damaged. */
function lostRole({ target, sourceSide }: Pair, error: ArrayError): PairRole {
  if (error instanceof SideError) return error.role;
  const isFailing = ({ volume }: typeof target) => volume.pool.failure !== undefined;
  const isRefused = error.code === 'ENOSPC' && !isFailing(sourceSide);
  return (isRefused || isFailing(target) ? target : sourceSide).role;
}
