/**
 * The tables of /status, as data over the array's contract. `volumes` has every column of the volume
 * management table 37 of [004 fig. 7]: volume number 371, interface number 372, port address 373, LUN
 * 374, mirror destination numbers 375 (in embodiment 2: snapshot numbers) and volume information 376.
 * Tables of pairs are in pair-tables.ts, of ports, hosts and devices in san-tables.ts.
 */
import type {
  ArrayIdentity,
  CacheView,
  DiskArray,
  EventView,
  JobView,
  SnapshotView,
  VolumeView,
} from '../array/disk-array.js';
import type { PoolView } from '../array/pool-contract.js';
import { printable } from '../base/names.js';
import { formatSize } from '../base/sizes.js';
import { BACKUPS, backupRows } from './backup-tables.js';
import { PROGRESS, progressRows } from './copy-tables.js';
import { PAIR_USAGE, PAIRS, pairColumns } from './pair-tables.js';
import {
  accessColumns,
  DEVICES,
  FAULTS,
  HOSTS,
  LOAD,
  LUNS,
  loadRows,
  MICROPROCESSORS,
  PORT_GROUPS,
  PORTS,
  PRIORITY,
} from './san-tables.js';
import {
  count,
  hidden,
  identity,
  information,
  numberRanges,
  plain,
  size,
  time,
} from './status-columns.js';
import { type Table, tableJson, tableText } from './table-layout.js';

/** Events in the table; /events has all that are kept. */
const EVENTS_SHOWN_MAX = 1_000;
const SNAPSHOT_NUMBERS_CHARACTERS_MAX = 24;

/** One file pair of /status. */
export interface StatusTable {
  readonly name: string;
  /** It tells of what requests do: it is another one although `DiskArray.revision` is the same. */
  readonly isLive?: boolean;
  text(array: DiskArray): string;
  json(array: DiskArray): string;
}

const volumesTable = (array: DiskArray): Table<VolumeView> => ({
  shape: 'rows',
  columns: [
    count('NUMBER', 'number', (volume) => volume.number),
    plain('NAME', 'name', (volume) => volume.name),
    size('SIZE', 'sizeBytes', (volume) => volume.sizeBytes),
    size('ALLOCATED', 'allocatedBytes', (volume) => volume.allocatedBytes),
    plain('STATE', 'state', (volume) => volume.state),
    plain('POOL', 'pool', (volume) => volume.poolName),
    ...accessColumns(array),
    ...pairColumns(array),
    {
      header: 'SNAPSHOTS',
      text: (volume) => numberRanges(numbersOf(volume), SNAPSHOT_NUMBERS_CHARACTERS_MAX),
      json: (volume) => ({ snapshots: numbersOf(volume) }),
    },
    information(),
    plain('LABEL', 'label', (volume) => volume.label),
    hidden((volume) => ({
      ...{ writerCount: volume.writerCount, lineageDepth: volume.lineageDepth },
      holds: volume.holds ?? null,
    })),
    identity(),
    hiddenTime('created', (volume) => volume.createdMs),
  ],
});

const SNAPSHOTS: Table<SnapshotView> = {
  shape: 'rows',
  columns: [
    count('NUMBER', 'number', (snapshot) => snapshot.number),
    plain('VOLUME', 'volume', (snapshot) => snapshot.volume.name),
    plain('NAME', 'name', (snapshot) => snapshot.name),
    size('SIZE', 'sizeBytes', (snapshot) => snapshot.sizeBytes),
    time('CREATED', 'created', (snapshot) => snapshot.createdMs),
    count('OPEN', 'openCount', (snapshot) => snapshot.openCount),
    information(),
    plain('LABEL', 'label', (snapshot) => snapshot.label),
    hidden((snapshot) => ({
      volumeNumber: snapshot.volume.number,
      allocatedBytes: snapshot.allocatedBytes,
    })),
    identity(),
  ],
};

