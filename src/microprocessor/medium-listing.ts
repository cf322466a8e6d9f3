/**
 * What a cartridge has, as it is told to the array: the backups that begin on it with their management information ([004] fig. 16), and
 * whether it begins with a further part of one. By labels and management files, the data is not read. A long listing comes in pages.
 */
import type { StreamMedium } from '../device/backup-device.js';
import type { BackupManifest } from '../device/backup-manifest.js';
import type { TapeFile } from '../device/labelled-tape.js';
import { dataFileId } from '../device/section-labels.js';
import { type BackupEntry, listBackups } from '../device/tape-listing.js';
import { OPERATION_BYTES_MAX } from './device-operation.js';

export interface ListedBackup {
  /** Counts the backups that begin on the cartridge, from 1. */
  readonly number: number;
  readonly manifest: BackupManifest;
  /** Base64 of the volume-information sector. */
  readonly information: string | undefined;
  readonly state: BackupEntry['state'];
  /** Identifier of its data file: with it further cartridges begin. */
  readonly file: string;
}

export interface ListedPart {
  readonly file: string;
  /** From 2 on. */
  readonly part: number;
  readonly state: BackupEntry['state'];
}

export interface MediumListing {
  readonly backups: readonly ListedBackup[];
  /** The part with which the cartridge begins. */
  readonly continues: ListedPart | undefined;
  /** What could not be read. */
  readonly problems: readonly string[];
}

/** The backups from the one with index `from` on, as many as fit. */
export interface ListingPage extends MediumListing {
  readonly isLast: boolean;
}

/** Of all but the backups. */
const REST_BYTES = 16 * 1024;
const PROBLEMS_MAX = 20;

/** `foreign` where the cartridge has no labels. */
export function encodeListing(tape: StreamMedium, from: number): Buffer {
  const { backups, continuation, problems } = listBackups(tape);
  const page: ListedBackup[] = [];
  let bytesLeft = OPERATION_BYTES_MAX - REST_BYTES;
  for (const backup of backups.slice(from).map(listed)) {
    bytesLeft -= Buffer.byteLength(JSON.stringify(backup));
    if (bytesLeft < 0) break;
    page.push(backup);
  }
  const listing: ListingPage = {
    backups: page,
    continues: continuation && partOf(continuation),
    problems: problems.slice(0, PROBLEMS_MAX),
    isLast: from + page.length === backups.length,
  };
  return Buffer.from(JSON.stringify(listing));
}

/** The twin of `encodeListing`. */
export function decodeListing(data: Uint8Array): ListingPage {
  return JSON.parse(Buffer.from(data).toString('utf8')) as ListingPage;
}

function partOf({ label, end }: TapeFile): ListedPart {
  const state = end === undefined ? 'incomplete' : end === 'EOF' ? 'complete' : 'continued';
  return { file: label.fileId, part: label.section, state };
}

function listed({ number, manifest, information, state }: BackupEntry): ListedBackup {
  const sector = information && Buffer.from(information).toString('base64');
  return { number, manifest, information: sector, state, file: dataFileId(manifest.backup) };
}
