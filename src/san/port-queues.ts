/**
 * Requests of hosts and chunks of backup data in turns ([002] figs. 11 to 14): at each port, and in the array as a whole.
 *
 * A port that is target and initiator at once has one queue for both. Other ports carry one of the two, which goes through at once.
 * Each kind keeps its order: what waits is begun inside the queue, before anything that comes later. What has begun is not held
 * any more, however long it takes.
 *
 * Requests to any image of the array are not held, but use up the share of online in the array's queue, where backup data
 * waits for its turn. While there is no backup they are not even counted.
 */
import type { Clock, Timer } from '../base/clock.js';
import { PORT_IDS, type PortId } from './port-id.js';
import {
  FIRST_RULE,
  type NextTurn,
  type TurnKind,
  type TurnRule,
  Turns,
  type Waiting,
} from './turns.js';

/** A request that is under way says so long after the last one came that the host is there; it may hang. */
const UNDER_WAY_MS = 1_000;

export class PortQueues {
  /** Of all of the array. */
  readonly array: PortQueue;
  private readonly queues: readonly PortQueue[];
  private backups = 0;

  constructor(clock: Clock, rule: TurnRule = FIRST_RULE) {
    this.array = new PortQueue(clock, rule);
    this.queues = PORT_IDS.map(() => new PortQueue(clock, rule));
  }

  /** A backup, or the way back, begins to ask for its turns; its end is what is returned. */
  attend(): () => void {
    this.backups += 1;
    return () => {
      this.backups -= 1;
    };
  }

  /** Backup data goes, or may go. */
  get isAttended(): boolean {
    return this.backups > 0;
  }

  /** A request of a host to any image; `answer`: it has none yet. */
  readonly requested = (bytes: number, answer: Promise<unknown> | undefined): void => {
    if (this.isAttended) this.array.passed(bytes, answer);
  };

  of(port: PortId): PortQueue {
    return this.queues[PORT_IDS.indexOf(port)] as PortQueue;
  }

  /** Everywhere, from now on. */
  setRule(rule: TurnRule): void {
    for (const queue of [this.array, ...this.queues]) queue.setRule(rule);
  }
}

interface Waiter {
  readonly bytes: number;
  readonly go: () => void;
}

export class PortQueue {
  private readonly turns: Turns;
  private readonly waiting: Readonly<Record<TurnKind, Waiter[]>> = { online: [], backup: [] };
  private timer: Timer | undefined;
  private isServing = false;
  /** Why whoever asked last goes or waits. */
  private lastReason = '';
  private underWay = 0;
  private lastCameMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly clock: Clock,
    rule: TurnRule,
  ) {
    this.turns = new Turns(rule, clock.monotonicMs());
  }

  get rule(): TurnRule {
    return this.turns.rule;
  }

  setRule(rule: TurnRule): void {
    this.turns.setRule(rule, this.clock.monotonicMs());
    this.serve();
  }

  /** Who goes at the moment, and why; '' where nobody has asked yet. */
  get reason(): string {
    return this.lastReason;
  }

  /** Begins a request of a host, of so many bytes, when its turn has come: at once, or later. */
  online<T>(bytes: number, begin: () => T | Promise<T>): T | Promise<T> {
    if (this.isTurnOf('online')) {
      this.note('online', bytes);
      return begin();
    }
    return new Promise((resolve, reject) => {
      const go = () => {
        try {
          resolve(begin());
        } catch (error) {
          reject(error);
        }
      };
      this.wait('online', { bytes, go });
    });
  }

  /** Before a chunk of backup data of so many bytes; undefined: it may go at once. */
  backup(bytes: number): Promise<void> | undefined {
    if (this.isTurnOf('backup')) {
      this.note('backup', bytes);
      return undefined;
    }
    return new Promise((go) => this.wait('backup', { bytes, go }));
  }

  /** A request of a host has its answer: from now on it is seen whether the host is idle. */
  onlineDone(): void {
    this.note('online', 0);
    if (this.waiting.backup.length > 0) this.serve();
  }

  /** A request of a host that is not held: it only uses up its share. `answer`: it has none yet. */
  passed(bytes: number, answer?: Promise<unknown>): void {
    const nowMs = this.clock.monotonicMs();
    this.turns.onlineDone(bytes, nowMs);
    this.lastCameMs = nowMs;
    if (answer !== undefined) this.follow(answer);
    if (this.waiting.backup.length > 0 && this.turns.isOver(nowMs)) this.serve();
  }

  private follow(answer: Promise<unknown>): void {
    this.underWay += 1;
    const ended = () => {
      this.underWay -= 1;
      this.note('online', 0);
    };
    answer.then(ended, ended);
  }

  private isTurnOf(kind: TurnKind): boolean {
    const { online, backup } = this.waiting;
    if (this.waiting[kind].length > 0 || this.isServing) return false;
    return this.next({ online: online.length, backup: backup.length, [kind]: 1 }).next === kind;
  }

  private next(counts: Waiting): NextTurn {
    const nowMs = this.clock.monotonicMs();
    const isThere = this.underWay > 0 && nowMs - this.lastCameMs < UNDER_WAY_MS;
    if (isThere) this.turns.onlineDone(0, nowMs);
    const next = this.turns.next(counts, nowMs);
    if (counts.online + counts.backup > 0) this.lastReason = next.reason;
    return next;
  }

  private wait(kind: TurnKind, waiter: Waiter): void {
    this.waiting[kind].push(waiter);
    this.serve();
  }

  /** Bytes a second of both, in the last whole second. */
  rates(): Readonly<Record<TurnKind, number>> {
    return this.turns.rates(this.clock.monotonicMs());
  }

  private note(kind: TurnKind, bytes: number): void {
    const nowMs = this.clock.monotonicMs();
    if (kind === 'online') this.turns.onlineDone(bytes, nowMs);
    else this.turns.backupDone(bytes, nowMs);
  }

  /** Lets through whoever is next, until nobody is before some time has passed. */
  private serve(): void {
    // Whoever is let through may come back here: the loop goes on for it.
    if (this.isServing) return;
    this.isServing = true;
    this.timer?.cancel();
    const againMs = this.serveAll();
    this.timer = againMs === undefined ? undefined : this.clock.after(againMs, () => this.serve());
    this.isServing = false;
  }

  /** When to look again, where only time changes something. */
  private serveAll(): number | undefined {
    const { online, backup } = this.waiting;
    for (;;) {
      const counts = { online: online.length, backup: backup.length };
      const { next, againMs } = this.next(counts);
      const waiter = next === 'none' ? undefined : this.waiting[next].shift();
      if (next === 'none' || waiter === undefined) return againMs;
      this.note(next, waiter.bytes);
      waiter.go();
    }
  }
}