const POOLS: Table<PoolView> = {
  shape: 'rows',
  columns: [
    plain('NAME', 'name', (pool) => pool.name),
    plain('STATE', 'state', (pool) => pool.state),
    size('CAPACITY', 'capacityBytes', (pool) => pool.capacityBytes),
    size('USED', 'usedBytes', (pool) => pool.usedBytes),
    size('FREE', 'freeBytes', (pool) => pool.freeBytes),
    count('BLOCKS', 'storedBlocks', (pool) => pool.storedBlocks),
    count('RECLAIMS', 'reclaimsPending', (pool) => pool.reclaimsPending),
    plain('CONTAINER', 'blockContainer', (pool) => pool.blockContainer ?? null),
    plain('DIRECTORY', 'directory', (pool) => pool.directory),
    plain('PROBLEM', 'problem', (pool) => pool.problem ?? null),
  ],
};

const CACHE: Table<CacheView> = {
  shape: 'record',
  columns: [
    size('limit', 'limitBytes', (cache) => cache.limitBytes),
    size('dirty', 'dirtyBytes', (cache) => cache.dirtyBytes),
    count('generations pending', 'generationsPending', (cache) => cache.generationsPending),
    count('published sequence', 'publishedSequence', (cache) => cache.publishedSequence),
    count('writers waiting', 'writersWaiting', (cache) => cache.writersWaiting),
  ],
};

const JOBS: Table<JobView> = {
  shape: 'rows',
  columns: [
    count('ID', 'id', (job) => job.id),
    plain('KIND', 'kind', (job) => job.kind),
    plain('SUBJECT', 'subject', (job) => job.subject),
    plain('STATE', 'state', (job) => job.state),
    {
      header: 'PROGRESS',
      text: jobProgress,
      json: (job) => ({ done: job.done, total: job.total, unit: job.unit }),
    },
    time('STARTED', 'started', (job) => job.startedMs),
    time('ENDED', 'ended', (job) => job.endedMs),
    plain('RESULT', 'message', (job) => job.message),
  ],
};

const JOB: Table<JobView> = {
  shape: 'record',
  columns: [
    ...JOBS.columns.map((column) =>
      column.header === undefined ? column : { ...column, header: column.header.toLowerCase() },
    ),
    hidden((job) => ({ report: [...(job.report?.() ?? [])] })),
  ],
};

interface ArrayRow {
  readonly identity: ArrayIdentity;
  readonly array: DiskArray;
}

const ARRAY: Table<ArrayRow> = {
  shape: 'record',
  columns: [
    plain('label', 'label', ({ identity }) => identity.label),
    plain('serial', 'serial', ({ identity }) => identity.serial),
    plain('uuid', 'uuid', ({ identity }) => identity.uuid),
    plain('layout version', 'layoutVersion', ({ identity }) => identity.layoutVersion),
    time('created', 'created', ({ identity }) => identity.createdMs),
    time('mounted', 'mounted', ({ array }) => array.mountedMs),
    {
      header: 'access',
      text: ({ array }) => (array.readOnly ? 'read-only' : 'read-write'),
      json: ({ array }) => ({ readOnly: array.readOnly }),
    },
    count('volumes', 'volumes', ({ array }) => array.volumes().length),
    count('snapshots', 'snapshots', ({ array }) => snapshotCount(array)),
    size('capacity', 'capacityBytes', ({ array }) => sum(array, (pool) => pool.capacityBytes)),
    size('used', 'usedBytes', ({ array }) => sum(array, (pool) => pool.usedBytes)),
    size('free', 'freeBytes', ({ array }) => sum(array, (pool) => pool.freeBytes)),
    count('jobs running', 'jobsRunning', ({ array }) => runningCount(array)),
  ],
};

const EVENTS: Table<EventView> = {
  shape: 'rows',
  columns: [
    count('SEQUENCE', 'sequence', (event) => event.sequence),
    time('TIME', 'time', (event) => event.timeMs),
    plain('CODE', 'code', (event) => event.code),
    plain('SUBJECT', 'subject', (event) => event.subject),
    plain('MESSAGE', 'message', (event) => event.message),
  ],
};

