/**
 * Reads a backup back, extents in order, and checks all there is to check on the way: number, identity
 * and checksum of every block, order and range of the extents, checksum of every section, the end.
 * Nothing of a backup counts as right before its last extent has been read without an error.
 */
import { crc32 } from 'node:zlib';
import type { StreamMedium } from './backup-device.js';
import type { BackupManifest } from './backup-manifest.js';
import { type BlockExtent, decodeDataBlock, type ImageExtent } from './data-block.js';
import { DeviceError } from './device-error.js';
import type { TapeFile } from './labelled-tape.js';
import { type BackupEntry, checkCrc } from './tape-listing.js';
import { type Continuations, nextSection } from './tape-volumes.js';

const ZEROS = new Uint8Array(1024 * 1024);

/** An image of zeros of this size, or, of an increment, of what its base is, with these extents in it. */
export interface BackupImage {
  readonly imageBytes: number;
  readonly information: Uint8Array | undefined;
  /** Of a backup on tape. */
  readonly manifest: BackupManifest | undefined;
  /**
   * The data of each is only borrowed until the next one. Those before `from` may be left out: a disk begins there, a tape is read
   * from its beginning, as its checksums are over all of it.
   */
  extents(from?: number): Iterable<ImageExtent>;
}

/** The image of an entry of `listBackups(tape)`. */
export function tapeImage(
  entry: BackupEntry,
  tape: StreamMedium,
  continuations: Continuations,
): BackupImage {
  const { manifest, information } = entry;
  return {
    ...{ imageBytes: manifest.imageBytes, information, manifest },
    extents: () => tapeExtents(entry, tape, continuations),
  };
}

function* tapeExtents(
  { manifest, data, damage }: BackupEntry,
  tape: StreamMedium,
  continuations: Continuations,
): Generator<ImageExtent> {
  if (data?.end === undefined) {
    const why = damage ?? 'it was not finished';
    throw new DeviceError('damaged', `backup ${manifest.backup} has no end: ${why}`);
  }
  const blocks = sectionBlocks(tape, data, continuations);
  yield* manifest.form === 'sparse'
    ? sparseExtents(manifest, blocks)
    : plainExtents(manifest, blocks);
}

/** All blocks of a file, over all its sections. */
function* sectionBlocks(
  firstTape: StreamMedium,
  firstSection: TapeFile,
  continuations: Continuations,
): Generator<Uint8Array> {
  for (let tape = firstTape, file = firstSection; ; ) {
    if (file.end === undefined) {
      const { fileId, section } = file.label;
      throw new DeviceError('damaged', `part ${section} of ${fileId} has no end`);
    }
    tape.seek(file.dataAt);
    let crc = 0;
    for (let index = 0; index < file.blockCount; index += 1) {
      const reading = tape.read();
      if (reading.kind !== 'record' || reading.damaged) {
        throw new DeviceError('damaged', `block ${index} of ${file.label.fileId} is not readable`);
      }
      crc = crc32(reading.data, crc);
      yield reading.data;
    }
    checkCrc(file, crc);
    if (file.end === 'EOF') return;
    ({ tape, file } = continuations.open(nextSection(file.label)));
  }
}

function* sparseExtents(
  { backup, imageBytes }: BackupManifest,
  blocks: Iterable<Uint8Array>,
): Generator<ImageExtent> {
  let number = 0;
  let from = 0;
  let isLast = false;
  for (const bytes of blocks) {
    if (isLast) throw new DeviceError('damaged', `backup ${backup} goes on behind its last block`);
    const block = decodeDataBlock(bytes, { backup, number, imageBytes, from });
    for (const extent of block.extents) {
      yield* imageExtents(extent);
      from = extent.offset + extent.bytes;
    }
    number += 1;
    isLast = block.isLast;
  }
  if (!isLast) throw new DeviceError('damaged', `backup ${backup} ends without its last block`);
}

/** Zeros in pieces that there is memory for. */
function* imageExtents({ offset, bytes, data }: BlockExtent): Generator<ImageExtent> {
  if (data !== undefined) yield { offset, data };
  else {
    for (let done = 0; done < bytes; done += ZEROS.length) {
      yield { offset: offset + done, data: ZEROS.subarray(0, bytes - done), isZeros: true };
    }
  }
}

function* plainExtents(
  { backup, imageBytes }: BackupManifest,
  blocks: Iterable<Uint8Array>,
): Generator<ImageExtent> {
  let offset = 0;
  for (const data of blocks) {
    if (offset + data.length > imageBytes) break;
    yield { offset, data };
    offset += data.length;
  }
  if (offset !== imageBytes) {
    throw new DeviceError('damaged', `backup ${backup} has not the ${imageBytes} bytes it says`);
  }
}
