/** The first step of a backup: what is backed up, and everything that can be refused before an application notices. */
import { ArrayError } from '../../base/errors.js';
import type { MountEntry } from '../../host/mount-table.js';
import { sectorOfEntry } from '../sector-entry.js';
import { checkMedia } from './backup-copies.js';
import type { BackupRun } from './backup-run.js';
import { type BackupSources, backupSources } from './backup-sources.js';
import { refuseFreeze } from './freeze-check.js';
import { checkAllowed } from './hook-command.js';
import { prepareMirrors } from './mirror-pairs.js';

export async function prepareBackup(run: BackupRun): Promise<void> {
  const { definition, context, plan } = run;
  checkHooks(run);
  const arrays = await context.arrays();
  const sources = await backupSources(definition, arrays, context.clock);
  const mounts = plan.isFrozen ? mountsOf(sources) : [];
  await refuseFreeze(mounts, arrays, context.configuration);
  await noteSources(run, sources, mounts);
  // Texts that do not fit are found now, not when the image is taken.
  for (const member of run.members) sectorOfEntry(run.entryOf(member, 0));
  await checkMedia(run);
  if (plan.isMirror) await prepareMirrors(run);
}

/** EACCES where this client does not allow a command of the definition. */
export function checkHooks({
  definition,
  context,
}: Pick<BackupRun, 'definition' | 'context'>): void {
  for (const hook of [definition.pre, definition.post]) {
    if (hook !== null) checkAllowed(hook.command, context.configuration.allowedCommands);
  }
}

async function noteSources(
  run: BackupRun,
  { array, members }: BackupSources,
  mounts: readonly MountEntry[],
): Promise<void> {
  const { definition, plan } = run;
  if (plan.isMirror && definition.to.length !== members.length) {
    throw new ArrayError('EINVAL', 'a mirror needs one secondary for each volume');
  }
  const sources = {
    arrayUuid: array.uuid,
    arrayMountPoint: array.mountPoint,
    members: members.map(({ volume, mountPoint }, index) => {
      const { uuid, number, name, sizeBytes } = volume;
      const secondary = plan.isMirror ? (definition.to[index] ?? '') : '';
      return { uuid, number, name, sizeBytes, mountPoint, secondary };
    }),
    frozen: mounts.map(({ mountPoint }) => mountPoint),
  };
  run.array = array;
  await run.note({ sources });
}

/** Each file system once; those on top of another one before it. */
function mountsOf({ members }: BackupSources): MountEntry[] {
  const mounts = new Map<string, MountEntry>();
  for (const member of members) {
    for (const mount of member.mounts) mounts.set(mount.device, mount);
  }
  return [...mounts.values()];
}
