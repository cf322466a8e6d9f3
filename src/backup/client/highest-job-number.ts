/** The highest job number in any sector of these arrays, whoever wrote it: the server gives numbers above it. */
import { z } from 'zod';
import { decodeVolumeInfo, isVolumeInfo } from '../../volume/volume-info.js';
import type { KnownArray } from './errand-handler.js';

/** Sectors that are read at one time: each is a request to the array's daemon. */
const READS_MAX = 16;

const info = z.object({ format: z.string() }).nullable();
const volumeRows = z.array(z.object({ name: z.string(), info }));
const snapshotRows = z.array(z.object({ name: z.string(), volume: z.string(), info }));

export async function highestJobNumber(arrays: readonly KnownArray[]): Promise<number> {
  let highest = 0;
  for (const { client } of arrays) {
    // An array that goes away meanwhile is told of with the next hello.
    const copies = await copiesWithSector(client).catch(() => []);
    for (let first = 0; first < copies.length; first += READS_MAX) {
      const part = copies.slice(first, first + READS_MAX);
      const numbers = await Promise.all(part.map((copy) => jobNumberOf(client, copy)));
      highest = Math.max(highest, ...numbers);
    }
  }
  return highest;
}

async function copiesWithSector(client: KnownArray['client']): Promise<string[]> {
  const volumes = volumeRows.parse(await client.statusJson('volumes'));
  const snapshots = snapshotRows.parse(await client.statusJson('snapshots'));
  const named = [
    ...volumes,
    ...snapshots.map(({ volume, name, info }) => ({ name: `${volume}@${name}`, info })),
  ];
  return named.filter((copy) => copy.info?.format === 'AFSVINF1').map(({ name }) => name);
}

/** 0 where the sector has gone meanwhile, or is damaged. */
async function jobNumberOf(client: KnownArray['client'], copy: string): Promise<number> {
  try {
    const sector = await client.readInfo(copy);
    return sector && isVolumeInfo(sector) ? decodeVolumeInfo(sector).jobNumber : 0;
  } catch {
    return 0;
  }
}
