/** What a copy to a volume leaves when it fails, over a directory of plain files. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { BackupEntry } from '../../../src/backup/backup-entry.js';
import { copyHandler } from '../../../src/backup/media/copy-handlers.js';
import { sectorOfEntry } from '../../../src/backup/sector-entry.js';
import { ArrayError } from '../../../src/base/errors.js';
import { cleanScratch } from '../../support/scratch-directory.js';
import { EXAMPLE_ENTRY } from '../example-entry.js';
import { FakeArray } from '../fake-array.js';
import { FakeContext } from '../fake-context.js';

const CONTENT = Buffer.alloc(4096, 'x');
let array: FakeArray;
let context: FakeContext;
let backup: BackupEntry;

afterAll(cleanScratch);

beforeEach(() => {
  array = new FakeArray(EXAMPLE_ENTRY.arrayUuid);
  context = new FakeContext([array.known]);
  array.add('db', { content: CONTENT });
  const made = array.add('db@nightly-12', { content: CONTENT });
  backup = {
    ...EXAMPLE_ENTRY,
    ...{ volumeNumber: made.number, volumeUuid: made.uuid, imageBytes: CONTENT.length },
    ...{ sourceUuid: array.find('db').uuid, sourceNumber: array.find('db').number },
  };
  made.sector = sectorOfEntry(backup);
});

/** What the volume holds from an earlier copy; its entry. */
function addCopy(volume: string): BackupEntry {
  const made = array.add(volume, { content: CONTENT });
  const entry: BackupEntry = {
    ...backup,
    ...{ id: '5', jobNumber: 5, copyOf: '4', place: { kind: 'array', volume } },
    ...{ volumeNumber: made.number, volumeUuid: made.uuid },
  };
  made.sector = sectorOfEntry(entry);
  context.entries.set('5', entry);
  return entry;
}

function copied(destination: string, more = {}) {
  array.write();
  const order = { entry: backup, chain: [], runNumber: 20, incremental: false, force: false };
  return copyHandler.perform({ ...order, destination, ...more }, context);
}

function failAfter(change: () => void): void {
  array.commands.set('ecopy', () => {
    change();
    const job = { state: 'failed', message: 'EIO: lost', done: 0, total: 1, unit: 'bytes' };
    writeFileSync(join(array.mountPoint, 'jobs', '7.json'), JSON.stringify(job));
    return 'job 7 ecopy';
  });
}

describe('a copy onto content of somebody', () => {
  it('is refused, with the way to do it all the same', async () => {
    array.add('other', { content: CONTENT });
    const why = /EBUSY: volume other has content, .*copy --force overwrites it$/;
    await expect(copied('other')).rejects.toThrow(why);
  });
});

describe('a copy that fails', () => {
  it('leaves no half volume that was made for it', async () => {
    failAfter(() => array.add('new', { content: CONTENT.subarray(0, 512) }));
    await expect(copied('new')).rejects.toMatchObject({ code: 'EIO', reason: 'lost' });
    expect(array.lines.at(-1)).toBe('delete new');
    expect(context.changes).toEqual([]);
  });

  it('leaves a volume that was there, and its backup out of the catalog where that has gone', async () => {
    addCopy('far');
    failAfter(() => {
      array.find('far').sector = undefined;
    });
    await expect(copied('far')).rejects.toMatchObject({ code: 'EIO' });
    expect(array.find('far')).toBeDefined();
    expect(context.entries.has('5')).toBe(false);
  });

  it('brings back to the catalog what was not overwritten', async () => {
    const earlier = addCopy('far');
    array.commands.set('ecopy', () => {
      throw new ArrayError('EBUSY', 'far is in use');
    });
    await expect(copied('far')).rejects.toMatchObject({ code: 'EBUSY' });
    expect(context.entries.get('5')).toEqual(earlier);
  });
});

describe('a copy whose array dies', () => {
  it('brings back to the catalog what was not overwritten, when the array is back', async () => {
    const earlier = addCopy('far');
    let looks = 0;
    array.commands.set('ecopy', () => {
      context.arrays = async () => {
        looks += 1;
        return looks < 3 ? [] : [array.known];
      };
      throw new ArrayError('ENXIO', 'the array has ended');
    });
    await expect(copied('far')).rejects.toMatchObject({ code: 'ENXIO' });
    expect(looks).toBeGreaterThan(2);
    expect(context.entries.get('5')).toEqual(earlier);
  });
});

describe('a volume that holds something', () => {
  it.each([
    ['another backup', { definition: 'other' }],
    ['a backup of another source', { sourceUuid: EXAMPLE_ENTRY.arrayUuid }],
  ])('is not overwritten where that is %s, unless forced', async (_what, more) => {
    const entry = { ...addCopy('far'), ...more };
    array.find('far').sector = sectorOfEntry(entry);
    await expect(copied('far')).rejects.toMatchObject({ code: 'EBUSY' });
    expect(array.lines).toEqual([]);
    failAfter(() => undefined);
    await expect(copied('far', { force: true })).rejects.toMatchObject({ reason: 'lost' });
    expect(array.lines[0]).toContain('ecopy db@nightly-12 far');
    expect(array.lines[0]).toContain('force=yes');
  });

  it('is refused where the backup was written to since', async () => {
    array.find('db@nightly-12').isModified = true;
    await expect(copied('new')).rejects.toMatchObject({ code: 'EINVAL' });
  });
});
