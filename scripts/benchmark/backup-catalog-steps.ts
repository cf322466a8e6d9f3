/** How fast a catalog with many entries is made anew, and read. */
import { join } from 'node:path';
import type { BackupEntry } from '../../src/backup/backup-entry.js';
import { NO_UUID, sectorOfEntry } from '../../src/backup/sector-entry.js';
import { putEntry } from '../../src/backup/server/catalog-entries.js';
import { CatalogStore } from '../../src/backup/server/catalog-store.js';
import { ServerClient } from '../../src/backup/server-client.js';
import type { ArrayBench, ArrayStep } from './array-row.js';
import { backupDirectory, withBackup } from './backup-programs.js';
import { median } from './statistics.js';

const VOLUME_BYTES = 2 ** 20;
/** Entries for each of the snapshots of the scale. */
const ENTRIES_PER_SNAPSHOT = 100;
const LAST = 20;
const ENTRIES_PER_CHANGE = 1_000;

/** As many snapshots as the scale says, each with the sector of a backup; the catalog is empty. */
export const rescanOfMany: ArrayStep = {
  async prepare(bench) {
    const { array, scale, volume } = bench;
    await bench.create(volume, VOLUME_BYTES);
    const { number: sourceNumber, uuid: sourceUuid } = await array.volume(volume);
    for (let number = 1; number <= scale.snapshotCount; number++) {
      const sector = Buffer.from(
        sectorOfEntry({ ...entryOf(number, volume), sourceNumber, sourceUuid }),
      ).toString('base64');
      await array.control('snapshot', `${volume} name=backup-${number} info=${sector}`);
    }
  },
  measure: (bench) =>
    withBackup(bench, async (backup) => {
      const start = performance.now();
      await backup.command('rescan');
      const value = (performance.now() - start) / 1000;
      const found = await backup.json<readonly unknown[]>('list');
      if (found.length !== bench.scale.snapshotCount) throw new Error(`found ${found.length}`);
      return { value };
    }),
};

export const lastOfMany: ArrayStep = {
  async measure(bench) {
    await fillCatalog(bench, bench.scale.snapshotCount * ENTRIES_PER_SNAPSHOT);
    return await withBackup(bench, async ({ address }) => {
      const server = new ServerClient(address);
      const times: number[] = [];
      for (let request = 0; request < bench.scale.commands; request++) {
        const start = performance.now();
        const entries = await server.backups({ limit: LAST });
        times.push(performance.now() - start);
        if (entries.length !== LAST) throw new Error(`the list has ${entries.length} entries`);
      }
      await server.close();
      return { value: median(times) };
    });
  },
};

async function fillCatalog(bench: ArrayBench, count: number): Promise<void> {
  const store = new CatalogStore(join(backupDirectory(bench), 'data', 'catalog'));
  try {
    for (let first = 1; first <= count; first += ENTRIES_PER_CHANGE) {
      store.change((change) => {
        for (let number = first; number < first + ENTRIES_PER_CHANGE; number++) {
          putEntry(change, entryOf(number, bench.volume), number);
        }
      });
    }
  } finally {
    await store.close();
  }
}

function entryOf(number: number, volume: string): BackupEntry {
  const atMs = 1_800_000_000_000 + number * 60_000;
  return {
    ...{ id: `${number}`, jobNumber: number, memberNumber: 1, memberCount: 1, copyOf: null },
    ...{ state: 'good', stateReason: '', client: 'alpha', hostName: 'alpha' },
    ...{ mountPoint: '/srv/db', definition: `of-${number % 10}`, label: 'orders' },
    ...{ arrayUuid: NO_UUID, volumeNumber: 0, volumeUuid: NO_UUID },
    place: { kind: 'snapshot', volume, snapshot: `backup-${number}` },
    ...{ sourceName: volume, sourceNumber: 1, sourceUuid: NO_UUID, generation: number },
    ...{ imageBytes: VOLUME_BYTES, sha256: null },
    ...{ takenMs: atMs, scheduledMs: atMs, startedMs: atMs, endedMs: atMs },
  };
}
