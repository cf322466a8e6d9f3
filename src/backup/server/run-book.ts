/**
 * The runs of definitions: one at a time of each, from the request or the schedule to its end, with what its errand told
 * on the way. A run is complete, failed or cancelled when its errand is over.
 */
import type { Clock } from '../../base/clock.js';
import { ArrayError, asArrayError } from '../../base/errors.js';
import { BACKUP_RUNS_MAX } from '../../base/limits.js';
import type { Run } from '../api.js';
import type { BackupEntry } from '../backup-entry.js';
import type { BackupLog } from '../backup-log.js';
import type { BackupDefinition } from '../definition.js';
import { newestFirst } from './catalog-entries.js';
import type { ErrandRecord } from './catalog-records.js';
import type { CatalogChange, CatalogStore, RangeOptions } from './catalog-store.js';
import type { ErrandFollower, ErrandQueue } from './errand-queue.js';
import type { ServerFile } from './server-file.js';

/** Runs read at a time. */
const SLICE_RUNS = 100;

export interface RunBookParts {
  readonly clock: Clock;
  readonly log: BackupLog;
  readonly store: CatalogStore;
  readonly file: ServerFile;
  readonly errands: ErrandQueue;
}

export class RunBook implements ErrandFollower {
  private readonly endListeners: ((run: Run) => void)[] = [];

  constructor(private readonly parts: RunBookParts) {
    parts.errands.follow(this);
  }

  /** Called after each run's end is in the catalog. */
  onEnd(listener: (run: Run) => void): void {
    this.endListeners.push(listener);
  }

  /** EBUSY where a run of it is under way. `log`: lines the run begins with. */
  async start(
    definition: BackupDefinition,
    scheduledMs: number,
    log: readonly string[] = [],
  ): Promise<Run> {
    const { clock, store, file, errands } = this.parts;
    const earlier: BackupEntry[] = [];
    const rest = () => clock.yield();
    const isMirror = definition.method === 'mirror';
    // A secondary may hold a backup of another definition: it leaves the catalog when it is overwritten.
    const among = isMirror ? undefined : definition.name;
    for await (const { entry } of newestFirst(store, among, rest)) {
      if (concerns(definition, entry)) earlier.push(entry);
    }
    // No wait from here on: two requests at one time do not both find it free.
    this.checkFree(definition.name);
    const hasCopy = definition.secondMedium.length > 0;
    const number = file.takeNumbers(hasCopy ? 2 : 1);
    const input = {
      runNumber: number,
      copyRunNumber: hasCopy ? number + 1 : number,
      definition,
      scheduledMs,
      earlier: earlier.reverse(),
    };
    const wish = { kind: 'backup', client: definition.client, input, run: number } as const;
    errands.add(wish, (change, errand) => {
      const run = this.newRun(number, definition, scheduledMs, errand.id, log);
      change.put('runs', number, run);
      change.remove('runs', number - BACKUP_RUNS_MAX);
    });
    this.parts.log.info({ run: number, definition: definition.name, scheduledMs }, 'run begins');
    return this.find(number);
  }

  /** A scheduled run that could not even begin is kept, too. */
  refused(definition: BackupDefinition, scheduledMs: number, reason: string): Run {
    const number = this.parts.file.takeNumbers(1);
    const endedMs = this.parts.clock.nowMs();
    const begun = this.newRun(number, definition, scheduledMs, 0, []);
    const run: Run = { ...begun, state: 'failed', reason, endedMs };
    this.parts.store.change((change) => change.put('runs', number, run));
    this.tellEnd(run);
    return run;
  }

  find(number: number): Run {
    const run = this.parts.store.get('runs', number);
    if (run === undefined) throw new ArrayError('ENOENT', `there is no run ${number}`);
    return this.withEntries(run);
  }

  /** Newest first. */
  list(definition: string | undefined, limit: number): Run[] {
    const found: Run[] = [];
    let options: RangeOptions = { reverse: true, limit: SLICE_RUNS };
    for (;;) {
      const rows = this.parts.store.range('runs', options);
      for (const { value } of rows) {
        if (definition === undefined || value.definition === definition) found.push(value);
      }
      if (found.length >= limit || rows.length < SLICE_RUNS) break;
      options = { ...options, start: rows.at(-1)?.key, exclusiveStart: true };
    }
    return found.slice(0, limit).map((run) => this.withEntries(run));
  }

