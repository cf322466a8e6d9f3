/**
 * The errands of all clients: what was asked, who has it, how far it is, how it ended. Live ones are in memory and in the
 * catalog; each change is in the catalog before anybody is told. An errand ends once: done, failed or cancelled.
 *
 *   waiting     nobody has it        delivered by a poll, again as long as the client does not say that it has it
 *   running     its client has it    a client that says it has it not any more (its state is lost) makes it fail
 */
import type { Clock } from '../../base/clock.js';
import { ArrayError } from '../../base/errors.js';
import { BACKUP_ERRANDS_MAX, BACKUP_LOG_LINES_MAX } from '../../base/limits.js';
import type { ErrandView, PollAnswer, Report } from '../api.js';
import type { ErrandKind } from '../errands.js';
import type { LiveErrandRecord } from './catalog-records.js';
import type { CatalogChange, CatalogStore } from './catalog-store.js';
import { ChangeSignal } from './change-signal.js';
import {
  cut,
  type End,
  endOf,
  isOver,
  type NewErrand,
  newRecord,
  withoutInput,
} from './errand-record.js';
import type { ServerFile } from './server-file.js';

interface LiveErrand {
  record: LiveErrandRecord;
  progress: ErrandView['progress'];
  readonly changed: ChangeSignal;
}

/** What follows from an errand's course, in the same change of the catalog; and afterwards. */
export interface ErrandFollower {
  /** Its client has it. */
  started?(change: CatalogChange, record: LiveErrandRecord): void;
  logged?(change: CatalogChange, record: LiveErrandRecord, lines: readonly string[]): void;
  ended?(change: CatalogChange, record: LiveErrandRecord): void;
  /** The end is in the catalog. */
  afterEnd?(record: LiveErrandRecord): void;
}

export class ErrandQueue {
  private readonly live = new Map<number, LiveErrand>();
  private readonly arrivals = new Map<string, ChangeSignal>();
  /** Errands whose end their clients were told of already: told again, but not at once. */
  private readonly told = new Set<number>();
  private readonly followers: ErrandFollower[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly store: CatalogStore,
    private readonly file: ServerFile,
  ) {
    for (const { value } of store.range('errands')) {
      if (!isOver(value)) this.enter({ ...value, input: store.get('inputs', value.id) });
    }
  }

  follow(follower: ErrandFollower): void {
    this.followers.push(follower);
  }

  liveRecords(): readonly LiveErrandRecord[] {
    return [...this.live.values()].map(({ record }) => record);
  }

  /** `more` is done in the same change. */
  add<K extends ErrandKind>(
    wish: NewErrand<K>,
    more: (change: CatalogChange, record: LiveErrandRecord) => void = () => {},
  ): ErrandView {
    const id = this.file.takeErrand();
    const record = newRecord(id, wish, this.clock.nowMs());
    this.store.change((change) => {
      change.put('errands', id, withoutInput(record));
      change.put('inputs', id, wish.input);
      this.forgetOld(change, id);
      more(change, record);
    });
    this.enter(record);
    this.arrival(wish.client).notify();
    return this.view(id);
  }

  view(id: number): ErrandView {
    const live = this.live.get(id);
    const record = live?.record ?? this.store.get('errands', id);
    if (record === undefined) throw new ArrayError('ENOENT', `there is no errand ${id}`);
    const { kind, client, state, revision, output, failure } = record;
    const log = record.run === null ? record.log : (this.store.get('runs', record.run)?.log ?? []);
    const progress = live?.progress ?? null;
    return { id, kind, client, state, revision, progress, log: [...log], output, failure };
  }

