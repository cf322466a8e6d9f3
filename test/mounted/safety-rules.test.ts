/** Nothing is destroyed by accident: who is refused, and how it is done on purpose. */
import {
  closeSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { canLoop, canMount, codeOf, MIB, MountedArray } from '../support/mounted-array.js';
import { done } from '../support/programs.js';
import { cleanScratch } from '../support/scratch-directory.js';

describe.skipIf(!canMount)('a mounted array', () => {
  let array: MountedArray;
  let number = 0;
  /** A volume of 1 MiB of its own for each test, with a snapshot `s` of ones. */
  let name = '';

  const image = () => array.volume(name);
  const frozen = () => array.snapshot(name, 's');
  const firstByte = (path: string) => readFileSync(path)[0];

  function writeByte(byte: number): void {
    const file = openSync(image(), 'r+');
    writeSync(file, Buffer.alloc(4_096, byte));
    closeSync(file);
  }

  beforeAll(() => {
    array = MountedArray.create();
  });
  afterAll(cleanScratch);
  beforeEach(() => {
    number += 1;
    name = `v${number}`;
    array.ok('create', `${name} 1M`);
    writeByte(1);
    array.ok('snapshot', `${name} name=s`);
    writeByte(2);
  });

  it('refuses rm of a volume that has snapshots', () => {
    expect(codeOf(() => rmSync(image()))).toBe('EBUSY');
    expect(firstByte(image())).toBe(2);
    array.ok('delete', `${name} snapshots=yes`);
    expect(codeOf(() => readFileSync(image()))).toBe('ENOENT');
  });

  it('refuses restore and shrink under a writer, unless forced', () => {
    const writer = openSync(image(), 'r+');
    expect(array.command('restore', `${name}@s`).code).toBe('EBUSY');
    expect(array.command('resize', `${name} 512K`).code).toBe('EBUSY');
    expect(codeOf(() => truncateSync(image(), 0))).toBe('EBUSY');
    expect(firstByte(image())).toBe(2);
    array.ok('resize', `${name} 2M`);
    array.ok('restore', `${name}@s force=yes`);
    expect(firstByte(image())).toBe(1);
    array.ok('resize', `${name} 512K force=yes`);
    closeSync(writer);
    expect(readFileSync(image())).toHaveLength(MIB / 2);
    expect(readFileSync(frozen())).toHaveLength(MIB);
  });

  it('refuses to delete a snapshot that is in use, unless forced', () => {
    const reader = openSync(frozen(), 'r');
    expect(codeOf(() => rmSync(frozen()))).toBe('EBUSY');
    expect(array.command('delete', `${name}@s`).code).toBe('EBUSY');
    expect(array.command('delete', `${name} snapshots=yes`).code).toBe('EBUSY');
    closeSync(reader);
    rmSync(frozen());
    expect(codeOf(() => readFileSync(frozen()))).toBe('ENOENT');
  });

  it('serves a file that was unlinked while open', () => {
    rmSync(frozen());
    const file = openSync(image(), 'r+');
    rmSync(image());
    expect(array.volumes().some((volume) => volume.name === name)).toBe(false);
    writeSync(file, Buffer.alloc(512, 9), 0, 512, 100);
    array.ok('create', `${name} 1M`);
    expect(firstByte(image())).toBe(0);
    expect(readFileSync(file)[100]).toBe(9);
    closeSync(file);
  });

  it('refuses to write to a snapshot', () => {
    expect(codeOf(() => openSync(frozen(), 'r+'))).toBe('EROFS');
    expect(codeOf(() => truncateSync(frozen(), 0))).toBe('EROFS');
    expect(codeOf(() => writeFileSync(array.snapshot(name, 'new'), 'x'))).toMatch(/EPERM|EROFS/);
    expect(firstByte(frozen())).toBe(1);
  });

  it('never lets mv replace a volume', () => {
    array.ok('create', `${name}-other 1M`);
    expect(codeOf(() => renameSync(image(), array.volume(`${name}-other`)))).toBe('EEXIST');
    expect(firstByte(image())).toBe(2);
    const open = openSync(array.volume(`${name}-other`), 'r');
    expect(codeOf(() => renameSync(image(), array.volume(`${name}-other`)))).toMatch(
      /EEXIST|EBUSY/,
    );
    closeSync(open);
    renameSync(image(), array.volume(`${name}-new`));
    expect(firstByte(array.volume(`${name}-new`))).toBe(2);
    expect(firstByte(array.snapshot(`${name}-new`, 's'))).toBe(1);
  });

  it.skipIf(!canLoop)('counts a loop mount as a writer', async () => {
    array.ok('resize', `${name} 16M`);
    done('mkfs.ext4', '-q', image());
    array.ok('snapshot', `${name} name=made`);
    const point = array.loopMount(image(), name);
    expect(array.command('restore', `${name}@s`).code).toBe('EBUSY');
    expect(array.command('resize', `${name} 1M`).code).toBe('EBUSY');
    await array.loopUnmount(point);
    const old = array.loopMount(array.snapshot(name, 'made'), name, 'ro', 'noload');
    expect(array.command('delete', `${name}@made`).code).toBe('EBUSY');
    await array.loopUnmount(old);
    array.ok('restore', `${name}@s`);
    array.ok('delete', `${name}@made`);
    expect(firstByte(image())).toBe(1);
  });
});
