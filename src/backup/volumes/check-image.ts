/**
 * Whether a backup is fit to be restored, before the first byte is overwritten: all of it can be read with the right
 * checksums, its SHA-256 is the stored one, and its file systems are sound. A file system is checked on a clone
 * whose journal was replayed: the check of one that was not would find faults that are none.
 */
import { ArrayError, asArrayError } from '../../base/errors.js';
import type { BackupEntry } from '../backup-entry.js';
import type { ErrandContext } from '../client/errand-handler.js';
import { followJob, startJob } from '../media/array-job.js';
import { damageText, hashImage } from '../media/hash-image.js';
import type { BackupImage } from '../media/image-of.js';
import { programEnd } from '../run-program.js';
import {
  type ConnectionNotes,
  connectBackup,
  type MountedFileSystem,
  planConnection,
} from './connected-backup.js';
import { unmount } from './unmounting.js';

/** By type: a check that changes nothing, and ends with 0 where all is well. */
const CHECKS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  ext2: ['fsck.ext4', '-f', '-n'],
  ext3: ['fsck.ext4', '-f', '-n'],
  ext4: ['fsck.ext4', '-f', '-n'],
  xfs: ['xfs_repair', '-n'],
  btrfs: ['btrfs', 'check', '--readonly'],
};

/** EIO where something of it cannot be read or is not what was stored; the line says what was found right. */
export async function checkContent(
  image: BackupImage,
  entry: BackupEntry,
  context: ErrandContext,
): Promise<string> {
  if (entry.sha256 === null) return scrub(image, context);
  const onRead = (done: number, total: number) =>
    context.report({ step: 'verify', text: image.copy, done, total });
  const { sha256, damagedAt } = await hashImage(image.path, onRead, context.signal);
  if (damagedAt.length > 0) throw new ArrayError('EIO', damageText(damagedAt));
  if (sha256 !== entry.sha256) {
    const reason = `backup ${entry.id} is damaged: its SHA-256 is ${sha256} and not ${entry.sha256}`;
    throw new ArrayError('EIO', reason);
  }
  return 'verified: the image has the SHA-256 that was stored with it';
}

/** The array reads what is stored, and nothing of holes. */
async function scrub({ array, copy }: BackupImage, context: ErrandContext): Promise<string> {
  const job = await startJob(array, { name: 'scrub', words: [copy], options: {} });
  const result = await followJob(array, job, context, 'verify');
  if (result !== 'no damage found') throw new ArrayError('EIO', `${copy}: ${result}`);
  return 'verified: all blocks of the image have the right checksums';
}

/** A line for each file system; EIO where one is damaged. What has none is not checked. */
export async function checkFileSystems(
  image: BackupImage,
  entry: BackupEntry,
  context: ErrandContext,
  note: (connection: ConnectionNotes) => Promise<void>,
): Promise<string[]> {
  context.report({ step: 'check', text: 'checking the file system', done: 0, total: 0 });
  const planned = planConnection(image, entry.id, context);
  try {
    const options = { isWritable: true };
    const { fileSystems } = await connectBackup(image, planned, context, note, options);
    const lines: string[] = [];
    for (const fileSystem of fileSystems) lines.push(await checkOne(fileSystem, context));
    return lines;
  } catch (error) {
    const { code, reason } = asArrayError(error);
    if (code !== 'EOPNOTSUPP') throw error;
    return [`not checked: ${reason}`];
  }
}

async function checkOne(
  { device, type, directory }: MountedFileSystem,
  { clock, signal }: ErrandContext,
): Promise<string> {
  await unmount(directory, clock);
  const check = Object.hasOwn(CHECKS, type) ? CHECKS[type] : undefined;
  if (check === undefined) return `${type}: mounted, not checked further`;
  const [program, ...words] = check;
  try {
    const { status, output, errors } = await programEnd(program, [...words, device], {
      clock,
      signal,
    });
    if (status === 0) return `${type}: ${program} found no fault`;
    const said = `${output}\n${errors}`.split('\n').filter((line) => line.trim() !== '');
    throw new ArrayError(
      'EIO',
      `the ${type} of the backup is damaged: ${said.at(-1) ?? `status ${status}`}`,
    );
  } catch (error) {
    const { code, reason } = asArrayError(error);
    if (code !== 'ENOENT') throw error;
    return `${type}: mounted, not checked further: ${reason}`;
  }
}
