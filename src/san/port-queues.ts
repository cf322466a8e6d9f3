/**
 * The queues of ports that are target and initiator at once ([002] figs. 11 to 14): requests of hosts and chunks of
 * backup data go through in turns. Other ports carry one of the two, and need none.
 *
 * Each kind keeps its order: what waits is begun inside the queue, before anything that comes later. What has begun is not held
 * any more, however long it takes.
 */
import type { Clock, Timer } from '../base/clock.js';
import { PORT_IDS, type PortId } from './port-id.js';
import { ratioRule, type TurnKind, type TurnRule, Turns } from './turns.js';

const RATIO_AT_FIRST = '10:1';

export class PortQueues {
  private readonly queues: readonly PortQueue[];

  constructor(clock: Clock, rule: TurnRule = ratioRule(RATIO_AT_FIRST, 'bytes')) {
    this.queues = PORT_IDS.map(() => new PortQueue(clock, rule));
  }

  of(port: PortId): PortQueue {
    return this.queues[PORT_IDS.indexOf(port)] as PortQueue;
  }

  /** Of all ports, from now on. */
  setRule(rule: TurnRule): void {
    for (const queue of this.queues) queue.setRule(rule);
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

  private isTurnOf(kind: TurnKind): boolean {
    const { online, backup } = this.waiting;
    if (this.waiting[kind].length > 0 || this.isServing) return false;
    const counts = { online: online.length, backup: backup.length, [kind]: 1 };
    return this.turns.next(counts, this.clock.monotonicMs()).next === kind;
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
      const { next, againMs } = this.turns.next(counts, this.clock.monotonicMs());
      const waiter = next === 'none' ? undefined : this.waiting[next].shift();
      if (next === 'none' || waiter === undefined) return againMs;
      this.note(next, waiter.bytes);
      waiter.go();
    }
  }
}
