/**
 * The records of the catalog, table by table. Each value is a JSON text with its CRC-32 before it, as LMDB has no
 * checksums of its own:
 *
 *   entries       ID                     EntryRecord
 *   byEnd         [ended, ID]            (empty)      ended: milliseconds
 *   byDefinition  [definition, ended, ID]  (empty)
 *   runs          NUMBER                 Run
 *   errands       ID                     ErrandRecord
 *   inputs        ID of a live errand    its input
 *   clients       NAME                   ClientRecord
 *   destinations  NAME of a client       DestinationRow[]
 *   schedules     NAME of a definition   ScheduleRecord
 *   about         `version`              CATALOG_VERSION
 */
import { crc32 } from 'node:zlib';
import { ArrayError } from '../../base/errors.js';
import type { ClientRow, ErrandView, Run } from '../api.js';
import type { BackupEntry } from '../backup-entry.js';
import type { DestinationRow } from '../errands.js';

export const CATALOG_VERSION = 1;

export interface EntryRecord {
  readonly entry: BackupEntry;
  /** When the catalog got it, by the server's clock: a rescan that was at work then may have missed it. */
  readonly addedMs: number;
}

export interface ErrandRecord extends Omit<ErrandView, 'progress' | 'log'> {
  /** Number of the run it carries out, and id of the entry it is about. */
  readonly run: number | null;
  readonly entry: string | null;
  /** A run's lines are in the run. */
  readonly log: readonly string[];
  /** Lines the client has sent by now, also those that were too many to keep. */
  readonly lineCount: number;
  /** The client was told to give it up. */
  readonly isCancelling: boolean;
  /** Of the last change of the catalog that the client sent for it. */
  readonly sequence: number;
  readonly createdMs: number;
  readonly endedMs: number;
}

/** One that is not over. Its input, which may be large, is kept apart: it does not change. */
export interface LiveErrandRecord extends ErrandRecord {
  readonly input: unknown;
}

export type ClientRecord = Omit<ClientRow, 'name' | 'isConnected'>;

export interface ScheduleRecord {
  /** The scheduled time that was dealt with last, or when the definition was made. */
  readonly untilMs: number;
  readonly missed: number;
  readonly lastRun: number | null;
  /** When its last complete run ended, 0: none has. */
  readonly lastCompleteMs: number;
}

export interface CatalogTables {
  readonly entries: { key: string; value: EntryRecord };
  readonly byEnd: { key: readonly [number, string]; value: null };
  readonly byDefinition: { key: readonly [string, number, string]; value: null };
  readonly runs: { key: number; value: Run };
  readonly errands: { key: number; value: ErrandRecord };
  readonly inputs: { key: number; value: unknown };
  readonly clients: { key: string; value: ClientRecord };
  readonly destinations: { key: string; value: readonly DestinationRow[] };
  readonly schedules: { key: string; value: ScheduleRecord };
  readonly about: { key: string; value: number };
}

export type CatalogTable = keyof CatalogTables;

export const CATALOG_TABLES: readonly CatalogTable[] = [
  ...(['entries', 'byEnd', 'byDefinition', 'runs', 'errands', 'inputs'] as const),
  ...(['clients', 'destinations', 'schedules', 'about'] as const),
];

const CRC_DIGITS = 8;

export function packRecord(value: unknown): string {
  const text = JSON.stringify(value);
  return `${crc32(text).toString(16).padStart(CRC_DIGITS, '0')}${text}`;
}

/** EIO where it is not what was packed; `where` names it in the reason. */
export function unpackRecord(packed: string, where: string): unknown {
  const text = packed.slice(CRC_DIGITS);
  if (Number.parseInt(packed.slice(0, CRC_DIGITS), 16) !== crc32(text)) {
    throw new ArrayError('EIO', `${where} has a wrong checksum`);
  }
  return JSON.parse(text);
}

/** A key as people read it. */
export function keyText(key: unknown): string {
  return Array.isArray(key) ? key.join(' ') : String(key);
}

/** What can be done about a catalog that cannot be read. */
export function damagedCatalog(directory: string, detail: string): ArrayError {
  return new ArrayError(
    'EIO',
    `the catalog in ${directory} is damaged (${detail}); the backups themselves are not: stop the server, move the ` +
      'directory away, start the server again, and get the catalog back with: arrayfs backup rescan --tapes',
  );
}
