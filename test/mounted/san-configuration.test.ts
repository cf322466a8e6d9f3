/** Ports, hosts, LUNs and devices of a mounted array: by control files, over a kill, with a tape library of its own. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { canMount, MountedArray } from '../support/mounted-array.js';
import { cleanScratch } from '../support/scratch-directory.js';

const TABLES = ['ports', 'portgroups', 'hosts', 'luns', 'devices'];

describe.skipIf(!canMount)('what is set about ports and devices', () => {
  afterAll(cleanScratch);

  it('takes effect at once, makes a tape library, and survives a kill', async () => {
    const array = MountedArray.create();
    const tapes = join(array.directory, 'tapes');
    array.ok('create', 'db 1M');
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
    const before = TABLES.map((name) => array.table(name));
    await array.kill();
    array.mountAgain();
    expect(TABLES.map((name) => array.table(name))).toEqual(before);
    expect(before[0]?.slice(3, 5)).toMatchObject([
      { port: 'CL1-D', state: 'down' },
      { port: 'CL2-A', state: 'controller-down' },
    ]);
    array.ok('device', 'tape0 delete=yes');
    expect(readdirSync(tapes)).toHaveLength(3);
    await array.umount();
    expect(array.findings()).toBeUndefined();
  });
});
