/** Incremental copies between two mounted arrays, and to a cartridge that is read without any. */
import { closeSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLibrary } from '../../../src/device/library-files.js';
import { canMount, MIB, MountedArray } from '../../support/mounted-array.js';
import { ARRAYFS, done, run, until } from '../../support/programs.js';
import { cleanScratch, makeScratch } from '../../support/scratch-directory.js';

interface JobRow {
  readonly id: number;
  readonly state: string;
  readonly message: string;
}

interface VolumeRow {
  readonly name: string;
  readonly holds: string | null;
  readonly uuid: string;
}

const BLOCK = 16_384;

describe.skipIf(!canMount)('increments', () => {
  let array: MountedArray;
  let other: MountedArray;
  const tapes = join(makeScratch(), 'tapes');

  beforeAll(() => {
    array = MountedArray.create({});
    other = MountedArray.create({});
    createLibrary(tapes, { slots: 1, drives: 1, cartridgeBytes: 32 * MIB, prefix: 'AFS' });
    array.ok('device', `peer kind=array path=${other.mount} ports=CL1-C`);
    array.ok('device', `tape0 kind=tape path=${tapes} ports=CL1-C`);
    array.ok('create', `db ${8 * MIB}`);
    change(0, 4 * MIB, 1);
    array.ok('snapshot', 'db name=monday');
    change(MIB, BLOCK, 2);
    change(2 * MIB, BLOCK, 0);
    array.ok('snapshot', 'db name=tuesday');
    change(0, MIB, 9);
  });
  afterAll(cleanScratch);

  function change(offset: number, bytes: number, content: number): void {
    const file = openSync(array.volume('db'), 'r+');
    writeSync(file, Buffer.alloc(bytes, content), 0, bytes, offset);
    closeSync(file);
  }

  /** State and result of the job. */
  async function copied(line: string): Promise<string> {
    const id = Number(/^ok job (\d+) /.exec(array.ok('ecopy', line))?.[1]);
    const job = () => array.table<JobRow>('jobs').find((row) => row.id === id);
    await until(() => job()?.state !== 'running');
    return `${job()?.state}: ${job()?.message}`;
  }

  const held = () => other.table<VolumeRow>('volumes').find(({ name }) => name === 'x')?.holds;
  const uuid = (name: string) =>
    array.table<VolumeRow>('snapshots').find((row) => row.name === name)?.uuid;
  const snapshot = (name: string) => readFileSync(array.path('snapshots', 'db', name));

  it('go onto a volume of another array as long as it holds their base', async () => {
    const increment = 'db@tuesday peer/x since=db@monday';
    expect(await copied(increment)).toMatch(/^failed: ENOENT/);
    expect(await copied('db@monday peer/x')).toBe('done: 8M on peer/x');
    expect(held()).toBe(uuid('monday'));
    expect(await copied(increment)).toBe('done: 32K changed of 8M on peer/x');
    expect(readFileSync(other.volume('x')).equals(snapshot('tuesday'))).toBe(true);
    expect(held()).toBe(uuid('tuesday'));
    expect(await copied('db@monday peer/x since=db@tuesday')).toMatch(/^done: 32K/);
    expect(readFileSync(other.volume('x')).equals(snapshot('monday'))).toBe(true);
    writeFileSync(other.volume('x'), Buffer.alloc(512, 7), { flag: 'r+' });
    expect(held()).toBeNull();
    expect(await copied(increment)).toMatch(/^failed: EXDEV: .*make a full copy$/);
    expect(await copied('db@tuesday peer/x')).toMatch(/^done/);
    expect(held()).toBe(uuid('tuesday'));
  });

  it('on tape are restored without an array onto what their base was extracted to', async () => {
    expect(await copied('db@monday tape0/AFS001')).toMatch(/^done/);
    const before = statSync(join(tapes, 'AFS001.tap')).size;
    expect(await copied('db@tuesday tape0/AFS001 since=db@monday')).toMatch(/^done/);
    expect(statSync(join(tapes, 'AFS001.tap')).size - before).toBeLessThan(80_000);
    const file = join(makeScratch(), 'db.img');
    const extract = (...words: string[]) => run(ARRAYFS, 'tape', 'extract', tapes, ...words);
    expect(extract('db@tuesday', file).errors).toContain('extract db@monday first');
    expect(done(ARRAYFS, 'tape', 'list', tapes)).toContain('since db@monday');
    expect(extract('db@monday', file).status).toBe(0);
    expect(extract('db@monday', file, '--onto').errors).toContain('is a whole image');
    expect(extract('db@tuesday', file, '--onto').status).toBe(0);
    expect(readFileSync(file).equals(snapshot('tuesday'))).toBe(true);
    expect(extract('db@tuesday', `${file}2`, '--onto').errors).toContain('there is no');
  });
});
