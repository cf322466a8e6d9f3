/** Backups on several cartridges: labels by hand, which cartridge comes next, what is missing. */
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { beginBackup, openBackup, resumeBackup } from '../../src/device/backup-image.js';
import type { Management } from '../../src/device/backup-manifest.js';
import { TapeLibrary } from '../../src/device/tape-library.js';
import { listBackups } from '../../src/device/tape-listing.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { BACKUP, MANIFEST } from './backup-examples.js';
import { contentOf, denseExtent, feed, hashOf, imageOf } from './backup-source.js';
import { CARTRIDGE_BYTES, makeLibrary } from './device-cases.js';
import { LABEL_TEXTS, labelBytes } from './example-labels.js';
import { faultOf, reasonOf } from './fault-of.js';
import { MARK, record } from './tap-builder.js';

afterAll(cleanScratch);

const IMAGE_BYTES = 2_500 * 1024;
const EXTENTS = [denseExtent(0, IMAGE_BYTES)];
const IMAGE_HASH = hashOf(imageOf(EXTENTS, IMAGE_BYTES));
const MANAGEMENT: Management = {
  manifest: { ...MANIFEST, imageBytes: IMAGE_BYTES },
  information: undefined,
};

function newLibrary(slots = 4) {
  const directory = makeLibrary({ slots, drives: 1 });
  const pathOf = (name: string) => join(directory, `${name}.tap`);
  return { directory, library: new TapeLibrary(directory), pathOf };
}

function backUp(
  library: TapeLibrary,
  management = MANAGEMENT,
  medium = 'AFS001',
  extents = EXTENTS,
) {
  const session = library.login('CL1-C');
  try {
    const writer = beginBackup(session, medium, management);
    feed(writer, extents);
    return writer.finish().media;
  } finally {
    session.logout();
  }
}

