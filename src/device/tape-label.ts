/**
 * Labels of tapes (ECMA-13, ISO 1001, ANSI X3.27), each one block of 80 characters:
 *
 *   VOL1              first block of a volume: its name and owner
 *   HDR1, EOF1, EOV1  before a file, after it, after the part of it that this volume has
 *   HDR2, EOF2, EOV2  format of the file's blocks; old tapes lack them
 *
 * Order on a volume, `*` a tape mark: VOL1 { HDR1 HDR2 * blocks * EOF1 EOF2 * } *, where EOV1 EOV2
 * stand for the last EOF1 EOF2 if the file goes on on the next volume.
 */
import { DeviceError } from './device-error.js';
import {
  digits,
  LABEL_BYTES,
  type LabelValues,
  labelDate,
  readLabel,
  text,
  writeLabel,
} from './label-field.js';

const VOLUME = {
  volumeId: text(5, 6),
  /** A space: everybody may; anything else: the owner says who. */
  accessibility: text(11, 1),
  implementation: text(25, 13),
  owner: text(38, 14),
  /** 3 and 4 are the third and fourth edition of ECMA-13. */
  version: text(80, 1),
} as const;

const FILE = {
  fileId: text(5, 17),
  /** Volume identifier of the first volume of the set. */
  setId: text(22, 6),
  /** Counts the volumes of one file from 1. */
  section: digits(28, 4),
  /** Counts the files of the set from 1. */
  sequence: digits(32, 4),
  generation: digits(36, 4),
  generationVersion: digits(40, 2),
  createdMs: labelDate(42),
  expiresMs: labelDate(48),
  accessibility: text(54, 1),
  /** Blocks of the file on this volume, modulo 1,000,000; 0 in HDR1. */
  blockCount: digits(55, 6, true),
  implementation: text(61, 13),
} as const;

const FORMAT = {
  /** F fixed, D variable, S spanned. */
  recordFormat: text(5, 1),
  blockBytes: digits(6, 5),
  recordBytes: digits(11, 5),
  /** Free for the implementation. */
  remarks: text(16, 35),
  /** Bytes at the start of every block that are not data. */
  offsetBytes: digits(51, 2),
} as const;

/** Where a group of labels stands: before a file, at its end, at the end of the volume in a file. */
export type LabelGroup = 'HDR' | 'EOF' | 'EOV';
export type VolumeLabel = LabelValues<typeof VOLUME>;
export type FileLabel = LabelValues<typeof FILE>;
export type FormatLabel = LabelValues<typeof FORMAT>;

export type TapeLabel =
  | ({ readonly kind: 'volume' } & VolumeLabel)
  | ({ readonly kind: 'file'; readonly group: LabelGroup } & FileLabel)
  | ({ readonly kind: 'format'; readonly group: LabelGroup } & FormatLabel)
  /** A label of a user or another system (VOL2, HDR3, UHL1, ...), to be passed over. */
  | { readonly kind: 'other'; readonly identifier: string };

const KNOWN = /^(VOL|HDR|EOF|EOV)([1-9])|^U(VL|HL|TL)./;

export function encodeVolumeLabel(label: VolumeLabel): Uint8Array {
  return writeLabel('VOL1', VOLUME, label);
}

export function encodeFileLabel(group: LabelGroup, label: FileLabel): Uint8Array {
  return writeLabel(`${group}1`, FILE, label);
}

export function encodeFormatLabel(group: LabelGroup, label: FormatLabel): Uint8Array {
  return writeLabel(`${group}2`, FORMAT, label);
}

/** Undefined where the block is no label; EIO where a number in one is none. */
export function decodeLabel(block: Uint8Array): TapeLabel | undefined {
  if (block.length !== LABEL_BYTES) return undefined;
  const label = Buffer.from(block).toString('latin1');
  const [identifier, letters, number] = KNOWN.exec(label) ?? [];
  if (identifier === undefined) return undefined;
  if (letters === 'VOL' && number === '1') return { kind: 'volume', ...readLabel(VOLUME, label) };
  if (letters === undefined || letters === 'VOL' || (number !== '1' && number !== '2')) {
    return { kind: 'other', identifier };
  }
  const group = letters as LabelGroup;
  return number === '1'
    ? { kind: 'file', group, ...readLabel(FILE, label) }
    : { kind: 'format', group, ...readLabel(FORMAT, label) };
}

/**
 * EIO where the label at the end of a file is not of the file that the label before it began, or
 * counts other blocks than there are.
 */
export function checkTrailer(header: FileLabel, trailer: FileLabel, blockCount: number): void {
  const same = (['fileId', 'setId', 'section', 'sequence'] as const).every(
    (name) => header[name] === trailer[name],
  );
  if (!same) {
    throw new DeviceError(
      'damaged',
      `file ${header.fileId} ends with the label of ${trailer.fileId}`,
    );
  }
  if (trailer.blockCount !== blockCount % 1_000_000) {
    throw new DeviceError(
      'damaged',
      `file ${header.fileId} has ${blockCount} blocks, its label says ${trailer.blockCount}`,
    );
  }
}
