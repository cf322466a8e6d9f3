/** Two mounted arrays that are each other's backup device and copy into each other at once. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repeat } from '../../support/factor.js';
import { canMount, MIB, MountedArray } from '../../support/mounted-array.js';
import { until } from '../../support/programs.js';
import { RandomSource } from '../../support/random-source.js';
import { cleanScratch } from '../../support/scratch-directory.js';

interface JobRow {
  readonly id: number;
  readonly state: string;
  readonly message: string;
}

const IMAGE_BYTES = 8 * MIB;

describe.skipIf(!canMount)('two arrays', () => {
  let one: MountedArray;
  let other: MountedArray;
  let images: Buffer[];

  beforeAll(() => {
    one = MountedArray.create({});
    other = MountedArray.create({});
    images = [one, other].map((array, index) => {
      const image = Buffer.alloc(IMAGE_BYTES);
      new RandomSource(index + 1).bytes(MIB).forEach((byte, at) => {
        image[at * 7] = byte;
      });
      array.ok('create', `db ${IMAGE_BYTES}`);
      writeFileSync(array.volume('db'), image, { flag: 'r+' });
      return image;
    });
    one.ok('device', `peer kind=array path=${other.mount} ports=CL1-C,CL2-C`);
    other.ok('device', `peer kind=array path=${one.mount} ports=CL1-C,CL2-C`);
  });
  afterAll(cleanScratch);

  const start = (array: MountedArray, line: string): number =>
    Number(/^ok job (\d+) /.exec(array.ok('ecopy', line))?.[1]);
  const job = (array: MountedArray, id: number) =>
    array.table<JobRow>('jobs').find((row) => row.id === id);

  async function ended(array: MountedArray, ids: readonly number[]): Promise<string[]> {
    await until(() => ids.every((id) => job(array, id)?.state !== 'running'));
    return ids.map((id) => `${job(array, id)?.state} ${job(array, id)?.message}`);
  }

  it('copy into each other at once, several images each way, while hosts write', async () => {
    const information = Buffer.alloc(512, 'i');
    writeFileSync(one.path('info', 'db'), information);
    const names = Array.from({ length: repeat(2) }, (_unused, index) => `copy${index}`);
    const started = names.map((name) => [
      start(one, `db peer/one-${name}`),
      start(other, `db peer/other-${name}`),
    ]);
    // Later writes are in no copy.
    for (const array of [one, other]) {
      writeFileSync(array.volume('db'), Buffer.alloc(MIB, 1), { flag: 'r+' });
    }
    const done = 'done 8M on peer/';
    const ids = (side: number) => started.map((pair) => pair[side] ?? 0);
    expect(await ended(one, ids(0))).toEqual(names.map((name) => `${done}one-${name}`));
    expect(await ended(other, ids(1))).toEqual(names.map((name) => `${done}other-${name}`));
    for (const name of names) {
      expect(readFileSync(other.path('info', `one-${name}`)).equals(information)).toBe(true);
      const [fromOne, fromOther] = [other.volume(`one-${name}`), one.volume(`other-${name}`)];
      expect(readFileSync(fromOne).equals(images[0] ?? Buffer.alloc(0))).toBe(true);
      expect(readFileSync(fromOther).equals(images[1] ?? Buffer.alloc(0))).toBe(true);
    }
  });

  it('fetch from each other at once', async () => {
    const ids = [start(one, 'peer/db fetched'), start(other, 'peer/db fetched')] as const;
    expect(await ended(one, [ids[0]])).toEqual(['done restored 8M to fetched']);
    expect(await ended(other, [ids[1]])).toEqual(['done restored 8M to fetched']);
    const [ofOne, ofOther] = [one, other].map((array) => readFileSync(array.volume('db')));
    expect(readFileSync(one.volume('fetched')).equals(ofOther ?? Buffer.alloc(0))).toBe(true);
    expect(readFileSync(other.volume('fetched')).equals(ofOne ?? Buffer.alloc(0))).toBe(true);
  });

  it('can be unmounted, one after the other, also while they copy', async () => {
    start(one, 'db peer/last');
    start(other, 'db peer/last');
    await one.umount();
    await other.umount();
    expect([one.findings(), other.findings()]).toEqual([undefined, undefined]);
  });
});
