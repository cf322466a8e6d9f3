/** The parts of a running backup server, as its routes see them. */
import type { z } from 'zod';
import type { Clock } from '../../base/clock.js';
import type { aboutSchema } from '../api.js';
import type { BackupLog } from '../backup-log.js';
import type { CatalogStore } from './catalog-store.js';
import type { ClientBook } from './client-book.js';
import type { DefinitionBook } from './definition-book.js';
import type { ErrandQueue } from './errand-queue.js';
import type { Rescans } from './rescans.js';
import type { RetentionKeeper } from './retention-keeper.js';
import type { RunBook } from './run-book.js';
import type { ServerFile } from './server-file.js';

export interface ServerParts {
  readonly clock: Clock;
  readonly log: BackupLog;
  readonly about: z.infer<typeof aboutSchema>;
  readonly store: CatalogStore;
  readonly file: ServerFile;
  readonly clients: ClientBook;
  readonly errands: ErrandQueue;
  readonly runs: RunBook;
  readonly definitions: DefinitionBook;
  readonly retention: RetentionKeeper;
  readonly rescans: Rescans;
  /** Lets others go first. */
  readonly rest: () => Promise<void>;
  /** Nothing is waited for any more. */
  readonly isStopping: () => boolean;
  /** Begins a new catalog where the directory of the present one was removed. */
  readonly renewCatalog: () => void;
}
