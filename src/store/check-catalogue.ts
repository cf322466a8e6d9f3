/**
 * The records of a pool, read and verified one by one: what the check measures map and blocks
 * against. Kept in memory: about 200 bytes for each volume, snapshot, lineage and clip.
 *
 * A damaged volume, snapshot, lineage or clip makes the catalogue unsound: what would look
 * superfluous may belong to it, so nothing is removed. Damaged records that can be derived are
 * dropped by a repair, and the passes that follow find and rebuild what is missing.
 */

import { ArrayError } from '../base/errors.js';
import type { StoreReader } from './block-store.js';
import type { Findings, Repairs } from './check-findings.js';
import { scanTable } from './check-scan.js';
import { type CopyRecord, unpackSnapshot, unpackVolume } from './copy-records.js';
import { unpackEvent, unpackJob } from './history-records.js';
import { parseRecordKey, RECORD_KIND, type RecordKind, recordKey } from './keys.js';
import { unpackForeignVolume, unpackMembers, unpackReached } from './member-records.js';
import { unpackPair, unpackPairBits, unpackVolumeState } from './pair-records.js';
import {
  type AllocationRecord,
  type CountersRecord,
  packCount,
  unpackAllocation,
  unpackCount,
  unpackCounters,
  unpackIds,
  unpackLineage,
} from './records.js';
import {
  unpackController,
  unpackDevice,
  unpackHost,
  unpackLunMapping,
  unpackPort,
  unpackPortGroup,
} from './san-records.js';
import { unpackUsedSlots } from './slot-records.js';
import type { Clip } from './tasks.js';

const RECORD_KEY_BYTES = 11;

/** A volume or a snapshot. */
export interface CheckedCopy {
  /** VOLUME or VOLUME@SNAPSHOT. */
  name: string;
  readonly ownName: string;
  readonly number: number;
  readonly lineage: number;
  readonly epoch: number;
  /** Of the volume a snapshot belongs to; undefined for a volume. */
  readonly volumeNumber: number | undefined;
}

export interface CheckedLineage {
  readonly id: number;
  readonly parentId: number;
  readonly parentEpoch: number;
  /** Oldest first. */
  readonly clips: Clip[];
  /** Epochs of its reclaim records, ascending. */
  readonly reclaims: number[];
  readonly usage: Map<number, number>;
  readonly copies: CheckedCopy[];
  readonly children: CheckedLineage[];
  parent: CheckedLineage | undefined;
  /** Newest epoch of the volume that writes here. */
  head: number | undefined;
  /** Epochs something sees, ascending: of copies, and those that children branched at. */
  views: number[];
  /** Blocks with content at each of `views`, once counted. */
  counts: number[];
}

/** A record of a lineage that has none itself. */
export interface StrayRecord {
  readonly kind: RecordKind;
  readonly lineage: number;
  readonly epoch: number;
}

export class Catalogue {
  counters: CountersRecord | undefined;
  allocation: AllocationRecord | undefined;
  readonly volumes: CheckedCopy[] = [];
  readonly snapshots: CheckedCopy[] = [];
  readonly lineages = new Map<number, CheckedLineage>();
  readonly strays: StrayRecord[] = [];
  /** Ids that wait to be freed; each is one reference. */
  readonly deferredIds: number[] = [];
  newestDeferredSequence = 0;
  newestJob = 0;
  newestEvent = 0;
  /** Every record that content hangs on can be believed. */
  sound = true;

  lineage(id: number): CheckedLineage | undefined {
    return this.lineages.get(id);
  }
}

interface PlacedRecord {
  readonly first: number;
  readonly second: number;
  readonly value: Uint8Array;
}

/** Kinds content hangs on, which cannot be derived. */
const ESSENTIAL: readonly RecordKind[] = [
  'identity',
  'volume',
  'snapshot',
  'lineage',
  'clip',
  'pair',
  'pairBits',
  'volumeState',
];

/** Nothing hangs on them: a damaged one is dropped, and what it set is as in a new array. */
const SETTINGS: { readonly [K in RecordKind]?: (value: Uint8Array) => unknown } = {
  controller: unpackController,
  port: unpackPort,
  portGroup: unpackPortGroup,
  host: unpackHost,
  lunMapping: unpackLunMapping,
  device: unpackDevice,
};

const KIND_NAMES = new Map<number, RecordKind>(
  (Object.entries(RECORD_KIND) as [RecordKind, number][]).map(([name, kind]) => [kind, name]),
);

export function readCatalogue(
  reader: StoreReader,
  findings: Findings,
  repairs: Repairs,
): Catalogue {
  const catalogue = new Catalogue();
  const attached: (PlacedRecord & { kind: RecordKind })[] = [];
  for (const { key, value } of scanTable(reader, 'records')) {
    const kind = key.length === RECORD_KEY_BYTES ? KIND_NAMES.get(key[0] as number) : undefined;
    if (kind === undefined) {
      const text = Buffer.from(key).toString('hex');
      findings.add('damaged record', '-', `a record of an unknown kind, key ${text}`);
      continue;
    }
    const { first, second } = parseRecordKey(key);
    try {
      const record = { first, second, value };
      // Their lineages have higher keys where there are many kinds: they are attached afterwards.
      if (kind === 'clip' || kind === 'usage' || kind === 'reclaim') {
        unpackCount(value);
        attached.push({ ...record, kind });
      } else readRecord(catalogue, kind, record);
    } catch (error) {
      if (!(error instanceof ArrayError)) throw error;
      damaged(catalogue, kind, { first, second }, error.reason, findings, repairs);
      if (kind === 'reclaim') attached.push({ kind, first, second, value: packCount(second) });
    }
  }
  for (const record of attached) attach(catalogue, record);
  return catalogue;
}

