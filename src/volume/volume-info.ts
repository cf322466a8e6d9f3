/**
 * The volume-information sector of the backup programs ([004], volume information 50), 512 bytes,
 * little-endian, texts UTF-8 and zero-padded (design, Volume-information sector):
 *
 *     0   8  format id "AFSVINF1"         96   4  kind: 1 snapshot, 2 mirror, 3 tape, 4 array
 *     8   4  layout version, 1           100  64  label
 *    12   4  flags, bit 0 holds a backup 164  64  host name
 *    16  16  UUID of the volume          228 128  mount point
 *    32   8  time stamp, ms since 1970   356  32  SHA-256 of the image, zero if not computed
 *    40   8  scheduled time, ms          388  64  backup definition name
 *    48   8  start time, ms              452   8  job number
 *    56   8  end time, ms                460   8  job number this is a copy of, zero if original
 *    64   4  volume number               468   8  image size in bytes
 *    68   4  volume number of the source 476  16  UUID of the array
 *    72  16  UUID of the source          492   2  member number in the run, 494 2 members in the run
 *    88   8  generation, 1, 2, ...       496  12  zero;  508 4 CRC-32 of bytes 0-507
 *
 * The array itself stores any 512 bytes; only who writes or shows a sector of this layout uses it.
 */
import { crc32 } from 'node:zlib';
import { ArrayError } from '../base/errors.js';
import { INFO_BYTES } from '../base/limits.js';
import { SectorReader, SectorWriter } from './sector-cursor.js';

const FORMAT_ID = Buffer.from('AFSVINF1', 'latin1');
const LAYOUT_VERSION = 1;
const FLAG_HOLDS_BACKUP = 1;
const CRC_OFFSET = 508;
const LABEL_BYTES = 64;
const HOST_NAME_BYTES = 64;
const MOUNT_POINT_BYTES = 128;
const DEFINITION_NAME_BYTES = 64;
const SHA256_BYTES = 32;
const RESERVED_BYTES = 12;
const KIND_NUMBERS = { snapshot: 1, mirror: 2, tape: 3, array: 4 } as const;

export type VolumeInfoKind = keyof typeof KIND_NUMBERS;

export interface VolumeInfo {
  readonly holdsBackup: boolean;
  readonly volumeUuid: string;
  /** Times in ms since 1970, 0 where there is none. */
  readonly timeStampMs: number;
  readonly scheduledMs: number;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly volumeNumber: number;
  readonly sourceNumber: number;
  readonly sourceUuid: string;
  /** Counts from 1. */
  readonly generation: number;
  readonly kind: VolumeInfoKind;
  readonly label: string;
  readonly hostName: string;
  readonly mountPoint: string;
  /** 32 bytes, undefined where it was not computed. */
  readonly imageSha256: Uint8Array | undefined;
  readonly definitionName: string;
  readonly jobNumber: number;
  /** 0 where this is an original. */
  readonly copyOfJobNumber: number;
  readonly imageBytes: number;
  readonly arrayUuid: string;
  readonly memberNumber: number;
  readonly memberCount: number;
}

