/** Which volume a path is on, over a real mount: mount points, directories, devices, target ports, chains, other names. */
import { closeSync, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BackupDefinition, definitionSchema } from '../../../src/backup/definition.js';
import { checkHandler } from '../../../src/backup/volumes/check-definition.js';
import { destinationsHandler } from '../../../src/backup/volumes/destinations.js';
import { findVolume } from '../../../src/backup/volumes/find-volume.js';
import { pathsHandler } from '../../../src/backup/volumes/paths.js';
import { systemClock } from '../../../src/base/clock.js';
import { ErrandBench, knownArray } from '../../support/errand-context.js';
import { canLoop, MIB, MountedArray } from '../../support/mounted-array.js';
import { done, shell } from '../../support/programs.js';
import { cleanScratch } from '../../support/scratch-directory.js';

const DEFINITION = definitionSchema.parse({
  ...{ name: 'nightly', client: 'here', paths: null, volumes: null, array: null },
  ...{ method: 'snapshot', to: [], secondMedium: [], class: 'disk', policy: 'copy-first' },
  ...{ incremental: false, pre: null, post: null, freeze: false, resyncAfter: false },
  ...{ sha256: false, label: '', schedule: null, keep: null },
});

describe.skipIf(!canLoop)('the volume of a path', () => {
  let array: MountedArray;
  let point = '';
  const find = async (path: string) => findVolume(path, [await knownArray(array)], systemClock);
  const deviceOf = (place: string) => done('findmnt', '-no', 'SOURCE', place);

  beforeAll(() => {
    array = MountedArray.create();
    for (const name of ['db', 'unit', 'disk']) {
      array.ok('create', `${name} 16M`);
      done('mkfs.ext4', '-q', array.volume(name));
    }
    point = array.loopMount(array.volume('db'), 'place');
    mkdirSync(join(point, 'deep'));
    symlinkSync(join(point, 'deep'), join(array.directory, 'link'));
  });
  afterAll(cleanScratch);

  it('is found from the mount point, a directory below, a link, the device and its own file', async () => {
    const paths = [point, join(point, 'deep'), join(array.directory, 'link'), deviceOf(point)];
    for (const path of [...paths, array.volume('db')]) {
      const { volume, port, lun, snapshot } = await find(path);
      expect([volume.name, port, lun, snapshot]).toEqual(['db', '', null, undefined]);
    }
    const { mounts, deviceFile } = await find(join(point, 'deep'));
    expect([mounts[0]?.mountPoint, deviceFile]).toEqual([point, deviceOf(point)]);
  });

  it('behind a target port is what its unit says by INQUIRY', async () => {
    array.ok('lun', 'unit ports=CL2-A lun=300');
    const place = array.loopMount(array.path('targets', 'CL2-A', '300'), 'unit');
    expect(await find(place)).toMatchObject({ volume: { name: 'unit' }, port: 'CL2-A', lun: 300 });
    array.ok('lun', 'unit ports=CL2-A lun=300 delete=yes');
    array.ok('lun', 'disk ports=CL2-A lun=300');
    await expect(find(place)).rejects.toThrow('LUN 300 at CL2-A is another volume now');
    await array.loopUnmount(place);
  });

  it('is found through a file of a file system on it', async () => {
    const image = join(point, 'inner');
    writeFileSync(image, Buffer.alloc(MIB));
    done('mkfs.ext4', '-q', image);
    const inner = array.loopMount(image, 'inner');
    const { volume, mounts } = await find(inner);
    expect(volume.name).toBe('db');
    expect(mounts.map(({ mountPoint }) => mountPoint)).toEqual([inner, point]);
    await array.loopUnmount(inner);
  });

  it('is found through a partition', async () => {
    // One partition of type 83h, from sector 2048 to the end.
    const entry = Buffer.from(`00000000 83000000 00080000 00780000`.replaceAll(' ', ''), 'hex');
    const record = Buffer.concat([
      Buffer.alloc(446),
      entry,
      Buffer.alloc(48),
      Buffer.of(0x55, 0xaa),
    ]);
    writeFileSync(array.volume('disk'), record, { flag: 'r+' });
    const loop = done('losetup', '--find', '--show', array.volume('disk'));
    try {
      // Not every kernel reads partition tables by itself.
      done('partx', '--add', loop);
      expect((await find(`${loop}p1`)).volume.name).toBe('disk');
      done('partx', '--delete', loop);
    } finally {
      done('losetup', '--detach', loop);
    }
  });

  it('is the same one when it has got another name, whoever has the old one', async () => {
    array.ok('rename', 'db orders');
    array.ok('create', 'db 1M');
    expect((await find(point)).volume.name).toBe('orders');
    shell(`rm ${array.volume('db')}`);
    expect((await find(point)).volume.name).toBe('orders');
  });

  it('is in the table of paths, and has the destinations of mirrors that it can have', async () => {
    const bench = new ErrandBench([array], array.directory);
    const { rows } = await pathsHandler.perform({}, bench.context());
    const mine = rows.filter(({ arrayMountPoint }) => arrayMountPoint === array.mount);
    expect(mine).toMatchObject([
      { mountPoint: point, deviceFile: deviceOf(point), fileSystem: 'ext4', volume: 'orders' },
    ]);
    for (const name of ['reserved', 'paired', 'free', 'open']) array.ok('create', `${name} 16M`);
    array.ok('create', 'small 1M');
    array.ok('reserve', 'reserved');
    array.ok('paircreate', 'orders paired');
    const file = openSync(array.volume('open'), 'r');
    const found = await destinationsHandler.perform({ path: join(point, 'deep') }, bench.context());
    const named = await destinationsHandler.perform({ path: 'orders' }, bench.context());
    closeSync(file);
    expect(found.rows.map(({ destination, use }) => `${destination} ${use}`)).toEqual([
      ...['unit free', 'disk free', 'reserved reserved', 'paired paired', 'free free'],
    ]);
    expect(found.rows[0]).toMatchObject({ hostName: 'here', mountPoint: point, volume: 'orders' });
    expect(named.rows).toEqual(found.rows.map((row) => ({ ...row, mountPoint: '' })));
  });

  it('is told by the dry run of a definition, and every reason why it would fail', async () => {
    const bench = new ErrandBench([array], array.directory);
    const linesOf = async (changes: Partial<BackupDefinition>) =>
      (await checkHandler.perform({ definition: { ...DEFINITION, ...changes } }, bench.context()))
        .lines;
    expect(await linesOf({ paths: [point], freeze: true })).toEqual([
      `${point} is on volume orders (number 1, 16M): snapshot`,
      `${point} is frozen at the instant`,
    ]);
    const hook = { command: '/bin/reboot', timeoutMs: 1 };
    const second = ['tape9', '/nowhere/volumes/x'];
    const mirror = { method: 'mirror' as const, volumes: ['orders', 'disk', 'unit'] };
    const to = ['paired', 'free', 'none'];
    expect(await linesOf({ ...mirror, to, post: hook, secondMedium: second })).toEqual([
      'cannot: a copy on another array takes one volume for each path or volume',
      expect.stringMatching(/^cannot: this backup client does not allow the command '.bin.reboot'/),
      'volume orders (number 1, 16M): mirror',
      'volume disk (number 3, 16M): mirror',
      'volume unit (number 2, 16M): mirror',
      'orders is mirrored to paired (paired)',
      'cannot: free is neither paired nor reserved: arrayfs pair reserve free',
      'cannot: there is no volume none',
      'cannot: there is no backup device tape9',
      `cannot: /nowhere/volumes/x is no volume of a mounted array (${array.mount})`,
    ]);
    const onto = array.volume('disk');
    expect(await linesOf({ volumes: ['orders'], paths: null, secondMedium: [onto] })).toEqual([
      'volume orders (number 1, 16M): snapshot',
      expect.stringMatching(/^cannot: volume disk has content, which would go: .*--force/),
    ]);
    expect(await linesOf({ paths: ['/proc'] })).toEqual([
      'cannot: /proc is not on an array: it is on proc of proc, mounted at /proc',
    ]);
  });

  it('of a path on no array is an error that says what it is on', async () => {
    await expect(find('/proc')).rejects.toThrow('ENODEV: /proc is not on an array: it is on proc');
    await expect(find(join(point, 'none'))).rejects.toThrow('ENOENT');
    await expect(find(array.mount)).rejects.toThrow('ENODEV');
    const unknown = findVolume(point, [], systemClock);
    await expect(unknown).rejects.toThrow(`--array ${array.mount}`);
  });
});
