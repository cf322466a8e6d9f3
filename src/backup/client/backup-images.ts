/** The first images of a backup: taken at one instant with their sectors, sealed when they are whole, removed where they are not kept. */
import { ArrayError } from '../../base/errors.js';
import { encodeVolumeInfo, type VolumeInfo } from '../../volume/volume-info.js';
import { type ArrayCopy, entryAt, readCopies } from '../media/array-copies.js';
import { damageText, hashImage } from '../media/hash-image.js';
import {
  type BackupInfo,
  backupInfo,
  isOfEntry,
  sectorInfo,
  sectorOfEntry,
} from '../sector-entry.js';
import type { NotedMember } from './backup-notes.js';
import type { BackupRun } from './backup-run.js';
import type { KnownArray } from './errand-handler.js';
import { splitCommand } from './mirror-pairs.js';

/** All at one instant, with one command; those that an attempt that was killed has taken are left. */
export async function takeImages(run: BackupRun): Promise<void> {
  await run.onArray(async (array, isRepeated) => {
    if ((run.isRecovery || isRepeated) && (await areTaken(run, array))) return;
    const takenMs = run.context.clock.nowMs();
    const sectors = run.members.map((member) => sectorOfEntry(run.entryOf(member, takenMs)));
    const info = Buffer.concat(sectors).toString('base64');
    if (run.plan.isMirror) {
      const name = run.splitCommand ?? (await splitCommand(run, array));
      await array.client.run({ name, words: pairNames(run), options: { info } });
      return;
    }
    const words = run.members.map(({ name }) => name);
    const options = { name: run.snapshotName(), info };
    await array.client.run({ name: 'snapshot', words, options });
  });
  run.say(`taken: ${run.members.map((member) => run.copyOf(member)).join(' ')}`);
}

/** The end of each image, and its SHA-256 where that is asked for, go into its sector; notes the entries. */
export async function sealImages(run: BackupRun): Promise<void> {
  await run.onArray(async (array) => {
    const entries = [];
    for (const member of run.members) {
      await sealImage(run, array, member);
      entries.push(await entryAt(array, run.copyOf(member), run.context.configuration.name));
    }
    await run.note({ entries });
  });
}

/**
 * What is there of these images goes; other backups stay. A snapshot that the next incremental copy will be based on is
 * only no backup any more.
 */
export async function removeImages(run: BackupRun): Promise<void> {
  const { definition, plan, notes } = run;
  if (notes.sources === null) return;
  const isBase = definition.incremental && !plan.isMirror && notes.state.failure === null;
  await run.onArray(async (array) => {
    for (const member of run.members) {
      const image = await imageOf(run, array, member);
      if (image === undefined) continue;
      if (isBase) await keepAsBase(array, image);
      else await removeImage(run, array, image.copy);
    }
  });
}

async function removeImage(run: BackupRun, { client }: KnownArray, { copy, snapshot }: ArrayCopy) {
  const words = [copy];
  if (snapshot === null) await client.run({ name: 'info', words, options: { clear: 'yes' } });
  else await client.run({ name: 'delete', words, options: {} });
  run.say(`removed: ${copy}`);
}

/** The one before is not needed any more. */
async function keepAsBase(array: KnownArray, { copy, info }: FoundImage): Promise<void> {
  const { volume } = copy;
  for (const other of (await readCopies(array)).copies) {
    if (other.volume !== volume || other.snapshot === null || other.copy === copy.copy) continue;
    const before = sectorInfo(await array.client.readInfo(other.copy));
    const isBase =
      before?.holdsBackup === false &&
      before.definitionName === info.definitionName &&
      before.sourceUuid === info.sourceUuid;
    if (isBase) await array.client.run({ name: 'delete', words: [other.copy], options: {} });
  }
  await store(array, copy.copy, { ...info, holdsBackup: false });
}

async function store({ client }: KnownArray, copy: string, info: VolumeInfo): Promise<void> {
  const set = Buffer.from(encodeVolumeInfo(info)).toString('base64');
  await client.run({ name: 'info', words: [copy], options: { set } });
}

/** Throws where some are there and others are not: one command made them. */
async function areTaken(run: BackupRun, array: KnownArray): Promise<boolean> {
  const images = await Promise.all(run.members.map((member) => imageOf(run, array, member)));
  const there = images.filter((image) => image !== undefined).length;
  if (there === 0 || there === images.length) return there > 0;
  throw new ArrayError('EIO', 'somebody has removed a part of the images of this backup');
}

interface FoundImage {
  readonly copy: ArrayCopy;
  readonly info: BackupInfo;
}

/** Undefined where it is not there, or holds something else. */
async function imageOf(
  run: BackupRun,
  array: KnownArray,
  member: NotedMember,
): Promise<FoundImage | undefined> {
  const name = run.copyOf(member);
  const copy = (await readCopies(array)).copies.find((one) => one.copy === name);
  const sector = copy && (await array.client.readInfo(name));
  const info = sector && backupInfo(sector);
  const isIt = info !== undefined && isOfEntry(info, run.entryOf(member, 0));
  return isIt && copy !== undefined ? { copy, info } : undefined;
}

async function sealImage(run: BackupRun, array: KnownArray, member: NotedMember): Promise<void> {
  const image = await imageOf(run, array, member);
  const name = run.copyOf(member);
  if (image === undefined) throw new ArrayError('ENOENT', `somebody has removed ${name}`);
  const { copy, info } = image;
  if (info.endedMs > 0) return;
  if (copy.isModified) {
    // Storing the sector again would hide that.
    run.say(`${name} was written to after it was taken`);
    return;
  }
  const imageSha256 = run.definition.sha256 ? await digestOf(run, array, copy) : undefined;
  await store(array, name, {
    ...info,
    ...{
      imageSha256,
      imageBytes: copy.sizeBytes,
      volumeNumber: copy.number,
      volumeUuid: copy.uuid,
    },
    endedMs: run.context.clock.nowMs(),
  });
}

async function digestOf(run: BackupRun, array: KnownArray, copy: ArrayCopy): Promise<Uint8Array> {
  const { volume, snapshot } = copy;
  const names = snapshot === null ? ['volumes', volume] : ['snapshots', volume, snapshot];
  const tell = (done: number, total: number) => run.report(`SHA-256 of ${copy.copy}`, done, total);
  const path = array.client.pathOf(...names);
  const { sha256, damagedAt } = await hashImage(path, tell, run.context.signal);
  if (sha256 !== '') return Buffer.from(sha256, 'hex');
  throw new ArrayError('EIO', `${copy.copy}: ${damageText(damagedAt)}`);
}

function pairNames(run: BackupRun): string[] {
  return run.members.map(({ name, secondary }) => `${name}:${secondary}`);
}
