/** The definitions ([004] fig. 5, backup definition table): kept, checked, with when each runs next. */
import type { Clock } from '../../base/clock.js';
import { ArrayError } from '../../base/errors.js';
import { BACKUP_DEFINITIONS_MAX } from '../../base/limits.js';
import type { DefinitionRow } from '../api.js';
import type { BackupDefinition } from '../definition.js';
import { definitionProblem } from '../definition-rules.js';
import type { ClientBook } from './client-book.js';
import type { RunBook } from './run-book.js';
import { nextTime, scheduleProblem } from './schedule.js';
import type { Scheduler } from './scheduler.js';
import type { ServerFile } from './server-file.js';

export interface DefinitionBookParts {
  readonly clock: Clock;
  readonly file: ServerFile;
  readonly clients: ClientBook;
  readonly runs: RunBook;
  readonly scheduler: Scheduler;
}

export class DefinitionBook {
  constructor(private readonly parts: DefinitionBookParts) {}

  find(name: string): BackupDefinition {
    const found = this.all.find((definition) => definition.name === name);
    if (found === undefined) throw new ArrayError('ENOENT', `there is no definition ${name}`);
    return found;
  }

  rows(): DefinitionRow[] {
    return this.all.map((definition) => {
      const { missed, lastRun } = this.parts.scheduler.recordOf(definition.name);
      const nextMs = definition.schedule && nextTime(definition.schedule, this.parts.clock.nowMs());
      return { definition, nextMs, lastRun, missed };
    });
  }

  /** Makes it, or replaces that of the same name; a run that is under way goes on as it began. */
  put(definition: BackupDefinition): void {
    const { clock, clients, file, scheduler } = this.parts;
    const { schedule, name, client } = definition;
    clients.check(client);
    const problem =
      definitionProblem(definition) ?? (schedule && scheduleProblem(schedule, clock.nowMs()));
    if (problem) throw new ArrayError('EINVAL', problem);
    const old = this.all.find((other) => other.name === name);
    if (old === undefined && this.all.length >= BACKUP_DEFINITIONS_MAX) {
      throw new ArrayError('ENOSPC', `there are ${BACKUP_DEFINITIONS_MAX} definitions already`);
    }
    const others = this.all.filter((other) => other !== old);
    const definitions = [...others, definition].sort((a, b) => (a.name < b.name ? -1 : 1));
    file.update({ definitions });
    if (JSON.stringify(old?.schedule) !== JSON.stringify(schedule)) scheduler.begin(name);
  }

  /** Its backups stay. */
  remove(name: string): void {
    const definition = this.find(name);
    const run = this.parts.runs.liveRunOf(name);
    if (run !== undefined) throw new ArrayError('EBUSY', `run ${run} of ${name} is under way`);
    this.parts.file.update({ definitions: this.all.filter((other) => other !== definition) });
    this.parts.scheduler.forget(name);
  }

  private get all(): readonly BackupDefinition[] {
    return this.parts.file.data.definitions;
  }
}
