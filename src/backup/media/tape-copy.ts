/**
 * A copy of a backup on tape ([004] fig. 16), with a sector of its own in the management information, which goes before the data: it has the number of this
 * run, says of which backup it is a copy, and keeps everything else. The array moves the image; only what has changed since an
 * earlier copy, where there is one.
 */
import { ArrayError, asArrayError } from '../../base/errors.js';
import { type BackupEntry, entryId } from '../backup-entry.js';
import type { ErrandContext, KnownArray } from '../client/errand-handler.js';
import type { ErrandInput } from '../errands.js';
import { backupInfo, entryOfInfo, NO_UUID, sectorOfEntry } from '../sector-entry.js';
import { readCopies, sourceNames } from './array-copies.js';
import { baseSnapshot } from './base-snapshot.js';
import { writableCartridges } from './choose-cartridge.js';
import { imageOf } from './image-of.js';
import { arrayOf, located } from './locate.js';
import {
  type CopyNotes,
  type CopyOrder,
  orderCopy,
  orderedResult,
  orderIncrement,
} from './noted-job.js';
import { tapeFoundAt } from './tape-place.js';

/** The secondary is read by way of its pair: how what is not copied there yet is waited for is the array's policy. */
export interface PairSource {
  readonly name: string;
  readonly policy: string;
}

export interface TapeCopyOrder extends Omit<ErrandInput<'tapeCopy'>, 'move'> {
  readonly pair?: PairSource;
}

/** What ecopy reads, and how. */
export function sourceOf(
  copy: string,
  pair: PairSource | undefined,
): { readonly source: string; readonly options: Readonly<Record<string, string>> } {
  if (pair === undefined) return { source: copy, options: {} };
  return { source: pair.name, options: { policy: pair.policy } };
}

/** What an attempt leaves for the next one. */
export interface TapeCopyNotes extends CopyNotes {
  readonly isIncrement?: boolean;
}

export interface MadeCopy {
  readonly entry: BackupEntry;
  readonly lines: readonly string[];
}

/** The entry is the caller's to be added to the catalog. ENOSPC where no cartridge has room, EINVAL where the backup was written to since. */
export async function copyToTape(
  order: TapeCopyOrder,
  context: ErrandContext,
  earlier: TapeCopyNotes | undefined,
  note: (notes: TapeCopyNotes) => Promise<void>,
): Promise<MadeCopy> {
  const { entry, chain } = order;
  const resumed = earlier && (await resume(order, context, earlier));
  if (resumed !== undefined) return resumed;
  const array = await arrayOf(entry.arrayUuid, context);
  let notes: TapeCopyNotes = {};
  const change = (more: TapeCopyNotes) => {
    notes = { ...notes, ...more };
    return note(notes);
  };
  if (entry.place.kind !== 'tape') {
    const copy = await located(array, entry);
    checkUnmodified(entry, copy.isModified);
    return write(array, order, copy.copy, context, change);
  }
  const image = await imageOf(entry, chain, context, (volume) => change({ volume }));
  try {
    return await write(array, order, image.copy, context, change);
  } finally {
    await image.release();
  }
}

export function checkUnmodified({ id }: BackupEntry, isModified: boolean): void {
  if (!isModified) return;
  throw new ArrayError('EINVAL', `backup ${id} was written to since it was stored: not copied`);
}

