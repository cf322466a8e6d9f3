/**
 * Begins the runs that are due. What was dealt with is kept for each definition, so that a server that was down finds the
 * times it has missed: they are counted, and one run catches up. A clock that has gone back runs nothing twice; after a jump
 * of more than CLOCK_BACK_MS the schedule begins anew from the present time.
 */
import { type Clock, isoTime, type Timer } from '../../base/clock.js';
import { asArrayError } from '../../base/errors.js';
import type { BackupLog } from '../backup-log.js';
import type { BackupDefinition } from '../definition.js';
import type { ScheduleRecord } from './catalog-records.js';
import type { CatalogStore } from './catalog-store.js';
import type { RunBook } from './run-book.js';
import { dueTimes, nextTime } from './schedule.js';
import type { ServerFile } from './server-file.js';

/** It is looked at least so often: a machine that slept, or a clock that was set, is noticed so soon. */
const LOOK_MS = 60_000;
/** Later than this a run is one that catches up. */
const LATE_MS = 60_000;
const CLOCK_BACK_MS = 3_600_000;

export interface SchedulerParts {
  readonly clock: Clock;
  readonly log: BackupLog;
  readonly store: CatalogStore;
  readonly file: ServerFile;
  readonly runs: RunBook;
}

export class Scheduler {
  private timer: Timer | undefined;
  private isStarted = false;

  constructor(private readonly parts: SchedulerParts) {
    parts.runs.onEnd(({ definition, number, state, endedMs }) => {
      if (!parts.file.data.definitions.some(({ name }) => name === definition)) return;
      const isComplete = state === 'complete' && { lastCompleteMs: endedMs };
      this.update(definition, (record) => ({ ...record, lastRun: number, ...isComplete }));
    });
  }

  /** Looks now and whenever something is due, until `stop`. */
  start(): void {
    this.isStarted = true;
    this.look();
  }

  stop(): void {
    this.isStarted = false;
    this.timer?.cancel();
  }

  recordOf(definition: string): ScheduleRecord {
    const untilMs = this.parts.clock.nowMs();
    return (
      this.parts.store.get('schedules', definition) ?? {
        untilMs,
        missed: 0,
        lastRun: null,
        lastCompleteMs: 0,
      }
    );
  }

  /** A new or changed schedule begins now. */
  begin(definition: string): void {
    const untilMs = this.parts.clock.nowMs();
    this.update(definition, (record) => ({ ...record, untilMs, missed: 0 }));
    this.lookAfter(0);
  }

  forget(definition: string): void {
    this.parts.store.change((change) => change.remove('schedules', definition));
  }

  private look(): void {
    const { file, log, clock } = this.parts;
    let waitMs = LOOK_MS;
    for (const definition of file.data.definitions) {
      const { name, schedule } = definition;
      if (schedule === null) continue;
      try {
        this.lookAt(definition, schedule);
        const nowMs = clock.nowMs();
        waitMs = Math.min(waitMs, (nextTime(schedule, nowMs) ?? Number.POSITIVE_INFINITY) - nowMs);
      } catch (error) {
        log.error({ definition: name, reason: asArrayError(error).reason }, 'schedule failed');
      }
    }
    this.lookAfter(waitMs);
  }

  private lookAfter(waitMs: number): void {
    this.timer?.cancel();
    if (this.isStarted) this.timer = this.parts.clock.after(waitMs, () => this.look());
  }

  private lookAt(
    definition: BackupDefinition,
    schedule: NonNullable<BackupDefinition['schedule']>,
  ): void {
    const { store, clock, log } = this.parts;
    const nowMs = clock.nowMs();
    const record = store.get('schedules', definition.name);
    if (record === undefined || nowMs < record.untilMs - CLOCK_BACK_MS) {
      // After the loss of the catalog, or of the right time.
      if (record !== undefined) {
        const fields = { definition: definition.name, was: isoTime(record.untilMs) };
        log.warn(fields, 'the clock has gone back: the schedule goes on from now');
      }
      this.begin(definition.name);
      return;
    }
    const due = dueTimes(schedule, record.untilMs, nowMs);
    if (due === undefined) return;
    const isLate = nowMs - due.lastMs > LATE_MS;
    const missed = isLate ? due.count : due.count - 1;
    // Before the run begins: what fails is not tried every second.
    this.update(definition.name, (old) => ({ ...old, untilMs: due.lastMs, missed }));
    this.run(definition, due.lastMs, missed).catch((error: unknown) => {
      log.error({ definition: definition.name, reason: asArrayError(error).reason }, 'no run');
    });
  }

  private async run(
    definition: BackupDefinition,
    scheduledMs: number,
    missed: number,
  ): Promise<void> {
    const { runs, log } = this.parts;
    const lines: string[] = [];
    if (missed > 0) {
      const text = `scheduled times missed: ${missed}, the last one ${isoTime(scheduledMs)}: one run catches up`;
      log.warn({ definition: definition.name, missed }, text);
      lines.push(text);
    }
    try {
      await runs.start(definition, scheduledMs, lines);
    } catch (error) {
      runs.refused(definition, scheduledMs, asArrayError(error).reason);
    }
  }

  private update(definition: string, edit: (record: ScheduleRecord) => ScheduleRecord): void {
    const record = edit(this.recordOf(definition));
    this.parts.store.change((change) => change.put('schedules', definition, record));
  }
}
