/** Freezing of a real ext4: who waits, for how long, and that it is thawed whatever happens to whom. */
import { closeSync, openSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Freezer, thawLeft } from '../../../src/backup/client/freeze.js';
import { refuseFreeze } from '../../../src/backup/client/freeze-check.js';
import { sleep, systemClock } from '../../../src/base/clock.js';
import { mountAt, readMountTable } from '../../../src/host/mount-table.js';
import { builtSource } from '../../support/built-program.js';
import { ErrandBench } from '../../support/errand-context.js';
import { canLoop, MIB, MountedArray } from '../../support/mounted-array.js';
import { done, doneLater, start, until } from '../../support/programs.js';
import { cleanScratch, subdirectory } from '../../support/scratch-directory.js';

describe.skipIf(!canLoop)('freezing', () => {
  let array: MountedArray;
  let point: string;
  let other: string;

  beforeAll(() => {
    array = MountedArray.create();
    array.ok('create', `db ${8 * MIB}`);
    done('mkfs.ext4', '-q', array.volume('db'));
    point = array.loopMount(array.volume('db'), 'fs');
    const file = join(array.directory, 'other.img');
    closeSync(openSync(file, 'w'));
    truncateSync(file, 8 * MIB);
    done('mkfs.ext4', '-q', file);
    other = array.loopMount(file, 'other');
  });
  afterAll(async () => {
    if (canLoop) await thawLeft([point, other], systemClock);
    cleanScratch();
  });

  /** Ends when the file system is not frozen. */
  const write = (place = point) =>
    doneLater('sh', '-c', `echo x >> ${place}/file && sync -f ${place}`);
  async function isEnding(work: Promise<unknown>): Promise<boolean> {
    return Promise.race([work.then(() => true), sleep(150).then(() => false)]);
  }

  it('holds writers until it thaws, and says for how long', async () => {
    const freezer = await Freezer.freeze([point, other], systemClock);
    const writers = [write(point), write(other)];
    expect(await isEnding(Promise.race(writers))).toBe(false);
    const { ms } = await freezer.thaw();
    await Promise.all(writers);
    expect(ms).toBeGreaterThan(140);
  });

  it('thaws by itself when the time is up, and the image does not count', async () => {
    const freezer = await Freezer.freeze([point], systemClock, 1);
    await write();
    await expect(freezer.thaw()).rejects.toThrow(/EIO.*thawed before it/);
  });

  it('thaws what a holder that was killed has left', async () => {
    const freezer = await Freezer.freeze([point], systemClock);
    const holders = done('pgrep', '-f', `arrayfs-freeze 10 ${point}`).split('\n');
    for (const pid of holders) process.kill(Number(pid), 'SIGKILL');
    await expect(freezer.thaw()).rejects.toThrow(/EIO.*was killed/);
    await write();
  });

  it('thaws when the client is killed', async () => {
    const program = `
      const { Freezer } = await import(${JSON.stringify(builtSource('backup/client/freeze'))});
      const { systemClock } = await import(${JSON.stringify(builtSource('base/clock'))});
      await Freezer.freeze([${JSON.stringify(point)}], systemClock);
      console.log('frozen');
      setInterval(() => {}, 1000);`;
    const { child, texts, result } = start('node', '--input-type=module', '-e', program);
    await until(() => texts.out.includes('frozen') || child.exitCode !== null);
    expect(texts).toEqual({ out: 'frozen\n', errors: '' });
    const writer = write();
    expect(await isEnding(writer)).toBe(false);
    child.kill('SIGKILL');
    await Promise.all([writer, result]);
  });

  it('of several of which one cannot be frozen freezes none', async () => {
    await expect(Freezer.freeze([point, '/proc'], systemClock)).rejects.toThrow(
      /EIO.*cannot freeze/,
    );
    await write();
  });

  it('is refused where the client, the server or an array would wait for itself', async () => {
    const mount = mountAt(other, readMountTable());
    if (mount === undefined) throw new Error(`${other} is mounted`);
    const refusal = async (more: object) => {
      const bench = new ErrandBench([array], array.directory, more);
      return refuseFreeze([mount], await bench.arrays(), bench.configuration).then(
        () => 'ok',
        (error: Error) => error.message,
      );
    };
    expect(await refusal({})).toBe('ok');
    const inside = subdirectory(other, 'inside');
    expect(await refusal({ stateDirectory: inside })).toMatch(
      /^EBUSY.*the state of the backup client/,
    );
    expect(await refusal({ serverDirectory: inside })).toMatch(/^EBUSY.*the catalog/);
    array.ok('device', `tape0 kind=tape path=${inside} slots=2`);
    expect(await refusal({})).toMatch(/^EBUSY.*the backup device/);
    array.ok('device', 'tape0 delete=yes');
    expect(await refusal({ stateDirectory: join(point, 'x') })).toBe('ok');
  });
});