function restoredHash(library: TapeLibrary, medium = 'AFS001'): string {
  const session = library.login('CL2-C');
  try {
    return hashOf(contentOf(openBackup(session, medium)));
  } finally {
    session.logout();
  }
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

describe.each(['sparse', 'plain'] as const)('a %s backup larger than a cartridge', (form) => {
  const management = { ...MANAGEMENT, manifest: { ...MANAGEMENT.manifest, form } };

  it('goes on on the next empty cartridges and comes back from them', () => {
    const { library } = newLibrary();
    expect(backUp(library, management)).toEqual(['AFS001', 'AFS002', 'AFS003']);
    expect(restoredHash(library)).toBe(IMAGE_HASH);
    expect(library.media().every((medium) => medium.holder === undefined)).toBe(true);
  });

  it('has labels that join its parts', () => {
    const { library, pathOf } = newLibrary();
    backUp(library, management);
    const [first, second, third] = ['AFS001', 'AFS002', 'AFS003'].map((name) =>
      readFileSync(pathOf(name)),
    ) as [Buffer, Buffer, Buffer];
    const id = 'AFS-1A2B3C4D.DAT ';
    const counts = [first, second, third].map((image) => {
      expect(image.length).toBeLessThanOrEqual(CARTRIDGE_BYTES);
      expect(image.subarray(-8)).toEqual(Buffer.concat([MARK, MARK]));
      return Number(text(image.subarray(-8 - 2 * 88 + 4)).slice(54, 60));
    });
    const trailer = (image: Buffer) => text(image.subarray(-8 - 2 * 88 + 4)).slice(0, 41);
    expect(trailer(first)).toBe(`EOV1${id}AFS00100010002000100`);
    expect(trailer(second)).toBe(`EOV1${id}AFS00100020002000100`);
    expect(trailer(third)).toBe(`EOF1${id}AFS00100030002000100`);
    expect(text(second.subarray(4, 14))).toBe('VOL1AFS002');
    expect(text(second.subarray(92, 133))).toBe(`HDR1${id}AFS00100020002000100`);
    expect(text(third.subarray(92, 133))).toBe(`HDR1${id}AFS00100030002000100`);
    const bytes = form === 'plain' ? 65_536 : 65_024;
    expect(counts.reduce((sum, count) => sum + count)).toBe(Math.ceil(IMAGE_BYTES / bytes));
    expect(second.length - (88 + 2 * 88 + 4 + 4 + 2 * 88 + 8)).toBe(65_544 * (counts[1] ?? 0));
  });
});

describe('the next cartridge', () => {
  it('is the next empty one after the present, around the library', () => {
    const { library } = newLibrary();
    const small = { ...MANIFEST, backup: `5${BACKUP.slice(1)}` };
    const session = library.login('CL1-C');
    beginBackup(session, 'AFS004', { manifest: small, information: undefined }).finish();
    session.logout();
    expect(backUp(library, MANAGEMENT, 'AFS003')).toEqual(['AFS003', 'AFS001', 'AFS002']);
    expect(restoredHash(library, 'AFS003')).toBe(IMAGE_HASH);
  });

  it('is none that is foreign, write-protected or in use', () => {
    const { library, pathOf } = newLibrary(7);
    writeFileSync(pathOf('AFS002'), record('foreign'));
    chmodSync(pathOf('AFS003'), 0o444);
    writeFileSync(pathOf('AFS004'), Buffer.alloc(3));
    const holder = new TapeLibrary(library.directory, ['CL2-C']).login('CL2-C');
    // The one drive of the library is for the backup.
    expect(faultOf(() => holder.reserve('AFS005'))).toBe('none');
    holder.release();
    expect(backUp(library)).toEqual(['AFS001', 'AFS005', 'AFS006']);
  });

  it('is in use by another session', () => {
    const directory = makeLibrary({ slots: 4, drives: 2 });
    const library = new TapeLibrary(directory);
    const holder = library.login('CL2-C');
    holder.reserve('AFS002');
    expect(backUp(library)).toEqual(['AFS001', 'AFS003', 'AFS004']);
    holder.logout();
  });

  it('where there is none ends the backup with full, and it goes on when there is one', () => {
    const { library, pathOf } = newLibrary(3);
    renameSync(pathOf('AFS003'), pathOf('AFS003').replace('.tap', '.away'));
    const session = library.login('CL1-C');
    const writer = beginBackup(session, 'AFS001', MANAGEMENT);
    const pointer = writer.checkpoint();
    expect(reasonOf(() => feed(writer, EXTENTS))).toBe(
      'cartridge AFS002 is full and the library has no empty one to go on with',
    );
    session.logout();
    expect(reasonOf(() => restoredHash(library))).toBe('part 2 of AFS-1A2B3C4D.DAT has no end');
    renameSync(pathOf('AFS003').replace('.tap', '.away'), pathOf('AFS003'));
    const later = library.login('CL2-C');
    const resumed = resumeBackup(later, pointer, MANAGEMENT);
    expect(resumed.nextOffset).toBeGreaterThan(2 * (CARTRIDGE_BYTES - 2 ** 18));
    feed(resumed, EXTENTS);
    expect(resumed.finish().media).toEqual(['AFS001', 'AFS002', 'AFS003']);
    later.logout();
    expect(restoredHash(library)).toBe(IMAGE_HASH);
  });
});

describe('a backup for which there were too few cartridges', () => {
  const SMALL = { ...MANIFEST, backup: `5${BACKUP.slice(1)}`, imageBytes: 512 };
  const states = (library: TapeLibrary, medium: string) => {
    const session = library.login('LIST');
    try {
      session.reserve(medium);
      return listBackups(session.load('read')).backups.map((entry) => entry.state);
    } finally {
      session.logout();
    }
  };

  it('is incomplete where it had but one, and overwritten there by the next', () => {
    const { library, pathOf } = newLibrary(3);
    backUp(library, { ...MANAGEMENT, manifest: SMALL }, 'AFS003', []);
    backUp(library, { ...MANAGEMENT, manifest: SMALL }, 'AFS001', []);
    backUp(library, { ...MANAGEMENT, manifest: SMALL }, 'AFS002', []);
    const before = readFileSync(pathOf('AFS003'));
    expect(faultOf(() => backUp(library, MANAGEMENT, 'AFS003'))).toBe('full');
    expect(states(library, 'AFS003')).toEqual(['complete', 'incomplete']);
    const another = { ...SMALL, backup: `6${BACKUP.slice(1)}` };
    backUp(library, { ...MANAGEMENT, manifest: another }, 'AFS003', []);
    expect(states(library, 'AFS003')).toEqual(['complete', 'complete']);
    const start = readFileSync(pathOf('AFS003')).subarray(0, before.length - 4);
    expect(hashOf(start)).toBe(hashOf(before.subarray(0, -4)));
  });

  it('is begun again on the same cartridges, and one more', () => {
    const { library, pathOf } = newLibrary(3);
    renameSync(pathOf('AFS003'), `${pathOf('AFS003')}.away`);
    expect(faultOf(() => backUp(library))).toBe('full');
    renameSync(`${pathOf('AFS003')}.away`, pathOf('AFS003'));
    const again = { ...MANAGEMENT.manifest, backup: `5${BACKUP.slice(1)}` };
    expect(backUp(library, { ...MANAGEMENT, manifest: again })).toEqual([
      ...['AFS001', 'AFS002', 'AFS003'],
    ]);
    expect(restoredHash(library)).toBe(IMAGE_HASH);
    const other = new Set(library.media().map(({ name }) => pathOf(name)));
    for (const path of other) expect(readFileSync(path).includes('AFS-1A2B3C4D')).toBe(false);
  });

  it('is kept where its further cartridge is elsewhere: it may be whole', () => {
    const { library, pathOf } = newLibrary(3);
    backUp(library);
    renameSync(pathOf('AFS003'), `${pathOf('AFS003')}.away`);
    expect(faultOf(() => backUp(library))).toBe('full');
    renameSync(`${pathOf('AFS003')}.away`, pathOf('AFS003'));
    expect(restoredHash(library)).toBe(IMAGE_HASH);
  });
});

describe('reading over several cartridges', () => {
  it.each(['AFS002', 'AFS003'])('without %s is no next volume', (name) => {
    const { library, pathOf } = newLibrary();
    backUp(library);
    rmSync(pathOf(name));
    const part = name === 'AFS002' ? 2 : 3;
    expect(faultOf(() => restoredHash(library))).toBe('no-next-volume');
    expect(reasonOf(() => restoredHash(library))).toBe(
      `no cartridge has part ${part} of AFS-1A2B3C4D.DAT`,
    );
  });

  it('finds a cartridge that has another name and place now', () => {
    const { library, pathOf } = newLibrary();
    backUp(library);
    renameSync(pathOf('AFS002'), pathOf('ZZZ999'));
    expect(restoredHash(library)).toBe(IMAGE_HASH);
  });

  it('finds a part without its end damaged', () => {
    const { library, pathOf } = newLibrary();
    backUp(library);
    const image = readFileSync(pathOf('AFS003'));
    writeFileSync(pathOf('AFS003'), image.subarray(0, -190));
    expect(reasonOf(() => restoredHash(library))).toBe('part 3 of AFS-1A2B3C4D.DAT has no end');
  });

  it('lists what begins on a cartridge, and what goes on there', () => {
    const { library } = newLibrary();
    backUp(library);
    const session = library.login('LIST');
    const listed = (name: string) => {
      session.reserve(name);
      return listBackups(session.load('read'));
    };
    expect(listed('AFS001')).toMatchObject({
      volumeId: 'AFS001',
      backups: [{ number: 1, state: 'continued' }],
      continuation: undefined,
    });
    expect(listed('AFS002')).toMatchObject({
      backups: [],
      continuation: { label: { fileId: 'AFS-1A2B3C4D.DAT', section: 2 }, end: 'EOV' },
    });
    expect(listed('AFS004')).toEqual({
      ...{ volumeId: 'AFS004', backups: [], continuation: undefined },
      ...{ otherFiles: 0, problems: [] },
    });
    session.logout();
  });

  it('a cartridge that ends with a part takes no backup, one behind the last part does', () => {
    const { library } = newLibrary();
    backUp(library);
    const small = { ...MANIFEST, backup: `5${BACKUP.slice(1)}`, imageBytes: 512 };
    const add = (medium: string) => {
      const session = library.login('CL1-C');
      try {
        const writer = beginBackup(session, medium, { manifest: small, information: undefined });
        writer.finish();
        return session.loaded.position;
      } finally {
        session.logout();
      }
    };
    expect(faultOf(() => add('AFS001'))).toBe('full');
    expect(reasonOf(() => add('AFS002'))).toMatch(/its last file goes on on another$/);
    expect(faultOf(() => add('AFS003'))).toBe('none');
    const session = library.login('LIST');
    session.reserve('AFS003');
    const [added] = listBackups(session.load('read')).backups;
    expect(added?.data?.label).toMatchObject({ setId: 'AFS001', sequence: 4, section: 1 });
    session.logout();
    expect(restoredHash(library)).toBe(IMAGE_HASH);
  });
});

describe('labels', () => {
  it('of the examples are those of the cartridges of a new library', () => {
    const { pathOf } = newLibrary(1);
    const image = Buffer.concat([record(labelBytes(LABEL_TEXTS.VOL1)), MARK, MARK]);
    expect(readFileSync(pathOf('AFS001'))).toEqual(image);
  });
});
