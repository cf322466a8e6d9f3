/** Cartridges of a backup that are full, and what becomes of them while others are written: looked at again at its end. */
import { copyFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { beginBackup } from '../../src/device/backup-image.js';
import { TapeLibrary } from '../../src/device/tape-library.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { MANIFEST } from './backup-examples.js';
import { denseExtent, feed } from './backup-source.js';
import { makeLibrary } from './device-cases.js';

afterAll(cleanScratch);

const IMAGE_BYTES = 2_500 * 1024;
const EXTENTS = [denseExtent(0, IMAGE_BYTES)];
const MANAGEMENT = {
  manifest: { ...MANIFEST, imageBytes: IMAGE_BYTES },
  information: undefined,
};

describe('a cartridge that became full', () => {
  it.each<[string, (path: string) => void, RegExp]>([
    ['deleted', (path) => rmSync(path), /^ENXIO: cartridge AFS001 with part 1 of AFS-.* is gone$/],
    ['cut off', (path) => truncateSync(path, 700_000), /^ENXIO: cartridge AFS001 .* any more/],
    [
      'cut off at a mark',
      (path) => truncateSync(path, 3 * 88 + 4),
      / does not end with it any more$/,
    ],
    [
      'replaced by one with its label',
      (path) => copyFileSync(path.replace('001', '004'), path),
      / does not end with it any more$/,
    ],
  ])('and is %s while others are written ends the backup', (_what, change, message) => {
    const directory = makeLibrary({ slots: 4, drives: 1 });
    const session = new TapeLibrary(directory).login('CL1-C');
    const writer = beginBackup(session, 'AFS001', MANAGEMENT);
    feed(writer, EXTENTS);
    change(join(directory, 'AFS001.tap'));
    expect(() => writer.finish()).toThrow(message);
    session.logout();
  });

  it('and is read by somebody while others are written is there', () => {
    const library = new TapeLibrary(makeLibrary({ slots: 3, drives: 2 }));
    const session = library.login('CL1-C');
    const writer = beginBackup(session, 'AFS001', MANAGEMENT);
    feed(writer, EXTENTS);
    const reader = library.login('CL2-C');
    reader.reserve('AFS001');
    expect(writer.finish().media).toEqual(['AFS001', 'AFS002', 'AFS003']);
    session.logout();
    reader.logout();
  });
});
