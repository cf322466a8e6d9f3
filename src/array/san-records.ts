/** The configuration of ports, hosts, LUNs and devices in the store: in the home pool, as jobs and events. */
import type { SanRecordChange, StoredSan } from '../san/stored-configuration.js';
import type { StoreReader } from '../store/block-store.js';
import { type RecordKind, recordKey, recordKeyEnd } from '../store/keys.js';
import {
  packController,
  packDevice,
  packHost,
  packLunMapping,
  packPort,
  packPortGroup,
  packPriority,
  unpackController,
  unpackDevice,
  unpackHost,
  unpackLunMapping,
  unpackPort,
  unpackPortGroup,
  unpackPriority,
} from '../store/san-records.js';
import type { ArrayContext } from './array-context.js';
import { copyName } from './copies.js';
import type { PrepareDevice } from './device-preparer.js';
import type { Pool } from './pool.js';
import type { SanHost } from './san-state.js';

export interface SanOptions {
  /** Absent: new backup devices are taken as they are. */
  readonly prepareDevice?: PrepareDevice;
  /** Users may set faults; else nobody can. */
  readonly allowFaults?: boolean;
}

const asTheyAre: PrepareDevice = async () => undefined;

/** The array as its ports, hosts and devices need it. */
export function sanHost(
  context: ArrayContext,
  serial: string,
  { prepareDevice = asTheyAre, allowFaults = false }: SanOptions,
): SanHost {
  const { poolList, copies, clock } = context;
  return {
    serial,
    mountingUid: context.defaultOwner.uid,
    clock,
    checkWritable: () => context.checkWritable({ pool: poolList.home }),
    recordEvent: (code, subject, message) => context.recordEvent(code, subject, message),
    load: () => loadSan(poolList.home),
    store: (changes) => storeSan(poolList.home, changes),
    durable: () => context.durable({ pool: poolList.home }),
    allowFaults,
    prepareDevice,
    hasPool: (name) => poolList.find(name) !== undefined,
    copyNumber: (reference) => copies.copy(reference).number,
    copyName: (number) => {
      const copy = copies.find(number);
      return copy && copyName(copy);
    },
  };
}

function loadSan({ store }: Pool): StoredSan {
  return {
    controller: recordsOf(store, 'controller', unpackController),
    port: recordsOf(store, 'port', unpackPort),
    portGroup: recordsOf(store, 'portGroup', unpackPortGroup),
    host: recordsOf(store, 'host', unpackHost),
    lunMapping: recordsOf(store, 'lunMapping', unpackLunMapping),
    device: recordsOf(store, 'device', unpackDevice),
    priority: recordsOf(store, 'priority', unpackPriority),
  };
}

/** They are durable with what commands change. */
function storeSan({ content }: Pool, changes: readonly SanRecordChange[]): void {
  for (const change of changes) {
    content.change(recordKey(change.kind, change.first, change.second), packSanRecord(change));
  }
}

/** Undefined: the record goes. */
export function packSanRecord(change: SanRecordChange): Uint8Array | undefined {
  if (change.value === undefined) return undefined;
  switch (change.kind) {
    case 'controller':
      return packController(change.value);
    case 'port':
      return packPort(change.value);
    case 'portGroup':
      return packPortGroup(change.value);
    case 'host':
      return packHost(change.value);
    case 'lunMapping':
      return packLunMapping(change.value);
    case 'device':
      return packDevice(change.value);
    case 'priority':
      return packPriority(change.value);
  }
}

function recordsOf<T>(store: StoreReader, kind: RecordKind, unpack: (value: Uint8Array) => T): T[] {
  const records = [...store.range('records', recordKey(kind), recordKeyEnd(kind))];
  return records.map(({ value }) => unpack(value));
}
