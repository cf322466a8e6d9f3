/** The snapshot that an earlier copy of a volume was made of, as what an incremental copy is based on. */
import type { KnownArray } from '../client/errand-handler.js';
import { sectorInfo } from '../sector-entry.js';
import { readCopies } from './array-copies.js';
import { severalAtOnce } from './several-at-once.js';

const READS_AT_ONCE = 32;

/** Of the backup that the copy is of, by its sector. */
export interface BaseBackup {
  readonly sourceUuid: string;
  readonly jobNumber: number;
  readonly memberNumber: number;
}

/** `VOLUME@SNAPSHOT`; undefined where that generation is gone. */
export async function baseSnapshot(
  array: KnownArray,
  base: BaseBackup,
): Promise<string | undefined> {
  const { copies, volumes } = await readCopies(array);
  const volume = volumes.find(({ uuid }) => uuid === base.sourceUuid);
  const candidates = copies.filter((one) => {
    return one.snapshot !== null && one.volume === volume?.name && one.format === 'AFSVINF1';
  });
  const found = await severalAtOnce(candidates, READS_AT_ONCE, async ({ copy }) => {
    const info = sectorInfo(await array.client.readInfo(copy));
    const isBase =
      info?.jobNumber === base.jobNumber &&
      info.memberNumber === base.memberNumber &&
      info.sourceUuid === base.sourceUuid;
    return isBase ? copy : undefined;
  });
  return found.find((copy) => copy !== undefined);
}
