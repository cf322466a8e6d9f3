/** What a list of cartridges says of backups that are on several of them. */
import { statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { CartridgeSet } from '../../src/cli/tape.js';
import { beginBackup } from '../../src/device/backup-image.js';
import { TapeLibrary } from '../../src/device/tape-library.js';
import { MANIFEST } from '../device/backup-examples.js';
import { denseExtent, feed } from '../device/backup-source.js';
import { makeLibrary } from '../device/device-cases.js';
import { cleanScratch } from '../support/scratch-directory.js';

afterAll(cleanScratch);

const IMAGE_BYTES = 1_200 * 1024;

it('a backup that goes on on a cartridge where it has no end is incomplete', () => {
  const directory = makeLibrary();
  const session = new TapeLibrary(directory).login('CL1-C');
  const manifest = { ...MANIFEST, imageBytes: IMAGE_BYTES };
  const writer = beginBackup(session, 'AFS001', { manifest, information: undefined });
  feed(writer, [denseExtent(0, IMAGE_BYTES)]);
  writer.finish();
  session.logout();
  const [first, second] = ['AFS001', 'AFS002'].map((name) => join(directory, `${name}.tap`)) as [
    string,
    string,
  ];
  const states = () => {
    const set = new CartridgeSet([first, second]);
    const rows = set.list();
    set.close();
    return rows.flatMap(({ backups }) => backups.map(({ state }) => state));
  };
  expect(states()).toEqual(['continued']);
  truncateSync(second, statSync(second).size - 100);
  expect(states()).toEqual(['incomplete']);
});