/** In the order of `ls status`. */
export const STATUS_TABLES: readonly StatusTable[] = [
  statusTable('array', ARRAY, (array) => [{ identity: array.identity, array }]),
  { ...statusTable('backups', BACKUPS, ({ san }) => backupRows(san)), isLive: true },
  statusTable('cache', CACHE, (array) => [array.cache()]),
  { ...statusTable('devices', DEVICES, ({ san }) => san.devices()), isLive: true },
  statusTable('events', EVENTS, (array) => array.recentEvents(EVENTS_SHOWN_MAX)),
  { ...statusTable('faults', FAULTS, ({ san }) => san.faults.list), isLive: true },
  statusTable('hosts', HOSTS, ({ san }) => san.hosts()),
  statusTable('jobs', JOBS, (array) => array.jobs()),
  { ...statusTable('load', LOAD, ({ san }) => loadRows(san)), isLive: true },
  statusTable('luns', LUNS, ({ san }) => san.luns()),
  {
    ...statusTable('microprocessors', MICROPROCESSORS, (array) => array.microprocessors()),
    isLive: true,
  },
  statusTable('pairs', PAIRS, (array) => array.pairs()),
  statusTable('pairusage', PAIR_USAGE, (array) => [array]),
  statusTable('pools', POOLS, (array) => array.pools()),
  statusTable('portgroups', PORT_GROUPS, ({ san }) => san.groups()),
  { ...statusTable('ports', PORTS, ({ san }) => san.ports()), isLive: true },
  { ...statusTable('priority', PRIORITY, ({ san }) => san.turns()), isLive: true },
  { ...statusTable('progress', PROGRESS, progressRows), isLive: true },
  statusTable('snapshots', SNAPSHOTS, (array) => array.volumes().flatMap((v) => v.snapshots)),
  {
    name: 'volumes',
    text: (array) => tableText(volumesTable(array), array.volumes()),
    json: (array) => tableJson(volumesTable(array), array.volumes()),
  },
];

/** One job in /jobs/ID: the columns of the table, one per line, and what more it has to tell. */
export function jobText(job: JobView): string {
  const report = job.report?.() ?? [];
  return tableText(JOB, [job]) + report.map((line) => `${printable(line)}\n`).join('');
}

export function jobJson(job: JobView): string {
  return tableJson(JOB, [job]);
}

function statusTable<Row>(
  name: string,
  table: Table<Row>,
  rowsOf: (array: DiskArray) => readonly Row[],
): StatusTable {
  return {
    name,
    text: (array) => tableText(table, rowsOf(array)),
    json: (array) => tableJson(table, rowsOf(array)),
  };
}

function numbersOf(volume: VolumeView): readonly number[] {
  return volume.snapshots.map((snapshot) => snapshot.number);
}

function hiddenTime<Row>(key: string, value: (row: Row) => number) {
  const { json } = time(key, key, value);
  return hidden(json);
}

/** `45% (1.2G of 2.7G)`; while the total is unknown only what is done, before anything is `-`. */
function jobProgress(job: JobView): string {
  const shown = (units: number) => (job.unit === 'bytes' ? formatSize(units) : `${units}`);
  if (job.total === 0) return job.done === 0 ? '-' : shown(job.done);
  const percent = Math.floor((job.done / job.total) * 100);
  return `${percent}% (${shown(job.done)} of ${shown(job.total)})`;
}

function snapshotCount(array: DiskArray): number {
  return array.volumes().reduce((total, volume) => total + volume.snapshots.length, 0);
}

function runningCount(array: DiskArray): number {
  return array.jobs().filter((job) => job.state === 'running').length;
}

function sum(array: DiskArray, value: (pool: PoolView) => number): number {
  return array.pools().reduce((total, pool) => total + value(pool), 0);
}
