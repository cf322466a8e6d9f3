/** Backups of a mounted array beside requests of hosts: the load of ports moves them, as real programs make it. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canMount, MIB, MountedArray } from '../../support/mounted-array.js';
import { start, until } from '../../support/programs.js';
import { RandomSource } from '../../support/random-source.js';
import { cleanScratch } from '../../support/scratch-directory.js';

interface ProgressRow {
  readonly job: number;
  readonly turn: string | null;
}

describe.skipIf(!canMount)('a backup that is under way', () => {
  let array: MountedArray;
  /** Each MiB begins with its number. */
  const content = Buffer.alloc(16 * MIB, new RandomSource(7).bytes(MIB));
  for (let place = 0; place < content.length; place += MIB) content.writeUInt32LE(place, place);

  beforeAll(() => {
    array = MountedArray.create({ mountWords: ['--allow-faults'] });
    for (const volume of ['db 16M', 'other 8M']) array.ok('create', volume);
    writeFileSync(array.volume('db'), content, { flag: 'r+' });
    array.ok('lun', 'other ports=CL1-A lun=0');
    array.ok('device', `disk0 kind=disk path=${join(array.directory, 'disk')} ports=CL1-C,CL2-C`);
  });
  afterAll(cleanScratch);

  /** Programs write through the port for as long as `work` takes. */
  async function whileHostsWrite<T>(port: string, work: () => Promise<T>): Promise<T> {
    const sign = join(array.directory, 'writing');
    writeFileSync(sign, '');
    const dd = `dd if=/dev/zero of=${array.path('targets', port, '0')} bs=64k count=64 oflag=direct conv=notrunc`;
    const { result } = start('bash', '-c', `while [ -e ${sign} ]; do ${dd} || exit 1; done`);
    try {
      return await work();
    } finally {
      rmSync(sign);
      expect((await result).status).toBe(0);
    }
  }

  it('goes on through the other controller when a host comes to its own, and is whole', async () => {
    // Slow enough for two periods of the counters.
    array.ok('fault', 'device:disk0 delay delay=100');
    const { text } = array.command('ecopy', 'db disk0/disk\n');
    const job = () => array.read(`jobs/${/^ok job (\d+) /.exec(text)?.[1]}`);
    const hasEnded = () => !job().includes('state     running');
    await until(() => job().includes('moving through port CL1-C'), hasEnded);
    await whileHostsWrite('CL1-A', () =>
      until(() => job().includes('through port CL2-C'), hasEnded),
    );
    expect(job()).toMatch(/why CL2-C: CL2 has 0\.0 MiB\/s, .*, CL1 /);
    expect(job()).toContain('moved for the load: 1');
    expect(array.read('events')).toMatch(
      / BACKUP-MOVED disk0 job \d+ goes on through CL2-C, no longer CL1-C: /,
    );
    array.ok('fault', 'all clear=yes');
    await until(hasEnded);
    expect(job()).toContain('state     done');
    expect(readFileSync(join(array.directory, 'disk')).equals(content)).toBe(true);
  });

  it('shares the array with hosts by a ratio that is changed while it runs, and tells both', async () => {
    array.ok('priority', 'online=60s backup=64K');
    const { text } = array.command('ecopy', 'db disk0/disk\n');
    const id = Number(/^ok job (\d+) /.exec(text)?.[1]);
    const progress = () => array.table<ProgressRow>('progress').find(({ job }) => job === id);
    await whileHostsWrite('CL1-A', async () => {
      // Programs that end and begin anew leave gaps: then it goes on all the same.
      await until(() => progress()?.turn?.startsWith('the turn of online') !== false);
      array.ok('priority', 'ratio=1:1000');
      await until(() => progress() === undefined);
    });
    expect(array.table('priority')).toMatchObject([{ name: 'array', ratio: '1:1000' }]);
    expect(array.read(`jobs/${id}`)).toContain('state     done');
    expect(readFileSync(join(array.directory, 'disk')).equals(content)).toBe(true);
    await array.kill();
    array.mountAgain('--allow-faults');
    expect(array.table('priority')).toMatchObject([{ ratio: '1:1000' }]);
  });
});
