/**
 * What users have done with a backup: each becomes an errand of the client that reaches it, whose input is completed with what the
 * catalog knows.
 */
import type { z } from 'zod';
import { ArrayError } from '../../base/errors.js';
import { ENTRY_ACTIONS, type EntryAction, type EntryActionBody, type ErrandView } from '../api.js';
import type { BackupEntry } from '../backup-entry.js';
import type { ErrandInput } from '../errands.js';
import { findEntry, newestFirst } from './catalog-entries.js';
import type { CatalogStore } from './catalog-store.js';
import type { ClientBook } from './client-book.js';
import type { ErrandQueue } from './errand-queue.js';
import type { NewErrand } from './errand-record.js';
import type { ServerFile } from './server-file.js';

export interface EntryActionParts {
  readonly store: CatalogStore;
  readonly file: ServerFile;
  readonly clients: ClientBook;
  readonly errands: ErrandQueue;
  /** Lets others go first. */
  readonly rest: () => Promise<void>;
}

type Inputs = { readonly [A in EntryAction]: InputOf<A> };
type InputOf<A extends EntryAction> = (
  entry: BackupEntry,
  body: EntryActionBody<A>,
  parts: EntryActionParts,
) => Promise<ErrandInput<(typeof ENTRY_ACTIONS)[A]['kind']>>;

const INPUTS: Inputs = {
  verify: async (entry, _body, { store }) => ({ entry, chain: chainOf(store, entry) }),
  files: async (entry, body, { store }) => ({ ...body, entry, chain: chainOf(store, entry) }),
  'restore-files': async (entry, body, { store }) => ({
    ...body,
    entry,
    chain: chainOf(store, entry),
  }),
  restore: async (entry, body, { store }) => ({ ...body, entry, chain: chainOf(store, entry) }),
  delete: async (entry, _body, parts) => {
    await refuseNeeded(entry, parts);
    return { entry };
  },
  'tape-copy': async (entry, { incremental, ...body }, parts) => {
    if (body.move) await refuseNeeded(entry, parts);
    const since = incremental ? await lastCopyOn(entry, body.device, parts) : null;
    return {
      ...body,
      entry,
      chain: chainOf(parts.store, entry),
      since,
      runNumber: parts.file.takeNumbers(1),
    };
  },
  copy: async (entry, body, { store, file }) => ({
    ...body,
    entry,
    chain: chainOf(store, entry),
    runNumber: file.takeNumbers(1),
  }),
};

/** ENXIO where the client that reaches the backup is not there. */
export async function actOnEntry(
  id: string,
  action: EntryAction,
  body: unknown,
  parts: EntryActionParts,
): Promise<ErrandView> {
  const { kind, body: schema } = ENTRY_ACTIONS[action];
  const wish = (schema as z.ZodType).parse(body);
  const { client } = findEntry(parts.store, id);
  await parts.clients.untilConnected(client);
  const entry = findEntry(parts.store, id);
  const input = await (INPUTS[action] as InputOf<EntryAction>)(entry, wish as never, parts);
  return parts.errands.add({ kind, client, input, entry: id } as NewErrand);
}

/** What an incremental copy is based on, oldest first; ENOENT where a part of it is not in the catalog. */
export function chainOf(store: CatalogStore, entry: BackupEntry): BackupEntry[] {
  const chain: BackupEntry[] = [];
  const seen = new Set([entry.id]);
  for (let base = baseOf(entry); base !== null; ) {
    const record = store.get('entries', base);
    if (record === undefined || seen.has(base)) {
      const reason = `backup ${entry.id} is based on backup ${base}, which is not in the catalog: arrayfs backup rescan --tapes`;
      throw new ArrayError('ENOENT', reason);
    }
    seen.add(base);
    chain.unshift(record.entry);
    base = baseOf(record.entry);
  }
  return chain;
}

export function baseOf({ place }: BackupEntry): string | null {
  return place.kind === 'tape' ? place.since : null;
}

async function refuseNeeded(entry: BackupEntry, { store, rest }: EntryActionParts): Promise<void> {
  if (entry.place.kind !== 'tape') return;
  for await (const { entry: other } of newestFirst(store, entry.definition, rest)) {
    if (baseOf(other) !== entry.id) continue;
    throw new ArrayError('EBUSY', `backup ${other.id} is based on ${entry.id}: delete it first`);
  }
}

/** The newest good copy of this definition and source on the device, if all it is based on is there. */
async function lastCopyOn(
  entry: BackupEntry,
  device: string,
  { store, rest }: EntryActionParts,
): Promise<BackupEntry | null> {
  const [library] = device.split('/');
  for await (const { entry: other } of newestFirst(store, entry.definition, rest)) {
    const { place, state, sourceUuid, takenMs } = other;
    const isCopy = place.kind === 'tape' && place.device === library;
    if (!isCopy || state !== 'good' || sourceUuid !== entry.sourceUuid) continue;
    if (takenMs < entry.takenMs && hasChain(store, other)) return other;
  }
  return null;
}

function hasChain(store: CatalogStore, entry: BackupEntry): boolean {
  try {
    return chainOf(store, entry).every(({ state }) => state === 'good');
  } catch {
    return false;
  }
}