function readRecord(catalogue: Catalogue, kind: RecordKind, record: PlacedRecord): void {
  const { first, value } = record;
  if (kind === 'counters') catalogue.counters = unpackCounters(value);
  else if (kind === 'allocation') catalogue.allocation = unpackAllocation(value);
  else if (kind === 'volume') {
    const volume = unpackVolume(value);
    expectKey(volume.number, first);
    catalogue.volumes.push(copyOf(volume, undefined));
  } else if (kind === 'snapshot') {
    const snapshot = unpackSnapshot(value);
    expectKey(snapshot.number, first);
    catalogue.snapshots.push(copyOf(snapshot, snapshot.volumeNumber));
  } else if (kind === 'lineage') {
    const { id, parent, parentEpoch } = unpackLineage(value);
    expectKey(id, first);
    catalogue.lineages.set(id, newLineage(id, parent, parentEpoch));
  } else if (kind === 'deferredFrees') {
    for (const id of unpackIds(value)) catalogue.deferredIds.push(id);
    catalogue.newestDeferredSequence = first;
  } else if (kind === 'job') {
    expectKey(unpackJob(value).id, first);
    catalogue.newestJob = first;
  } else if (kind === 'usedSlots') {
    unpackUsedSlots(value);
  } else if (kind === 'pair') {
    expectKey(unpackPair(value).number, first);
  } else if (kind === 'pairBits') {
    unpackPairBits(value);
  } else if (kind === 'volumeState') {
    unpackVolumeState(value);
  } else if (kind === 'members') {
    unpackMembers(value);
  } else if (kind === 'reached') {
    unpackReached(value);
  } else if (kind === 'snapshotGroup') {
    unpackIds(value);
  } else if (kind === 'foreignVolume') {
    expectKey(unpackForeignVolume(value).number, first);
  } else if (kind === 'event') {
    unpackEvent(value);
    catalogue.newestEvent = first;
  } else SETTINGS[kind]?.(value);
}

function newLineage(id: number, parentId: number, parentEpoch: number): CheckedLineage {
  return {
    id,
    parentId,
    parentEpoch,
    clips: [],
    reclaims: [],
    usage: new Map(),
    copies: [],
    children: [],
    parent: undefined,
    head: undefined,
    views: [],
    counts: [],
  };
}

function copyOf(record: CopyRecord, volumeNumber: number | undefined): CheckedCopy {
  const { name, number, lineage, epoch } = record;
  return { name, ownName: name, number, lineage, epoch, volumeNumber };
}

function expectKey(number: number, key: number): void {
  if (number !== key) throw new ArrayError('EIO', `record of number ${number} is in a wrong place`);
}

function attach(catalogue: Catalogue, record: PlacedRecord & { kind: RecordKind }): void {
  const { kind, first, second, value } = record;
  const lineage = catalogue.lineage(first);
  if (lineage === undefined) catalogue.strays.push({ kind, lineage: first, epoch: second });
  else if (kind === 'clip') lineage.clips.push({ epoch: second, block: unpackCount(value) });
  else if (kind === 'usage') lineage.usage.set(second, unpackCount(value));
  else lineage.reclaims.push(second);
}

function damaged(
  catalogue: Catalogue,
  kind: RecordKind,
  place: { first: number; second: number },
  reason: string,
  findings: Findings,
  repairs: Repairs,
): void {
  const { first, second } = place;
  const key = recordKey(kind, first, second);
  const detail = `${recordName(kind, first, second)}: ${reason}`;
  if (ESSENTIAL.includes(kind)) {
    catalogue.sound = false;
    findings.add('damaged record', '-', `${detail} (cannot be rebuilt)`);
    return;
  }
  const repaired = repairs.add((transaction) => {
    if (kind === 'reclaim') transaction.put('records', key, packCount(second));
    else transaction.remove('records', key);
    // It counts from the beginning again: the other pools must not take it for an older copy.
    if (kind === 'counters') transaction.remove('records', recordKey('members'));
  });
  findings.add('damaged record', '-', detail, repaired);
}

/** `usage count of lineage 3 at epoch 4`. */
function recordName(kind: RecordKind, first: number, second: number): string {
  switch (kind) {
    case 'identity':
    case 'counters':
    case 'allocation':
    case 'members':
    case 'reached':
      return kind;
    case 'clip':
    case 'usage':
    case 'reclaim':
      return `${kind} of lineage ${first} at epoch ${second}`;
    default:
      return `${kind} ${first}`;
  }
}
