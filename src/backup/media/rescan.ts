/**
 * All backups that can be found, from the sectors on every mounted array and the management files of cartridges ([004] fig. 15), whoever has made
 * them: with this a lost catalog comes back, and a new array's backups are added. What cannot be read is told in lines.
 */
import { asArrayError } from '../../base/errors.js';
import { type BackupEntry, entryId } from '../backup-entry.js';
import type { ErrandContext, KnownArray } from '../client/errand-handler.js';
import type { ErrandInput, ErrandOutput } from '../errands.js';
import { entryOfInfo } from '../sector-entry.js';
import { type ArrayCopies, readCopies, sourceNames } from './array-copies.js';
import { type FoundBackup, sectorsOf } from './array-sectors.js';
import { readTapes, type TapeBackup } from './tape-backups.js';
import { tapeFoundAt } from './tape-place.js';

interface Scan {
  readonly array: KnownArray;
  readonly copies: ArrayCopies;
  readonly found: readonly FoundBackup[];
  readonly tapes: readonly TapeBackup[];
  readonly lines: readonly string[];
  readonly unread: ErrandOutput<'rescan'>['unread'];
}

export async function rescan(
  { tapes }: ErrandInput<'rescan'>,
  context: ErrandContext,
): Promise<ErrandOutput<'rescan'>> {
  const lines: string[] = [];
  const scans: Scan[] = [];
  for (const array of await context.arrays()) {
    try {
      scans.push(await scan(array, tapes, context));
    } catch (error) {
      if (context.signal.aborted) throw error;
      lines.push(`the array at ${array.mountPoint} was not read: ${asArrayError(error).reason}`);
    }
  }
  const names = sourceNames(scans.map(({ copies }) => copies));
  const onTape = scans.map((one) => tapesFound(one, scans, context.configuration.name));
  const found = [...scans.flatMap((one) => one.found), ...onTape.flatMap((one) => one.found)];
  const entries: BackupEntry[] = [];
  const taken = new Map<string, FoundBackup>();
  // Those that the sector names come first; the order is else that of arrays and of their tables.
  for (const one of [...found.filter(isNamed), ...found.filter((other) => !isNamed(other))]) {
    try {
      const entry = entryOfInfo(one.info, one.at, names);
      const identity = identityOf(entry);
      const other = taken.get(identity);
      if (other === undefined) {
        taken.set(identity, one);
        entries.push(entry);
      } else if (other.onTape === undefined || other.onTape !== one.onTape) {
        lines.push(`${one.where} has the sector of backup ${entry.id}, too: passed over`);
      }
    } catch (error) {
      lines.push(`${one.where}: ${asArrayError(error).reason}`);
    }
  }
  return {
    entries: entries.sort(byNumber),
    lines: [...lines, ...[...scans, ...onTape].flatMap((one) => one.lines)],
    arrays: scans.map(({ array }) => array.uuid),
    unread: scans.flatMap((one) => one.unread),
  };
}

const isNamed = (one: FoundBackup) => one.isNamed;

/** Backups of two servers may have one number. */
function identityOf({ id, definition, startedMs, sourceUuid }: BackupEntry): string {
  return [id, definition, startedMs, sourceUuid].join(' ');
}

function byNumber(one: BackupEntry, other: BackupEntry): number {
  return one.jobNumber - other.jobNumber || one.memberNumber - other.memberNumber;
}

async function scan(array: KnownArray, tapes: boolean, context: ErrandContext): Promise<Scan> {
  const copies = await readCopies(array);
  const { name } = context.configuration;
  const text = `sectors of the array at ${array.mountPoint}`;
  const { found, lines } = await sectorsOf(array, copies, name, (done, total) => {
    context.report({ step: 'sectors', text, done, total, unit: 'pieces' });
  });
  const onTape = tapes
    ? await readTapes(array, {}, context)
    : { backups: [], lines: [], unread: [] };
  return {
    ...{ array, copies, found, tapes: onTape.backups },
    lines: [...lines, ...onTape.lines],
    unread: onTape.unread.map((cartridge) => ({ arrayUuid: array.uuid, ...cartridge })),
  };
}

/** A tape that two arrays reach is that of the array that wrote it. An increment whose base is nowhere cannot be restored. */
function tapesFound(
  { array, tapes }: Scan,
  scans: readonly Scan[],
  client: string,
): { readonly found: readonly FoundBackup[]; readonly lines: readonly string[] } {
  const lines: string[] = [];
  const found = tapes.flatMap((tape): FoundBackup[] => {
    const { info, device, cartridges } = tape;
    const where = `${device}/${cartridges.join(' ')} of the array at ${array.mountPoint}`;
    const base =
      baseOf(tape, tapes) ??
      baseOf(
        tape,
        scans.flatMap((one) => one.tapes),
      );
    if (tape.base !== undefined && base === undefined) {
      lines.push(`${where}: what increment ${info.jobNumber} is based on is on no cartridge`);
      return [];
    }
    const since = base === undefined ? null : idOf(base.info);
    const at = tapeFoundAt(client, array.uuid, { device, cartridges, since });
    return [{ info, at, where, isNamed: info.arrayUuid === array.uuid, onTape: tape.backup }];
  });
  return { found, lines };
}

/** The newest copy of the image that an increment is based on. */
function baseOf(tape: TapeBackup, among: readonly TapeBackup[]): TapeBackup | undefined {
  if (tape.base === undefined) return undefined;
  return among
    .filter(({ image, info }) => image === tape.base && info.jobNumber < tape.info.jobNumber)
    .sort((one, other) => other.info.jobNumber - one.info.jobNumber)[0];
}

function idOf({ jobNumber, memberNumber, memberCount }: TapeBackup['info']): string {
  return entryId(jobNumber, memberNumber, memberCount);
}
