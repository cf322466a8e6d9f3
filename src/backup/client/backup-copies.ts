/**
 * The second medium of a backup ([004] figs. 16, 19): a copy of each image, one after the other, by the array itself. The
 * copies are in the catalog together, when all are made; each goes on after a crash where the array has it.
 */
import { ArrayError } from '../../base/errors.js';
import { arrayTable } from '../array-tables.js';
import type { BackupEntry } from '../backup-entry.js';
import { type ArrayCopyNotes, copyToVolume } from '../media/copy-backup.js';
import {
  copyToTape,
  type MadeCopy,
  type PairSource,
  type TapeCopyNotes,
} from '../media/tape-copy.js';
import type { NotedMember } from './backup-notes.js';
import type { BackupRun } from './backup-run.js';
import type { ErrandContext } from './errand-handler.js';
import { FIRST_LOOK_MS, LOOK_MS_MAX, mirrorPairs } from './mirror-pairs.js';
import { pauseUnlessAborted } from './until-answered.js';

/** Of one member. */
interface CopyNotes {
  /** Of the copy that is under way. */
  readonly order?: TapeCopyNotes & ArrayCopyNotes;
  readonly made?: MadeCopy;
}

export async function copyImages(run: BackupRun): Promise<void> {
  if (run.definition.policy === 'server-polls' && run.plan.isMirror) await untilSplit(run);
  // An array that does not come back fails the step: the post command must run some time.
  const context = { ...run.context, untilArray: (uuid: string) => run.untilArray(uuid) };
  const copies = [...((run.notes.copy ?? []) as CopyNotes[])];
  const note = (index: number, notes: CopyNotes) => {
    copies[index] = notes;
    return run.note({ copy: copies });
  };
  for (const [index, entry] of run.notes.entries.entries()) {
    const { order: earlier, made: before } = copies[index] ?? {};
    if (before !== undefined) continue;
    const noteOrder = (order: TapeCopyNotes & ArrayCopyNotes) => note(index, { order });
    const made = await copyOne(run, context, index, entry, earlier, noteOrder);
    await note(index, { made });
    for (const line of made.lines) run.say(line);
  }
  const add = copies.flatMap(({ made }) => made?.entry ?? []);
  await run.context.catalog({ add, remove: [] });
}

/** One medium for all members, or one for each; volumes are always one for each. */
export function mediumOf(media: readonly string[], index: number): string {
  const [first = ''] = media;
  const medium = media[index] ?? first;
  if (index < media.length || !medium.startsWith('/')) return medium;
  throw new ArrayError('EINVAL', 'a copy on volumes needs one for each source');
}

async function copyOne(
  run: BackupRun,
  context: ErrandContext,
  index: number,
  entry: BackupEntry,
  earlier: (TapeCopyNotes & ArrayCopyNotes) | undefined,
  note: (notes: TapeCopyNotes & ArrayCopyNotes) => Promise<void>,
): Promise<MadeCopy> {
  const { secondMedium, incremental } = run.definition;
  const medium = mediumOf(secondMedium, index);
  const pair = pairSource(run, run.members[index]);
  const order = { entry, chain: [], runNumber: run.input.copyRunNumber, ...(pair && { pair }) };
  if (medium.startsWith('/')) {
    const wish = { ...order, destination: medium, incremental, force: false };
    return copyToVolume(wish, context, earlier, note);
  }
  const since = incremental ? lastCopy(run, entry, medium) : null;
  return copyToTape({ ...order, device: medium, since }, context, earlier, note);
}

/** How a secondary is read that may not all be there yet. */
function pairSource(run: BackupRun, member: NotedMember | undefined): PairSource | undefined {
  const { policy } = run.definition;
  if (!run.plan.isMirror || member === undefined || policy === 'server-polls') return undefined;
  return { name: `${member.name}:${member.secondary}`, policy };
}

/** The newest copy of this source on the same device. */
function lastCopy(run: BackupRun, { sourceUuid }: BackupEntry, medium: string): BackupEntry | null {
  const device = medium.split('/')[0];
  const copies = run.input.earlier.filter(({ place, state, sourceUuid: uuid, definition }) => {
    const isOfRun = definition === run.definition.name && uuid === sourceUuid && state === 'good';
    return isOfRun && place.kind === 'tape' && place.device === device;
  });
  return copies.sort((one, other) => one.takenMs - other.takenMs).at(-1) ?? null;
}

/** Policy `server-polls`: the secondaries are whole before anything is copied from them. */
async function untilSplit(run: BackupRun): Promise<void> {
  const { clock, signal } = run.context;
  await run.onArray(async (array) => {
    for (let lookMs = FIRST_LOOK_MS; ; lookMs = Math.min(2 * lookMs, LOOK_MS_MAX)) {
      const pairs = await mirrorPairs(run, array);
      const left = pairs.reduce((sum, { pendingTracks }) => sum + pendingTracks, 0);
      if (pairs.every(({ state }) => state === 'split')) return;
      const stuck = pairs.find(({ state }) => state !== 'split' && state !== 'split-pending');
      if (stuck !== undefined) {
        throw new ArrayError('EIO', `the pair ${stuck.name} is ${stuck.state}: ${stuck.reason}`);
      }
      if (signal.aborted) throw new ArrayError('EINTR', 'given up while a split was being copied');
      const total = pairs.reduce((sum, { trackCount }) => sum + trackCount, 0);
      run.report('waits for the secondary to be whole', total - left, total, 'pieces');
      await pauseUnlessAborted(clock, lookMs, signal);
    }
  });
}

/** EINVAL, ENOENT: a medium that cannot be meant. */
export async function checkMedia(run: BackupRun): Promise<void> {
  const { secondMedium } = run.definition;
  if (secondMedium.length === 0) return;
  const devices = await run.onArray((array) => arrayTable(array.client, 'devices'));
  for (const index of run.members.keys()) {
    const medium = mediumOf(secondMedium, index);
    const [name] = medium.split('/');
    if (medium.startsWith('/') || devices.some((device) => device.name === name)) continue;
    throw new ArrayError(
      'ENOENT',
      `the array at ${run.sources.arrayMountPoint} has no device ${name}`,
    );
  }
}
