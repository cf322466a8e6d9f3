/**
 * A labelled volume: what is on it, and the labels and marks around what is written to it.
 *
 * Reading accepts what other systems write: no HDR2, labels of users, files without blocks. It looks
 * at labels alone and passes over the blocks. Writing never makes a file without blocks: `mtdump`
 * and others take its two marks for the end of the tape.
 */
import { assert } from '../base/assert.js';
import { ArrayError } from '../base/errors.js';
import type { SimhTape } from './simh-tape.js';
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
  /** Position of the first block, for `seek`. */
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

/** What is on the volume; undefined where it does not begin with VOL1. EIO where labels lie. */
export function readContent(tape: SimhTape): TapeContent | undefined {
  tape.rewind();
  const first = tape.read();
  const volume = first.kind === 'record' ? decodeLabel(first.data) : undefined;
  if (volume?.kind !== 'volume') return undefined;
  const files: TapeFile[] = [];
  let appendAt = tape.position;
  for (;;) {
    const file = readFile(tape);
    if (file === undefined) return { volume, files, appendAt };
    files.push(file);
    if (file.end === undefined) return { volume, files, appendAt };
    appendAt = tape.position;
  }
}

/** Makes an empty volume of the tape: everything on it is gone. */
export function writeVolume(tape: SimhTape, label: VolumeLabel): void {
  const encoded = encodeVolumeLabel(label);
  tape.rewind();
  tape.writeRecord(encoded);
  const appendAt = tape.position;
  tape.writeMarks(2);
  tape.seek(appendAt);
}

/** Writes the labels before a file, where the tape stands. Its blocks follow. */
export function beginFile(tape: SimhTape, label: FileLabel, format: FormatLabel): void {
  writeGroup(tape, 'HDR', { ...label, blockCount: 0 }, format);
  tape.writeMarks(1);
}

/** Ends a file whose label counts one block or more; the tape stands where the next file begins. */
export function endFile(
  tape: SimhTape,
  group: 'EOF' | 'EOV',
  label: FileLabel,
  format: FormatLabel,
): void {
  assert(label.blockCount > 0, 'a file on tape has blocks');
  tape.writeMarks(1);
  writeGroup(tape, group, label, format);
  tape.writeMarks(1);
  const appendAt = tape.position;
  tape.writeMarks(1);
  tape.seek(appendAt);
}

function writeGroup(
  tape: SimhTape,
  group: LabelGroup,
  label: FileLabel,
  format: FormatLabel,
): void {
  const labels = [encodeFileLabel(group, label), encodeFormatLabel(group, format)];
  for (const block of labels) tape.writeRecord(block);
}

/** Undefined at the last mark, and where nothing more has been written. */
function readFile(tape: SimhTape): TapeFile | undefined {
  const before = readGroup(tape);
  if (before.labels.length === 0) return undefined;
  const label = fileLabel(before.labels, ['HDR']);
  const format = before.labels.find((found) => found.kind === 'format');
  const dataAt = tape.position;
  const blocks = passBlocks(tape);
  const start = { label, format, dataAt, ...blocks };
  const after = readGroup(tape);
  if (!after.ended) return { ...start, end: undefined };
  const trailer = fileLabel(after.labels, ['EOF', 'EOV']);
  checkTrailer(label, trailer, blocks.blockCount);
  return { ...start, end: trailer.group === 'EOV' ? 'EOV' : 'EOF' };
}

/** The labels up to the next mark; `ended`: the mark is there. */
function readGroup(tape: SimhTape): { labels: TapeLabel[]; ended: boolean } {
  const labels: TapeLabel[] = [];
  for (;;) {
    const { position } = tape;
    const reading = tape.read();
    if (reading.kind !== 'record') return { labels, ended: reading.kind === 'mark' };
    const label = decodeLabel(reading.data);
    if (label === undefined) throw new ArrayError('EIO', `no tape label at byte ${position}`);
    labels.push(label);
  }
}

function fileLabel(labels: readonly TapeLabel[], groups: readonly LabelGroup[]) {
  for (const label of labels) {
    if (label.kind === 'file' && groups.includes(label.group)) return label;
  }
  throw new ArrayError('EIO', `a group of tape labels has no ${groups.join('1 or ')}1`);
}

function passBlocks(tape: SimhTape): { blockCount: number; dataBytes: number } {
  let blockCount = 0;
  let dataBytes = 0;
  for (;;) {
    const passed = tape.pass();
    if (passed?.kind !== 'record') return { blockCount, dataBytes };
    blockCount += 1;
    dataBytes += passed.dataBytes;
  }
}
