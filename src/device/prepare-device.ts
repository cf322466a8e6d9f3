/** Makes a new backup device usable, or says why it is not: a tape library is made where there is none. */
import { existsSync } from 'node:fs';
import { ArrayError } from '../base/errors.js';
import type { MediumInfo } from './backup-device.js';
import {
  addSlots,
  createLibrary,
  DRIVES_DEFAULT,
  type NewLibrary,
  readSettings,
  settingsPath,
} from './library-files.js';
import { type DeviceDefinition, openDevice } from './open-device.js';

const SLOTS_DEFAULT = 8;
const CARTRIDGE_BYTES_DEFAULT = 100 * 2 ** 30;
const PREFIX_DEFAULT = 'AFS';

/** What the user says of a library; the rest is as usual, or as it is. */
export type LibraryWish = Partial<NewLibrary> & {
  /** Of a library that is there: slots are added. */
  readonly isGrown?: boolean;
};

/** Works synchronously, and may wait for disks: never on the event loop. Gives the media it has. */
export function prepareDevice(
  device: DeviceDefinition,
  library: LibraryWish,
): readonly MediumInfo[] {
  if (device.kind === 'tape') prepareLibrary(device.path, library);
  else if (Object.keys(library).length > 0) {
    throw new ArrayError('EINVAL', 'slots=, drives=, capacity= and prefix= are for kind=tape');
  }
  // Nothing is taken by a login.
  const opened = openDevice(device);
  opened.login('the array').logout();
  return opened.media();
}

function prepareLibrary(directory: string, wish: LibraryWish): void {
  if (wish.isGrown === true) {
    addSlots(directory, wish.slots ?? 0);
    return;
  }
  if (existsSync(settingsPath(directory))) {
    checkSettings(directory, wish);
    return;
  }
  const { slots = SLOTS_DEFAULT, drives = Math.min(DRIVES_DEFAULT, slots) } = wish;
  const { cartridgeBytes = CARTRIDGE_BYTES_DEFAULT, prefix = PREFIX_DEFAULT } = wish;
  createLibrary(directory, { slots, drives, cartridgeBytes, prefix });
}

/** EEXIST where the library that is there is another one than wished for. */
function checkSettings(directory: string, wish: LibraryWish): void {
  const settings = readSettings(directory);
  for (const name of ['slots', 'drives', 'cartridgeBytes'] as const) {
    const wished = wish[name];
    if (wished === undefined || wished === settings[name]) continue;
    const shown = name === 'cartridgeBytes' ? 'cartridges of so many bytes' : name;
    throw new ArrayError(
      'EEXIST',
      `${directory} is a tape library already, with ${shown}: ${settings[name]}, not ${wished}`,
    );
  }
}
