/** Runs of the backup handler over a mounted array with ext4 on a volume; the server's catalog is a map. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { BackupEntry } from '../../src/backup/backup-entry.js';
import { backupHandler } from '../../src/backup/client/backup-handler.js';
import { type BackupDefinition, definitionSchema } from '../../src/backup/definition.js';
import type { ErrandInput } from '../../src/backup/errands.js';
import { rescan } from '../../src/backup/media/rescan.js';
import { ErrandBench } from './errand-context.js';
import { MIB, MountedArray } from './mounted-array.js';
import { done } from './programs.js';

export const IMAGE_BYTES = 8 * MIB;

export class RunBench {
  /** Volumes db, with a file system, and log; secondaries for them; a tape library. */
  readonly array = MountedArray.create();
  readonly point: string;
  readonly hooks: string;
  catalog = new Map<string, BackupEntry>();
  bench: ErrandBench;
  runNumber = 0;

  constructor() {
    const { array } = this;
    for (const name of ['db', 'log', 'db-copy', 'log-copy']) {
      array.ok('create', `${name} ${IMAGE_BYTES}`);
    }
    array.ok('reserve', 'db-copy log-copy');
    array.ok('device', `tape0 kind=tape path=${join(array.directory, 'tapes')} slots=9`);
    done('mkfs.ext4', '-q', array.volume('db'));
    this.point = array.loopMount(array.volume('db'), 'fs');
    this.hooks = join(array.directory, 'hooks');
    this.bench = this.newBench();
  }

  /** For the next test: an empty catalog, no command has run. */
  begin(...allowed: string[]): void {
    this.catalog = new Map();
    this.bench = this.newBench(...allowed);
    this.forgetHooks();
  }

  /** A command that leaves its name. */
  hook(name: string): string {
    return `echo ${name} >> ${this.hooks}`;
  }

  hooksRun(): string[] {
    return existsSync(this.hooks) ? readFileSync(this.hooks, 'utf8').trim().split('\n') : [];
  }

  forgetHooks(): void {
    rmSync(this.hooks, { force: true });
  }

  newBench(...more: string[]): ErrandBench {
    return new ErrandBench([this.array], this.array.directory, {
      allowedCommands: [this.hook('pre'), this.hook('post'), ...more],
    });
  }

  definition(more: Partial<BackupDefinition>): BackupDefinition {
    const base = { name: 'nightly', client: 'here', paths: [this.point], volumes: null };
    const how = { method: 'snapshot', to: [], secondMedium: [], class: 'disk', policy: 'merge' };
    const flags = { incremental: false, freeze: false, resyncAfter: false, sha256: false };
    const rest = { array: null, pre: null, post: null, label: '', schedule: null, keep: null };
    return definitionSchema.parse({ ...base, ...how, ...flags, ...rest, ...more });
  }

  inputOf(definition: BackupDefinition): ErrandInput<'backup'> {
    this.runNumber += 2;
    const { runNumber } = this;
    const earlier = [...this.catalog.values()];
    return { runNumber, copyRunNumber: runNumber + 1, definition, scheduledMs: 0, earlier };
  }

  /** What a run tells. */
  async run(more: Partial<BackupDefinition>): Promise<string> {
    const input = this.inputOf(this.definition(more));
    const made = await backupHandler.perform(input, this.bench.context());
    this.takeChanges();
    return made.lines.join('\n');
  }

  /** How the next client ends it. */
  async recovered(input: ErrandInput<'backup'>): Promise<string> {
    const { recover } = backupHandler;
    if (recover === undefined) throw new Error('backups are recovered');
    return recover(input, this.bench.context()).then(
      () => 'complete',
      (error: Error) => error.message,
    );
  }

  takeChanges(): void {
    for (const { add, remove } of this.bench.changes.splice(0)) {
      for (const id of remove) this.catalog.delete(id);
      for (const entry of add) this.catalog.set(entry.id, entry);
    }
  }

  /** By what is on the array and its tapes. */
  async found(tapes = true): Promise<BackupEntry[]> {
    const { entries } = await rescan({ tapes }, this.newBench().context());
    return byId(entries);
  }

  listed(): BackupEntry[] {
    return byId(this.catalog.values());
  }

  /** Removes all backups, for the next test. */
  async forget(): Promise<void> {
    for (const { place, volumeNumber } of await this.found()) {
      if (place.kind === 'snapshot') this.array.ok('delete', `#${volumeNumber}`);
      else if (place.kind !== 'tape') this.array.ok('info', `#${volumeNumber} clear=yes`);
    }
  }
}

export function byId(entries: Iterable<BackupEntry>): BackupEntry[] {
  return [...entries].sort((a, b) => a.id.localeCompare(b.id));
}
