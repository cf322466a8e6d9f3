/** What the backup manager knows, as tables for people: times local, sizes with units. */

import type { ClientRow, DefinitionRow, RetentionRow, Run } from '../backup/api.js';
import type { BackupEntry, BackupPlace } from '../backup/backup-entry.js';
import type { BackupDefinition, HookCommand, KeepRule } from '../backup/definition.js';
import type { DestinationRow, FileRow, PathRow } from '../backup/errands.js';
import { formatDuration, localTime } from '../base/clock.js';
import { printable } from '../base/names.js';
import { formatSize } from '../base/sizes.js';
import { alignedText } from '../control/table-layout.js';

interface Column<Row> {
  readonly header: string;
  readonly alignRight?: boolean;
  readonly text: (row: Row) => string;
}

/** A header and a line for each row; an empty cell is `-`. */
function rowsText<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const lines = rows.map((row) => columns.map(({ text }) => printable(text(row)) || '-'));
  return alignedText(
    [columns.map(({ header }) => header), ...lines],
    columns.map(({ alignRight }) => alignRight ?? false),
  );
}

/** Where arrays are mounted, by UUID; of those that clients have now. */
export type ArrayPlaces = ReadonlyMap<string, string>;

export function arrayPlaces(clients: readonly ClientRow[]): ArrayPlaces {
  const arrays = clients.flatMap((client) => client.arrays);
  return new Map(arrays.map(({ uuid, mountPoint }) => [uuid, mountPoint]));
}

/** Enough of a UUID to tell arrays apart. */
const SHORT_UUID_CHARACTERS = 8;

export function entriesText(rows: readonly BackupEntry[], places: ArrayPlaces): string {
  const arrayText = (uuid: string) => places.get(uuid) ?? uuid.slice(0, SHORT_UUID_CHARACTERS);
  return rowsText<BackupEntry>(
    [
      { header: 'ID', text: (row) => row.id },
      { header: 'TAKEN', text: (row) => timeText(row.takenMs) },
      { header: 'DEFINITION', text: (row) => row.definition },
      { header: 'GEN', alignRight: true, text: (row) => `${row.generation}` },
      { header: 'SOURCE', text: (row) => row.sourceName },
      { header: 'KIND', text: (row) => row.place.kind },
      { header: 'PLACE', text: (row) => placeText(row.place) },
      { header: 'ARRAY', text: (row) => arrayText(row.arrayUuid) },
      { header: 'SIZE', alignRight: true, text: (row) => formatSize(row.imageBytes) },
      { header: 'STATE', text: (row) => row.state },
      { header: 'LABEL', text: (row) => row.label },
    ],
    rows,
  );
}

/** One backup for `fieldLines`. */
export function entryFields(entry: BackupEntry, places: ArrayPlaces): Record<string, unknown> {
  const { place, sha256, copyOf } = entry;
  return {
    id: entry.id,
    state: entry.stateReason === '' ? entry.state : `${entry.state}: ${entry.stateReason}`,
    definition: entry.definition,
    label: entry.label,
    generation: entry.generation,
    'copy of': copyOf,
    kind: place.kind,
    place: placeText(place),
    'based on': place.kind === 'tape' ? place.since : null,
    client: entry.client,
    host: entry.hostName,
    'mount point': entry.mountPoint,
    array: [entry.arrayUuid, places.get(entry.arrayUuid)].filter((text) => text).join(' '),
    volume: entry.volumeNumber === 0 ? null : `#${entry.volumeNumber} ${entry.volumeUuid}`,
    source: `${entry.sourceName} #${entry.sourceNumber} ${entry.sourceUuid}`,
    member: entry.memberCount === 1 ? null : `${entry.memberNumber} of ${entry.memberCount}`,
    size: formatSize(entry.imageBytes),
    'SHA-256': sha256,
    taken: timeText(entry.takenMs),
    scheduled: timeText(entry.scheduledMs),
    started: timeText(entry.startedMs),
    ended: timeText(entry.endedMs),
  };
}

