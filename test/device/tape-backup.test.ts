/** Backups on one cartridge: every byte of it by hand, appending, writers that stopped. */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { beginBackup, openBackup } from '../../src/device/backup-image.js';
import type { ImageExtent } from '../../src/device/data-block.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { BACKUP, INFORMATION, MANIFEST } from './backup-examples.js';
import { denseExtent, feed, hashOf, imageOf } from './backup-source.js';
import { faultOf, reasonOf } from './fault-of.js';
import { MARK } from './tap-builder.js';
import {
  backUp,
  EXTENTS,
  fileImage,
  listed,
  newLibrary,
  other,
  restored,
  SPARSE_IMAGE,
} from './tape-examples.js';

afterAll(cleanScratch);

describe('a backup on tape', () => {
  it('is two labelled files, byte for byte', () => {
    const { library, path } = newLibrary();
    backUp(library);
    expect(hashOf(readFileSync(path))).toBe(hashOf(SPARSE_IMAGE));
  });

  it('in plain form is the image in blocks of 64 KiB, holes as zeros', () => {
    const { library, path } = newLibrary();
    const manifest = { ...MANIFEST, form: 'plain' as const, imageBytes: 65_536 + 1024 };
    backUp(library, EXTENTS, { manifest, information: undefined });
    const image = imageOf(EXTENTS, manifest.imageBytes);
    const data = { id: 'AFS-1A2B3C4D.DAT', sequence: 2, blockBytes: 65_536 };
    const blocks = [image.subarray(0, 65_536), image.subarray(65_536)];
    const end = Buffer.concat([fileImage(data, blocks), MARK]);
    expect(hashOf(readFileSync(path).subarray(-end.length))).toBe(hashOf(end));
    expect(hashOf(restored(library))).toBe(hashOf(image));
  });

  it('is read back with its management', () => {
    const { library } = newLibrary();
    backUp(library);
    const session = library.login('CL1-C');
    const image = openBackup(session, 'AFS001');
    expect(image).toMatchObject({
      manifest: MANIFEST,
      information: INFORMATION,
      imageBytes: 2 ** 20,
    });
    expect([...image.extents()].map(({ offset, data }) => [offset, data.length])).toEqual([
      [4096, 1024],
      [65_536, 512],
    ]);
    session.logout();
    expect(hashOf(restored(library))).toBe(hashOf(imageOf(EXTENTS, 2 ** 20)));
  });

  it.each<['sparse' | 'plain', number, ImageExtent[]]>([
    ['sparse', 0, []],
    ['plain', 0, []],
    ['sparse', 2 ** 20, []],
    ['plain', 2 ** 20, []],
    ['sparse', 2 ** 20, [denseExtent(0, 2 ** 20)]],
    ['plain', 2 ** 20, [denseExtent(0, 2 ** 20)]],
    ['sparse', 65_024, [denseExtent(0, 65_024)]],
    ['plain', 512, [denseExtent(0, 512)]],
  ])('in %s form of %d bytes with %# extents comes back', (form, imageBytes, extents) => {
    const { library } = newLibrary();
    backUp(library, extents, other('2', { form, imageBytes }));
    expect(hashOf(restored(library))).toBe(hashOf(imageOf(extents, imageBytes)));
    expect(listed(library).backups[0]?.data?.blockCount).toBeGreaterThan(0);
  });

  it('is appended after the last one, which stays as it was', () => {
    const { library, path } = newLibrary();
    backUp(library);
    backUp(library, [denseExtent(0, 2 ** 20)], other('2', { name: 'log' }));
    backUp(library, [], other('3'));
    const start = readFileSync(path).subarray(0, SPARSE_IMAGE.length - 4);
    expect(hashOf(start)).toBe(hashOf(SPARSE_IMAGE.subarray(0, -4)));
    const { backups } = listed(library);
    expect(backups.map((entry) => [entry.number, entry.manifest.name, entry.state])).toEqual([
      [1, 'db@monday', 'complete'],
      [2, 'log', 'complete'],
      [3, 'db@monday', 'complete'],
    ]);
    expect(backups.map((entry) => entry.data?.label.sequence)).toEqual([2, 4, 6]);
    expect(hashOf(restored(library, '1'))).toBe(hashOf(imageOf(EXTENTS, 2 ** 20)));
    expect(hashOf(restored(library, 'log'))).toBe(
      hashOf(imageOf([denseExtent(0, 2 ** 20)], 2 ** 20)),
    );
    expect(hashOf(restored(library, 'db@monday'))).toBe(hashOf(Buffer.alloc(2 ** 20)));
    expect(hashOf(restored(library, BACKUP.slice(0, 8)))).toBe(hashOf(imageOf(EXTENTS, 2 ** 20)));
    expect(hashOf(restored(library))).toBe(hashOf(Buffer.alloc(2 ** 20)));
  });

  it.each([
    ['no such name', 'tuesday', 'ENOENT'],
    ['no such number', '4', 'ENOENT'],
    ['the beginning of several', '2b2b3c4d', 'ENOENT'],
  ])('named by %s is not found', (_what, reference, code) => {
    const { library } = newLibrary();
    backUp(library);
    expect(() => restored(library, reference)).toThrow(code);
  });

  it('named by the beginning of several UUIDs is refused', () => {
    const { library } = newLibrary();
    const twin = { ...MANIFEST, backup: `${BACKUP.slice(0, -1)}0` };
    backUp(library);
    backUp(library, EXTENTS, { manifest: twin, information: undefined });
    expect(() => restored(library, BACKUP.slice(0, 12))).toThrow('EINVAL: several backups');
    expect(hashOf(restored(library, BACKUP))).toBe(hashOf(imageOf(EXTENTS, 2 ** 20)));
  });

  it('that was not ended is incomplete, not restored, and overwritten by the next', () => {
    const { library, path } = newLibrary();
    backUp(library);
    const before = readFileSync(path);
    const session = library.login('CL1-C');
    const writer = beginBackup(session, 'AFS001', other('2'));
    feed(writer, [denseExtent(0, 2 ** 20)]);
    session.logout();
    expect(listed(library).backups.map((entry) => entry.state)).toEqual(['complete', 'incomplete']);
    expect(faultOf(() => restored(library, '2'))).toBe('damaged');
    expect(reasonOf(() => restored(library, '2'))).toMatch(/has no end/);
    backUp(library, [], other('3'));
    const start = readFileSync(path).subarray(0, before.length - 4);
    expect(hashOf(start)).toBe(hashOf(before.subarray(0, -4)));
    expect(listed(library).backups.map((entry) => entry.state)).toEqual(['complete', 'complete']);
  });

  it('of which only the management is there is overwritten, too', () => {
    const { library, path } = newLibrary();
    backUp(library);
    const dataStart = SPARSE_IMAGE.length - (5 * 4 + 4 * 88 + 65_544) + 4 + 4;
    truncateSync(path, dataStart);
    expect(listed(library).backups).toMatchObject([{ state: 'incomplete', data: undefined }]);
    backUp(library);
    expect(hashOf(readFileSync(path))).toBe(hashOf(SPARSE_IMAGE));
  });

  it('that is cut at any place is incomplete or not there, and the cartridge takes the next', () => {
    const { library, path } = newLibrary();
    backUp(library);
    const step = (size: number) => (size > 1_800 && size < SPARSE_IMAGE.length - 200 ? 997 : 1);
    for (let size = 88; size < SPARSE_IMAGE.length - 4; size += step(size)) {
      writeFileSync(path, SPARSE_IMAGE.subarray(0, size));
      const { backups, problems } = listed(library);
      expect([size, backups.filter((entry) => entry.state === 'complete'), problems]).toEqual([
        size,
        [],
        [],
      ]);
      backUp(library);
      expect(readFileSync(path).equals(SPARSE_IMAGE)).toBe(true);
    }
  });
});
