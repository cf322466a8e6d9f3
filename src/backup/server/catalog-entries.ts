/**
 * The entries of the catalog with their two indexes: by end time, for the newest so many of whatever number, and by
 * definition. Changes are made inside a change of the catalog, so index and entry are never apart.
 */
import { ArrayError } from '../../base/errors.js';
import type { EntryFilter } from '../api.js';
import type { BackupEntry } from '../backup-entry.js';
import type { EntryRecord } from './catalog-records.js';
import type { CatalogChange, CatalogStore, RangeOptions } from './catalog-store.js';

/** Looked at in one turn of the event loop. */
const SLICE_ENTRIES = 500;
/** Above every other part of a key. */
const HIGHEST = '\uffff';

/** A new entry, or one that replaces that of the same id. */
export function putEntry(change: CatalogChange, entry: BackupEntry, nowMs: number): void {
  const old = change.get('entries', entry.id);
  if (old !== undefined) removeEntry(change, entry.id);
  change.put('entries', entry.id, { entry, addedMs: old?.addedMs ?? nowMs });
  change.put('byEnd', [entry.endedMs, entry.id], null);
  change.put('byDefinition', [entry.definition, entry.endedMs, entry.id], null);
}

export function removeEntry(change: CatalogChange, id: string): void {
  const record = change.get('entries', id);
  if (record === undefined) return;
  const { definition, endedMs } = record.entry;
  change.remove('entries', id);
  change.remove('byEnd', [endedMs, id]);
  change.remove('byDefinition', [definition, endedMs, id]);
}

export function findEntry(store: CatalogStore, id: string): BackupEntry {
  const record = store.get('entries', id);
  if (record === undefined) throw new ArrayError('ENOENT', `there is no backup ${id}`);
  return record.entry;
}

/** Newest first, in the order of their ends. */
export async function listEntries(
  store: CatalogStore,
  filter: EntryFilter,
  rest: () => Promise<void>,
): Promise<BackupEntry[]> {
  const { limit = Number.POSITIVE_INFINITY } = filter;
  const found: BackupEntry[] = [];
  for await (const { entry } of newestFirst(store, filter.definition, rest, limit)) {
    if (matches(entry, filter)) found.push(entry);
    if (found.length >= limit) break;
  }
  return found;
}

/** All of one definition, or of all; `rest` lets others go first between two slices. */
export async function* newestFirst(
  store: CatalogStore,
  definition: string | undefined,
  rest: () => Promise<void>,
  wanted = Number.POSITIVE_INFINITY,
): AsyncGenerator<EntryRecord> {
  const table = definition === undefined ? 'byEnd' : 'byDefinition';
  const limit = Math.min(wanted, SLICE_ENTRIES);
  const place: RangeOptions =
    definition === undefined ? {} : { start: [definition, HIGHEST], end: [definition] };
  let options: RangeOptions = { ...place, reverse: true, limit };
  for (;;) {
    const keys = store.range(table, options).map((row) => row.key);
    for (const key of keys) {
      const record = store.get('entries', key[key.length - 1] as string);
      if (record !== undefined) yield record;
    }
    if (keys.length < limit) return;
    options = { ...options, start: keys.at(-1), exclusiveStart: true };
    await rest();
  }
}

function matches(entry: BackupEntry, filter: EntryFilter): boolean {
  const { definition, client, label, kind, state } = filter;
  return (
    (definition === undefined || entry.definition === definition) &&
    (client === undefined || entry.client === client) &&
    (label === undefined || entry.label === label) &&
    (kind === undefined || entry.place.kind === kind) &&
    (state === undefined || entry.state === state)
  );
}
