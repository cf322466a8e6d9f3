/** Retention at work: what a definition's rule says of its backups, and the errands that delete the rest, after each run too. */
import { asArrayError } from '../../base/errors.js';
import type { ErrandView, RetentionRow } from '../api.js';
import type { BackupEntry } from '../backup-entry.js';
import type { BackupLog } from '../backup-log.js';
import type { BackupDefinition } from '../definition.js';
import { retentionRows } from '../retention.js';
import { findEntry, newestFirst } from './catalog-entries.js';
import type { CatalogStore } from './catalog-store.js';
import type { ErrandQueue } from './errand-queue.js';
import type { RunBook } from './run-book.js';
import type { ServerFile } from './server-file.js';

export interface RetentionParts {
  readonly log: BackupLog;
  readonly store: CatalogStore;
  readonly file: ServerFile;
  readonly errands: ErrandQueue;
  readonly runs: RunBook;
  readonly rest: () => Promise<void>;
}

export class RetentionKeeper {
  constructor(private readonly parts: RetentionParts) {
    parts.runs.onEnd((run) => {
      if (run.state !== 'complete') return;
      const definition = parts.file.data.definitions.find(({ name }) => name === run.definition);
      if (definition?.keep) void this.pruneAfterRun(definition);
    });
  }

  /** Newest first. */
  async rows(definition: BackupDefinition): Promise<RetentionRow[]> {
    const { store, rest } = this.parts;
    const entries: BackupEntry[] = [];
    for await (const { entry } of newestFirst(store, definition.name, rest)) entries.push(entry);
    const { keep, incremental, schedule } = definition;
    return retentionRows(entries, { keep, incremental, timeZone: schedule?.timeZone ?? null });
  }

  /** What is not kept is deleted by the clients that reach it. */
  async prune(
    definition: BackupDefinition,
  ): Promise<{ readonly rows: RetentionRow[]; readonly errands: ErrandView[] }> {
    const { store, errands, log } = this.parts;
    const rows = await this.rows(definition);
    // A run that is under way was told of all of them.
    if (this.parts.runs.liveRunOf(definition.name) !== undefined) return { rows, errands: [] };
    const busy = new Set(errands.liveRecords().map(({ entry }) => entry));
    const ids = rows.filter(({ isKept, id }) => !isKept && !busy.has(id)).map(({ id }) => id);
    const made = ids.map((id) => {
      const entry = findEntry(store, id);
      return errands.add({ kind: 'delete', client: entry.client, input: { entry }, entry: id });
    });
    if (made.length > 0)
      log.info({ definition: definition.name, backups: ids }, 'retention deletes');
    return { rows, errands: made };
  }

  private async pruneAfterRun(definition: BackupDefinition): Promise<void> {
    try {
      await this.prune(definition);
    } catch (error) {
      const { reason } = asArrayError(error);
      this.parts.log.error({ definition: definition.name, reason }, 'retention failed');
    }
  }
}
