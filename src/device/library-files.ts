/**
 * The files of a tape library: a directory with one SIMH .tap file for each cartridge and its
 * settings beside them:
 *
 *   library.json   {"format":"AFSTAPES1","slots":8,"drives":2,"cartridgeBytes":1073741824}
 *   NAME.tap       the cartridge with the barcode NAME
 *
 * A cartridge is write-protected while its file has no permission to write for anybody
 * (`chmod a-w AFS001.tap`); that holds for root, too.
 */
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ArrayError, asArrayError } from '../base/errors.js';
import { CARTRIDGE_BYTES_MIN, TAPE_SLOTS_MAX } from '../base/limits.js';
import { makeDirectories } from '../base/make-directories.js';
import { DeviceError, withDeviceErrors } from './device-error.js';
import { writeVolume } from './labelled-tape.js';
import { directoryProblem, pathKind } from './path-kind.js';
import { SimhTape } from './simh-tape.js';

const SETTINGS_FILE = 'library.json';
const FORMAT = 'AFSTAPES1';
const SUFFIX = '.tap';
export const DRIVES_DEFAULT = 2;
/** Characters of a volume identifier in VOL1. */
const VOLUME_ID_CHARACTERS = 6;
const ANY_WRITE_PERMISSION = 0o222;

export interface LibrarySettings {
  readonly slots: number;
  readonly drives: number;
  /** Capacity of each cartridge. */
  readonly cartridgeBytes: number;
}

export interface NewLibrary extends LibrarySettings {
  /** Barcodes are this and a number: AFS001, AFS002, ... */
  readonly prefix: string;
}

/** Makes a library with labelled, empty cartridges in all slots. Those that are there are kept. */
export function createLibrary(directory: string, library: NewLibrary): readonly string[] {
  const { slots, drives, cartridgeBytes, prefix } = library;
  checkLibrary(library);
  return withDeviceErrors(() => {
    checkPlace(directory);
    makeDirectories(directory);
    if (existsSync(settingsPath(directory))) {
      throw new ArrayError('EEXIST', `${directory} is a tape library already`);
    }
    const digits = VOLUME_ID_CHARACTERS - prefix.length;
    const present = cartridgeNames(directory);
    if (present.length > slots) {
      throw new ArrayError('EINVAL', `${directory} has ${present.length} cartridges already`);
    }
    const names = Array.from({ length: slots }, (_, index) => {
      return `${prefix}${`${index + 1}`.padStart(digits, '0')}`;
    });
    const missing = names.filter((name) => !present.includes(name));
    const made = missing.slice(0, slots - present.length);
    for (const name of made) makeCartridge(cartridgePath(directory, name), name);
    writeSettings(directory, { slots, drives, cartridgeBytes });
    return made;
  });
}

/** More slots, with labelled, empty cartridges in those for which there is none; the names go on after the last one. */
export function addSlots(directory: string, slots: number): readonly string[] {
  const settings = readSettings(directory);
  if (slots < settings.slots) {
    throw new ArrayError(
      'EINVAL',
      `${directory} has ${settings.slots} slots: they only become more`,
    );
  }
  checkNumber(slots, 1, TAPE_SLOTS_MAX, 'slots');
  return withDeviceErrors(() => {
    const present = cartridgeNames(directory);
    const made = namesAfter(present, slots - present.length);
    for (const name of made) makeCartridge(cartridgePath(directory, name), name);
    writeSettings(directory, { ...settings, slots });
    return made;
  });
}

/** AFS009, AFS010 after AFS008; EINVAL where no number of six characters is left, or the last one has none. */
function namesAfter(present: readonly string[], count: number): string[] {
  if (count <= 0) return [];
  const last = present.at(-1) ?? '';
  const [, prefix, digits = ''] = /^([A-Z][A-Z0-9]*?)(\d+)$/.exec(last) ?? [];
  const names = Array.from({ length: count }, (_, index) => {
    return `${prefix}${`${Number(digits) + index + 1}`.padStart(digits.length, '0')}`;
  });
  const isRoom = prefix !== undefined && names.every(isVolumeId);
  if (isRoom && !names.some((name) => present.includes(name))) return names;
  throw new ArrayError('EINVAL', `after cartridge '${last}' there are no ${count} names`);
}

