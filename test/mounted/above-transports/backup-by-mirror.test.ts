/**
 * The first embodiment of [004], backups by mirror, figure by figure: server, client and command line as processes over a
 * mounted array with ext4, on a volume that its host reaches through a target port.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Run } from '../../../src/backup/api.js';
import type { BackupEntry } from '../../../src/backup/backup-entry.js';
import type { DestinationRow, FileRow, PathRow } from '../../../src/backup/errands.js';
import { decodeVolumeInfo } from '../../../src/volume/volume-info.js';
import { BackupSystem } from '../../support/backup-system.js';
import { canLoop, MountedArray } from '../../support/mounted-array.js';
import { done } from '../../support/programs.js';
import { cleanScratch, mountsBelow } from '../../support/scratch-directory.js';

const HOST = hostname();

describe.skipIf(!canLoop)('backups by mirror', () => {
  let array: MountedArray;
  let system: BackupSystem;
  let point: string;
  let order: string;
  let first: BackupEntry;
  let second: BackupEntry;

  beforeAll(async () => {
    array = MountedArray.create();
    for (const name of ['db', 'db-copy', 'spare']) array.ok('create', `${name} 16M`);
    array.ok('reserve', 'db-copy');
    array.ok('lun', 'db ports=CL2-A lun=3');
    done('mkfs.ext4', '-q', array.volume('db'));
    point = array.loopMount(array.path('targets/CL2-A/3'), 'db');
    order = join(array.directory, 'order');
    const words = ['--allow', hook('pre'), hook('post'), '--restore-port', 'CL1-B'];
    system = await BackupSystem.begin(array.directory, { arrays: [array.mount], words });
    write('one');
  });
  afterAll(async () => {
    await system?.end();
    cleanScratch();
  });

  /** Tells what the pair is when it runs. */
  function hook(name: string): string {
    return `echo ${name} $(cat ${array.mount}/pairs/* | sed -n 's/^state  *//p') >> ${order}`;
  }
  const write = (text: string) => {
    writeFileSync(join(point, 'orders'), text);
    done('sync', '-f', point);
  };
  const orders = () => readFileSync(join(point, 'orders'), 'utf8');
  const entries = () => system.api.backups();

  it('fig. 3: the port correspondence table has mount point, device, port and LUN of the volume', async () => {
    const rows = await system.json<PathRow[]>('paths');
    expect(rows.filter(({ arrayMountPoint }) => arrayMountPoint === array.mount)).toMatchObject([
      { mountPoint: point, fileSystem: 'ext4', volume: 'db', port: 'CL2-A', lun: 3 },
    ]);
    expect(rows[0]?.deviceFile).toBe(done('findmnt', '-no', 'SOURCE', point));
  });

  it('figs. 4, 8: where a mirror can be is asked of the client, and kept in the backup volume table', async () => {
    const rows = await system.json<DestinationRow[]>('destinations', point);
    expect(rows).toMatchObject(
      ['db-copy', 'spare'].map((destination) => ({
        ...{ hostName: HOST, mountPoint: point, volume: 'db', destination },
        use: destination === 'spare' ? 'free' : 'reserved',
      })),
    );
    const ask = (path: string | null) =>
      system.ended('destinations', system.api.destinations(HOST, { path }));
    await expect(ask('/proc')).rejects.toThrow('ENODEV: /proc is not on an array');
    // The answer for all that are mounted is the table.
    await ask(null);
    expect(await system.api.knownDestinations()).toEqual(rows);
  });

  it('fig. 5: a definition has host, mount point, class, destination, commands, label and schedule', async () => {
    await system.ok(
      ...['define', 'weekly', '--path', point, '--method', 'mirror', '--to', 'db-copy'],
      ...['--pre', hook('pre'), '--post', hook('post'), '--freeze', '--label', 'orders db'],
      ...['--schedule', '30 2 * * 0', '--time-zone', 'Europe/Berlin'],
    );
    const [row] = await system.api.definitions();
    expect(row?.nextMs).toBeGreaterThan(0);
    expect(row?.definition).toMatchObject({
      ...{ client: HOST, paths: [point], class: 'disk', method: 'mirror', to: ['db-copy'] },
      ...{ pre: { command: hook('pre') }, post: { command: hook('post') }, label: 'orders db' },
      schedule: { cron: '30 2 * * 0', timeZone: 'Europe/Berlin' },
    });
    const { lines } = await system.ended('check', system.api.checkDefinition('weekly'));
    expect(lines).toContain('db is mirrored to db-copy (reserved)');
  });

  it('figs. 6, 10, 11: commands around the split, then the sector, then the entry from it', async () => {
    const run = await system.json<Run>('run', 'weekly');
    expect(run).toMatchObject({ state: 'complete', entries: ['1'] });
    // The pair comes before the commands: the application waits for the split alone.
    expect(readFileSync(order, 'utf8')).toMatch(/^pre duplex\npost split(-pending)?\n$/);
    [first = missing()] = await entries();
    expect(first).toMatchObject({
      ...{ id: '1', hostName: HOST, mountPoint: point, label: 'orders db', state: 'good' },
      ...{ place: { kind: 'mirror', volume: 'db-copy' }, sourceName: 'db', generation: 1 },
      volumeNumber: array.volumes().find(({ name }) => name === 'db-copy')?.number,
    });
    const sector = readFileSync(array.path('info', 'db-copy'));
    expect(sector).toHaveLength(512);
    expect(decodeVolumeInfo(sector)).toMatchObject({
      ...{ label: 'orders db', hostName: HOST, mountPoint: point, timeStampMs: first.takenMs },
      jobNumber: 1,
    });
    expect(run.log).toContainEqual(expect.stringMatching(/^frozen for \d+\.\d ms: /));
  });

  it('fig. 9: what the secondary held leaves catalog and array before it is overwritten', async () => {
    write('two');
    // Nothing can be taken: the old entry is not there any more, and no new one.
    await system.define('failing', {
      ...{ paths: [point], method: 'mirror', to: ['db-copy'] },
      pre: { command: hook('pre'), timeoutMs: 1 },
    });
    const failed = await system.run('failing');
    expect(failed).toMatchObject({ state: 'failed', reason: expect.stringContaining('0.001 s') });
    expect([await entries(), readFileSync(array.path('info', 'db-copy')).length]).toEqual([[], 0]);
    [second = missing()] = await system.backup('weekly');
    expect(second).toMatchObject({ id: '3', generation: 1, place: first.place });
    expect(await entries()).toEqual([second]);
  });

  it('fig. 13: files come back through the restore port and LUN, and nothing of that is left', async () => {
    write('three');
    const { rows } = await system.json<{ rows: FileRow[] }>('files', second.id);
    expect(rows.map(({ name }) => name)).toEqual(['lost+found', 'orders']);
    await system.ok('restore-file', second.id, '/orders', '--to', system.target);
    expect(readFileSync(join(system.target, 'orders'), 'utf8')).toBe('two');
    expect(orders()).toBe('three');
    const events = array.read('events');
    expect(events).toContain('CL1-B');
    expect(array.table<{ port: string }>('luns').map(({ port }) => port)).toEqual(['CL2-A']);
    expect(mountsBelow(join(array.directory, 'state'))).toEqual([]);
  });

  it('fig. 12: a volume comes back with commands, unmounted and mounted again at its port', async () => {
    writeFileSync(order, '');
    const words = ['--pre', hook('pre'), '--post', hook('post')];
    const said = await system.ok('restore', second.id, ...words);
    expect(said).toContain(`mounted again: ${point}`);
    expect(orders()).toBe('two');
    expect(readFileSync(order, 'utf8')).toBe('pre split\npost split\n');
    const { rows } = await system.ended('paths', system.api.paths(HOST));
    expect(rows).toMatchObject([{ mountPoint: point, port: 'CL2-A', lun: 3 }]);
    expect(await entries()).toEqual([second]);
  });

  it('fig. 14: delete clears the sector and the entry, and the volume keeps its content', async () => {
    const before = readFileSync(array.volume('db-copy'));
    await system.ok('delete', second.id);
    expect([await entries(), readFileSync(array.path('info', 'db-copy')).length]).toEqual([[], 0]);
    expect(readFileSync(array.volume('db-copy')).equals(before)).toBe(true);
    const { status, errors } = await system.command('show', second.id);
    expect([status, errors]).toEqual([1, expect.stringContaining(`no backup`)]);
  });
});

function missing(): never {
  throw new Error('there is no backup');
}
