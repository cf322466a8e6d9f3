/**
 * What a rescan ([004] fig. 15) changes in the catalog, as a pure function. What was found is added, or compared with the entry of
 * the same backup; what is not there any more, though it was looked for, is marked `missing`; nothing is dropped. Two backups
 * with one job number (those of another server, or a copy made by hand) are kept apart: the later one gets an id of its own.
 */
import type { BackupEntry } from '../backup-entry.js';
import type { EntryRecord } from './catalog-records.js';

/** So many of the missing ones are named. */
const NAMED_MAX = 10;

export interface Cartridge {
  readonly arrayUuid: string;
  readonly device: string;
  readonly cartridge: string;
}

export interface RescanFindings {
  readonly found: readonly BackupEntry[];
  /** What the catalog has. */
  readonly records: readonly EntryRecord[];
  /** UUIDs of the arrays that were looked at. */
  readonly arrays: ReadonlySet<string>;
  /** Whether their tapes were, too, and which cartridges could not be. */
  readonly tapes: boolean;
  readonly unread: readonly Cartridge[];
  /** What the catalog got after this was not necessarily seen. */
  readonly askedMs: number;
  /** Ids that were removed from the catalog since. */
  readonly removed: ReadonlySet<string>;
  /** The present time, in words. */
  readonly when: string;
}

export interface RescanMerge {
  readonly put: readonly BackupEntry[];
  readonly lines: readonly string[];
}

/** `takeNumber` gives a job number that nobody has. */
export function mergeRescan(findings: RescanFindings, takeNumber: () => number): RescanMerge {
  const found = findings.found.filter(({ id }) => !findings.removed.has(id));
  const partners = partnersOf(found, findings.records);
  const claimed = new Set([...partners.values()].map(({ id }) => id));
  const taken = new Set(findings.records.map(({ entry }) => entry.id));
  const put: BackupEntry[] = [];
  const lines: string[] = [];
  let added = 0;
  for (const entry of found) {
    const old = partners.get(entry);
    if (old !== undefined) {
      const next = updated(old, entry);
      if (JSON.stringify(next) !== JSON.stringify(old)) put.push(next);
      continue;
    }
    const id = taken.has(entry.id) ? freshId(entry, takeNumber) : entry.id;
    taken.add(id);
    if (id !== entry.id) {
      lines.push(
        `backup ${entry.id} on ${placeText(entry)} is not the ${entry.id} of this catalog: it is listed as ${id}`,
      );
    }
    put.push({ ...entry, id });
    added += 1;
  }
  const changed = put.length - added;
  const missing = findings.records
    .filter((record) => !claimed.has(record.entry.id) && wasLookedFor(record, findings))
    .map(({ entry }) => entry);
  const stateReason = `not found by the rescan of ${findings.when}`;
  for (const entry of missing) {
    if (entry.state !== 'missing') put.push({ ...entry, state: 'missing', stateReason });
  }
  lines.push(
    `found ${found.length}: ${added} new, ${changed} changed, ${found.length - added - changed} as they were; ${missingText(missing)}`,
  );
  return { put, lines };
}

/** Also those that were missing before. */
function missingText(missing: readonly BackupEntry[]): string {
  const text = `missing: ${missing.length}`;
  if (missing.length === 0) return text;
  const named = missing.slice(0, NAMED_MAX).map((entry) => `${entry.id} on ${placeText(entry)}`);
  return `${text} (${[...named, ...(missing.length > NAMED_MAX ? ['...'] : [])].join(', ')})`;
}

/** For each found one its entry in the catalog: first where it was, then wherever it is now. */
function partnersOf(
  found: readonly BackupEntry[],
  records: readonly EntryRecord[],
): Map<BackupEntry, BackupEntry> {
  const byIdentity = new Map<string, BackupEntry[]>();
  for (const { entry } of records) {
    const key = identityOf(entry);
    byIdentity.set(key, [...(byIdentity.get(key) ?? []), entry]);
  }
  const partners = new Map<BackupEntry, BackupEntry>();
  for (const isMatch of [isSamePlace, () => true]) {
    for (const entry of found) {
      if (partners.has(entry)) continue;
      const candidates = byIdentity.get(identityOf(entry)) ?? [];
      const index = candidates.findIndex((candidate) => isMatch(candidate, entry));
      const [partner] = index < 0 ? [] : candidates.splice(index, 1);
      if (partner !== undefined) partners.set(entry, partner);
    }
  }
  return partners;
}

/** What makes a backup the one it is, wherever it lies. */
export function identityOf(entry: BackupEntry): string {
  const { jobNumber, memberNumber, memberCount, definition, startedMs, sourceUuid } = entry;
  return [jobNumber, memberNumber, memberCount, definition, startedMs, sourceUuid].join(' ');
}

function isSamePlace(left: BackupEntry, right: BackupEntry): boolean {
  if (left.arrayUuid !== right.arrayUuid || left.place.kind !== right.place.kind) return false;
  if (left.place.kind !== 'tape') return left.volumeUuid === right.volumeUuid;
  return JSON.stringify(left.place) === JSON.stringify(right.place);
}

/** A sector says nothing of a verification, and no name of a source that is gone. */
function updated(old: BackupEntry, found: BackupEntry): BackupEntry {
  const { id, sourceName } = old;
  const isNameless = found.sourceName.startsWith('#');
  const next = { ...found, id, sourceName: isNameless ? sourceName : found.sourceName };
  const { state, stateReason } = old.state === 'damaged' ? old : found;
  return { ...next, state, stateReason };
}

/** For a backup whose own id is taken by another one. */
export function freshId(
  { memberNumber, memberCount }: BackupEntry,
  takeNumber: () => number,
): string {
  const number = takeNumber();
  return memberCount === 1 ? `${number}` : `${number}.${memberNumber}`;
}

function wasLookedFor(
  { entry, addedMs }: EntryRecord,
  { arrays, tapes, unread, askedMs }: RescanFindings,
): boolean {
  const { arrayUuid, place } = entry;
  if (!arrays.has(arrayUuid) || addedMs >= askedMs) return false;
  if (place.kind !== 'tape') return true;
  const isUnread = unread.some(
    (other) =>
      other.arrayUuid === arrayUuid &&
      other.device === place.device &&
      (other.cartridge === '' || place.cartridges.includes(other.cartridge)),
  );
  return tapes && !isUnread;
}

function placeText({ place }: BackupEntry): string {
  if (place.kind === 'snapshot') return `${place.volume}@${place.snapshot}`;
  if (place.kind === 'tape') return `${place.device}/${place.cartridges.join(',')}`;
  return place.volume;
}