  /** The errand when its revision is above `after`, or after `waitMs`. */
  async waitView(
    id: number,
    after: number,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<ErrandView> {
    const live = this.live.get(id);
    if (live !== undefined && live.record.revision <= after) {
      await live.changed.wait(waitMs, signal);
    }
    return this.view(id);
  }

  /** What `client`, which has the errands `has`, must begin and give up; waits for it up to `waitMs`. */
  async poll(
    client: string,
    has: readonly number[],
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<PollAnswer> {
    this.reconcile(client, has);
    let answer = this.newsFor(client, has);
    const isNews = answer.errands.length > 0 || answer.cancelled.some((id) => !this.told.has(id));
    if (!isNews && waitMs > 0) {
      await this.arrival(client).wait(waitMs, signal);
      answer = this.newsFor(client, has);
    }
    for (const id of answer.cancelled) this.told.add(id);
    return answer;
  }

  report(client: string, message: Report): void {
    const live = this.liveOf(client, message.errand);
    const { record } = live;
    const fresh = message.log.slice(Math.max(0, record.lineCount - message.firstLine));
    const lines = fresh.slice(0, Math.max(0, BACKUP_LOG_LINES_MAX - record.lineCount)).map(cut);
    const lineCount = Math.max(record.lineCount, message.firstLine + message.log.length);
    const next: LiveErrandRecord = {
      ...record,
      state: 'running',
      lineCount,
      log: record.run === null ? [...record.log, ...lines] : record.log,
    };
    const end = endOf(next, message);
    live.progress = message.progress ?? live.progress;
    if (end !== undefined) this.end(live, next, end, lines);
    else if (lineCount > record.lineCount || record.state === 'waiting') {
      this.keep(live, next, lines);
    } else this.tell(live, next);
  }

  /** An errand that its client does not have ends at once, as does one whose client is away. */
  cancel(id: number, isConnected: (client: string) => boolean): void {
    const live = this.live.get(id);
    if (live === undefined) {
      throw new ArrayError('EBUSY', `errand ${id} is over: ${this.view(id).state}`);
    }
    const { record } = live;
    const failure = { error: 'EINTR', reason: 'cancelled' };
    if (record.state === 'waiting' || !isConnected(record.client)) {
      this.end(live, record, { state: 'cancelled', output: null, failure });
    } else this.keep(live, { ...record, isCancelling: true });
    this.arrival(record.client).notify();
  }

  fail(id: number, failure: { readonly error: string; readonly reason: string }): void {
    const live = this.live.get(id);
    if (live !== undefined) this.end(live, live.record, { state: 'failed', output: null, failure });
  }

  /** Applies a change of the client for its errand once, however often it is sent. */
  once(
    client: string,
    id: number,
    sequence: number,
    action: (change: CatalogChange, record: LiveErrandRecord) => void,
  ): void {
    const live = this.liveOf(client, id);
    if (sequence <= live.record.sequence) return;
    const next: LiveErrandRecord = { ...live.record, sequence };
    this.store.change((change) => {
      action(change, next);
      change.put('errands', id, withoutInput(next));
    });
    live.record = next;
  }

  /** The catalog was begun anew: what is still under way goes on. */
  restore(change: CatalogChange): void {
    for (const { record } of this.live.values()) {
      change.put('errands', record.id, withoutInput(record));
      change.put('inputs', record.id, record.input);
    }
  }

  /** Ends all waiting, at the end of the server. */
  wakeAll(): void {
    for (const arrival of this.arrivals.values()) arrival.notify();
    for (const { changed } of this.live.values()) changed.notify();
  }

  private newsFor(client: string, has: readonly number[]): PollAnswer {
    const own = this.liveRecords().filter((record) => record.client === client);
    const errands = own
      .filter(({ id, state }) => state === 'waiting' && !has.includes(id))
      .map(({ id, kind, input }) => ({ id, kind, input }));
    const cancelled = has.filter((id) => {
      const record = this.live.get(id)?.record;
      return record === undefined || record.client !== client || record.isCancelling;
    });
    return { errands, cancelled };
  }

  /** What the client has is running; what it had and has no more has failed. */
  private reconcile(client: string, has: readonly number[]): void {
    for (const live of [...this.live.values()]) {
      const { record } = live;
      if (record.client !== client) continue;
      const isHeld = has.includes(record.id);
      if (isHeld && record.state === 'waiting') this.keep(live, { ...record, state: 'running' });
      if (isHeld || record.state === 'waiting') continue;
      const reason = `client ${client} does not know of it any more: its state was lost, or its answer refused`;
      const failure = { error: 'EIO', reason };
      this.end(live, record, { state: 'failed', output: null, failure });
    }
  }

  private end(
    live: LiveErrand,
    record: LiveErrandRecord,
    end: End,
    lines: readonly string[] = [],
  ): void {
    const next = { ...record, ...end, endedMs: this.clock.nowMs() };
    this.keep(live, next, lines);
    this.live.delete(next.id);
    live.changed.notify();
    for (const follower of this.followers) follower.afterEnd?.(next);
  }

  private keep(live: LiveErrand, record: LiveErrandRecord, lines: readonly string[] = []): void {
    const next = { ...record, revision: live.record.revision + 1 };
    const isStart = next.state !== 'waiting' && live.record.state === 'waiting';
    this.store.change((change) => {
      change.put('errands', next.id, withoutInput(next));
      if (isOver(next)) change.remove('inputs', next.id);
      for (const follower of this.followers) {
        if (isStart && !isOver(next)) follower.started?.(change, next);
        if (lines.length > 0) follower.logged?.(change, next, lines);
        if (isOver(next)) follower.ended?.(change, next);
      }
    });
    live.record = next;
    live.changed.notify();
  }

  /** Progress alone is not kept. */
  private tell(live: LiveErrand, record: LiveErrandRecord): void {
    live.record = { ...record, revision: live.record.revision + 1 };
    live.changed.notify();
  }

  private liveOf(client: string, id: number): LiveErrand {
    const live = this.live.get(id);
    if (live?.record.client === client) return live;
    throw new ArrayError('ENOENT', `client ${client} has no errand ${id} that is under way`);
  }

  private enter(record: LiveErrandRecord): void {
    const changed = new ChangeSignal(this.clock);
    this.live.set(record.id, { record, progress: null, changed });
  }

  private arrival(client: string): ChangeSignal {
    const known = this.arrivals.get(client) ?? new ChangeSignal(this.clock);
    this.arrivals.set(client, known);
    return known;
  }

  /** Ids are given out one after the other. */
  private forgetOld(change: CatalogChange, id: number): void {
    const old = id - BACKUP_ERRANDS_MAX;
    if (!this.live.has(old)) change.remove('errands', old);
  }
}
