/** Which cartridges of a tape library can take one more backup, in the order in which they are tried. */
import { ArrayError } from '../../base/errors.js';
import { arrayTable, type BackupRow } from '../array-tables.js';
import type { ErrandContext, KnownArray } from '../client/errand-handler.js';
import { runJob } from './array-job.js';

/** `tape0/AFS001` alone; of `tape0` those in its slots that are neither in use, nor protected, nor go on on another. ENOSPC with all reasons. */
export async function writableCartridges(
  array: KnownArray,
  destination: string,
  context: ErrandContext,
): Promise<readonly string[]> {
  const [device = '', cartridge] = destination.split('/');
  const kind = (await arrayTable(array.client, 'devices')).find(
    ({ name }) => name === device,
  )?.kind;
  if (kind === undefined) throw new ArrayError('ENOENT', `no device ${device}`);
  if (kind !== 'tape') throw new ArrayError('EINVAL', `device ${device} is no tape library`);
  if (cartridge !== undefined) return [destination];
  const options = { backups: 'yes' };
  await runJob(array, { name: 'discover', words: [device], options }, context, 'tapes');
  const now = (await arrayTable(array.client, 'devices')).find(({ name }) => name === device);
  if (now?.state !== 'available' || now.media === null) {
    throw new ArrayError('ENODEV', `device ${device} is not available: ${now?.state ?? 'deleted'}`);
  }
  const rows = await arrayTable(array.client, 'backups');
  const reasons: string[] = [];
  const names = now.media.flatMap(({ name, isProtected, holder }) => {
    const mine = rows.filter((row) => row.device === device && row.medium === name);
    const problem = problemOf(mine, isProtected, holder);
    if (problem !== undefined) reasons.push(`${name} ${problem}`);
    return problem === undefined ? [`${device}/${name}`] : [];
  });
  if (names.length > 0) return names;
  const why = reasons.length === 0 ? 'it has none' : reasons.join(', ');
  throw new ArrayError('ENOSPC', `no cartridge of ${device} can take a backup: ${why}`);
}

function problemOf(
  rows: readonly BackupRow[],
  isProtected: boolean,
  holder: string | undefined,
): string | undefined {
  if (isProtected) return 'is write-protected';
  if (holder !== undefined) return `is in use by ${holder}`;
  const unread = rows.find(({ number, part, problems }) => {
    return number === null && part === null && problems.length > 0;
  });
  if (unread !== undefined) return `could not be read: ${unread.problems[0]}`;
  const last = rows.at(-1);
  return last?.partState === 'continued' ? 'goes on on another cartridge' : undefined;
}
