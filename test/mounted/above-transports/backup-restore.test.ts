/** Restore of volumes over a real mount: in place, elsewhere, from a mirror, refused, and after a crash at every note. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BackupEntry } from '../../../src/backup/backup-entry.js';
import type { ErrandInput } from '../../../src/backup/errands.js';
import { entryAt } from '../../../src/backup/media/array-copies.js';
import { restoreHandler } from '../../../src/backup/volumes/restore-volume.js';
import { ErrandBench, snapshotBackup } from '../../support/errand-context.js';
import { repeat } from '../../support/factor.js';
import { canLoop, MountedArray } from '../../support/mounted-array.js';
import { done, run, shell, start, until } from '../../support/programs.js';
import { cleanScratch, mountsBelow, subdirectory } from '../../support/scratch-directory.js';

describe.skipIf(!canLoop)('restore of a volume', () => {
  let array: MountedArray;
  let bench: ErrandBench;
  const input = (
    entry: BackupEntry,
    changes: Partial<ErrandInput<'restore'>> = {},
  ): ErrandInput<'restore'> => ({
    ...{ entry, chain: [], target: null, array: null, force: false, pre: null, post: null },
    ...changes,
  });
  const restore = (entry: BackupEntry, changes: Partial<ErrandInput<'restore'>> = {}) =>
    restoreHandler.perform(input(entry, changes), bench.context());
  const safeties = () => array.snapshots().filter(({ name }) => name.startsWith('before-restore-'));
  const contentOf = (point: string) => readFileSync(join(point, 'file'), 'utf8');
  const write = (point: string, text: string) => {
    writeFileSync(join(point, 'file'), text);
    shell(`sync -f ${point}`);
  };

  /** A volume with a file system of which there is a backup with `old`, and that has `new` now. */
  async function changedSince(volume: string, type: string, size: string, jobNumber: number) {
    array.ok('create', `${volume} ${size}`);
    done(`mkfs.${type}`, '-q', array.volume(volume));
    const point = array.loopMount(array.volume(volume), volume, 'noatime');
    write(point, 'old');
    const entry = await snapshotBackup(array, volume, jobNumber);
    write(point, 'new');
    return { entry, point };
  }

  beforeAll(() => {
    array = MountedArray.create();
    bench = new ErrandBench([array], array.directory);
  });
  afterEach(() => {
    // Nothing of what restores make for themselves is left.
    expect(array.volumes().filter(({ name }) => name.startsWith('restore-'))).toEqual([]);
    expect(array.table('luns')).toEqual([]);
    expect(mountsBelow(bench.configuration.stateDirectory)).toEqual([]);
  });
  afterAll(cleanScratch);

  it.each([
    ['ext4', '16M', 10],
    ['xfs', '320M', 11],
  ])('of %s unmounts, restores, checks and mounts again', async (type, size, jobNumber) => {
    const { entry, point } = await changedSince(type, type, size, jobNumber);
    const { lines } = await restore(entry);
    expect(contentOf(point)).toBe('old');
    expect(done('findmnt', '-no', 'OPTIONS', point)).toContain('noatime');
    const [safety] = safeties();
    expect(lines).toEqual([
      'verified: all blocks of the image have the right checksums',
      expect.stringMatching(new RegExp(`^${type}: .* found no fault$`)),
      `${type}@${safety?.name} holds what ${type} was before: delete it when it is not needed`,
      expect.stringContaining(`is backup ${jobNumber} now`),
      `mounted again: ${point}`,
    ]);
    array.ok('clone', `${type}@${safety?.name} ${type}-new`);
    await array.loopUnmount(point);
    const other = array.loopMount(array.volume(`${type}-new`), 'other');
    expect(contentOf(other)).toBe('new');
    await array.loopUnmount(other);
    array.ok('delete', `${type}@${safety?.name}`);
  });

  it('is refused while somebody uses it, with who that is; forced, it ends that', async () => {
    const { entry, point } = await changedSince('used', 'ext4', '16M', 12);
    const user = start('sh', '-c', `cd ${point}; exec sleep 1000`);
    await until(() => run('fuser', '-m', point).status === 0);
    const refused = restore(entry);
    await expect(refused).rejects.toThrow(
      `EBUSY: ${point} is in use by process ${user.child.pid} (sleep): working directory`,
    );
    expect([contentOf(point), safeties()]).toEqual(['new', []]);
    await restore(entry, { force: true });
    await user.result;
    expect(contentOf(point)).toBe('old');
    await array.loopUnmount(point);
    const writer = start('sh', '-c', `exec 3<>${array.volume('used')}; echo; exec sleep 1000`);
    await until(() => writer.texts.out !== '');
    await expect(restore(entry)).rejects.toThrow(`open for writing by process ${writer.child.pid}`);
    writer.child.kill();
    await writer.result;
    const again = array.loopMount(array.volume('used'), 'used');
    const elsewhere = start('unshare', '--mount', 'sh', '-c', 'echo; exec sleep 1000');
    await until(() => elsewhere.texts.out !== '');
    await expect(restore(entry)).rejects.toThrow(
      `mounted in the mount namespace of process ${elsewhere.child.pid}`,
    );
    elsewhere.child.kill();
    await elsewhere.result;
    await array.loopUnmount(again);
  });

  it('goes to a volume that is not there, and to another one that is not too small', async () => {
    const { entry, point } = await changedSince('db', 'ext4', '16M', 13);
    await restore(entry, { target: 'fresh' });
    array.ok('create', 'small 8M');
    array.ok('create', 'large 24M');
    await expect(restore(entry, { target: 'small' })).rejects.toThrow(
      'ENOSPC: small is too small: it has 8M, and the backup 16M',
    );
    await restore(entry, { target: 'large' });
    for (const volume of ['fresh', 'large']) {
      done('cmp', array.volume(volume), array.snapshot('db', 'backup-13'));
      expect(array.read('info', volume)).toBe('');
    }
    expect(contentOf(point)).toBe('new');
    await array.loopUnmount(point);
  });

  it('of a mirror goes back by the pair, and leaves the backup what it is', async () => {
    const { entry, point } = await changedSince('main', 'ext4', '16M', 14);
    array.ok('create', 'copy 16M');
    array.ok('paircreate', 'main copy pace=fast');
    write(point, 'old');
    await until(() => array.read('pairs', 'main:copy').includes('duplex\n'));
    const sector = readFileSync(array.path('info', 'main@backup-14')).toString('base64');
    array.ok('split', `main:copy info=${sector}`);
    await until(() => !array.read('pairs', 'main:copy').includes('split-pending'));
    write(point, 'new');
    const [known] = await bench.arrays();
    if (known === undefined) throw new Error('no array');
    const mirror = await entryAt(known, 'copy', 'here');
    expect(mirror).toMatchObject({ id: '14', place: { kind: 'mirror', volume: 'copy' } });
    await restore(mirror);
    expect(contentOf(point)).toBe('old');
    write(point, 'newer');
    expect(await entryAt(known, 'copy', 'here')).toEqual(mirror);
    // A snapshot cannot come back under a pair: its blocks are copied.
    await restore(entry, { target: 'main' });
    expect(contentOf(point)).toBe('old');
    await array.loopUnmount(point);
  });

  it('puts back loop devices at their numbers, what lies in files of the file system, and binds', async () => {
    array.ok('create', 'deep 24M');
    done('mkfs.ext4', '-q', array.volume('deep'));
    const device = done('losetup', '--find', '--show', array.volume('deep'));
    const places = ['outer', 'inner', 'bound'].map((name) => subdirectory(array.directory, name));
    const [outer = '', inner = '', bound = ''] = places;
    shell(`mount ${device} ${outer}; mkdir ${outer}/part; truncate -s 8M ${outer}/image
      mkfs.ext4 -q ${outer}/image; mount -o loop,ro ${outer}/image ${inner}
      mount --bind ${outer}/part ${bound}; sync -f ${outer}`);
    const entry = await snapshotBackup(array, 'deep', 18);
    await restore(entry);
    const columns = ['-n', '-r', '-o', 'TARGET,SOURCE,FSROOT,OPTIONS'];
    const row = (place: string) => done('findmnt', ...columns, place).split(' ');
    expect(row(outer).slice(1, 3)).toEqual([device, '/']);
    expect(row(bound).slice(1, 3)).toEqual([`${device}[/part]`, '/part']);
    expect(row(inner)[3]).toMatch(/^ro,/);
    for (const place of places.reverse()) done('umount', place);
    done('losetup', '--detach', device);
  });

  it('of a backup that is not what was stored overwrites nothing', async () => {
    const { entry, point } = await changedSince('bad', 'ext4', '16M', 15);
    const other = { ...entry, sha256: '0'.repeat(64) };
    await expect(restore(other)).rejects.toThrow('EIO: backup 15 is damaged: its SHA-256 is');
    const gone = { ...entry, jobNumber: 16, id: '16' };
    await expect(restore(gone)).rejects.toThrow('ENOENT');
    const hook = { command: '/bin/rm', timeoutMs: 1000 };
    await expect(restore(entry, { pre: hook })).rejects.toThrow('EACCES');
    const failing = {
      pre: { ...hook, command: '/bin/false' },
      post: { ...hook, command: '/bin/true' },
    };
    await expect(restore(entry, failing)).rejects.toThrow('the pre command failed');
    expect(contentOf(point)).toBe('new');
    await array.loopUnmount(point);
  });

  it('that was killed at any of its notes ends with the old or the new content, mounted', async () => {
    const { entry, point } = await changedSince('killed', 'ext4', '16M', 17);
    const contents = new Set<string>();
    const stride = Math.max(1, Math.round(3 / repeat(1)));
    for (let count = 1; ; count += stride) {
      write(point, 'new');
      const end = await bench.killedAtNote(count, (context) =>
        restoreHandler.perform(input(entry), context),
      );
      if (end !== 'killed') break;
      const again = restoreHandler.recover?.(input(entry), bench.context());
      const outcome = await again?.then(
        () => 'old',
        () => 'new',
      );
      expect(contentOf(point)).toBe(outcome);
      contents.add(contentOf(point));
      expect(safeties().filter(({ volume }) => volume === 'killed')).toHaveLength(
        outcome === 'old' ? 1 : 0,
      );
      for (const { volume, name } of safeties()) array.ok('delete', `${volume}@${name}`);
    }
    expect([...contents].sort()).toEqual(['new', 'old']);
    await array.loopUnmount(point);
  });
});