/** The sector that holds `info`; EINVAL where a text does not fit its field: it is never cut. */
export function encodeVolumeInfo(info: VolumeInfo): Uint8Array {
  const writer = new SectorWriter(INFO_BYTES)
    .raw('format id', FORMAT_ID, FORMAT_ID.length)
    .u32('layout version', LAYOUT_VERSION)
    .u32('flags', info.holdsBackup ? FLAG_HOLDS_BACKUP : 0)
    .uuid('volume UUID', info.volumeUuid)
    .u64('time stamp', info.timeStampMs)
    .u64('scheduled time', info.scheduledMs)
    .u64('start time', info.startedMs)
    .u64('end time', info.endedMs)
    .u32('volume number', info.volumeNumber)
    .u32('source volume number', info.sourceNumber)
    .uuid('source UUID', info.sourceUuid)
    .u64('generation', info.generation)
    .u32('kind', KIND_NUMBERS[info.kind])
    .text('label', info.label, LABEL_BYTES)
    .text('host name', info.hostName, HOST_NAME_BYTES)
    .text('mount point', info.mountPoint, MOUNT_POINT_BYTES)
    .raw('SHA-256', info.imageSha256 ?? new Uint8Array(SHA256_BYTES), SHA256_BYTES)
    .text('backup definition name', info.definitionName, DEFINITION_NAME_BYTES)
    .u64('job number', info.jobNumber)
    .u64('original job number', info.copyOfJobNumber)
    .u64('image size', info.imageBytes)
    .uuid('array UUID', info.arrayUuid)
    .u16('member number', info.memberNumber)
    .u16('member count', info.memberCount)
    .skip(RESERVED_BYTES);
  return writer.u32('checksum', crc32(writer.written())).finish();
}

/** Whether the sector claims to have this layout, in whatever version. */
export function isVolumeInfo(sector: Uint8Array): boolean {
  return FORMAT_ID.equals(sector.subarray(0, FORMAT_ID.length));
}

/** What the sector says; EINVAL where it has another layout, a newer version or is damaged. */
export function decodeVolumeInfo(sector: Uint8Array): VolumeInfo {
  const reader = new SectorReader(sector);
  checkEnvelope(sector, reader);
  const info: VolumeInfo = {
    holdsBackup: (reader.u32() & FLAG_HOLDS_BACKUP) !== 0,
    volumeUuid: reader.uuid(),
    timeStampMs: reader.u64('time stamp'),
    scheduledMs: reader.u64('scheduled time'),
    startedMs: reader.u64('start time'),
    endedMs: reader.u64('end time'),
    volumeNumber: reader.u32(),
    sourceNumber: reader.u32(),
    sourceUuid: reader.uuid(),
    generation: reader.u64('generation'),
    kind: kindOf(reader.u32()),
    label: reader.text(LABEL_BYTES),
    hostName: reader.text(HOST_NAME_BYTES),
    mountPoint: reader.text(MOUNT_POINT_BYTES),
    imageSha256: digestOf(reader.raw(SHA256_BYTES)),
    definitionName: reader.text(DEFINITION_NAME_BYTES),
    jobNumber: reader.u64('job number'),
    copyOfJobNumber: reader.u64('original job number'),
    imageBytes: reader.u64('image size'),
    arrayUuid: reader.uuid(),
    memberNumber: reader.u16(),
    memberCount: reader.u16(),
  };
  reader.skip(RESERVED_BYTES);
  reader.expectOffset(CRC_OFFSET);
  return info;
}

/** Format id, checksum and version; leaves the reader behind them. */
function checkEnvelope(sector: Uint8Array, reader: SectorReader): void {
  if (sector.length !== INFO_BYTES || !isVolumeInfo(sector)) {
    throw new ArrayError('EINVAL', 'not a volume-information sector of the layout AFSVINF1');
  }
  const stored = new DataView(sector.buffer, sector.byteOffset).getUint32(CRC_OFFSET, true);
  if (stored !== crc32(sector.subarray(0, CRC_OFFSET))) {
    throw new ArrayError('EINVAL', 'the volume-information sector is damaged: wrong checksum');
  }
  reader.skip(FORMAT_ID.length);
  const version = reader.u32();
  if (version !== LAYOUT_VERSION) {
    throw new ArrayError('EINVAL', `volume-information layout ${version} is not known here`);
  }
}

function kindOf(value: number): VolumeInfoKind {
  for (const [kind, number] of Object.entries(KIND_NUMBERS)) {
    if (number === value) return kind as VolumeInfoKind;
  }
  throw new ArrayError('EINVAL', `unknown kind of backup ${value}`);
}

function digestOf(bytes: Uint8Array): Uint8Array | undefined {
  return bytes.every((byte) => byte === 0) ? undefined : bytes;
}
