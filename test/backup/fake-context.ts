/** What a handler is given, without a server: what it notes, tells and changes in the catalog is kept for the test. */
import type { BackupEntry } from '../../src/backup/backup-entry.js';
import type {
  CatalogChange,
  ClientConfiguration,
  ErrandContext,
  ErrandProgress,
  KnownArray,
} from '../../src/backup/client/errand-handler.js';
import { systemClock } from '../../src/base/clock.js';
import { ArrayError } from '../../src/base/errors.js';

export class FakeContext implements ErrandContext {
  readonly clock = systemClock;
  readonly abort = new AbortController();
  readonly notes: unknown[] = [];
  readonly lines: string[] = [];
  readonly reports: ErrandProgress[] = [];
  readonly changes: CatalogChange[] = [];
  readonly entries = new Map<string, BackupEntry>();
  readonly configuration: ClientConfiguration;
  onReport: () => void = () => {};

  constructor(
    public mounted: readonly KnownArray[],
    name = 'host-1',
    stateDirectory = '/nonexistent',
  ) {
    this.configuration = {
      ...{ name, hostName: name, allowedCommands: [], allowedTargets: [], stateDirectory },
      ...{ restorePort: 'CL1-A', restoreLun: 255, serverDirectory: undefined },
    };
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  get noted(): unknown {
    return this.notes.at(-1);
  }

  async arrays(): Promise<readonly KnownArray[]> {
    return this.mounted;
  }

  async untilArray(uuid: string): Promise<KnownArray> {
    const array = this.mounted.find((one) => one.uuid === uuid);
    if (array !== undefined && !this.signal.aborted) return array;
    throw new ArrayError('EINTR', `given up waiting for array ${uuid}`);
  }

  async note(notes: unknown): Promise<void> {
    this.notes.push(JSON.parse(JSON.stringify(notes)));
  }

  report(progress: ErrandProgress): void {
    this.reports.push(progress);
    this.onReport();
  }

  log(line: string): void {
    this.lines.push(line);
  }

  async catalog(change: CatalogChange): Promise<void> {
    this.changes.push(change);
    for (const id of change.remove) this.entries.delete(id);
    for (const entry of change.add) this.entries.set(entry.id, entry);
  }
}
