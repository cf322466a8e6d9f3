/** Images: growth, odd ends, zeros after shrinking and growing, limits, deleted and failed volumes. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { ImageHandle } from '../../src/array/disk-array.js';
import { ArrayError } from '../../src/base/errors.js';
import { CACHE_BYTES_MIN, VOLUME_BYTES_MAX } from '../../src/base/limits.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { ArrayFixture } from './array-fixture.js';

let fixture: ArrayFixture;
let image: ImageHandle;
beforeEach(async () => {
  fixture = await ArrayFixture.open();
  await fixture.create(2, 'db');
  image = fixture.array.openImage(fixture.array.volume('db'), { write: true });
});

const full = (size: number, byte: number) => new Uint8Array(size).fill(byte);

describe('reading an image', () => {
  it.each<[number, number, number]>([
    [0, 100, 100],
    [2 * BLOCK_BYTES - 10, 100, 10],
    [2 * BLOCK_BYTES, 100, 0],
    [2 ** 50, 100, 0],
    [0, 0, 0],
  ])('from %d for %d bytes gives %d', (offset, length, expected) => {
    const target = full(length, 0xee);
    expect(image.read(offset, target)).toBe(expected);
    expect(target.every((byte, index) => byte === (index < expected ? 0 : 0xee))).toBe(true);
  });
});

describe('writing an image', () => {
  it('beyond its end grows it to the next sector', () => {
    expect(image.write(2 * BLOCK_BYTES, full(100, 7))).toBe(100);
    expect(image.copy.sizeBytes).toBe(2 * BLOCK_BYTES + 512);
    const tail = fixture.content('db').subarray(2 * BLOCK_BYTES);
    expect([tail[0], tail[99], tail[100], tail[511]]).toEqual([7, 7, 0, 0]);
  });

  it('far beyond its end leaves zeros between', () => {
    image.write(5 * BLOCK_BYTES + 3, full(2, 7));
    expect(image.copy.sizeBytes).toBe(5 * BLOCK_BYTES + 512);
    expect(
      fixture
        .content('db')
        .subarray(0, 5 * BLOCK_BYTES + 3)
        .every((byte) => byte === 0),
    ).toBe(true);
  });

  it('within it does not change its size', () => {
    image.write(2 * BLOCK_BYTES - 1, full(1, 7));
    expect(image.copy.sizeBytes).toBe(2 * BLOCK_BYTES);
  });

  it('of nothing changes nothing', () => {
    const { revision } = fixture.array;
    expect(image.write(9 * BLOCK_BYTES, full(0, 1))).toBe(0);
    expect([image.copy.sizeBytes, fixture.array.revision]).toEqual([2 * BLOCK_BYTES, revision]);
  });

  it('ends exactly at the limit and not one byte further', async () => {
    expect(await image.write(VOLUME_BYTES_MAX - 1, full(1, 7))).toBe(1);
    expect(image.copy.sizeBytes).toBe(VOLUME_BYTES_MAX);
    expect(await fixture.refusal(() => image.write(VOLUME_BYTES_MAX, full(1, 7)))).toBe('EFBIG');
    expect(await fixture.refusal(() => image.write(VOLUME_BYTES_MAX - 1, full(2, 7)))).toBe(
      'EFBIG',
    );
    expect(await fixture.refusal(() => image.resize(VOLUME_BYTES_MAX + 512))).toBe('EFBIG');
  });

  it('notes the time, and that the information sector is older', async () => {
    await fixture.array.setInfo(fixture.array.volume('db'), full(512, 1));
    await fixture.clock.advance(5_000);
    expect(image.copy.infoModified).toBe(false);
    image.write(0, full(1, 1));
    expect([image.copy.infoModified, image.copy.modifiedMs]).toEqual([true, fixture.clock.nowMs()]);
  });

  it('is EBADF where it was opened to read', async () => {
    const reader = fixture.array.openImage(fixture.array.volume('db'), { write: false });
    expect(await fixture.refusal(() => reader.write(0, full(1, 1)))).toBe('EBADF');
    expect(await fixture.refusal(() => reader.resize(0))).toBe('EBADF');
  });
});

describe('an image that shrinks and grows again', () => {
  const shrinkAndGrow: readonly [string, number, (size: number) => unknown][] = [
    ['by a resize', 512, () => image.resize(2 * BLOCK_BYTES)],
    ['by a resize', BLOCK_BYTES, () => image.resize(2 * BLOCK_BYTES)],
    ['by a resize', 0, () => image.resize(2 * BLOCK_BYTES)],
    ['by a write further on', 512, () => image.write(2 * BLOCK_BYTES - 512, full(512, 0))],
    ['by a write right behind', 512, (size) => image.write(size + 512, full(BLOCK_BYTES, 0))],
    ['by an odd write', 512, (size) => image.write(size + 700, full(1, 0))],
    ['by an odd write at its end', 512, (size) => image.write(size, full(1, 0))],
    ['by an odd write across its end', 1024, (size) => image.write(size - 1, Uint8Array.of(5, 0))],
  ];
  it.each(shrinkAndGrow)('%s from %d bytes shows zeros', async (_how, size, grow) => {
    image.write(0, full(2 * BLOCK_BYTES, 5));
    for (const settle of [false, true]) {
      if (settle) await fixture.settle();
      await image.resize(size);
      await grow(size);
      const content = fixture.content('db');
      expect(content.subarray(0, size).every((byte) => byte === 5)).toBe(true);
      expect(content.length).toBeGreaterThan(size);
      expect(content.subarray(size).every((byte) => byte === 0)).toBe(true);
    }
  });

  it('leaves a snapshot its own size and content', async () => {
    image.write(0, full(2 * BLOCK_BYTES, 5));
    await fixture.array.takeSnapshots(['db'], { name: 's' });
    await image.resize(512);
    await image.resize(4 * BLOCK_BYTES);
    expect(fixture.bytes('db@s')).toEqual([5, 5]);
    expect(fixture.bytes('db')).toEqual([5, 0, 0, 0]);
  });

  it('shows zeros in a grown clone of an odd snapshot', async () => {
    image.write(0, full(2 * BLOCK_BYTES, 5));
    await image.resize(512);
    await fixture.array.takeSnapshots(['db'], { name: 's' });
    await fixture.array.clone('db', 's', 'copy', {});
    await fixture.drive(fixture.array.resizeVolume('copy', BLOCK_BYTES, { force: false }));
    expect(
      fixture
        .content('copy')
        .subarray(512)
        .every((byte) => byte === 0),
    ).toBe(true);
  });

  it('gives back the space of what it lost', async () => {
    image.write(0, full(2 * BLOCK_BYTES, 5));
    await fixture.settle();
    await image.resize(BLOCK_BYTES);
    await fixture.settle();
    expect([fixture.array.pools()[0]?.storedBlocks, image.copy.allocatedBytes]).toEqual([
      1,
      BLOCK_BYTES,
    ]);
  });
});

describe('an open image of a deleted volume', () => {
  it('goes on working and is given back when it is closed', async () => {
    image.write(0, full(BLOCK_BYTES, 5));
    await fixture.array.deleteVolume('db', { snapshots: false });
    image.write(BLOCK_BYTES, full(BLOCK_BYTES, 6));
    await fixture.settle();
    const target = new Uint8Array(2 * BLOCK_BYTES);
    expect([image.read(0, target), target[0], target[BLOCK_BYTES]]).toEqual([
      2 * BLOCK_BYTES,
      5,
      6,
    ]);
    image.close();
    await fixture.settle();
    expect(fixture.array.pools()[0]).toMatchObject({ storedBlocks: 0, reclaimsPending: 0 });
  });

  it('is given back after a kill', async () => {
    image.write(0, full(BLOCK_BYTES, 5));
    await fixture.array.deleteVolume('db', { snapshots: false });
    await fixture.remount('killed');
    await fixture.settle();
    expect([fixture.array.volumes(), fixture.array.pools()[0]?.storedBlocks]).toEqual([[], 0]);
  });
});

describe('a pool whose disk fails', () => {
  it('refuses writes and commands with EIO, goes on reading, and heals', async () => {
    image.write(0, full(BLOCK_BYTES, 5));
    fixture.store.failTransactionAfter(0);
    expect(await fixture.refusal(() => image.sync())).toBe('EIO');
    expect(await fixture.refusal(() => image.write(0, full(512, 1)))).toBe('EIO');
    expect(await fixture.refusal(() => fixture.array.takeSnapshots(['db'], {}))).toBe('EIO');
    expect([fixture.bytes('db'), fixture.array.volume('db').state]).toEqual([[5, 0], 'failed']);
    fixture.store.failTransactionAfter(undefined);
    await fixture.settle();
    expect(fixture.array.volume('db').state).toBe('normal');
    expect(
      fixture
        .events()
        .slice(-2)
        .map((line) => line.split(' ')[0]),
    ).toEqual(['POOL-FAILED', 'POOL-WORKS']);
  });

  it('goes on accepting writes where it is only full', async () => {
    image.write(0, full(BLOCK_BYTES, 5));
    fixture.store.failTransactionAfter(0, new ArrayError('ENOSPC', 'full'));
    expect(await fixture.refusal(() => image.sync())).toBe('ENOSPC');
    expect(image.write(0, full(512, 1))).toBe(512);
    expect(fixture.array.pools()[0]).toMatchObject({ state: 'degraded', problem: 'full' });
  });

  it.each<[string, (isFull: boolean) => void]>([
    [
      'disk',
      (isFull) => {
        fixture.store.hostFree = isFull ? 0 : Number.POSITIVE_INFINITY;
      },
    ],
    [
      'capacity',
      (isFull) => {
        fixture.array.poolList.home.content.space.storedBlocks = isFull ? 2 ** 40 : 0;
      },
    ],
  ])('is degraded while its %s is full', async (what, set) => {
    const problem = expect.stringContaining(what);
    await fixture.settle();
    for (const isFull of [false, true, false]) {
      set(isFull);
      await fixture.clock.advance(1_000);
      const expected = isFull
        ? { state: 'degraded', problem }
        : { state: 'normal', problem: undefined };
      expect(fixture.array.pools()[0]).toMatchObject(expected);
      expect(fixture.array.volume('db').state).toBe('normal');
    }
  });

  it('tells a command that it is done but not durable', async () => {
    fixture.store.failTransactionAfter(0, new ArrayError('ENOSPC', 'full'));
    const taken = fixture.array.takeSnapshots(['db'], { name: 's' });
    await expect(taken).rejects.toThrow('ENOSPC: done, but not durable yet: full');
    expect(fixture.array.findSnapshot('db', 's')).toBeDefined();
  });
});

describe('growing an image', () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7])(
    'leaves zeros where a restore came %d turns later',
    async (turns) => {
      const { array } = fixture;
      image.write(0, full(BLOCK_BYTES, 7));
      await fixture.drive(image.resize(512));
      await array.takeSnapshots(['db'], { name: 's' });
      await fixture.drive(image.resize(1024));
      const growing = image.resize(4096);
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      const wasGrown = image.copy.sizeBytes === 4096;
      const restored = array.restore('db', 's', { force: true });
      await fixture.drive(Promise.all([growing, restored]));
      const content = fixture.content('db');
      expect([...new Set(content.subarray(0, 512))]).toEqual([7]);
      const tail = [content.length, ...new Set(content.subarray(512))];
      expect(tail).toEqual(wasGrown ? [512] : [4096, 0]);
    },
  );

  it('waits for memory of the cache for the rest of its last block', async () => {
    await fixture.create(300, 'fill');
    const names = Array.from({ length: 6 }, (_, index) => `small${index}`);
    for (const name of names) await fixture.array.createVolume({ name, sizeBytes: 512 });
    await fixture.drive(fixture.array.sync());
    fixture.store.failTransactionAfter(0, new ArrayError('ENOSPC', 'full'));
    const fill = fixture.array.openImage(fixture.array.volume('fill'), { write: true });
    // All blocks of the cache but two, then a single page.
    const blocks = CACHE_BYTES_MIN / BLOCK_BYTES - 3;
    for (let block = 0; block < blocks; block += 1)
      fill.write(block * BLOCK_BYTES, full(BLOCK_BYTES, 1));
    fill.write(299 * BLOCK_BYTES, full(512, 1));
    const growing = names.map((name) => {
      const small = fixture.array.openImage(fixture.array.volume(name), { write: true });
      return small.resize(2 * BLOCK_BYTES);
    });
    await fixture.clock.advance(100);
    const sizes = () => names.map((name) => fixture.array.volume(name).sizeBytes);
    expect(sizes()).toEqual([2 * BLOCK_BYTES, 2 * BLOCK_BYTES, 512, 512, 512, 512]);
    fixture.store.failTransactionAfter(undefined);
    await fixture.drive(Promise.all(growing));
    expect(sizes()).toEqual(names.map(() => 2 * BLOCK_BYTES));
  });
});
