/**
 * Holes of images as programs make and see them: fallocate, lseek, cp, rsync, qemu-img. Over
 * fuse-native fallocate says that it cannot, and an image looks as if it had no holes.
 */
import { closeSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { canMount, KIB, MIB, MountedArray, TRANSPORT } from '../support/mounted-array.js';
import { done, run } from '../support/programs.js';
import { cleanScratch } from '../support/scratch-directory.js';

const SEES_HOLES = TRANSPORT === 'kernel';
const CANNOT = /^fallocate: fallocate failed: (Operation not supported|keep size mode is unsupp)/;
const BYTES = 4 * MIB;
type Run = [from: number, to: number];

/** Prints the runs of data of a file, in KiB. */
const LIST_DATA = `
import os, sys
file = os.open(sys.argv[1], os.O_RDONLY)
position = 0
while True:
  try: data = os.lseek(file, position, os.SEEK_DATA)
  except OSError as error:
    assert error.errno == 6, error
    break
  position = os.lseek(file, data, os.SEEK_HOLE)
  print(data // 1024, position // 1024)
`;

interface MapEntry {
  readonly start: number;
  readonly length: number;
  readonly data: boolean;
}

describe.skipIf(!canMount)('holes of an image', () => {
  let array: MountedArray;
  let image = '';
  let count = 0;

  beforeAll(() => {
    array = MountedArray.create();
  });
  beforeEach(() => {
    count += 1;
    image = array.volume(`v${count}`);
    array.ok('create', `v${count} ${BYTES}`);
  });
  afterAll(cleanScratch);

  function fill(from: number, to: number, path = image): void {
    const file = openSync(path, 'r+');
    writeSync(file, Buffer.alloc(to - from, 7), 0, to - from, from);
    closeSync(file);
  }

  /** In KiB; without holes where the transport has none. */
  const dataOf = (path: string): Run[] =>
    done('python3', '-c', LIST_DATA, path)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(' ').map(Number) as Run);
  const seen = (...runs: Run[]): Run[] =>
    SEES_HOLES ? runs : [[0, statSync(image).size / KIB] as Run];

  function mapOf(path: string): Run[] {
    const text = done('qemu-img', 'map', '--output=json', '-f', 'raw', path);
    return (JSON.parse(text) as MapEntry[])
      .filter(({ data }) => data)
      .map(({ start, length }) => [start / KIB, (start + length) / KIB]);
  }

  function allocatedKib(path = image): number {
    array.ok('sync', '\n');
    return statSync(path).blocks / 2;
  }

  /** The image is zeros but for these runs of sevens. */
  function expectContent(path: string, ...runs: Run[]): void {
    const expected = Buffer.alloc(statSync(path).size);
    for (const [from, to] of runs) expected.fill(7, from * KIB, to * KIB);
    expect(readFileSync(path).equals(expected)).toBe(true);
  }

  it('are what was never written, by lseek and by qemu-img, in memory and on disk', () => {
    fill(64 * KIB, 96 * KIB);
    fill(1024 * KIB, 1040 * KIB);
    for (const place of ['in memory', 'on disk']) {
      expect([place, dataOf(image)]).toEqual([place, seen([64, 96], [1024, 1040])]);
      expect(mapOf(image)).toEqual(seen([64, 96], [1024, 1040]));
      array.ok('sync', '\n');
    }
  });

  it('are where a whole block was written with zeros', () => {
    fill(0, 128 * KIB);
    const file = openSync(image, 'r+');
    writeSync(file, Buffer.alloc(40 * KIB), 0, 40 * KIB, 30 * KIB);
    closeSync(file);
    expect(allocatedKib()).toBe(96);
    expect(dataOf(image)).toEqual(seen([0, 32], [64, 128]));
  });

  it('of a snapshot stay as they were', () => {
    fill(0, 64 * KIB);
    array.ok('snapshot', `v${count} name=s`);
    fill(512 * KIB, 528 * KIB);
    expect(dataOf(array.snapshot(`v${count}`, 's'))).toEqual(seen([0, 64]));
    expect(mapOf(image)).toEqual(seen([0, 64], [512, 528]));
  });

  // Parts of a block stay stored, whole blocks do not.
  const punched = {
    content: [[0, 20] as Run, [60, 128] as Run],
    data: [
      [0, 32],
      [48, 128],
    ],
  };
  const cutOff = { content: [[0, 32] as Run], data: [[0, 32]] };
  it.each([
    ['punch-hole', ['--punch-hole'], [20, 60], 4096, punched],
    ['zero-range', ['--zero-range'], [20, 60], 4096, punched],
    ['zero-range past the end', ['--zero-range'], [32, 8192], 8192, cutOff],
    ['zero-range --keep-size', ['--zero-range', '--keep-size'], [32, 8192], 4096, cutOff],
  ] as const)('are made by fallocate --%s', (_name, words, [from, to], sizeKib, expected) => {
    fill(0, 128 * KIB);
    const range = ['--offset', `${from}KiB`, '--length', `${to - from}KiB`];
    const { status, errors } = run('fallocate', ...words, ...range, image);
    if (!SEES_HOLES) {
      expect(errors).toMatch(CANNOT);
      expectContent(image, [0, 128]);
      return;
    }
    expect([status, errors, statSync(image).size / KIB]).toEqual([0, '', sizeKib]);
    expectContent(image, ...expected.content);
    expect(dataOf(image)).toEqual(expected.data);
    expect(allocatedKib()).toBe(expected === punched ? 112 : 32);
  });

  it.each([
    ['grows the image without taking space', [], 8192],
    ['with --keep-size leaves the size', ['--keep-size'], 4096],
  ] as const)('and fallocate %s', (_name, words, sizeKib) => {
    fill(0, 16 * KIB);
    const { status, errors } = run('fallocate', ...words, '--length', '8MiB', image);
    if (SEES_HOLES) expect([status, errors]).toEqual([0, '']);
    else expect(errors).toMatch(CANNOT);
    expect(statSync(image).size / KIB).toBe(SEES_HOLES ? sizeKib : 4096);
    expect(allocatedKib()).toBe(16);
    expectContent(image, [0, 16]);
  });

  it.each(['--collapse-range', '--insert-range'])('are not made by fallocate %s', (word) => {
    fill(0, 64 * KIB);
    const words = ['--offset', '16KiB', '--length', '16KiB', image];
    expect(run('fallocate', word, ...words).errors).toMatch(CANNOT);
    expectContent(image, [0, 64]);
  });

  it('are not punched into a snapshot', () => {
    fill(0, 64 * KIB);
    array.ok('snapshot', `v${count} name=s`);
    const frozen = array.snapshot(`v${count}`, 's');
    const { errors } = run('fallocate', '--punch-hole', '--length', '16KiB', frozen);
    expect(errors).toMatch(/Read-only file system/);
    expectContent(frozen, [0, 64]);
  });

  it('are kept by cp --sparse=always into a volume, and by cp out of it', () => {
    const source = join(array.directory, `source${count}`);
    writeFileSync(source, Buffer.alloc(BYTES));
    fill(256 * KIB, 320 * KIB, source);
    fill(0, BYTES);
    done('cp', '--sparse=always', source, image);
    expect(allocatedKib()).toBe(64);
    expectContent(image, [256, 320]);
    expect(dataOf(image)).toEqual(seen([256, 320]));
    const copy = join(array.directory, `copy${count}`);
    done('cp', '--sparse=auto', image, copy);
    expectContent(copy, [256, 320]);
    if (SEES_HOLES) expect(statSync(copy).blocks / 2).toBeLessThan(256);
  });

  it('are made by rsync --inplace --sparse where the source has zeros', () => {
    const source = join(array.directory, `source${count}`);
    writeFileSync(source, Buffer.alloc(BYTES));
    fill(1024 * KIB, 1280 * KIB, source);
    fill(0, BYTES);
    done('rsync', '--inplace', '--sparse', '--ignore-times', source, image);
    expectContent(image, [1024, 1280]);
    expect(allocatedKib()).toBe(256);
    expect(mapOf(image)).toEqual(seen([1024, 1280]));
  });

  it('leave an array that is clean', async () => {
    await array.umount();
    expect(array.findings()).toBeUndefined();
  });
});
