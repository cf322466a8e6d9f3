/**
 * A clock that a test moves: timers fire only in `advance`, and chance comes from a seed.
 */
import type { Clock, Timer } from '../../src/base/clock.js';
import { RandomSource } from './random-source.js';

interface PendingTimer {
  atMs: number;
  readonly action: () => void;
  cancelled: boolean;
}

export class ManualClock implements Clock {
  private timers: PendingTimer[] = [];
  private ms = Date.UTC(2026, 0, 1);

  constructor(private readonly random = new RandomSource(1)) {}

  nowMs(): number {
    return this.ms;
  }

  monotonicMs(): number {
    return this.ms;
  }

  after(delayMs: number, action: () => void): Timer {
    const timer = { atMs: this.ms + delayMs, action, cancelled: false };
    this.timers.push(timer);
    return {
      cancel: () => {
        timer.cancelled = true;
      },
    };
  }

  /** Timers that would fire if time went on. */
  get timerCount(): number {
    return this.timers.filter(({ cancelled }) => !cancelled).length;
  }

  /** Somebody sets the clock: what is pending has as long to wait as before. */
  set(ms: number): void {
    const jumpMs = ms - this.ms;
    this.timers = this.timers
      .filter(({ cancelled }) => !cancelled)
      .map((timer) => Object.assign(timer, { atMs: timer.atMs + jumpMs }));
    this.ms = ms;
  }

  /** The daemon that set the timers was killed. */
  forgetTimers(): void {
    this.timers = [];
  }

  yield(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  randomBytes(length: number): Uint8Array {
    return this.random.bytes(length);
  }

  /** Moves time on by `ms`, firing what is due in order, and lets what that started settle. */
  async advance(ms: number): Promise<void> {
    const end = this.ms + ms;
    for (;;) {
      await this.yield();
      this.timers = this.timers.filter((timer) => !timer.cancelled);
      const due = this.timers.filter((timer) => timer.atMs <= end);
      due.sort((a, b) => a.atMs - b.atMs);
      const next = due[0];
      if (next === undefined) break;
      this.ms = Math.max(this.ms, next.atMs);
      next.cancelled = true;
      next.action();
    }
    this.ms = end;
  }

  /** Lets time go on until `work` is done: background work pauses by the clock. */
  async drive<T>(work: Promise<T>): Promise<T> {
    let settled = false;
    const done = work.finally(() => {
      settled = true;
    });
    done.catch(() => undefined);
    await this.yield();
    while (!settled) await this.advance(10);
    return done;
  }
}
