/** Copies of a mounted array by its real microprocessors: a backup on tape and back, and parameter lists as bytes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listOf } from '../../ecopy/list-builder.js';
import { DISK_SEGMENT, diskDescriptor } from '../../ecopy/list-of-disks.js';
import { canMount, MountedArray } from '../../support/mounted-array.js';
import { ARRAYFS, run, until } from '../../support/programs.js';
import { RandomSource } from '../../support/random-source.js';
import { cleanScratch } from '../../support/scratch-directory.js';

interface JobRow {
  readonly id: number;
  readonly state: string;
  readonly message: string;
}

describe.skipIf(!canMount)('copies of a mounted array', () => {
  let array: MountedArray;
  const content = new RandomSource(7).bytes(300_000);

  beforeAll(() => {
    array = MountedArray.create({});
    array.ok('create', 'db 4M');
    writeFileSync(array.volume('db'), content, { flag: 'r+' });
  });
  afterAll(cleanScratch);

  /** The job that the command has started, when it has ended. */
  async function ended(line: string | Uint8Array): Promise<JobRow> {
    const { text } = array.command('ecopy', line);
    const id = Number(/^ok job (\d+) /.exec(text)?.[1]);
    const job = () => array.table<JobRow>('jobs').find((row) => row.id === id);
    await until(() => job()?.state !== 'running');
    return job() as JobRow;
  }

  it('puts a labelled backup on tape, which programs read without the array, and brings it back', async () => {
    const tapes = join(array.directory, 'tapes');
    array.ok('device', `tape0 kind=tape path=${tapes} slots=2 ports=CL1-C,CL2-C`);
    expect(await ended('db tape0/AFS001\n')).toMatchObject({
      state: 'done',
      message: '4M on tape0/AFS001',
    });
    expect(await ended('tape0/AFS001 db2\n')).toMatchObject({ state: 'done' });
    expect(readFileSync(array.volume('db2')).equals(readFileSync(array.volume('db')))).toBe(true);
    const image = join(array.directory, 'image');
    expect(run(ARRAYFS, 'tape', 'extract', tapes, 'db', image).status).toBe(0);
    expect(readFileSync(image).equals(readFileSync(array.volume('db')))).toBe(true);
  });

  it('carries out a parameter list that is written as bytes, for the host who writes it', async () => {
    array.ok('create', 'far 4M');
    array.ok('lun', 'db ports=CL1-A lun=0');
    array.ok('lun', 'far ports=CL1-A lun=1');
    const rows = array.table<{ name: string; naa: string }>('volumes');
    const naa = (name: string) => rows.find((row) => row.name === name)?.naa ?? '';
    const targets = [diskDescriptor(naa('db')), diskDescriptor(naa('far'))];
    const list = listOf({ flags: '0900', targets, segments: [DISK_SEGMENT] });
    expect(await ended(list)).toMatchObject({ state: 'done', message: 'wrote 64K in 1 segments' });
    const [from, to] = ['db', 'far'].map((name) => readFileSync(array.volume(name)));
    expect(to?.subarray(0, 65_536).equals(from?.subarray(0, 65_536) ?? Buffer.alloc(0))).toBe(true);
    expect(array.command('ecopy', list.subarray(0, 40)).code).toBe('EINVAL');
  });
});
