/**
 * A copy of a backup on a volume of the same or another array ([004] fig. 19). The array that has the backup moves the image; the sector goes along,
 * with a number of its own, and is there if and only if the whole copy is. What the volume held before leaves the catalog first.
 */
import { type BackupEntry, entryId } from '../backup-entry.js';
import { CLIENT_STOPS, type ErrandContext, type KnownArray } from '../client/errand-handler.js';
import type { ErrandInput } from '../errands.js';
import { NO_UUID, sectorOfEntry } from '../sector-entry.js';
import { entryAt } from './array-copies.js';
import { baseSnapshot } from './base-snapshot.js';
import {
  type CopyDestination,
  checkOverwrite,
  copyDestination,
  deviceOf,
  replacedId,
} from './copy-destination.js';
import { imageOf } from './image-of.js';
import { arrayOf, located, reachedArray } from './locate.js';
import {
  type CopyNotes,
  type CopyOrder,
  orderCopy,
  orderedResult,
  orderIncrement,
} from './noted-job.js';
import { checkUnmodified, type MadeCopy, type PairSource, sourceOf } from './tape-copy.js';
import { undoCopy } from './undo-copy.js';

export interface ArrayCopyOrder extends ErrandInput<'copy'> {
  readonly pair?: PairSource;
}

/** What an attempt leaves for the next one. */
export interface ArrayCopyNotes extends CopyNotes {
  /** The volume was not there before. */
  readonly isNew?: boolean;
}

type Note = (notes: ArrayCopyNotes) => Promise<void>;

/** The entry is the caller's to be added to the catalog. Refused before anything is overwritten. */
export async function copyToVolume(
  order: ArrayCopyOrder,
  context: ErrandContext,
  earlier: ArrayCopyNotes | undefined,
  note: Note,
): Promise<MadeCopy> {
  const resumed = earlier && (await resume(order, context, earlier));
  if (resumed !== undefined) return resumed;
  const { entry, chain, force } = order;
  const array = await arrayOf(entry.arrayUuid, context);
  const to = await copyDestination(order.destination, array, await context.arrays());
  let notes: ArrayCopyNotes = {};
  const change = (more: ArrayCopyNotes) => {
    notes = { ...notes, ...more };
    return note(notes);
  };
  if (entry.place.kind !== 'tape') {
    const { copy, isModified } = await located(array, entry);
    checkUnmodified(entry, isModified);
    checkOverwrite(to, entry, force || earlier !== undefined);
    return write(array, order, copy, to, context, change);
  }
  checkOverwrite(to, entry, force || earlier !== undefined);
  const image = await imageOf(entry, chain, context, (volume) => change({ volume }));
  try {
    return await write(array, order, image.copy, to, context, change);
  } finally {
    await image.release();
  }
}

async function write(
  array: KnownArray,
  order: ArrayCopyOrder,
  from: string,
  to: CopyDestination,
  context: ErrandContext,
  note: Note,
): Promise<MadeCopy> {
  const { source, options: reading } = sourceOf(from, order.pair);
  const isOwn = to.array.uuid === array.uuid;
  const destination = isOwn ? to.volume : `${await deviceOf(array, to.array)}/${to.volume}`;
  const { since, why: whyAll } = await baseOf(array, order, from, to);
  const isNew = to.row === undefined;
  await note({ source, destination, isNew });
  const replaced = replacedId(to);
  if (replaced !== undefined) await context.catalog({ add: [], remove: [replaced] });
  const info = Buffer.from(sectorOfEntry(copyOf(order, to))).toString('base64');
  const options = { ...reading, info, ...(isOwn && order.force && { force: 'yes' }) };
  const copy = { source, destination, options };
  const carryOut = (wish: CopyOrder) => {
    return orderCopy(array, wish, context, (job) => note({ source, destination, isNew, job }));
  };
  const { result, why } = await undoing(to, isNew, order, context, () => {
    return orderIncrement(copy, since, carryOut);
  });
  const made = await entryOf(to, order, result, context);
  return { ...made, lines: [whyAll, why].filter((line) => line !== '').concat(made.lines) };
}

/** The snapshot that the earlier copy in the volume is of. */
async function baseOf(
  array: KnownArray,
  { incremental, entry }: ArrayCopyOrder,
  source: string,
  { held }: CopyDestination,
): Promise<{ readonly since: string | undefined; readonly why: string }> {
  if (!incremental) return { since: undefined, why: '' };
  const isOfSource = held?.kind === 'array' && held.sourceUuid === entry.sourceUuid;
  if (!source.includes('@') || !isOfSource) {
    return {
      since: undefined,
      why: 'all of it was copied: the volume holds no earlier copy of it',
    };
  }
  const { sourceUuid, memberNumber, copyOfJobNumber: jobNumber } = held;
  const since = await baseSnapshot(array, { sourceUuid, memberNumber, jobNumber });
  const why = 'all of it was copied: the snapshot of the earlier copy is gone';
  return { since, why: since === undefined ? why : '' };
}

async function resume(
  order: ArrayCopyOrder,
  context: ErrandContext,
  earlier: ArrayCopyNotes,
): Promise<MadeCopy | undefined> {
  const { entry, destination } = order;
  const array = await reachedArray(entry.arrayUuid, context);
  const to = await copyDestination(destination, array, await context.arrays());
  const { isNew = false } = earlier;
  const result = await undoing(to, isNew, order, context, () => {
    return orderedResult(entry.arrayUuid, earlier, context);
  });
  return result === undefined ? undefined : entryOf(to, order, result, context);
}

/** A copy that fails leaves no volume that was made for it, and no backup out of the catalog that is still there. */
async function undoing<T>(
  to: CopyDestination,
  isNew: boolean,
  { entry }: ArrayCopyOrder,
  context: ErrandContext,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (context.signal.reason !== CLIENT_STOPS) await undoCopy(to, isNew, entry, context);
    throw error;
  }
}

/** The copy, as its sector says; its volume may be made only now. */
function copyOf({ entry, runNumber }: ArrayCopyOrder, to: CopyDestination): BackupEntry {
  const { memberNumber, memberCount } = entry;
  return {
    ...entry,
    ...{ id: entryId(runNumber, memberNumber, memberCount), jobNumber: runNumber },
    ...{ copyOf: entry.id, state: 'good', stateReason: '', arrayUuid: to.array.uuid },
    ...{ volumeNumber: to.row?.number ?? 0, volumeUuid: to.row?.uuid ?? NO_UUID },
    place: { kind: 'array', volume: to.volume },
  };
}

async function entryOf(
  { array: { uuid }, volume }: CopyDestination,
  order: ArrayCopyOrder,
  result: string,
  context: ErrandContext,
): Promise<MadeCopy> {
  const { name } = context.configuration;
  const array = await reachedArray(uuid, context);
  const entry = await entryAt(array, volume, name, await context.arrays());
  return { entry, lines: [`backup ${entry.id} is a copy of ${order.entry.id}: ${result}`] };
}
