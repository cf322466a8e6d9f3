/** Restores on another array than that of the volume: from a copy on the other array, and from tape. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BackupEntry } from '../../../src/backup/backup-entry.js';
import type { KnownArray } from '../../../src/backup/client/errand-handler.js';
import type { ErrandInput } from '../../../src/backup/errands.js';
import { tapeCopyHandler } from '../../../src/backup/media/copy-handlers.js';
import { filesHandler } from '../../../src/backup/volumes/look-into.js';
import { restoreHandler } from '../../../src/backup/volumes/restore-volume.js';
import { ErrandBench, snapshotBackup } from '../../support/errand-context.js';
import { canLoop, MountedArray } from '../../support/mounted-array.js';
import { done } from '../../support/programs.js';
import { cleanScratch, subdirectory } from '../../support/scratch-directory.js';

describe.skipIf(!canLoop)('restore on another array', () => {
  let first: MountedArray;
  let second: MountedArray;
  let bench: ErrandBench;
  let entry: BackupEntry;
  const restore = (from: BackupEntry, changes: Partial<ErrandInput<'restore'>>) =>
    restoreHandler.perform(
      {
        ...{ entry: from, chain: [], target: null, array: null, force: false },
        ...{ pre: null, post: null, ...changes },
      },
      bench.context(),
    );
  const known = async (array: MountedArray): Promise<KnownArray> => {
    const found = (await bench.arrays()).find(({ mountPoint }) => mountPoint === array.mount);
    if (found === undefined) throw new Error('no array');
    return found;
  };

  beforeAll(async () => {
    first = MountedArray.create();
    second = MountedArray.create({ mountWords: ['--allow-faults'] });
    bench = new ErrandBench([first, second], first.directory);
    first.ok('create', 'db 16M');
    done('mkfs.ext4', '-q', first.volume('db'));
    entry = await snapshotBackup(first, 'db', 12);
    writeFileSync(first.volume('db'), Buffer.alloc(4096, 'x'), { flag: 'r+' });
  });
  afterAll(cleanScratch);

  it('writes to the array that is named, which has the volume or not', async () => {
    await restore(entry, { array: second.mount, target: 'fresh' });
    done('cmp', second.volume('fresh'), first.snapshot('db', 'backup-12'));
    expect(second.read('info', 'fresh')).toBe('');
    second.ok('create', 'large 24M');
    await restore(entry, { array: (await known(second)).uuid, target: 'large' });
    done('cmp', second.volume('large'), first.snapshot('db', 'backup-12'));
    expect(second.snapshots().map(({ volume }) => volume)).toEqual(['large']);
  });

  it('is refused where the volume is in a pair there, before anything is done to it', async () => {
    second.ok('create', 'main 16M');
    second.ok('create', 'mirror 16M');
    second.ok('paircreate', 'main mirror mode=on-demand');
    const refused = restore(entry, { array: second.mount, target: 'main' });
    await expect(refused).rejects.toThrow('EBUSY: main is in pair main:mirror');
    expect(second.snapshots().filter(({ volume }) => volume === 'main')).toEqual([]);
  });

  it('that fails in the middle gives the volume its old content back, and mounts it again', async () => {
    second.ok('create', 'old 16M');
    // Its file system ends before the fault begins.
    done('mkfs.ext4', '-q', second.volume('old'), '4M');
    const point = second.loopMount(second.volume('old'), 'old');
    writeFileSync(join(point, 'file'), 'old');
    second.ok('fault', 'volume:old EIO range=8M-16M');
    const failed = restore(entry, { array: second.mount, target: 'old' });
    await expect(failed).rejects.toThrow('old has its old content again');
    second.ok('fault', 'all clear=yes');
    expect(readFileSync(join(point, 'file'), 'utf8')).toBe('old');
    expect(second.snapshots().filter(({ volume }) => volume === 'old')).toEqual([]);
    await second.loopUnmount(point);
    done('fsck.ext4', '-fn', second.volume('old'));
  });

  it('from tape needs no volume, and looks into it as into any other', async () => {
    const library = subdirectory(first.directory, 'tapes');
    const device = `tape0 kind=tape path=${library} slots=2 capacity=200M`;
    first.ok('device', device);
    const order = { entry, chain: [], runNumber: 13, device: 'tape0', since: null, move: false };
    await tapeCopyHandler.perform(order, bench.context());
    const [tape] = bench.changes.flatMap(({ add }) => add).filter(({ id }) => id === '13');
    if (tape === undefined) throw new Error('no entry of the tape');
    const input = { entry: tape, chain: [], path: '/' };
    const { rows } = await filesHandler.perform(input, bench.context());
    expect(rows.map(({ name }) => name)).toEqual(['lost+found']);
    await restore(tape, { target: 'again' });
    done('cmp', first.volume('again'), first.snapshot('db', 'backup-12'));
    await restore(tape, {});
    expect(readFileSync(first.volume('db')).equals(readFileSync(first.volume('again')))).toBe(true);
    expect(first.volumes().map(({ name }) => name)).toEqual(['db', 'again']);
  });
});
