/** Backups on a medium of any device: begin one, go on with one, open one for reading. */
import { BLOCK_BYTES } from '../base/sizes.js';
import type { BlockMedium, BlockSession, DeviceSession, StreamSession } from './backup-device.js';
import type { Management } from './backup-manifest.js';
import { type BackupImage, tapeImage } from './backup-reader.js';
import type { BackupPointer, BackupWriter, BlockPointer } from './backup-writer.js';
import { BlockBackupWriter } from './block-backup-writer.js';
import type { ImageExtent } from './data-block.js';
import { DeviceError } from './device-error.js';
import { TapeBackupWriter } from './tape-backup-writer.js';
import { findBackup, listBackups } from './tape-listing.js';
import { beginsWith, findVolume, firstFile, noNextVolume } from './tape-volumes.js';

/** Unwritten ranges of a disk or array are told by their zeros, in pieces of this size. */
const PIECE_BYTES = 4 * BLOCK_BYTES;
const ZEROS = Buffer.alloc(PIECE_BYTES);

/** Reserves and loads the medium and begins a backup on it. The session stays the caller's. */
export function beginBackup(
  session: DeviceSession,
  medium: string,
  management: Management,
): BackupWriter {
  return isStream(session)
    ? TapeBackupWriter.begin(session, medium, management)
    : BlockBackupWriter.begin(session, medium, management);
}

/**
 * Goes on with a backup after a writer that has gone, in a new session. `damaged` where it is not
 * there any more.
 */
export function resumeBackup(
  session: DeviceSession,
  pointer: BackupPointer,
  management: Management,
): BackupWriter {
  if (isStream(session) && pointer.structure === 'stream') {
    return TapeBackupWriter.resume(session, pointer, management);
  }
  return BlockBackupWriter.resume(session as BlockSession, pointer as BlockPointer, management);
}

/**
 * Reserves and loads the medium and finds the image on it; on tape `reference` says which (see
 * `findBackup`), the newest without it. Further cartridges are found in the library.
 */
export function openBackup(
  session: DeviceSession,
  medium: string,
  reference?: string,
): BackupImage {
  session.reserve(medium);
  if (isStream(session)) return openOnTape(session, medium, reference);
  const image = session.load('read');
  return {
    imageBytes: image.sizeBytes,
    information: image.readInformation(),
    manifest: undefined,
    extents: (from) => contentOf(image, from),
  };
}

function openOnTape(
  session: StreamSession,
  medium: string,
  reference: string | undefined,
): BackupImage {
  const tape = session.load('read');
  const { backups } = listBackups(tape);
  const entry = reference === undefined ? backups.at(-1) : findBackup(backups, reference);
  if (entry === undefined) throw new DeviceError('no-medium', `no backup begins on ${medium}`);
  return tapeImage(entry, tape, {
    open: (section) => {
      const last = session.reserved ?? medium;
      const next = findVolume(session, last, 'read', (start) => beginsWith(start, section));
      if (next === undefined) throw noNextVolume(section);
      return { tape: next, file: firstFile(next) };
    },
  });
}

function* contentOf(image: BlockMedium, from = 0): Generator<ImageExtent> {
  for (let offset = from - (from % PIECE_BYTES); offset < image.sizeBytes; offset += PIECE_BYTES) {
    const data = image.read(offset, Math.min(PIECE_BYTES, image.sizeBytes - offset));
    if (!ZEROS.subarray(0, data.length).equals(data)) yield { offset, data };
  }
}

function isStream(session: DeviceSession): session is StreamSession {
  return session.device.structure === 'stream';
}
