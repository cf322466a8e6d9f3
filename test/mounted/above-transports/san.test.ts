/** Ports, hosts, LUNs, devices and faults of a mounted array: by control files, over a kill, met by real programs. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canMount, MountedArray } from '../../support/mounted-array.js';
import { run, start, until } from '../../support/programs.js';
import { cleanScratch } from '../../support/scratch-directory.js';

const TABLES = ['ports', 'portgroups', 'hosts', 'luns', 'devices'];

describe.skipIf(!canMount)('what is set about ports and devices', () => {
  let array: MountedArray;

  beforeAll(() => {
    array = MountedArray.create({ mountWords: ['--allow-faults'] });
    array.ok('create', 'db 1M');
  });
  afterAll(cleanScratch);

  it('takes effect at once, makes a tape library, and survives a kill', async () => {
    const tapes = join(array.directory, 'tapes');
    array.ok('device', `tape0 kind=tape path=${tapes} slots=2 ports=CL1-C,CL2-C`);
    array.ok('portgroup', 'g1 targets=CL1-A,CL2-A initiators=CL1-C,CL2-C');
    array.ok('host', 'alpha uids=1000');
    array.ok('lun', 'db ports=CL1-A,CL2-A host=alpha');
    array.ok('port', 'CL1-D state=down');
    array.ok('controller', 'CL2 state=down');
    expect(readdirSync(tapes).sort()).toEqual(['AFS001.tap', 'AFS002.tap', 'library.json']);
    const inside = array.command('device', `d kind=disk path=${array.volume('db')}`);
    expect(inside.code).toBe('EINVAL');
    expect(inside.text).toContain("lies on the array's own mount");
    expect(array.command('device', 'd kind=disk path=/nowhere/disk').code).toBe('ENXIO');
    expect(array.table('devices')).toMatchObject([{ state: 'unknown', mediaCount: 2 }]);
    // What a device has is known for as long as the array is mounted.
    const unknown = { media: null, mediaCount: null };
    const before = TABLES.map((name) =>
      array.table<object>(name).map((row) => (name === 'devices' ? { ...row, ...unknown } : row)),
    );
    await array.kill();
    array.mountAgain('--allow-faults');
    expect(TABLES.map((name) => array.table(name))).toEqual(before);
    expect(before[0]?.slice(3, 5)).toMatchObject([
      { port: 'CL1-D', state: 'down' },
      { port: 'CL2-A', state: 'controller-down' },
    ]);
    array.ok('discover', '\n');
    await until(() => array.read('jobs/1').includes('1 of 1 devices available'));
    expect(array.table('devices')).toMatchObject([{ state: 'available', mediaCount: 2 }]);
    array.ok('device', 'tape0 slots=3');
    expect(array.table('devices')).toMatchObject([{ state: 'available', mediaCount: 3 }]);
    array.ok('device', 'tape0 delete=yes');
    expect(readdirSync(tapes)).toHaveLength(4);
  });

  it('fails programs and lets them hang by faults, until nobody can clear these any more', async () => {
    const reader = ['dd', `if=${array.volume('db')}`, 'of=/dev/null', 'bs=4k', 'count=1'] as const;
    array.ok('fault', 'volume:db EIO');
    expect(run(...reader).errors).toContain('Input/output error');
    array.ok('fault', 'volume:db clear=yes');
    expect(run(...reader).status).toBe(0);
    array.ok('fault', 'volume:db hang');
    const hanging = start(...reader).result;
    await until(() => array.table<{ hits: number }>('faults')[0]?.hits === 1);
    // The first cannot unmount, as the reader has a file open; the second takes the mount away.
    process.kill(array.daemonPid, 'SIGTERM');
    await until(() => array.read('events').includes(' BUSY '));
    process.kill(array.daemonPid, 'SIGTERM');
    expect((await hanging).status).toBe(0);
    await array.daemonEnded();
    expect(array.findings()).toBeUndefined();
  });
});
