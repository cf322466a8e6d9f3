/**
 * What /status and /pairs tell of mirror pairs: the pair information of [003 fig. 3] and the status panel of
 * [003 fig. 11D], the totals of usage of [003 fig. 11A], and which volume is which side of what.
 */
import type { DiskArray, VolumeView } from '../array/disk-array.js';
import type { PairView } from '../array/pair-contract.js';
import { formatDuration } from '../base/clock.js';
import { PAIRS_MAX, VOLUMES_MAX } from '../base/limits.js';
import { TRACK_BYTES } from '../base/sizes.js';
import { count, hidden, numberRanges, plain, rate, time } from './status-columns.js';
import { type Column, type Table, tableJson, tableText } from './table-layout.js';

const NUMBERS_CHARACTERS_MAX = 24;

const STATES: readonly Column<PairView>[] = [
  plain('PRIMARY-STATE', 'primaryState', (pair) => pair.primaryState),
  plain('SECONDARY-STATE', 'secondaryState', (pair) => pair.secondaryState),
];

const PROGRESS: readonly Column<PairView>[] = [
  plain('PACE', 'pace', (pair) => pair.pace),
  rate('RATE', 'bytesPerSecond', (pair) => pair.bytesPerSecond),
  {
    header: 'LEFT',
    alignRight: true,
    text: (pair) => {
      const seconds = secondsLeft(pair);
      return seconds === undefined ? '-' : formatDuration(seconds);
    },
    json: (pair) => ({ secondsLeft: secondsLeft(pair) ?? null }),
  },
];

const REASON = plain<PairView>('REASON', 'reason', (pair) => pair.reason);

const SINCE = time<PairView>('SINCE', 'reasonSince', (pair) => pair.reasonMs);

/** What only the file of a pair shows; status/pairs.json has it as well. */
const DETAILS: readonly Column<PairView>[] = [
  plain('PRIMARY-POOL', 'primaryPool', (pair) => pair.primaryPool),
  plain('SECONDARY-POOL', 'secondaryPool', (pair) => pair.secondaryPool),
  plain('MODE', 'mode', (pair) => pair.mode),
  plain('STATE', 'state', (pair) => pair.state),
  {
    header: 'SYNC',
    text: (pair) => (pair.sync ? 'yes' : 'no'),
    json: ({ sync }) => ({ sync }),
  },
  count('TRACKS', 'trackCount', (pair) => pair.trackCount),
  plain('COPY-POINTER', 'copyPointer', (pair) => pair.copyPointer ?? null),
  count('PENDING', 'pendingTracks', (pair) => pair.pendingTracks),
  count('PRIMARY-CHANGED', 'primaryChangedTracks', (pair) => pair.primaryChangedTracks),
  count('SECONDARY-CHANGED', 'secondaryChangedTracks', (pair) => pair.secondaryChangedTracks),
  time('CREATED', 'created', (pair) => pair.createdMs),
  time('SPLIT', 'split', (pair) => pair.splitMs),
  time('SYNCHRONISED', 'synchronised', (pair) => pair.synchronisedMs),
];

const SIDES: readonly Column<PairView>[] = [
  count('NUMBER', 'number', (pair) => pair.number),
  plain('PRIMARY', 'primary', (pair) => pair.primary),
  plain('SECONDARY', 'secondary', (pair) => pair.secondary),
];

const EQUALITY: readonly Column<PairView>[] = [
  {
    header: 'COPIED',
    alignRight: true,
    text: (pair) => `${copiedPercent(pair)}%`,
    json: (pair) => ({ copiedPercent: copiedPercent(pair) }),
  },
  count('UNEQUAL', 'unequalTracks', (pair) => pair.unequalTracks),
];

/** Rows of status/pairs. */
export const PAIRS: Table<PairView> = {
  shape: 'rows',
  columns: [
    ...SIDES,
    ...STATES,
    ...EQUALITY,
    ...PROGRESS,
    REASON,
    hidden(({ name }) => ({ name })),
    hidden(SINCE.json),
    ...DETAILS.map(({ json }) => hidden(json)),
  ],
};

/** pairs/PRIMARY:SECONDARY: the same, a line each. */
const PAIR: Table<PairView> = {
  shape: 'record',
  columns: [
    hidden(({ name }) => ({ name })),
    ...[...SIDES, ...STATES, REASON, SINCE, ...EQUALITY, ...PROGRESS, ...DETAILS].map((column) =>
      column.header === undefined ? column : { ...column, header: column.header.toLowerCase() },
    ),
  ],
};

