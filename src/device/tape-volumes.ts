/**
 * The cartridges of a backup on several volumes: finds the next one to write to and the one on which
 * a file goes on. Looks through the library as its robot would, from the slot after the present
 * cartridge on, and leaves the one it finds loaded.
 */
import { assert } from '../base/assert.js';
import type { StreamMedium, StreamSession } from './backup-device.js';
import { DeviceError } from './device-error.js';
import { readContent, readStart, type TapeFile, type TapeStart } from './labelled-tape.js';
import { decodeLabel, type FileLabel } from './tape-label.js';

/** `* EOV1 EOV2 * *` */
const TRAILER_LABELS = 2;
const LAST_MARKS = 2;

/** Which file section is looked for. */
export type SectionKey = Pick<FileLabel, 'fileId' | 'setId' | 'sequence' | 'section'>;

/** Where a reader gets the volume on which a file goes on. */
export interface Continuations {
  /** `no-next-volume` where there is none. */
  open(section: SectionKey): { readonly tape: StreamMedium; readonly file: TapeFile };
}

/** Whether a volume begins with this section of a file. */
export function beginsWith(start: TapeStart, section: SectionKey): boolean {
  return start.first !== undefined && isSection(start.first, section);
}

function isSection(label: SectionKey, { fileId, setId, sequence, section }: SectionKey): boolean {
  const isFile = label.fileId === fileId && label.setId === setId && label.sequence === sequence;
  return isFile && label.section === section;
}

export function nextSection(section: SectionKey): SectionKey {
  return { ...section, section: section.section + 1 };
}

export function noNextVolume({ fileId, section }: SectionKey): DeviceError {
  return new DeviceError('no-next-volume', `no cartridge has part ${section} of ${fileId}`);
}

/** The file that a volume begins with, where `beginsWith` was true of it. */
export function firstFile(tape: StreamMedium): TapeFile {
  const first = readContent(tape)?.files[0];
  assert(first !== undefined, 'the volume begins with a file');
  return first;
}

/**
 * `changed` where a cartridge that is full does not end with this section any more, which goes on on another. One that somebody
 * else has reserved is there; nobody overwrites it.
 */
export function checkFullVolume(session: StreamSession, name: string, wanted: SectionKey): void {
  const problem = fullVolumeProblem(session, name, wanted);
  if (problem === undefined) return;
  const { section, fileId } = wanted;
  throw new DeviceError(
    'changed',
    `cartridge ${name} with part ${section} of ${fileId} ${problem}`,
  );
}

function fullVolumeProblem(
  session: StreamSession,
  name: string,
  wanted: SectionKey,
): string | undefined {
  try {
    session.reserve(name);
    const last = lastLabel(session.load('read'));
    const isOurs = last?.group === 'EOV' && isSection(last, wanted);
    return isOurs ? undefined : 'does not end with it any more';
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    if (error.fault === 'busy') return undefined;
    return error.fault === 'no-medium' ? 'is gone' : `cannot be read any more: ${error.reason}`;
  }
}

/** The first label of the group with which the volume ends. */
function lastLabel(tape: StreamMedium) {
  tape.toLastByte();
  tape.spaceMarks(-LAST_MARKS);
  tape.spaceRecords(-TRAILER_LABELS);
  const reading = tape.read();
  const label = reading.kind === 'record' ? decodeLabel(reading.data) : undefined;
  return label?.kind === 'file' ? label : undefined;
}

/** Loads the first cartridge that fits; undefined where none does: then none is reserved. */
export function findVolume(
  session: StreamSession,
  from: string,
  mode: 'read' | 'write',
  fits: (start: TapeStart, name: string) => boolean,
): StreamMedium | undefined {
  for (const name of namesAfter(session, from)) {
    const start = startOf(session, name);
    if (start === undefined || !fits(start, name)) continue;
    const tape = loadIfPossible(session, mode);
    if (tape !== undefined) return tape;
  }
  return undefined;
}

function namesAfter(session: StreamSession, from: string): string[] {
  const names = session.device.media().map((medium) => medium.name);
  const after = names.indexOf(from) + 1;
  return [...names.slice(after), ...names.slice(0, Math.max(0, after - 1))];
}

/** A cartridge in use, not readable or not labelled is passed over. */
function startOf(session: StreamSession, name: string): TapeStart | undefined {
  try {
    session.reserve(name);
    return readStart(session.load('read'));
  } catch (error) {
    return passedOver(error);
  }
}

function loadIfPossible(session: StreamSession, mode: 'read' | 'write'): StreamMedium | undefined {
  try {
    return session.load(mode);
  } catch (error) {
    return passedOver(error);
  }
}

function passedOver(error: unknown): undefined {
  if (error instanceof DeviceError && error.fault !== 'missing') return undefined;
  throw error;
}
