/** What commands check before they change anything: sizes, information sectors, who uses a copy. */
import { ArrayError } from '../base/errors.js';
import { COMMAND_VOLUMES_MAX, INFO_BYTES, VOLUME_BYTES_MAX } from '../base/limits.js';
import { formatSize, SECTOR_BYTES } from '../base/sizes.js';
import { copyName, type Snapshot, type Volume } from './copies.js';

/** What one command names, each once and not too many: EINVAL otherwise. `noun` is what they are. */
export function distinct<T>(
  names: readonly string[],
  noun: string,
  named: (name: string) => T,
): readonly T[] {
  if (names.length === 0) throw new ArrayError('EINVAL', `no ${noun} is named`);
  if (names.length > COMMAND_VOLUMES_MAX) {
    throw new ArrayError('EINVAL', `more than ${COMMAND_VOLUMES_MAX} ${noun}s are named`);
  }
  const all = names.map(named);
  if (new Set(all).size < all.length) throw new ArrayError('EINVAL', `a ${noun} is named twice`);
  return all;
}

/** EINVAL unless it is a multiple of 512, EFBIG beyond the limit. */
export function checkSize(sizeBytes: number): void {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || sizeBytes % SECTOR_BYTES !== 0) {
    throw new ArrayError('EINVAL', `a size is a multiple of ${SECTOR_BYTES} bytes`);
  }
  if (sizeBytes > VOLUME_BYTES_MAX) {
    throw new ArrayError('EFBIG', `a volume has at most ${formatSize(VOLUME_BYTES_MAX)}`);
  }
}

export function checkInfo(info: Uint8Array | undefined, copyCount = 1): void {
  if (info === undefined || info.length === INFO_BYTES) return;
  if (copyCount > 1 && info.length === copyCount * INFO_BYTES) return;
  const size = `volume information has ${INFO_BYTES} bytes`;
  throw new ArrayError(
    'EINVAL',
    copyCount > 1 ? `${size}, or as many for each of ${copyCount}` : size,
  );
}

/** The sector of one of several copies: `info` has one for each, or one for all. */
export function infoAt(info: Uint8Array | undefined, index: number): Uint8Array | undefined {
  if (info === undefined || info.length === INFO_BYTES) return info;
  return info.slice(index * INFO_BYTES, (index + 1) * INFO_BYTES);
}

/**
 * EBUSY while the volume is open for writing, unless forced; `force` is undefined where the command has no such option.
 * `action` completes the sentence.
 */
export function checkNoWriter(volume: Volume, force: boolean | undefined, action: string): void {
  if (volume.writerCount === 0 || force) return;
  const way = force === undefined ? 'unmount it first' : 'unmount it first, or force=yes';
  const reason = `volume ${volume.name} is open for writing and cannot be ${action} (${way})`;
  throw new ArrayError('EBUSY', reason);
}

/** EBUSY where somebody besides the caller, who may write, has the volume open for writing. */
export function checkNoOtherWriter(volume: Volume): void {
  if (volume.writerCount <= 1) return;
  throw new ArrayError(
    'EBUSY',
    `volume ${volume.name} is open for writing elsewhere and cannot be shrunk`,
  );
}

export function checkSnapshotUnused(snapshot: Snapshot, force: boolean): void {
  if (snapshot.openCount === 0 || force) return;
  throw new ArrayError('EBUSY', `snapshot ${copyName(snapshot)} is in use`);
}

/** EROFS where hosts may not write: a secondary, or a reserved volume. */
export function checkHostWrites(volume: Volume): void {
  const { writeRefusal } = volume;
  if (writeRefusal !== undefined) throw new ArrayError('EROFS', writeRefusal);
}

/** EIO where the volume holds half a copy. */
export function checkWhole({ name, condition }: Volume): void {
  if (condition.failure !== '') throw new ArrayError('EIO', `volume ${name} ${condition.failure}`);
}

/** EBUSY for a side of a pair; `action` completes the sentence. */
export function checkNotPaired(volume: Volume, action: string): void {
  if (volume.roles.length === 0) return;
  const pairs = volume.roles.map(({ pairName }) => pairName).join(', ');
  const reason = `volume ${volume.name} cannot be ${action}: delete its pairs first (${pairs})`;
  throw new ArrayError('EBUSY', reason);
}

/** A write past the end would make the sides of a pair unequal in size. */
export function checkPairedSize(volume: Volume, endBytes: number): void {
  if (endBytes > volume.sizeBytes) checkNotPaired(volume, 'made larger');
}

/** EBUSY where the volume alone is not a whole image yet, EIO where it never will be. */
export function checkSnapshotAllowed(volume: Volume): void {
  checkWhole(volume);
  for (const { snapshotRefusal, pairName } of volume.roles) {
    if (snapshotRefusal === undefined) continue;
    throw new ArrayError('EBUSY', `volume ${volume.name} ${snapshotRefusal} (pair ${pairName})`);
  }
}
