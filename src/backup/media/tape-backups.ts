/**
 * The backups on the cartridges that an array reaches, with their management information ([004] fig. 16), as its table status/backups has
 * them after a discovery. A backup over several cartridges counts when all its parts are there.
 */
import { asArrayError } from '../../base/errors.js';
import { arrayTable, type BackupRow } from '../array-tables.js';
import type { ErrandContext, KnownArray } from '../client/errand-handler.js';
import { type BackupInfo, backupInfo } from '../sector-entry.js';
import { runJob } from './array-job.js';

export interface TapeBackup {
  readonly info: BackupInfo;
  readonly device: string;
  /** In the order of its parts. */
  readonly cartridges: readonly string[];
  /** UUID of the backup on tape: names it in a restore. */
  readonly backup: string;
  /** UUID of the image; undefined for that of a volume. */
  readonly image: string | undefined;
  /** Of an increment the image it is based on. */
  readonly base: string | undefined;
}

export interface TapeBackups {
  readonly backups: readonly TapeBackup[];
  readonly lines: readonly string[];
  readonly unread: readonly { readonly device: string; readonly cartridge: string }[];
}

/** Of one device or all tape libraries of the array; of one cartridge (then without the further ones of a backup) or all. */
export interface TapeWish {
  readonly device?: string;
  readonly cartridge?: string;
}

/** Loads the cartridges in turn and reads their labels. */
export async function readTapes(
  array: KnownArray,
  wish: TapeWish,
  context: ErrandContext,
): Promise<TapeBackups> {
  const { device, cartridge } = wish;
  const devices = await arrayTable(array.client, 'devices');
  const tapes = devices.filter(({ name, kind }) => {
    return kind === 'tape' && (device === undefined || name === device);
  });
  if (tapes.length === 0) return { backups: [], lines: [], unread: [] };
  const names = tapes.map(({ name }) => name);
  const options = { backups: 'yes', ...(cartridge !== undefined && { medium: cartridge }) };
  await runJob(array, { name: 'discover', words: names, options }, context, 'tapes');
  const now = await arrayTable(array.client, 'devices');
  const rows = (await arrayTable(array.client, 'backups')).filter(({ device: of, medium }) => {
    return names.includes(of) && (cartridge === undefined || medium === cartridge);
  });
  const away = now.filter(({ name, state }) => names.includes(name) && state !== 'available');
  const listed = tapeBackups(rows);
  return {
    ...listed,
    unread: [...away.map(({ name }) => ({ device: name, cartridge: '' })), ...listed.unread],
    lines: [
      ...away.map(({ name, state }) => `device ${name} is not available: ${state}`),
      ...listed.lines,
    ].map((line) => `${array.mountPoint}: ${line}`),
  };
}

/** From rows of status/backups. */
export function tapeBackups(rows: readonly BackupRow[]): TapeBackups {
  const lines: string[] = [];
  const unread = rows
    .filter(({ number, part, problems }) => number === null && part === null && problems.length > 0)
    .map(({ device, medium, problems }) => ({ device, cartridge: medium, why: problems[0] ?? '' }));
  for (const { device, cartridge, why } of unread) {
    lines.push(`${device}/${cartridge} could not be read: ${why}`);
  }
  const backups = rows.flatMap((row) => {
    const result = tapeBackup(row, rows);
    if (typeof result === 'string') lines.push(`${row.device}/${row.medium}: ${result}`);
    return typeof result === 'object' ? [result] : [];
  });
  return { backups, lines, unread: unread.map(({ device, cartridge }) => ({ device, cartridge })) };
}

/** Why it is no backup that could be restored; undefined where it is none of a backup program. */
function tapeBackup(row: BackupRow, rows: readonly BackupRow[]): TapeBackup | string | undefined {
  const { number, device, backup, information, manifest } = row;
  if (number === null || information === null || backup === null) return undefined;
  try {
    const info = backupInfo(Buffer.from(information, 'base64'));
    if (info === undefined) return undefined;
    const cartridges = cartridgesOf(row, rows);
    if (cartridges === undefined) return `backup ${info.jobNumber} is not whole on tape`;
    if (info.kind !== 'tape') {
      return `its sector is that of backup ${info.jobNumber} (${info.kind}) and came with a copy: passed over`;
    }
    const { image, base } = manifest ?? {};
    return { info, device, cartridges, backup, image: image ?? undefined, base: base?.image };
  } catch (error) {
    return `backup number ${number}: ${asArrayError(error).reason}`;
  }
}

/** Undefined where a part is missing, or the last one has no end. */
function cartridgesOf(row: BackupRow, rows: readonly BackupRow[]): string[] | undefined {
  const cartridges = [row.medium];
  for (let state = row.state; state !== 'complete'; ) {
    const next = rows.find(({ device, number, file, part }) => {
      const isPart = number === null && file === row.file && part === cartridges.length + 1;
      return isPart && device === row.device;
    });
    if (state !== 'continued' || next === undefined) return undefined;
    cartridges.push(next.medium);
    state = next.partState ?? 'incomplete';
  }
  return cartridges;
}
