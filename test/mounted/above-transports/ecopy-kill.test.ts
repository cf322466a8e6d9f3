/** kill -9 of the daemon in the middle of a backup on tape: the next mount goes on with it, on a cartridge that any program reads. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { canMount, MIB, MountedArray } from '../../support/mounted-array.js';
import { ARRAYFS, done, run, until } from '../../support/programs.js';
import { RandomSource } from '../../support/random-source.js';
import { cleanScratch } from '../../support/scratch-directory.js';

afterAll(cleanScratch);

interface JobRow {
  readonly state: string;
  readonly done: number;
  readonly message: string;
}

const hasMtdump = run('bash', '-c', 'command -v mtdump').status === 0;

describe.skipIf(!canMount)('a backup whose daemon is killed', () => {
  it('goes on after the next mount, with the image of its beginning and no block twice', async () => {
    const array = MountedArray.create({ mountWords: ['--allow-faults'] });
    const content = Buffer.from(new RandomSource(7).bytes(4 * MIB));
    array.ok('create', 'db 4M');
    writeFileSync(array.volume('db'), content, { flag: 'r+' });
    const tapes = join(array.directory, 'tapes');
    array.ok('device', `tape0 kind=tape path=${tapes} slots=1 ports=CL1-C,CL2-C`);
    array.ok('fault', 'device:tape0 hang range=2M-4M');
    array.ok('ecopy', 'db tape0/AFS001');
    const job = () => array.table<JobRow>('jobs')[0] as JobRow;
    const hits = () => array.table<{ hits: number }>('faults')[0]?.hits ?? 0;
    await until(
      () => job().done >= MIB && hits() > 0,
      () => job().state !== 'running',
    );
    writeFileSync(array.volume('db'), new Uint8Array(4 * MIB), { flag: 'r+' });
    array.ok('sync', '\n');
    await array.kill();
    array.unmountDead();
    array.mountAgain();
    await until(() => job().state !== 'running');
    expect(job()).toMatchObject({ state: 'done', message: '4M on tape0/AFS001' });
    expect(array.read('events')).toMatch(/ JOB-RESUMED - job 1 ecopy db tape0\/AFS001 goes on at /);
    expect(readFileSync(array.volume('db')).every((byte) => byte === 0)).toBe(true);
    const image = join(array.directory, 'image');
    done(ARRAYFS, 'tape', 'extract', tapes, 'db', image);
    expect(readFileSync(image).equals(content)).toBe(true);
    if (hasMtdump) expectWhole(done('mtdump', join(tapes, 'AFS001.tap')));
    await array.umount();
  });
});

/** Labels, the management file and each block of data once: 64 blocks have less than 4 MiB of content. */
function expectWhole(listing: string): void {
  expect(listing).toMatch(/end of logical tape/);
  expect(listing.match(/length = 65536/g)).toHaveLength(65);
}
