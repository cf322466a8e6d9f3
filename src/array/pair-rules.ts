/** What pair commands check of volumes and of other pairs before they change anything. */
import { ArrayError } from '../base/errors.js';
import { SECONDARIES_MAX } from '../base/limits.js';
import { formatSize } from '../base/sizes.js';
import { stateRow } from '../pair/pair-states.js';
import type { Volume } from './copies.js';
import type { Pair } from './pair.js';
import { checkNotPaired, checkNoWriter, checkSnapshotAllowed } from './rules.js';

/** EINVAL, EBUSY, ENOSPC or EIO where these two cannot become a pair. */
export function checkNewPair(primary: Volume, secondary: Volume, force: boolean): void {
  if (primary === secondary) throw new ArrayError('EINVAL', 'a pair has two volumes');
  if (primary.sizeBytes !== secondary.sizeBytes) {
    const sizes = `${primary.sizeBytes} and ${secondary.sizeBytes} bytes`;
    throw new ArrayError('EINVAL', `the volumes of a pair are of one size, not ${sizes}`);
  }
  checkNotPaired(secondary, 'a secondary as well');
  if (primary.secondaryRole !== undefined) checkNotPaired(primary, 'a primary as well');
  if (primary.roles.length >= SECONDARIES_MAX) {
    const limit = `${SECONDARIES_MAX} secondaries, which is the limit`;
    throw new ArrayError('ENOSPC', `volume ${primary.name} has ${limit}`);
  }
  checkNoWriter(secondary, force, 'overwritten');
  checkSnapshotAllowed(primary);
}

/** A volume stands for its pair only where it has one; EINVAL where it has several, ENOENT where none. */
export function checkInOnePair({ name }: Volume, pairs: readonly Pair[]): void {
  if (pairs.length === 0) throw new ArrayError('ENOENT', `volume ${name} is in no pair`);
  if (pairs.length === 1) return;
  const names = pairs.map((pair) => pair.name).join(', ');
  throw new ArrayError('EINVAL', `volume ${name} is in several pairs, name one of them: ${names}`);
}

/** EINVAL where two of them have one primary: it cannot become equal to both. */
export function checkDistinctPrimaries(pairs: readonly Pair[]): void {
  const names = pairs.map(({ primary }) => primary);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice === undefined) return;
  throw new ArrayError('EINVAL', `two pairs have ${twice} as their primary`);
}

/** EIO where a pair that is ended has to be copied first and cannot be: the pool of a side is missing. */
export function checkCanFinish({ name, state, missingSide }: Pair): void {
  if (missingSide === undefined || stateRow(state).copiesTo === undefined) return;
  const how = 'mount the array with it, or delete the pair now (now=yes), which gives the copy up';
  const { refusal } = missingSide.volume.pool;
  throw new ArrayError('EIO', `pair ${name} has to be copied first, and ${refusal}; ${how}`);
}

/** A primary that is overwritten would carry the change to its other secondaries. */
export function checkOnlyPair(pair: Pair, pairs: readonly Pair[]): void {
  for (const other of pairs) {
    if (other === pair || other.primarySide.volume !== pair.primarySide.volume) continue;
    if (['split', 'suspended', 'defined', 'suspended-partial'].includes(other.state)) continue;
    throw new ArrayError(
      'EBUSY',
      `${pair.primary} is copied to ${other.secondary}: split it first`,
    );
  }
}

/** A volume that `auto` stands for: reserved, whole, of one size with the primary, in no pair; ENOENT where there is none. */
export function reservedFor(primary: Volume, volumes: readonly Volume[]): Volume {
  const fitting = volumes.find((volume) => {
    return (
      volume !== primary &&
      volume.condition.isReserved &&
      volume.roles.length === 0 &&
      volume.sizeBytes === primary.sizeBytes &&
      volume.failure === undefined
    );
  });
  if (fitting !== undefined) return fitting;
  throw new ArrayError('ENOENT', `no reserved volume of ${formatSize(primary.sizeBytes)} is free`);
}

/** The pair of the primary whose secondary is next in a history of it; ENOENT or EBUSY where none can be. */
export function oldestCopy(primary: Volume, pairs: readonly Pair[]): Pair {
  const own = pairs.filter((pair) => pair.primarySide.volume === primary);
  if (own.length === 0) {
    throw new ArrayError('ENOENT', `volume ${primary.name} is the primary of no pair`);
  }
  const ready = own.filter(({ state }) => ['duplex', 'split', 'defined'].includes(state));
  ready.sort((a, b) => (a.splitMs ?? 0) - (b.splitMs ?? 0) || a.number - b.number);
  const [oldest] = ready;
  if (oldest !== undefined) return oldest;
  throw new ArrayError('EBUSY', `no secondary of volume ${primary.name} is ready to be split`);
}