export function pairText(pair: PairView): string {
  return tableText(PAIR, [pair]);
}

export function pairJson(pair: PairView): string {
  return tableJson(PAIR, [pair]);
}

/**
 * Of tracks that are not pending, or, where nothing is being copied and the sides are not to differ, equal: 99% as
 * long as one is not.
 */
function copiedPercent(pair: PairView): number {
  const { trackCount } = pair;
  const isAtRest = ['defined', 'suspended'].includes(pair.primaryState);
  const left = isAtRest ? pair.unequalTracks : pair.pendingTracks;
  return trackCount === 0 ? 100 : Math.floor(((trackCount - left) / trackCount) * 100);
}

/** Undefined where nothing is being copied, or nobody knows how fast. */
function secondsLeft({ pendingTracks, bytesPerSecond }: PairView): number | undefined {
  if (pendingTracks === 0 || bytesPerSecond <= 0) return undefined;
  return Math.ceil((pendingTracks * TRACK_BYTES) / bytesPerSecond);
}

/** Totals of usage [003 fig. 11A]. */
export const PAIR_USAGE: Table<DiskArray> = {
  shape: 'record',
  columns: [
    count('volumes', 'volumes', (array) => array.volumes().length),
    count('most volumes', 'volumesMax', () => VOLUMES_MAX),
    count('reserved volumes', 'reserved', (array) => reservedVolumes(array).length),
    count('most reserved volumes', 'reservedMax', () => VOLUMES_MAX),
    count('reserved and free', 'reservedFree', (array) => freeCount(array)),
    count('pairs', 'pairs', (array) => array.pairs().length),
    count('most pairs', 'pairsMax', () => PAIRS_MAX),
    count('primaries', 'primaries', (array) => new Set(primariesOf(array)).size),
    count('pairs that copy', 'pairsCopying', (array) => copyingPairs(array).length),
    count('pairs suspended', 'pairsSuspended', (array) => suspendedPairs(array).length),
  ],
};

function reservedVolumes(array: DiskArray): readonly VolumeView[] {
  return array.volumes().filter((volume) => volume.reserved);
}

/** What `paircreate PRIMARY auto` may take. */
function freeCount(array: DiskArray): number {
  const used = new Set(array.pairs().flatMap((pair) => [pair.primary, pair.secondary]));
  return reservedVolumes(array).filter((volume) => !used.has(volume.name)).length;
}

function primariesOf(array: DiskArray): readonly string[] {
  return array.pairs().map((pair) => pair.primary);
}

function copyingPairs(array: DiskArray): readonly PairView[] {
  const isCopying = (pair: PairView) => pair.pendingTracks > 0 && pair.state !== 'defined';
  return array.pairs().filter((pair) => isCopying(pair) && pair.primaryState !== 'suspended');
}

function suspendedPairs(array: DiskArray): readonly PairView[] {
  return array.pairs().filter((pair) => pair.primaryState === 'suspended');
}

/** `MIRRORS` (mirror destination numbers 375 of [004 fig. 7]) and `ROLE` of the table of volumes. */
export function pairColumns(array: DiskArray): readonly Column<VolumeView>[] {
  const mirrors = new Map<string, number[]>();
  const primaries = new Map<string, string>();
  for (const { primary, secondary } of array.pairs()) {
    const number = array.findVolume(secondary)?.number;
    if (number !== undefined) mirrors.set(primary, [...(mirrors.get(primary) ?? []), number]);
    primaries.set(secondary, primary);
  }
  const mirrorsOf = ({ name }: VolumeView) => (mirrors.get(name) ?? []).sort((a, b) => a - b);
  return [
    {
      header: 'MIRRORS',
      text: (volume) => numberRanges(mirrorsOf(volume), NUMBERS_CHARACTERS_MAX),
      json: (volume) => ({ mirrors: mirrorsOf(volume) }),
    },
    {
      header: 'ROLE',
      text: (volume) => {
        const primary = primaries.get(volume.name);
        if (primary !== undefined) return `secondary of ${primary}`;
        if (mirrors.has(volume.name)) return 'primary';
        return volume.reserved ? 'reserved' : '-';
      },
      json: ({ name, reserved }) => ({
        reserved,
        primary: primaries.get(name) ?? null,
      }),
    },
  ];
}