/** In one step: sessions may read it at any time. */
function writeSettings(directory: string, settings: LibrarySettings): void {
  const path = settingsPath(directory);
  writeFileSync(`${path}.new`, `${JSON.stringify({ format: FORMAT, ...settings })}\n`);
  renameSync(`${path}.new`, path);
}

/** ENOTDIR where something else is there. */
function checkPlace(directory: string): void {
  const stats = statSync(directory, { throwIfNoEntry: false });
  if (stats === undefined || stats.isDirectory()) return;
  const reason = `${directory} is ${pathKind(stats)}, a tape library is a directory`;
  throw new ArrayError('ENOTDIR', reason);
}

/** An empty cartridge; EEXIST where there is a file. */
export function makeCartridge(path: string, volumeId: string): void {
  const tape = SimhTape.open(path, 'create');
  try {
    labelCartridge(tape, volumeId);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    tape.close();
  }
}

/** Makes an empty volume of it: everything on it is gone. */
export function labelCartridge(tape: SimhTape, volumeId: string): void {
  const implementation = 'ARRAYFS';
  writeVolume(tape, { volumeId, accessibility: '', implementation, owner: '', version: '4' });
  tape.sync();
}

/** What the label of a cartridge may say. */
export function isVolumeId(name: string): boolean {
  return name.length <= VOLUME_ID_CHARACTERS && /^[A-Z0-9]+$/.test(name);
}

export function isWriteProtected(stats: Stats): boolean {
  return (stats.mode & ANY_WRITE_PERMISSION) === 0;
}

export function cartridgePath(directory: string, name: string): string {
  return join(directory, `${name}${SUFFIX}`);
}

/** A directory with this file is a library. */
export function settingsPath(directory: string): string {
  return join(directory, SETTINGS_FILE);
}

/** Names of the cartridge files of a directory, in order. */
export function cartridgeNames(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(SUFFIX) && !name.startsWith('.'))
    .map((name) => name.slice(0, -SUFFIX.length))
    .sort();
}

function checkLibrary({ slots, drives, cartridgeBytes, prefix }: NewLibrary): void {
  const largest = 10 ** (VOLUME_ID_CHARACTERS - prefix.length) - 1;
  if (!/^[A-Z][A-Z0-9]{0,4}$/.test(prefix)) {
    throw new ArrayError('EINVAL', `not a prefix of 1 to 5 characters of A-Z 0-9: '${prefix}'`);
  }
  const slotsMax = Math.min(TAPE_SLOTS_MAX, largest);
  checkNumber(slots, 1, slotsMax, `slots (with prefix ${prefix})`);
  checkNumber(drives, 1, slots, 'drives');
  checkNumber(cartridgeBytes, CARTRIDGE_BYTES_MIN, Number.MAX_SAFE_INTEGER, 'bytes of a cartridge');
}

function checkNumber(value: unknown, low: number, high: number, what: string): number {
  if (Number.isSafeInteger(value) && Number(value) >= low && Number(value) <= high) {
    return Number(value);
  }
  throw new ArrayError('EINVAL', `${what}: ${String(value)} is not from ${low} to ${high}`);
}

/** `missing` where the directory is no library, `damaged` where its settings cannot be. */
export function readSettings(directory: string): LibrarySettings {
  const path = settingsPath(directory);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const reason = directoryProblem(directory) ?? asArrayError(error).reason;
    throw new DeviceError('missing', `no tape library in ${directory}: ${reason}`);
  }
  try {
    const { format, slots, drives, cartridgeBytes } = JSON.parse(text) as Record<string, unknown>;
    if (format !== FORMAT) throw new ArrayError('EINVAL', `unknown format ${String(format)}`);
    return {
      slots: checkNumber(slots, 1, TAPE_SLOTS_MAX, 'slots'),
      drives: checkNumber(drives, 1, TAPE_SLOTS_MAX, 'drives'),
      cartridgeBytes: checkNumber(cartridgeBytes, 1, Number.MAX_SAFE_INTEGER, 'cartridgeBytes'),
    };
  } catch (error) {
    const reason = error instanceof ArrayError ? error.reason : 'no JSON';
    throw new DeviceError('damaged', `${path}: ${reason}`);
  }
}
