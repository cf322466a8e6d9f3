/** What backups a cartridge has: by its labels and management files, without reading the data. */
import { crc32 } from 'node:zlib';
import { ArrayError } from '../base/errors.js';
import type { StreamMedium } from './backup-device.js';
import { decodeManagement, type Management } from './backup-manifest.js';
import { DeviceError } from './device-error.js';
import { scanContent, type TapeFile } from './labelled-tape.js';
import { backupFile, crcOf, dataFileId } from './section-labels.js';

export interface BackupEntry extends Management {
  /** Counts the backups that begin on the cartridge, from 1. */
  readonly number: number;
  /** Undefined where the backup ended before its data was begun. */
  readonly data: TapeFile | undefined;
  /** `continued`: goes on on another cartridge; `incomplete`: its writer never ended it. */
  readonly state: 'complete' | 'continued' | 'incomplete';
  /** Why its end is not seen, where the cartridge cannot be read up to there. */
  readonly damage: string | undefined;
}

export interface CartridgeListing {
  readonly volumeId: string;
  readonly backups: readonly BackupEntry[];
  /** The first file of the cartridge where it is a further part of a backup. */
  readonly continuation: TapeFile | undefined;
  /** Files that are of no backup of arrayfs. */
  readonly otherFiles: number;
  /** What could not be read. */
  readonly problems: readonly string[];
}

/** `foreign` where the cartridge has no labels. */
export function listBackups(tape: StreamMedium): CartridgeListing {
  const scan = scanContent(tape);
  if (scan === undefined) throw new DeviceError('foreign', 'the cartridge has no labels');
  const { volume, files } = scan.content;
  const problems = scan.damage === undefined ? [] : [scan.damage.reason];
  const backups: BackupEntry[] = [];
  for (const [index, file] of files.entries()) {
    // One without an end is what a crash left of a backup that had not begun.
    const isWhole = file.end !== undefined;
    if (backupFile(file.label.fileId) !== 'management' || !isWhole) continue;
    try {
      const management = readManagement(tape, file);
      const data = dataOf(management, files[index + 1]);
      const number = backups.length + 1;
      const state = stateOf(data);
      const damage = state === 'incomplete' ? scan.damage?.reason : undefined;
      backups.push({ number, ...management, data, state, damage });
    } catch (error) {
      problems.push(reasonOf(error));
    }
  }
  return {
    volumeId: volume.volumeId,
    backups,
    continuation: files.find((file) => file.label.section > 1),
    otherFiles: files.filter((file) => backupFile(file.label.fileId) === undefined).length,
    problems,
  };
}

/**
 * The backup that `reference` names: its number on the cartridge, the first characters of its UUID,
 * or the name of what was backed up, then the newest. ENOENT, EINVAL where several are meant.
 */
export function findBackup(backups: readonly BackupEntry[], reference: string): BackupEntry {
  if (/^\d{1,4}$/.test(reference)) {
    const numbered = backups.find((entry) => entry.number === Number(reference));
    if (numbered !== undefined) return numbered;
  }
  const named = backups.findLast((entry) => entry.manifest.name === reference);
  if (named !== undefined) return named;
  const isUuid = /^[0-9a-f-]{4,36}$/i.test(reference);
  const found = isUuid
    ? backups.filter((entry) => entry.manifest.backup.startsWith(reference.toLowerCase()))
    : [];
  const [first] = found;
  if (first === undefined) throw new ArrayError('ENOENT', `no backup '${reference}' begins here`);
  if (found.length > 1) throw new ArrayError('EINVAL', `several backups begin with ${reference}`);
  return first;
}

function readManagement(tape: StreamMedium, file: TapeFile): Management {
  tape.seek(file.dataAt);
  const reading = tape.read();
  if (reading.kind !== 'record' || reading.damaged || file.blockCount !== 1) {
    throw new DeviceError('damaged', `management file ${file.label.fileId} is no single block`);
  }
  checkCrc(file, crc32(reading.data));
  return decodeManagement(reading.data);
}

/** `damaged` where the label behind a section of a backup does not say the checksum of its blocks. */
export function checkCrc({ trailer, label }: TapeFile, crc: number): void {
  if (crcOf(trailer) === crc) return;
  throw new DeviceError('damaged', `part ${label.section} of ${label.fileId}: wrong checksum`);
}

function dataOf({ manifest }: Management, next: TapeFile | undefined): TapeFile | undefined {
  const isData = next?.label.fileId === dataFileId(manifest.backup) && next.label.section === 1;
  return isData ? next : undefined;
}

function stateOf(data: TapeFile | undefined): BackupEntry['state'] {
  if (data?.end === 'EOF') return 'complete';
  return data?.end === 'EOV' ? 'continued' : 'incomplete';
}

function reasonOf(error: unknown): string {
  if (error instanceof DeviceError) return error.reason;
  throw error;
}
