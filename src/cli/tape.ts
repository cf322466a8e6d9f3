/**
 * What `arrayfs tape` does, on bare .tap files: no array, no daemon. A cartridge is named by its file,
 * all cartridges of a library by its directory; the parts of a backup are found among those named.
 */
import { type Stats, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { ArrayError } from '../base/errors.js';
import type { BackupBase } from '../device/backup-manifest.js';
import { type BackupImage, tapeImage } from '../device/backup-reader.js';
import { DeviceError, withDeviceErrors } from '../device/device-error.js';
import { extractBackup, type OnProgress, verifyBackup } from '../device/image-copy.js';
import { readStart, type TapeFile } from '../device/labelled-tape.js';
import {
  cartridgeNames,
  cartridgePath,
  createLibrary,
  isVolumeId,
  isWriteProtected,
  labelCartridge,
  type NewLibrary,
} from '../device/library-files.js';
import { dataFileId } from '../device/section-labels.js';
import { lockOrBusy } from '../device/session-base.js';
import { SimhTape } from '../device/simh-tape.js';
import { type BackupEntry, findBackup, listBackups } from '../device/tape-listing.js';
import { beginsWith, firstFile, noNextVolume, type SectionKey } from '../device/tape-volumes.js';

/** A cartridge as `list` shows it. */
export interface CartridgeRow {
  readonly cartridge: string;
  /** Of its label; null where it has none. */
  readonly volumeId: string | null;
  readonly backups: readonly BackupRow[];
  /** What begins the cartridge where that is a further part of a backup. */
  readonly continues: { readonly file: string; readonly part: number } | null;
  readonly otherFiles: number;
  readonly problems: readonly string[];
}

export interface BackupRow {
  readonly number: number;
  readonly backup: string;
  readonly name: string;
  readonly imageBytes: number;
  /** Of its data on this cartridge. */
  readonly tapeBytes: number;
  readonly takenMs: number;
  readonly startedMs: number;
  readonly form: string;
  readonly state: string;
  readonly label: string;
  readonly arraySerial: string;
  readonly volumeNumber: number;
  readonly volumeUuid: string;
  readonly hasInformation: boolean;
  /** UUID of the snapshot that the image is; null for that of a volume. */
  readonly image: string | null;
  /** Of an increment: the snapshot it is based on. */
  readonly base: BackupBase | null;
}

export interface Verdict {
  readonly cartridge: string;
  readonly number: number;
  readonly name: string;
  readonly ok: boolean;
  /** Bytes of content where it is whole. */
  readonly dataBytes: number;
  readonly reason: string;
}

/** Makes the library; the cartridges that were not there. */
export function initLibrary(directory: string, library: NewLibrary): readonly string[] {
  return createLibrary(directory, library);
}

/** The files that words of the command line name: cartridges, and directories of them. */
export function cartridgePaths(words: readonly string[]): string[] {
  const paths = words.flatMap((word) => {
    if (!statOf(word).isDirectory()) return [resolve(word)];
    return cartridgeNames(word).map((name) => cartridgePath(resolve(word), name));
  });
  if (paths.length === 0) throw new ArrayError('ENOENT', `no cartridges in ${words.join(' ')}`);
  return [...new Set(paths)];
}

function statOf(path: string): Stats {
  const stats = withDeviceErrors(() => statSync(path, { throwIfNoEntry: false }));
  if (stats !== undefined) return stats;
  throw new ArrayError('ENOENT', `there is no cartridge, or directory of them, ${path}`);
}

/** Cartridges that are read together; each is opened when it is needed. */
export class CartridgeSet {
  private readonly opened = new Map<string, SimhTape>();

  constructor(private readonly paths: readonly string[]) {}

  list(): CartridgeRow[] {
    const ends = new Map<string, TapeFile['end']>();
    const rows = this.paths.map((path) => {
      const cartridge = cartridgeName(path);
      try {
        const { volumeId, backups, continuation, otherFiles, problems } = this.backupsOn(path);
        const label = continuation?.label;
        if (continuation) ends.set(partKey(continuation.label), continuation.end);
        const continues = label ? { file: label.fileId, part: label.section } : null;
        return {
          ...{ cartridge, volumeId, backups: backups.map(backupRow) },
          ...{ continues, otherFiles, problems },
        };
      } catch (error) {
        const problems = [reasonOf(error)];
        return { cartridge, volumeId: null, backups: [], continues: null, otherFiles: 0, problems };
      }
    });
    return rows.map((row) => ({ ...row, backups: row.backups.map((one) => withEnd(one, ends)) }));
  }

  /**
   * Writes the backup that `reference` names into a file; bytes of content, and the volume
   * information stored with it.
   */
  extract(
    reference: string,
    file: string,
    options: {
      readonly replace: boolean;
      readonly onto: boolean;
      readonly onProgress: OnProgress;
    },
  ): { backup: BackupRow; dataBytes: number; information: Uint8Array | undefined } {
    const { path, entry } = this.find(reference);
    const dataBytes = extractBackup(this.image(path, entry), file, options);
    return { backup: backupRow(entry), dataBytes, information: entry.information };
  }

  /** Every backup that begins on these cartridges. */
  verify(onProgress: (doneBytes: number, totalBytes: number) => void): Verdict[] {
    return this.paths.flatMap((path) =>
      this.backupsOn(path).backups.map((entry) => {
        const { number, manifest } = entry;
        const subject = { cartridge: cartridgeName(path), number, name: manifest.name };
        try {
          const dataBytes = verifyBackup(this.image(path, entry), (done) =>
            onProgress(done, manifest.imageBytes),
          );
          return { ...subject, ok: true, dataBytes, reason: '' };
        } catch (error) {
          return { ...subject, ok: false, dataBytes: 0, reason: reasonOf(error) };
        }
      }),
    );
  }

  close(): void {
    for (const tape of this.opened.values()) tape.close();
    this.opened.clear();
  }

  /** On the first cartridge that knows it. */
  private find(reference: string): { readonly path: string; readonly entry: BackupEntry } {
    const reasons: string[] = [];
    for (const path of this.paths) {
      try {
        return { path, entry: findBackup(this.backupsOn(path).backups, reference) };
      } catch (error) {
        if (error instanceof ArrayError && error.code === 'EINVAL' && !isDevice(error)) throw error;
        if (isDevice(error)) reasons.push(`${cartridgeName(path)}: ${reasonOf(error)}`);
      }
    }
    const why = reasons.length === 0 ? '' : ` (${reasons.join('; ')})`;
    throw new ArrayError('ENOENT', `no backup '${reference}' begins on these cartridges${why}`);
  }

  private backupsOn(path: string) {
    return listBackups(this.tape(path));
  }

  private image(path: string, entry: BackupEntry): BackupImage {
    return tapeImage(entry, this.tape(path), { open: (section) => this.continuation(section) });
  }

  private continuation(section: SectionKey) {
    for (const path of this.paths) {
      const tape = this.tape(path);
      const start = readStart(tape);
      if (start !== undefined && beginsWith(start, section)) return { tape, file: firstFile(tape) };
    }
    throw noNextVolume(section);
  }

  private tape(path: string): SimhTape {
    const tape = this.opened.get(path) ?? SimhTape.open(path, 'read');
    this.opened.set(path, tape);
    return tape;
  }
}

/** Makes an empty volume of a labelled cartridge, with the name of its file where a label can say it; returns what it says. */
export function eraseCartridge(path: string): string {
  if (isWriteProtected(statOf(path))) {
    throw new DeviceError('write-protected', `${path} is write-protected`);
  }
  const lock = lockOrBusy(join(dirname(path), `.${basename(path)}`), 'arrayfs tape erase', path);
  try {
    const tape = SimhTape.open(path, 'write');
    try {
      const start = readStart(tape);
      if (start === undefined) throw new DeviceError('foreign', `${path} has no tape labels`);
      const name = cartridgeName(path);
      const volumeId = isVolumeId(name) ? name : start.volume.volumeId;
      labelCartridge(tape, volumeId);
      return volumeId;
    } finally {
      tape.close();
    }
  } finally {
    lock.release();
  }
}

function cartridgeName(path: string): string {
  return basename(path, extname(path));
}

function backupRow({ number, manifest, information, data, state }: BackupEntry): BackupRow {
  const { backup, name, imageBytes, takenMs, startedMs, form, label } = manifest;
  const { arraySerial, volumeNumber, volumeUuid } = manifest;
  return {
    ...{ number, backup, name, imageBytes, tapeBytes: data?.dataBytes ?? 0, takenMs, startedMs },
    ...{ form, state, label, arraySerial, volumeNumber, volumeUuid },
    hasInformation: information !== undefined,
    ...{ image: manifest.image ?? null, base: manifest.base ?? null },
  };
}

const partKey = ({ fileId, section }: { fileId: string; section: number }) =>
  `${fileId} ${section}`;

/** One that goes on on a cartridge that is there, too, and was never ended, is incomplete. */
function withEnd(row: BackupRow, ends: ReadonlyMap<string, TapeFile['end']>): BackupRow {
  if (row.state !== 'continued') return row;
  const fileId = dataFileId(row.backup);
  for (let section = 2; ends.has(partKey({ fileId, section })); section += 1) {
    if (ends.get(partKey({ fileId, section })) === undefined)
      return { ...row, state: 'incomplete' };
  }
  return row;
}

function isDevice(error: unknown): error is DeviceError {
  return error instanceof DeviceError;
}

/** Other errors pass. */
function reasonOf(error: unknown): string {
  if (isDevice(error)) return error.reason;
  throw error;
}