  cancel(number: number, isConnected: (client: string) => boolean): Run {
    const run = this.find(number);
    if (run.endedMs > 0) throw new ArrayError('EBUSY', `run ${number} is over: ${run.state}`);
    this.parts.errands.cancel(run.errand, isConnected);
    return this.find(number);
  }

  /** Number of the run of `definition` that is under way. */
  liveRunOf(definition: string): number | undefined {
    return this.parts.errands
      .liveRecords()
      .find(({ kind, input }) => kind === 'backup' && definitionOf(input) === definition)?.run as
      | number
      | undefined;
  }

  started(change: CatalogChange, record: ErrandRecord): void {
    const startedMs = this.parts.clock.nowMs();
    this.update(change, record, (run) => ({ ...run, state: 'running', startedMs }));
  }

  logged(change: CatalogChange, record: ErrandRecord, lines: readonly string[]): void {
    this.update(change, record, (run) => ({ ...run, log: [...run.log, ...lines] }));
  }

  ended(change: CatalogChange, record: ErrandRecord): void {
    const state = record.state === 'done' ? 'complete' : (record.state as 'failed' | 'cancelled');
    const { endedMs, failure } = record;
    this.update(change, record, (run) => ({
      ...run,
      state,
      endedMs,
      reason: failure?.reason ?? '',
    }));
  }

  afterEnd(record: ErrandRecord): void {
    if (record.run !== null) this.tellEnd(this.find(record.run));
  }

  /** In the change that adds entries for the run's errand. */
  addEntries(change: CatalogChange, errand: ErrandRecord, ids: readonly string[]): void {
    this.update(change, errand, (run) => ({
      ...run,
      entries: [...new Set([...run.entries, ...ids])],
    }));
  }

  /** The catalog was begun anew while these runs are under way. */
  restore(change: CatalogChange): void {
    for (const { run, input, id, createdMs } of this.parts.errands.liveRecords()) {
      if (run === null) continue;
      const { definition, scheduledMs } = input as RunInput;
      const begun = this.newRun(run, definition, scheduledMs, id, []);
      change.put('runs', run, { ...begun, state: 'running', startedMs: createdMs });
    }
  }

  private checkFree(definition: string): void {
    const number = this.liveRunOf(definition);
    if (number === undefined) return;
    throw new ArrayError('EBUSY', `run ${number} of ${definition} is still under way`);
  }

  private newRun(
    number: number,
    { name, client }: BackupDefinition,
    scheduledMs: number,
    errand: number,
    log: readonly string[],
  ): Run {
    const startedMs = this.parts.clock.nowMs();
    return {
      ...{ number, definition: name, client, state: 'waiting', reason: '', scheduledMs, startedMs },
      ...{ endedMs: 0, errand, entries: [], log: [...log] },
    };
  }

  private update(change: CatalogChange, { run }: ErrandRecord, edit: (run: Run) => Run): void {
    const found = run === null ? undefined : change.get('runs', run);
    if (found !== undefined) change.put('runs', found.number, edit(found));
  }

  private withEntries(run: Run): Run {
    const { store } = this.parts;
    return { ...run, entries: run.entries.filter((id) => store.get('entries', id) !== undefined) };
  }

  private tellEnd(run: Run): void {
    const { number, definition, state, reason } = run;
    const fields = { run: number, definition, state, reason };
    if (state === 'complete') this.parts.log.info(fields, 'run ends');
    else this.parts.log.warn(fields, 'run ends');
    for (const listener of this.endListeners) {
      try {
        listener(run);
      } catch (error) {
        this.parts.log.error({ run: number, reason: asArrayError(error).reason }, 'after the run');
      }
    }
  }
}

interface RunInput {
  readonly definition: BackupDefinition;
  readonly scheduledMs: number;
}

function definitionOf(input: unknown): string {
  return (input as RunInput).definition.name;
}

function concerns({ name, to }: BackupDefinition, { definition, place }: BackupEntry): boolean {
  if (definition === name) return true;
  return (place.kind === 'mirror' || place.kind === 'array') && to.includes(place.volume);
}
