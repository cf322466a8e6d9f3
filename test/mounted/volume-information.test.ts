/** The volume-information sector follows its volume as the design says. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canMount, codeOf, MountedArray } from '../support/mounted-array.js';
import { shell } from '../support/programs.js';
import { cleanScratch } from '../support/scratch-directory.js';

interface InfoRow {
  readonly name: string;
  readonly info: { modifiedSinceStored: boolean } | null;
}

describe.skipIf(!canMount)('volume information', () => {
  let array: MountedArray;

  beforeAll(() => {
    array = MountedArray.create();
    array.ok('create', 'v 1M');
  });
  afterAll(cleanScratch);

  const sector = (byte: number) => Buffer.alloc(512, byte);
  const infoOf = (copy: string) => readFileSync(array.path('info', copy));
  const store = (copy: string, byte: number) =>
    writeFileSync(array.path('info', copy), sector(byte));
  const modified = () => {
    const row = array.table<InfoRow>('volumes').find(({ name }) => name === 'v');
    return row?.info?.modifiedSinceStored;
  };

  it('is empty, then what 512 bytes at offset 0 have stored', () => {
    expect(infoOf('v')).toHaveLength(0);
    store('v', 1);
    expect(infoOf('v')).toEqual(sector(1));
    expect(statSync(array.path('info', 'v')).size).toBe(512);
  });

  it.each([
    ['511 bytes', 'head -c 511 /dev/zero >'],
    ['513 bytes', 'dd if=/dev/zero bs=513 count=1 status=none of='],
    ['an offset', 'dd if=/dev/zero bs=512 seek=1 count=1 conv=notrunc status=none of='],
  ])('refuses %s', (_what, command) => {
    expect(codeOf(() => shell(`${command}${array.path('info', 'v')}`))).toMatch(/Invalid argument/);
    expect(infoOf('v')).toEqual(sector(1));
  });

  it('says whether the volume was modified since', () => {
    expect(modified()).toBe(false);
    shell(`printf x | dd of=${array.volume('v')} conv=notrunc status=none`);
    expect(modified()).toBe(true);
    store('v', 2);
    expect(modified()).toBe(false);
  });

  it('is carried by snapshots, not by clones', () => {
    array.ok('snapshot', 'v name=s');
    expect(infoOf('v@s')).toEqual(sector(2));
    array.ok('clone', 'v@s c');
    expect(infoOf('c')).toHaveLength(0);
  });

  it('is changed on the volume or the snapshot alone', () => {
    store('v@s', 3);
    expect([infoOf('v'), infoOf('v@s')]).toEqual([sector(2), sector(3)]);
  });

  it('is not taken over by a restore', () => {
    array.ok('restore', 'v@s');
    expect(infoOf('v')).toEqual(sector(2));
    expect(modified()).toBe(true);
  });

  it('comes with the snapshot that is taken with it', () => {
    array.ok('snapshot', `v name=t info=${sector(4).toString('base64')}`);
    expect([infoOf('v'), infoOf('v@t')]).toEqual([sector(2), sector(4)]);
    expect(array.command('snapshot', `v name=t info=${sector(5).toString('base64')}`).code).toBe(
      'EEXIST',
    );
    expect(infoOf('v@t')).toEqual(sector(4));
  });

  it('survives kill -9 as soon as it is stored', async () => {
    store('v', 6);
    await array.kill();
    array.mountAgain();
    expect([infoOf('v'), infoOf('v@s'), infoOf('v@t')]).toEqual([sector(6), sector(3), sector(4)]);
  });

  it('is cleared by a command', () => {
    array.ok('info', 'v clear=yes');
    expect(infoOf('v')).toHaveLength(0);
    expect(modified()).toBeUndefined();
  });
});
