/**
 * Where the next backup begins on a cartridge: behind the last file that is whole. What a backup that was
 * not ended has left there is overwritten, also where it had gone on on further cartridges of the library:
 * those become empty.
 */
import type { StreamMedium, StreamSession } from './backup-device.js';
import { DeviceError } from './device-error.js';
import {
  endVolume,
  readContent,
  readStart,
  type TapeContent,
  writeVolume,
} from './labelled-tape.js';
import { backupFile, type FileIdentity } from './section-labels.js';
import { beginsWith, findVolume, firstFile, nextSection, type SectionKey } from './tape-volumes.js';

export interface AppendPlace {
  /** Stands there. */
  readonly tape: StreamMedium;
  /** Of the first file of the backup. */
  readonly identity: Omit<FileIdentity, 'fileId' | 'createdMs'>;
}

export function toAppendPlace(session: StreamSession, name: string): AppendPlace {
  const loaded = loadForWriting(session, name);
  const content = contentOf(loaded, name);
  const { volume, files } = content;
  const last = files.at(-1);
  const isContinued = last?.end === 'EOV';
  const kept = isContinued ? withoutBackup(content) : wholeFiles(content);
  const at = files[kept.length]?.startsAt ?? content.appendAt;
  const tape = isContinued ? withoutHalf(session, name, last.label, at) : loaded;
  tape.seek(at);
  // Only what a crash can leave may lie behind it.
  tape.repairTail();
  tape.seek(at);
  const before = kept.at(-1)?.label;
  const setId = before?.setId ?? volume.volumeId;
  return { tape, identity: { setId, sequence: (before?.sequence ?? 0) + 1 } };
}

function loadForWriting(session: StreamSession, name: string): StreamMedium {
  session.reserve(name);
  return session.load('write');
}

function contentOf(tape: StreamMedium, name: string): TapeContent {
  const content = readContent(tape);
  if (content === undefined) {
    throw new DeviceError('foreign', `cartridge ${name} has no labels`);
  }
  const { volumeId } = content.volume;
  if (volumeId !== name) {
    const remedy = `name its file ${volumeId}.tap, or erase it`;
    throw new DeviceError('foreign', `cartridge ${name} has the label of ${volumeId}: ${remedy}`);
  }
  if (content.volume.accessibility !== '') {
    throw new DeviceError('refused', `the label of cartridge ${name} restricts its use`);
  }
  return content;
}

/** Without what a backup that was not ended has left at the end. Others' files are not touched. */
function wholeFiles({ files }: TapeContent): TapeContent['files'] {
  let count = files.length;
  for (; count > 0; count -= 1) {
    const last = files[count - 1];
    const part = last && backupFile(last.label.fileId);
    if (last?.end !== undefined && part !== 'management') break;
    if (part === undefined) {
      throw new DeviceError('damaged', `file ${last?.label.fileId} on the tape has no end`);
    }
  }
  return files.slice(0, count);
}

/** Without the last file, which goes on elsewhere, and its management. */
function withoutBackup({ files, ...content }: TapeContent): TapeContent['files'] {
  return wholeFiles({ ...content, files: files.slice(0, -1) });
}

/**
 * The cartridge up to `at`, where the half of a backup lay that goes on in the library and has no end there; `full` where that
 * is not so: it may be whole, on a cartridge that is elsewhere.
 */
function withoutHalf(
  session: StreamSession,
  name: string,
  section: SectionKey,
  at: number,
): StreamMedium {
  const further = backupFile(section.fileId) && furtherHalves(session, name, section);
  if (further === undefined) {
    throw new DeviceError('full', `cartridge ${name} is full, its last file goes on on another`);
  }
  const tape = loadForWriting(session, name);
  tape.seek(at);
  endVolume(tape);
  tape.sync();
  for (const other of further) empty(loadForWriting(session, other));
  return loadForWriting(session, name);
}

/** The cartridges on which it goes on, where the last of them has no end. */
function furtherHalves(
  session: StreamSession,
  name: string,
  section: SectionKey,
): string[] | undefined {
  const names: string[] = [];
  for (let wanted = nextSection(section); ; wanted = nextSection(wanted)) {
    const tape = findVolume(session, name, 'read', (start) => beginsWith(start, wanted));
    if (tape === undefined) return undefined;
    names.push(session.reserved ?? '');
    const { end } = firstFile(tape);
    if (end !== 'EOV') return end === undefined ? names : undefined;
  }
}

/** Nothing lies behind a part that goes on, or has no end. */
function empty(tape: StreamMedium): void {
  const start = readStart(tape);
  if (start !== undefined) writeVolume(tape, start.volume);
  tape.sync();
}
