/**
 * A labelled volume: what is on it, and the labels and marks around what is written to it.
 *
 * Reading accepts what other systems write: no HDR2, labels of users, files without blocks. It looks
 * at labels alone and passes over the blocks. Writing never makes a file without blocks: `mtdump`
 * and others take its two marks for the end of the tape.
 */
import { assert } from '../base/assert.js';
import type { StreamMedium } from './backup-device.js';
import { DeviceError } from './device-error.js';
import { TapeFormatError } from './simh-objects.js';
import {
  checkTrailer,
  decodeLabel,
  encodeFileLabel,
  encodeFormatLabel,
  encodeVolumeLabel,
  type FileLabel,
  type FormatLabel,
  type LabelGroup,
  type TapeLabel,
  type VolumeLabel,
} from './tape-label.js';

export interface TapeFile {
  readonly label: FileLabel;
  readonly format: FormatLabel | undefined;
  /** The second label of the group after it. */
  readonly trailer: FormatLabel | undefined;
  /** Position of its first label, and of its first block, for `seek`. */
  readonly startsAt: number;
  readonly dataAt: number;
  readonly blockCount: number;
  readonly dataBytes: number;
  /** `EOV`: it goes on on the next volume; undefined: its end was never written. */
  readonly end: 'EOF' | 'EOV' | undefined;
}

export interface TapeContent {
  readonly volume: VolumeLabel;
  readonly files: readonly TapeFile[];
  /** Where the labels of the next file go: over the second of the last marks, or what is torn. */
  readonly appendAt: number;
}

/** The labels with which a volume begins: its own, and that of the first file if there is one. */
export interface TapeStart {
  readonly volume: VolumeLabel;
  readonly first: FileLabel | undefined;
}

/** As `readContent`, without looking further than the first file's labels. */
export function readStart(tape: StreamMedium): TapeStart | undefined {
  const volume = readVolume(tape);
  if (volume === undefined) return undefined;
  const { labels, ended } = readGroup(tape);
  return { volume, first: ended && labels.length > 0 ? fileLabel(labels, ['HDR']) : undefined };
}

/**
 * What is on the volume, as far as it is whole; undefined where it does not begin with VOL1. A file
 * whose end is torn has no `end`. `damaged` where labels lie.
 */
export function readContent(tape: StreamMedium): TapeContent | undefined {
  const scan = scanContent(tape);
  if (scan?.damage !== undefined) throw scan.damage;
  return scan?.content;
}

/** As `readContent`, but with all that can be read before the first damage. */
export function scanContent(
  tape: StreamMedium,
): { readonly content: TapeContent; readonly damage?: DeviceError } | undefined {
  const volume = readVolume(tape);
  if (volume === undefined) return undefined;
  const files: TapeFile[] = [];
  let appendAt = tape.position;
  try {
    for (;;) {
      const file = readFile(tape);
      if (file !== undefined) files.push(file);
      if (file?.end === undefined) return { content: { volume, files, appendAt } };
      appendAt = tape.position;
    }
  } catch (error) {
    if (!(error instanceof DeviceError) || error.fault !== 'damaged') throw error;
    return { content: { volume, files, appendAt }, damage: error };
  }
}

/** Makes an empty volume of the tape: everything on it is gone. */
export function writeVolume(tape: StreamMedium, label: VolumeLabel): void {
  const encoded = encodeVolumeLabel(label);
  tape.rewind();
  tape.writeRecord(encoded);
  const appendAt = tape.position;
  tape.writeMarks(2);
  tape.seek(appendAt);
}

/** Writes the labels before a file, where the tape stands. Its blocks follow. */
export function beginFile(tape: StreamMedium, label: FileLabel, format: FormatLabel): void {
  writeGroup(tape, 'HDR', { ...label, blockCount: 0 }, format);
  tape.writeMarks(1);
}

/** Ends a file whose label counts one block or more; the tape stands where the next file begins. */
export function endFile(
  tape: StreamMedium,
  group: 'EOF' | 'EOV',
  label: FileLabel,
  format: FormatLabel,
): void {
  assert(label.blockCount > 0, 'a file on tape has blocks');
  tape.writeMarks(1);
  writeGroup(tape, group, label, format);
  tape.writeMarks(1);
  endVolume(tape);
}

/** The second of the last marks, over which the next file begins; the tape stands before it. */
export function endVolume(tape: StreamMedium): void {
  const appendAt = tape.position;
  tape.writeMarks(1);
  tape.seek(appendAt);
}

function writeGroup(
  tape: StreamMedium,
  group: LabelGroup,
  label: FileLabel,
  format: FormatLabel,
): void {
  const labels = [encodeFileLabel(group, label), encodeFormatLabel(group, format)];
  for (const block of labels) tape.writeRecord(block);
}

/** Undefined where it does not begin with VOL1. */
export function readVolume(tape: StreamMedium): VolumeLabel | undefined {
  tape.rewind();
  const first = tape.read();
  const label = first.kind === 'record' ? decodeLabel(first.data) : undefined;
  return label?.kind === 'volume' ? label : undefined;
}

/** Undefined at the last mark, and where nothing more has been written. */
function readFile(tape: StreamMedium): TapeFile | undefined {
  const startsAt = tape.position;
  const before = readGroup(tape);
  if (before.labels.length === 0) return undefined;
  const label = fileLabel(before.labels, ['HDR']);
  const format = formatLabel(before.labels);
  const dataAt = tape.position;
  const blocks = passBlocks(tape);
  const start = { label, format, startsAt, dataAt, ...blocks };
  const after = readGroup(tape);
  if (!after.ended) return { ...start, trailer: undefined, end: undefined };
  const last = fileLabel(after.labels, ['EOF', 'EOV']);
  checkTrailer(label, last, blocks.blockCount);
  const end = last.group === 'EOV' ? 'EOV' : 'EOF';
  return { ...start, trailer: formatLabel(after.labels), end };
}

/** The labels up to the next mark; `ended`: the mark is there. */
export function readGroup(tape: StreamMedium): { labels: TapeLabel[]; ended: boolean } {
  const labels: TapeLabel[] = [];
  for (;;) {
    const { position } = tape;
    const reading = wholeOnly(() => tape.read());
    if (reading?.kind !== 'record') return { labels, ended: reading?.kind === 'mark' };
    const label = decodeLabel(reading.data);
    if (label === undefined) throw new DeviceError('damaged', `no tape label at byte ${position}`);
    labels.push(label);
  }
}

export function fileLabel(labels: readonly TapeLabel[], groups: readonly LabelGroup[]) {
  for (const label of labels) {
    if (label.kind === 'file' && groups.includes(label.group)) return label;
  }
  throw new DeviceError('damaged', `a group of tape labels has no ${groups.join('1 or ')}1`);
}

export function formatLabel(labels: readonly TapeLabel[]): FormatLabel | undefined {
  return labels.find((label) => label.kind === 'format');
}

function passBlocks(tape: StreamMedium): { blockCount: number; dataBytes: number } {
  let blockCount = 0;
  let dataBytes = 0;
  for (;;) {
    const passed = wholeOnly(() => tape.pass());
    if (passed?.kind !== 'record') return { blockCount, dataBytes };
    blockCount += 1;
    dataBytes += passed.dataBytes;
  }
}

/** Undefined where a crash or a cut left the last object torn. */
function wholeOnly<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof TapeFormatError && error.problem === 'torn') return undefined;
    throw error;
  }
}
