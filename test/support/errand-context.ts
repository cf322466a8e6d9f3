/** What errands of the backup client work with, over mounted arrays of a test: its journal and the server's catalog in memory. */

import { arrayTable, volumeNamed } from '../../src/backup/array-tables.js';
import type { BackupEntry } from '../../src/backup/backup-entry.js';
import type {
  CatalogChange,
  ClientConfiguration,
  ErrandContext,
  KnownArray,
} from '../../src/backup/client/errand-handler.js';
import { entryAt } from '../../src/backup/media/array-copies.js';
import { sectorOfEntry } from '../../src/backup/sector-entry.js';
import { systemClock } from '../../src/base/clock.js';
import { ArrayError } from '../../src/base/errors.js';
import { ArrayClient } from '../../src/client/array-client.js';
import { EXAMPLE_ENTRY } from '../backup/example-entry.js';
import type { MountedArray } from './mounted-array.js';
import { subdirectory } from './scratch-directory.js';

export async function knownArray({ mount }: MountedArray): Promise<KnownArray> {
  const client = new ArrayClient(mount);
  const { uuid, serial } = await arrayTable(client, 'array');
  return { uuid, serial, mountPoint: mount, client };
}

/** One client; `errand` begins a new attempt of an errand with the notes of the last one. */
export class ErrandBench {
  readonly lines: string[] = [];
  readonly steps: string[] = [];
  readonly changes: CatalogChange[] = [];
  noted: unknown;
  readonly configuration: ClientConfiguration;
  /** Notes of the present attempt. */
  notes = 0;
  /** The attempt ends, as if it were killed, when it has made this note, counted from 1; 0: at none. */
  private dieAtNote = 0;
  private died = () => {};

  constructor(
    private readonly mounted: readonly MountedArray[],
    scratch: string,
    configuration: Partial<ClientConfiguration> = {},
  ) {
    this.configuration = {
      name: 'here',
      hostName: 'here',
      allowedCommands: ['/bin/true', '/bin/false'],
      allowedTargets: [subdirectory(scratch, 'allowed')],
      restorePort: 'CL1-A',
      restoreLun: 100,
      stateDirectory: subdirectory(scratch, 'state'),
      serverDirectory: undefined,
      ...configuration,
    };
  }

  arrays(): Promise<KnownArray[]> {
    return Promise.all(this.mounted.map(knownArray));
  }

  context(signal = new AbortController().signal): ErrandContext {
    const arrays = () => this.arrays();
    return {
      clock: systemClock,
      configuration: this.configuration,
      signal,
      noted: this.noted,
      arrays,
      untilArray: async (uuid) => {
        const array = (await arrays()).find((candidate) => candidate.uuid === uuid);
        if (array === undefined) throw new ArrayError('ENODEV', `no array ${uuid}`);
        return array;
      },
      note: async (notes) => {
        this.notes += 1;
        this.noted = JSON.parse(JSON.stringify(notes));
        if (this.notes !== this.dieAtNote) return;
        this.died();
        // Nothing that comes after it happens.
        await new Promise(() => {});
      },
      report: ({ step }) => {
        if (this.steps.at(-1) !== step) this.steps.push(step);
      },
      log: (line) => {
        this.lines.push(line);
      },
      catalog: async (change) => {
        this.changes.push(change);
      },
    };
  }

  /** An attempt that is killed after so many notes; what it answers where it ends before. */
  async killedAtNote<T>(
    count: number,
    attempt: (context: ErrandContext) => Promise<T>,
  ): Promise<T | 'killed'> {
    const died = new Promise<'killed'>((resolve) => {
      this.died = () => resolve('killed');
    });
    this.notes = 0;
    this.dieAtNote = count;
    try {
      return await Promise.race([died, attempt(this.context())]);
    } finally {
      this.notes = 0;
      this.dieAtNote = 0;
    }
  }
}

/** A snapshot of the volume with the sector of a backup; its entry as a rescan would find it. */
export async function snapshotBackup(
  array: MountedArray,
  volume: string,
  jobNumber: number,
  changes: Partial<BackupEntry> = {},
): Promise<BackupEntry> {
  const known = await knownArray(array);
  const row = await volumeNamed(known.client, volume);
  const snapshot = `backup-${jobNumber}`;
  const sector = sectorOfEntry({
    ...EXAMPLE_ENTRY,
    ...{ id: `${jobNumber}`, jobNumber, memberNumber: 1, memberCount: 1, copyOf: null },
    ...{ sourceName: volume, sourceNumber: row.number, sourceUuid: row.uuid },
    ...{ arrayUuid: known.uuid, imageBytes: row.sizeBytes, sha256: null, label: '' },
    place: { kind: 'snapshot', volume, snapshot },
    ...changes,
  });
  const info = Buffer.from(sector).toString('base64');
  await known.client.run({ name: 'snapshot', words: [volume], options: { name: snapshot, info } });
  return entryAt(known, `${volume}@${snapshot}`, 'here');
}