export function runsText(rows: readonly Run[]): string {
  return rowsText<Run>(
    [
      { header: 'RUN', alignRight: true, text: (row) => `${row.number}` },
      { header: 'DEFINITION', text: (row) => row.definition },
      { header: 'CLIENT', text: (row) => row.client },
      { header: 'STATE', text: (row) => row.state },
      { header: 'SCHEDULED', text: (row) => timeText(row.scheduledMs) },
      { header: 'STARTED', text: (row) => timeText(row.startedMs) },
      { header: 'TOOK', alignRight: true, text: tookText },
      { header: 'BACKUPS', text: (row) => row.entries.join(' ') },
      { header: 'REASON', text: (row) => row.reason },
    ],
    rows,
  );
}

function tookText({ startedMs, endedMs }: Run): string {
  return endedMs > 0 && startedMs > 0 ? formatDuration((endedMs - startedMs) / 1000) : '';
}

export function definitionsText(rows: readonly DefinitionRow[]): string {
  return rowsText<DefinitionRow>(
    [
      { header: 'NAME', text: ({ definition }) => definition.name },
      { header: 'CLIENT', text: ({ definition }) => definition.client },
      { header: 'SOURCE', text: ({ definition }) => sourceText(definition) },
      { header: 'METHOD', text: ({ definition }) => definition.method },
      { header: 'THEN', text: ({ definition }) => definition.secondMedium.join(' ') },
      { header: 'SCHEDULE', text: ({ definition }) => scheduleText(definition) },
      { header: 'NEXT', text: (row) => timeText(row.nextMs ?? 0) },
      { header: 'MISSED', alignRight: true, text: ({ missed }) => (missed > 0 ? `${missed}` : '') },
      { header: 'LAST RUN', alignRight: true, text: ({ lastRun }) => `${lastRun ?? ''}` },
      { header: 'KEEP', text: ({ definition }) => keepText(definition.keep) },
      { header: 'LABEL', text: ({ definition }) => definition.label },
    ],
    rows,
  );
}

/** One definition for `fieldLines`. */
export function definitionFields({ definition, ...row }: DefinitionRow): Record<string, unknown> {
  return {
    name: definition.name,
    label: definition.label,
    client: definition.client,
    source: sourceText(definition),
    array: definition.array,
    method: definition.method,
    to: definition.to.join(' '),
    'second medium': definition.secondMedium.join(' '),
    class: definition.class,
    policy: definition.policy,
    incremental: yesNo(definition.incremental),
    freeze: yesNo(definition.freeze),
    'resync after': yesNo(definition.resyncAfter),
    'SHA-256': yesNo(definition.sha256),
    pre: hookText(definition.pre),
    post: hookText(definition.post),
    schedule: scheduleText(definition),
    keep: keepText(definition.keep),
    next: timeText(row.nextMs ?? 0),
    missed: row.missed,
    'last run': row.lastRun,
  };
}

function sourceText({ paths, volumes }: BackupDefinition): string {
  return (paths ?? volumes ?? []).join(' ');
}

function scheduleText({ schedule }: BackupDefinition): string {
  return [schedule?.cron, schedule?.timeZone].filter((part) => part).join(' ');
}

function keepText(keep: KeepRule | null): string {
  const rules = Object.entries(keep ?? {}).filter(([, count]) => count > 0);
  return rules.map(([period, count]) => `${period}=${count}`).join(',');
}

function hookText(hook: HookCommand | null): string {
  return hook === null ? '' : `${hook.command} (at most ${formatDuration(hook.timeoutMs / 1000)})`;
}

export function retentionText(
  rows: readonly RetentionRow[],
  taken: ReadonlyMap<string, number>,
): string {
  return rowsText<RetentionRow>(
    [
      { header: 'ID', text: (row) => row.id },
      { header: 'TAKEN', text: (row) => timeText(taken.get(row.id) ?? 0) },
      { header: 'KEPT', text: (row) => yesNo(row.isKept) },
      { header: 'REASONS', text: (row) => row.reasons.join(', ') },
    ],
    rows,
  );
}

