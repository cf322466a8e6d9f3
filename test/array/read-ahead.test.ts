/** Read-ahead of images: for whom, when, and that what changes an image is never hidden by it. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ImageHandle } from '../../src/array/disk-array.js';
import { AHEAD_READERS_MAX } from '../../src/base/limits.js';
import { TRACK_BYTES } from '../../src/base/sizes.js';
import type { BlockContainerKind } from '../../src/store/container-kind.js';
import { PAIR, PairsFixture } from './pairs-fixture.js';

const ALL = [0, 1, 2, 3, 4, 5, 6, 7];
const KINDS: BlockContainerKind[] = ['lmdb', 'file'];

describe.each(KINDS)('reading ahead, blocks in %s', (kind) => {
  let fixture: PairsFixture;
  let storeReads: () => number;

  beforeEach(async () => {
    fixture = await PairsFixture.open(1, ALL.length, kind);
    for (const name of ['db', 'copy']) {
      await fixture.write(name, 1, ALL, 0, TRACK_BYTES);
      await fixture.drive(fixture.array.sync());
      await fixture.content(name);
    }
    const { blocks } = fixture.main;
    const spies = [vi.spyOn(blocks, 'read')];
    if (blocks.readRun !== undefined) spies.push(vi.spyOn(blocks, 'readRun') as never);
    storeReads = () => spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
  });

  const open = (name: string) =>
    fixture.array.openImage(fixture.array.copy(name), { write: false });

  /** First byte of a track, which is the same in all of it. */
  function track(image: ImageHandle, number: number): number {
    const target = new Uint8Array(TRACK_BYTES).fill(0xee);
    expect(image.read(number * TRACK_BYTES, target)).toBe(TRACK_BYTES);
    expect(target.every((byte) => byte === target[0])).toBe(true);
    return target[0] as number;
  }

  /** Reads tracks, with all that can be read ahead before each; returns how often the store was read for them. */
  function readsFor(image: ImageHandle, ...tracks: readonly number[]): number {
    let count = 0;
    for (const number of tracks) {
      while (fixture.array.readAhead.readSlice()) {}
      const before = storeReads();
      track(image, number);
      count += storeReads() - before;
    }
    return count;
  }

  it('answers who reads on and on without a look at the store', () => {
    const image = open('db');
    expect(readsFor(image, 0, 1)).toBeGreaterThan(0);
    expect(readsFor(image, 2, 3, 4, 5, 6, 7)).toBe(0);
  });

  it('does nothing for who jumps, or reads little', () => {
    const image = open('db');
    for (const number of [0, 2, 4, 6, 1, 3]) track(image, number);
    for (let offset = 0; offset < 2 ** 16; offset += 4096) image.read(offset, new Uint8Array(4096));
    const before = storeReads();
    expect(fixture.array.readAhead.readSlice()).toBe(false);
    expect(storeReads()).toBe(before);
  });

  it('goes on with the one that waits longest, and ends with nothing left to do', () => {
    const images = [open('db'), open('copy')];
    for (const image of images) for (const number of [0, 1, 2]) track(image, number);
    expect(fixture.array.readAhead.readSlice()).toBe(true);
    expect(fixture.array.readAhead.readSlice()).toBe(false);
    for (const image of images) expect(readsFor(image, 3)).toBe(0);
  });

  it('keeps bytes of a bounded number of readers: those who read last', () => {
    const images = Array.from({ length: AHEAD_READERS_MAX + 1 }, () => open('db'));
    for (const image of images) readsFor(image, 0, 1, 2);
    while (fixture.array.readAhead.readSlice()) {}
    const [first, ...others] = images;
    const before = storeReads();
    for (const image of others) track(image, 3);
    expect(storeReads()).toBe(before);
    track(first as ImageHandle, 3);
    expect(storeReads()).toBeGreaterThan(before);
  });

  it('has nothing to do for an image that is closed', () => {
    const image = open('db');
    for (const number of [0, 1, 2]) track(image, number);
    image.close();
    const before = storeReads();
    expect(fixture.array.readAhead.readSlice()).toBe(false);
    expect(storeReads()).toBe(before);
  });

  it('does not hide what a pair copies into the image, nor what a resync brings', async () => {
    await fixture.write('db', 2, ALL, 0, TRACK_BYTES);
    const image = open('copy');
    readsFor(image, 0, 1, 2);
    while (fixture.array.readAhead.readSlice()) {}
    await fixture.create();
    await fixture.until('duplex');
    expect(track(image, 3)).toBe(2);
    await fixture.drive(fixture.array.sync());
    expect(readsFor(image, 1, 2, 3, 4)).toBeGreaterThan(0);
    while (fixture.array.readAhead.readSlice()) {}
    await fixture.drive(fixture.pairing.splitPairs([PAIR], {}));
    await fixture.until('split');
    await fixture.write('db', 3, ALL, 0, TRACK_BYTES);
    await fixture.do('resync');
    await fixture.until('duplex');
    expect(track(image, 5)).toBe(3);
  });

  it('reads nothing of a volume whose content is still with the other side of a pair', async () => {
    await fixture.write('db', 2, ALL, 0, TRACK_BYTES);
    await fixture.create({ pace: 'slow' });
    await fixture.drive(fixture.pairing.splitPairs([PAIR], {}));
    expect(fixture.pair.secondaryState).toBe('split-pending');
    const image = open('copy');
    for (const number of [0, 1, 2]) {
      await fixture.drive(
        Promise.resolve(image.read(number * TRACK_BYTES, Buffer.alloc(TRACK_BYTES))),
      );
    }
    const before = storeReads();
    expect(fixture.array.readAhead.readSlice()).toBe(false);
    expect(storeReads()).toBe(before);
  });
});