/** On the first cartridge that has room for it. */
async function write(
  array: KnownArray,
  order: TapeCopyOrder,
  from: string,
  context: ErrandContext,
  note: (notes: TapeCopyNotes) => Promise<void>,
): Promise<MadeCopy> {
  const { source, options: reading } = sourceOf(from, order.pair);
  const since = await snapshotOf(array, order.since);
  const lines = order.since !== null && since === undefined ? [NO_BASE] : [];
  const options = { ...reading, info: sectorText(copyOf(order, array)) };
  const destinations = await writableCartridges(array, order.device, context);
  for (const [index, destination] of destinations.entries()) {
    try {
      const carryOut = (wish: CopyOrder) => {
        const isIncrement = wish.options.since !== undefined;
        return orderCopy(array, wish, context, (job) =>
          note({ source, destination, isIncrement, job }),
        );
      };
      const copy = { source, destination, options };
      const { result, isIncrement, why } = await orderIncrement(copy, since, carryOut);
      const made = await entryOf(array, order, destination, result, isIncrement, context);
      return { ...made, lines: [...lines, ...(why === '' ? [] : [why]), ...made.lines] };
    } catch (error) {
      const { code, reason } = asArrayError(error);
      if (code !== 'ENOSPC' || index + 1 === destinations.length) throw error;
      lines.push(`${destination}: ${reason}; the next one is tried`);
    }
  }
  throw new ArrayError('ENOSPC', `no cartridge of ${order.device} has room`);
}

const NO_BASE = 'all of it was copied: the snapshot of the earlier copy is gone';

async function resume(
  order: TapeCopyOrder,
  context: ErrandContext,
  earlier: TapeCopyNotes,
): Promise<MadeCopy | undefined> {
  const { destination = '', isIncrement = false } = earlier;
  const result = await orderedResult(order.entry.arrayUuid, earlier, context);
  if (result === undefined) return undefined;
  const array = await arrayOf(order.entry.arrayUuid, context);
  return entryOf(array, order, destination, result, isIncrement, context);
}

/** The copy, as it will be known; its cartridges are told by the array. */
function copyOf(
  { entry, runNumber, device, since }: TapeCopyOrder,
  array: KnownArray,
): BackupEntry {
  const { memberNumber, memberCount } = entry;
  const [library = ''] = device.split('/');
  const place = { device: library, cartridges: ['?'], since: since?.id ?? null };
  return {
    ...entry,
    ...{ id: entryId(runNumber, memberNumber, memberCount), jobNumber: runNumber },
    ...{ copyOf: entry.id, state: 'good', stateReason: '', arrayUuid: array.uuid },
    ...{ volumeNumber: 0, volumeUuid: NO_UUID, place: { kind: 'tape', ...place } },
  };
}

function sectorText(entry: BackupEntry): string {
  return Buffer.from(sectorOfEntry(entry)).toString('base64');
}

/** As a rescan would find it. */
async function entryOf(
  array: KnownArray,
  order: TapeCopyOrder,
  destination: string,
  result: string,
  isIncrement: boolean,
  context: ErrandContext,
): Promise<MadeCopy> {
  const info = backupInfo(sectorOfEntry(copyOf(order, array)));
  const media = / on (\S+\/\S+(?:, \S+\/\S+)*)$/.exec(result)?.[1]?.split(', ');
  if (info === undefined || media === undefined) {
    throw new ArrayError('EIO', `the array did not say where the copy is: '${result}'`);
  }
  const [device = ''] = destination.split('/');
  const cartridges = media.map((medium) => medium.slice(medium.indexOf('/') + 1));
  const since = isIncrement ? (order.since?.id ?? null) : null;
  const at = tapeFoundAt(context.configuration.name, array.uuid, { device, cartridges, since });
  const all = await Promise.all((await context.arrays()).map(readCopies));
  const entry = entryOfInfo(info, at, sourceNames(all));
  return { entry, lines: [`backup ${entry.id} is a copy of ${order.entry.id}: ${result}`] };
}

/** Of the backup that the earlier copy on tape is a copy of. */
async function snapshotOf(
  array: KnownArray,
  since: BackupEntry | null,
): Promise<string | undefined> {
  if (since === null || since.copyOf === null) return undefined;
  const { sourceUuid, memberNumber } = since;
  return baseSnapshot(array, {
    ...{ sourceUuid, memberNumber, jobNumber: Number.parseInt(since.copyOf, 10) },
  });
}