export function clientsText(rows: readonly ClientRow[]): string {
  return rowsText<ClientRow>(
    [
      { header: 'NAME', text: (row) => row.name },
      { header: 'CONNECTED', text: (row) => yesNo(row.isConnected) },
      { header: 'SEEN', text: (row) => timeText(row.seenMs) },
      { header: 'HOST', text: (row) => row.hostName },
      { header: 'VERSION', text: (row) => row.version },
      { header: 'ARRAYS', text: ({ arrays }) => arrays.map((each) => each.mountPoint).join(' ') },
    ],
    rows,
  );
}

/** [004] fig. 3. */
export function pathsText(rows: readonly PathRow[]): string {
  return rowsText<PathRow>(
    [
      { header: 'MOUNT POINT', text: (row) => row.mountPoint },
      { header: 'DEVICE', text: (row) => row.deviceFile },
      { header: 'TYPE', text: (row) => row.fileSystem },
      { header: 'ARRAY', text: (row) => row.arrayMountPoint },
      { header: 'PORT', text: (row) => row.port },
      { header: 'LUN', alignRight: true, text: (row) => `${row.lun ?? ''}` },
      { header: 'NUMBER', alignRight: true, text: (row) => `${row.volumeNumber}` },
      { header: 'VOLUME', text: (row) => row.volume },
    ],
    rows,
  );
}

/** [004] fig. 4. */
export function destinationsText(rows: readonly DestinationRow[]): string {
  return rowsText<DestinationRow>(
    [
      { header: 'HOST', text: (row) => row.hostName },
      { header: 'MOUNT POINT', text: (row) => row.mountPoint },
      { header: 'VOLUME', text: (row) => row.volume },
      { header: 'NUMBER', alignRight: true, text: (row) => `${row.destinationNumber}` },
      { header: 'DESTINATION', text: (row) => row.destination },
      { header: 'USE', text: (row) => row.use },
      { header: 'ARRAY', text: (row) => row.arrayUuid },
    ],
    rows,
  );
}

const TYPE_LETTERS = {
  ...{ file: '-', directory: 'd', link: 'l', pipe: 'p', socket: 's', block: 'b', character: 'c' },
} as const satisfies Record<FileRow['type'], string>;

/** Like `ls -ln`: owners are numbers, for the backup's users may be unknown here. */
export function filesText(rows: readonly FileRow[]): string {
  const lines = rows.map((row) => [
    `${TYPE_LETTERS[row.type]}${modeText(row.mode)}`,
    `${row.owner}`,
    `${row.group}`,
    formatSize(row.sizeBytes),
    timeText(row.modifiedMs),
    printable(row.target === null ? row.name : `${row.name} -> ${row.target}`),
  ]);
  return alignedText(lines, [false, true, true, true]);
}

/** `rwxr-xr-x`, with s and t as `ls` has them. */
function modeText(mode: number): string {
  const special = [
    [0o4000, 's'],
    [0o2000, 's'],
    [0o1000, 't'],
  ] as const;
  return special
    .map(([bit, letter], index) => {
      const bits = (mode >> (6 - 3 * index)) & 0o7;
      const runs = (bits & 1) !== 0;
      const last = (mode & bit) === 0 ? (runs ? 'x' : '-') : runs ? letter : letter.toUpperCase();
      return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${last}`;
    })
    .join('');
}

function placeText(place: BackupPlace): string {
  switch (place.kind) {
    case 'snapshot':
      return `${place.volume}@${place.snapshot}`;
    case 'tape':
      return `${place.device}/${place.cartridges.join(',')}`;
    default:
      return place.volume;
  }
}

/** 0 is never. */
function timeText(ms: number): string {
  return ms > 0 ? localTime(ms) : '';
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}
