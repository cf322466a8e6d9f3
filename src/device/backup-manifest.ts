/**
 * The management file of a backup on tape ([004 fig. 16]): what the backup is of, for a restore
 * without the array. It is one block, a multiple of 512 bytes:
 *
 *     0  512  volume-information sector as it was stored with the image; zeros if none was
 *   512       JSON of the manifest in UTF-8, padded with spaces to a whole number of 512 bytes
 *
 * The JSON is one object, its fields those of `BackupManifest` after `"format":"AFSBACK1"`, or, of an increment, which only
 * holds what is another than in its base, `"format":"AFSBACK2"`. A later layout has another format; fields that are not known are passed over.
 */
import { INFO_BYTES, STREAM_TRANSFER_BYTES_MAX, VOLUME_BYTES_MAX } from '../base/limits.js';
import { SECTOR_BYTES } from '../base/sizes.js';
import { DeviceError } from './device-error.js';

const WHOLE = 'AFSBACK1';
const INCREMENT = 'AFSBACK2';
const FORMAT_PATTERN = /^AFSBACK\d+$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** `sparse`: blocks of extents, holes take no room; `plain`: the bytes of the image. */
export type BackupForm = 'sparse' | 'plain';

export interface BackupManifest {
  /** UUID of this backup. */
  readonly backup: string;
  readonly form: BackupForm;
  readonly imageBytes: number;
  /** `VOLUME` or `VOLUME@SNAPSHOT`. */
  readonly name: string;
  readonly volumeNumber: number;
  readonly volumeUuid: string;
  readonly arraySerial: string;
  readonly label: string;
  /** The instant of the image, and when the backup was begun: ms since 1970. */
  readonly takenMs: number;
  readonly startedMs: number;
  /** Of the image, in hexadecimal, where it was known before. */
  readonly imageSha256?: string;
  /** UUID of the snapshot that the image is; absent for that of a volume at `takenMs`. */
  readonly image?: string;
  /** Of an increment: what the image has where no extent covers it. */
  readonly base?: BackupBase;
}

/** The snapshot that an increment is based on. */
export interface BackupBase {
  /** Its UUID: the `image` of the backup that has to be restored before. */
  readonly image: string;
  readonly name: string;
  readonly number: number;
  readonly imageBytes: number;
  /** Base64 of the volume-information sector stored with it. */
  readonly information?: string;
}

export interface Management {
  readonly manifest: BackupManifest;
  readonly information: Uint8Array | undefined;
}

export function encodeManagement({ manifest, information }: Management): Uint8Array {
  checkManifest(manifest, 'invalid');
  const text = Buffer.from(
    JSON.stringify({ format: manifest.base ? INCREMENT : WHOLE, ...manifest }),
  );
  const bytes = INFO_BYTES + Math.ceil(text.length / SECTOR_BYTES) * SECTOR_BYTES;
  if (bytes > STREAM_TRANSFER_BYTES_MAX || (information?.length ?? INFO_BYTES) !== INFO_BYTES) {
    throw new DeviceError('invalid', 'the management information does not fit one block');
  }
  const block = Buffer.alloc(bytes, ' ');
  block.fill(0, 0, INFO_BYTES);
  if (information !== undefined) block.set(information);
  block.set(text, INFO_BYTES);
  return block;
}

/** The twin of `encodeManagement`. `foreign` where the block is of a later layout or of none. */
export function decodeManagement(block: Uint8Array): Management {
  const view = Buffer.from(block);
  if (view.length <= INFO_BYTES || view.length % SECTOR_BYTES !== 0) {
    throw new DeviceError('foreign', `no management file of a backup: ${view.length} bytes`);
  }
  const value = parsed(view.toString('utf8', INFO_BYTES));
  const { format, ...manifest } = value as BackupManifest & { readonly format?: unknown };
  if (format !== (manifest.base ? INCREMENT : WHOLE)) {
    const known = typeof format === 'string' && FORMAT_PATTERN.test(format);
    throw new DeviceError(
      'foreign',
      known ? `backup format ${format} is not known here` : 'no management file of a backup',
    );
  }
  checkManifest(manifest, 'damaged');
  const sector = new Uint8Array(view.subarray(0, INFO_BYTES));
  return { manifest, information: sector.some((byte) => byte !== 0) ? sector : undefined };
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Told below, as everything else that is no manifest.
  }
  throw new DeviceError('foreign', 'no management file of a backup: no JSON');
}

function checkManifest(manifest: BackupManifest, fault: 'invalid' | 'damaged'): void {
  const { backup, form, imageBytes, imageSha256 } = manifest;
  const { name, volumeUuid, arraySerial, label } = manifest;
  const isWrong =
    !UUID.test(backup) ||
    (form !== 'sparse' && form !== 'plain') ||
    !isCount(imageBytes, VOLUME_BYTES_MAX) ||
    imageBytes % SECTOR_BYTES !== 0 ||
    [name, volumeUuid, arraySerial, label].some((text) => typeof text !== 'string') ||
    ![manifest.volumeNumber, manifest.takenMs, manifest.startedMs].every((n) => isCount(n)) ||
    (imageSha256 !== undefined && !/^[0-9a-f]{64}$/.test(imageSha256)) ||
    !isImage(manifest.image) ||
    !isBase(manifest);
  if (isWrong) throw new DeviceError(fault, 'the manifest of a backup has a field that cannot be');
}

function isImage(image: unknown): boolean {
  return image === undefined || (typeof image === 'string' && UUID.test(image));
}

function isBase({ base, form }: BackupManifest): boolean {
  if (base === undefined) return true;
  const { image, name, number, imageBytes, information } = base;
  return (
    form === 'sparse' &&
    isImage(image ?? null) &&
    typeof name === 'string' &&
    isCount(number) &&
    isCount(imageBytes, VOLUME_BYTES_MAX) &&
    (information === undefined || typeof information === 'string')
  );
}

function isCount(value: unknown, max = Number.MAX_SAFE_INTEGER): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= max;
}
