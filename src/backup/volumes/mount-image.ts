/**
 * Mounts a file system of a backup's clone. Its journal is replayed first, into the clone: an image that was
 * not frozen is as after a power cut. What cannot be mounted for that is repaired as at a boot (ext4), and tried again.
 */
import { mkdir } from 'node:fs/promises';
import { release } from 'node:os';
import type { Clock } from '../../base/clock.js';
import { ArrayError, asArrayError } from '../../base/errors.js';
import { programEnd, programOutput } from '../run-program.js';

const MOUNT_MS_MAX = 600_000;
/** Programs and device files of a backup mean nothing here. */
const OPTIONS = ['nosuid', 'nodev', 'noexec'];

interface FileSystemKind {
  readonly options: readonly string[];
  /** What repairs it without questions; ends with 1 where it did. */
  readonly repair?: readonly [string, ...string[]];
}

/** Types of blkid. Others are not mounted: the kernel would load whatever module an image names. */
const KINDS: Readonly<Record<string, FileSystemKind>> = {
  ext2: { options: [], repair: ['fsck.ext4', '-p'] },
  ext3: { options: [], repair: ['fsck.ext4', '-p'] },
  ext4: { options: [], repair: ['fsck.ext4', '-p'] },
  // The volume that was backed up has the same UUID, and is mounted as a rule.
  xfs: { options: ['nouuid'] },
  btrfs: { options: [] },
  vfat: { options: [] },
  exfat: { options: [] },
  squashfs: { options: [] },
  erofs: { options: [] },
  iso9660: { options: [] },
};
/** Before this, a btrfs with the UUID of one that is mounted is taken for the same one. */
const BTRFS_CLONES_SINCE = [6, 7] as const;

export function isMountable(type: string): boolean {
  return Object.hasOwn(KINDS, type);
}

/** EIO where it cannot be mounted, with what mount(8) said; EOPNOTSUPP for a type that is not mounted here. */
export async function mountImage(
  device: string,
  type: string,
  directory: string,
  clock: Clock,
  access: 'ro' | 'rw',
): Promise<void> {
  const kind = isMountable(type) ? KINDS[type] : undefined;
  if (kind === undefined) {
    throw new ArrayError('EOPNOTSUPP', `a file system of type ${type} is not looked into`);
  }
  if (type === 'btrfs') await prepareBtrfs(device, clock, release());
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const words = [
    '-t',
    type,
    '-o',
    [access, ...OPTIONS, ...kind.options].join(','),
    device,
    directory,
  ];
  const mount = () => programOutput('mount', words, { clock, timeoutMs: MOUNT_MS_MAX });
  try {
    await mount();
  } catch (error) {
    if (kind.repair === undefined) throw error;
    await repair(kind.repair, device, clock, asArrayError(error));
    await mount();
  }
}

async function repair(
  [program, ...words]: readonly [string, ...string[]],
  device: string,
  clock: Clock,
  reason: ArrayError,
): Promise<void> {
  const { status } = await programEnd(program, [...words, device], { clock });
  if (status > 1) throw reason;
}

/** Gives the clone a UUID of its own where the kernel needs that. */
async function prepareBtrfs(device: string, clock: Clock, kernel: string): Promise<void> {
  if (knowsBtrfsClones(kernel)) return;
  try {
    await programOutput('btrfstune', ['-f', '-m', device], { clock });
  } catch (error) {
    const why = asArrayError(error).reason;
    throw new ArrayError(
      'EOPNOTSUPP',
      `the kernel ${kernel} takes a clone of a btrfs for the original, and it got no UUID of its own: ${why}`,
    );
  }
}

export function knowsBtrfsClones(kernel: string): boolean {
  const [major = 0, minor = 0] = kernel.split('.').map(Number);
  const [sinceMajor, sinceMinor] = BTRFS_CLONES_SINCE;
  return major > sinceMajor || (major === sinceMajor && minor >= sinceMinor);
}
