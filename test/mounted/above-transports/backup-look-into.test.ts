/** Looking into backups over a real mount: listing, copying files out, and that nothing is left of it, also after a crash. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BackupEntry } from '../../../src/backup/backup-entry.js';
import { entryAt } from '../../../src/backup/media/array-copies.js';
import { imageOf } from '../../../src/backup/media/image-of.js';
import { connectBackup, planConnection } from '../../../src/backup/volumes/connected-backup.js';
import { filesHandler, restoreFilesHandler } from '../../../src/backup/volumes/look-into.js';
import { ErrandBench, snapshotBackup } from '../../support/errand-context.js';
import { canLoop, MountedArray } from '../../support/mounted-array.js';
import { done, run, shell } from '../../support/programs.js';
import { cleanScratch, loopsReleased, mountsBelow } from '../../support/scratch-directory.js';

const STRANGE = 'a "strange"\nname';
const FILE_SYSTEMS = [
  { type: 'ext4', make: ['mkfs.ext4', '-q'] },
  { type: 'xfs', make: ['mkfs.xfs', '-q'] },
  { type: 'btrfs', make: ['mkfs.btrfs', '-q'] },
] as const;
const hasProgram = (name: string) => run('sh', '-c', `command -v ${name}`).status === 0;

describe.skipIf(!canLoop)('looking into a backup', () => {
  let array: MountedArray;
  let bench: ErrandBench;
  let allowed = '';
  const files = (entry: BackupEntry, path: string) =>
    filesHandler.perform({ entry, chain: [], path }, bench.context());
  const restore = (entry: BackupEntry, to: string, ...paths: string[]) =>
    restoreFilesHandler.perform({ entry, chain: [], paths, to }, bench.context());

  beforeAll(() => {
    array = MountedArray.create();
    bench = new ErrandBench([array], array.directory);
    allowed = join(array.directory, 'allowed');
  });
  afterEach(async () => {
    // Of the connection nothing is left, whatever happened.
    expect(array.volumes().filter(({ name }) => name.startsWith('restore-'))).toEqual([]);
    expect(array.table('luns')).toEqual([]);
    expect(mountsBelow(bench.configuration.stateDirectory)).toEqual([]);
    await loopsReleased(array.path('targets'));
  });
  afterAll(cleanScratch);

  /** Backed up while it is mounted and its journal is not empty; then the files are changed. */
  async function backedUp({ type, make }: (typeof FILE_SYSTEMS)[number], jobNumber: number) {
    const [program, ...words] = make;
    array.ok('create', `${type} 400M`);
    done(program, ...words, array.volume(type));
    const point = array.loopMount(array.volume(type), type);
    mkdirSync(join(point, 'var/lib'), { recursive: true });
    writeFileSync(join(point, 'var/lib/orders'), 'of monday');
    writeFileSync(join(point, 'var', STRANGE), 'strange');
    symlinkSync('/var/lib', join(point, 'lib'));
    symlinkSync('../../../../../etc', join(point, 'out'));
    shell(`cd ${point}/var; truncate -s 50M hole; ln lib/orders second; chown 7:8 lib/orders;
      python3 -c 'import os; os.setxattr("lib/orders", "user.note", b"kept")'; sync -f .`);
    const entry = await snapshotBackup(array, type, jobNumber);
    writeFileSync(join(point, 'var/lib/orders'), 'of tuesday');
    return { entry, point };
  }

  for (const [index, kind] of FILE_SYSTEMS.entries()) {
    it.skipIf(!hasProgram(kind.make[0]))(`of ${kind.type}, whose original is mounted`, async () => {
      const { entry, point } = await backedUp(kind, 10 + index);
      const { rows } = await files(entry, '/var');
      expect(rows.map(({ name }) => name)).toEqual([STRANGE, 'hole', 'lib', 'second']);
      expect(rows[2]).toMatchObject({ type: 'directory', target: null });
      expect((await files(entry, '/lib/orders')).rows).toMatchObject([
        { name: 'orders', type: 'file', sizeBytes: 9, owner: 7, group: 8 },
      ]);
      const to = join(allowed, `new ${kind.type}`);
      const report = await restore(entry, to, '/var', '/lib');
      // A second name of a file is none.
      expect(report.files).toBe(3);
      expect(readFileSync(join(to, 'var/lib/orders'), 'utf8')).toBe('of monday');
      expect(readFileSync(join(to, 'var', STRANGE), 'utf8')).toBe('strange');
      const facts = `cd "$1"; readlink lib; stat -c '%u %g %h' var/second; stat -c %b var/hole;
        python3 -c 'import os; print(os.getxattr("var/second", "user.note").decode())'`;
      expect(done('sh', '-c', facts, 'sh', to)).toBe('/var/lib\n7 8 2\n0\nkept');
      expect(readFileSync(join(point, 'var/lib/orders'), 'utf8')).toBe('of tuesday');
      await array.loopUnmount(point);
    });
  }

  it('of a disk with partitions, each a directory', async () => {
    array.ok('create', 'disk 24M');
    const disk = array.volume('disk');
    const image = join(array.directory, 'part');
    shell(`truncate -s 8M ${image}; mkfs.ext4 -q -d ${allowed} ${image}
      dd if=${image} of=${disk} bs=1M seek=9 conv=notrunc status=none`);
    // Of type 83h: 8 MiB of nothing from sector 2048 on, 8 MiB with the file system behind it.
    const table = '00000000830000000008000000400000' + '00000000830000000048000000400000';
    writeFileSync(disk, Buffer.from(`${'00'.repeat(446)}${table}${'00'.repeat(32)}55aa`, 'hex'), {
      flag: 'r+',
    });
    const entry = await snapshotBackup(array, 'disk', 10);
    expect((await files(entry, '/')).rows).toMatchObject([{ name: 'p2', type: 'directory' }]);
    expect((await files(entry, '/p2')).rows.map(({ name }) => name)).toContain('lost+found');
    expect(bench.lines).toContainEqual(
      expect.stringMatching(/^partition 1: there is no file system/),
    );
  });

  it('leads nowhere outside of it', async () => {
    const entry = await entryOf('ext4');
    await expect(files(entry, '/out')).rejects.toThrow('ENOENT: the backup has no /etc');
    await expect(files(entry, '/../../etc/passwd')).rejects.toThrow('the backup has no /etc');
    await expect(files(entry, '/var/hole/x')).rejects.toThrow('/var/hole/x is below a file');
  });

  it('copies only to where the administrator of the client allows', async () => {
    const entry = await entryOf('ext4');
    symlinkSync('/etc', join(allowed, 'link'));
    for (const to of [join(array.directory, 'other'), join(allowed, 'link'), '/etc/x']) {
      await expect(restore(entry, to, '/var')).rejects.toThrow('EPERM: this backup client may not');
    }
    await expect(restore(entry, allowed, '/none')).rejects.toThrow(
      'ENOENT: the backup has no /none',
    );
    await expect(restore(entry, allowed, '/var/lib', '/lib')).rejects.toThrow('are named lib');
  });

  it('of a volume is possible while it is written to, and takes the next LUN where its own is taken', async () => {
    // A backup in a volume: the sector of a snapshot, stored with the volume.
    const entry = await entryOf('ext4');
    const sector = readFileSync(array.path('info', 'ext4@backup-10'));
    array.ok('info', `ext4 set=${sector.toString('base64')}`);
    const volume = array.volumes().find(({ name }) => name === 'ext4') as { number: number };
    const { uuid } = array.table<{ name: string; uuid: string }>('volumes')[0] as { uuid: string };
    const mirror: BackupEntry = {
      ...entry,
      place: { kind: 'mirror', volume: 'ext4' },
      volumeUuid: uuid,
      volumeNumber: volume.number,
    };
    array.ok('create', 'other 1M');
    array.ok('lun', 'other ports=CL1-A lun=100');
    expect((await files(mirror, '/var/lib')).rows).toMatchObject([{ name: 'orders' }]);
    array.ok('delete', 'other');
    expect(array.snapshots().filter(({ name }) => name.startsWith('restore-'))).toEqual([]);
  });

  it('that was killed at any of its notes is begun again, and leaves nothing', async () => {
    const entry = await entryOf('ext4');
    const input = { entry, chain: [], path: '/' };
    for (let count = 1; ; count += 1) {
      const end = await bench.killedAtNote(count, (context) =>
        filesHandler.perform(input, context),
      );
      if (end !== 'killed') break;
      const again = await filesHandler.recover?.(input, bench.context());
      expect(again?.rows.map(({ name }) => name)).toContain('var');
      expect(array.volumes().filter(({ name }) => name.startsWith('restore-'))).toEqual([]);
    }
  });

  it('that was killed when all was mounted leaves nothing', async () => {
    const entry = await entryOf('ext4');
    const context = bench.context();
    const image = await imageOf(entry, [], context, async () => {});
    const planned = planConnection(image, entry.id, context);
    await connectBackup(image, planned, context, (connection) => context.note({ connection }));
    expect(mountsBelow(bench.configuration.stateDirectory)).toHaveLength(1);
    await filesHandler.recover?.({ entry, chain: [], path: '/' }, bench.context());
  });

  async function entryOf(volume: string): Promise<BackupEntry> {
    const [known] = await bench.arrays();
    if (known === undefined) throw new Error('no array');
    return entryAt(known, `${volume}@backup-10`, 'here');
  }
});
