/** Holes of images: found over stored and cached blocks, made by discards. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { ImageHandle } from '../../src/array/disk-array.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { ArrayFixture } from './array-fixture.js';

const BLOCKS = 40;
let fixture: ArrayFixture;
let image: ImageHandle;
beforeEach(async () => {
  fixture = await ArrayFixture.open();
  await fixture.create(BLOCKS, 'db');
  image = fixture.array.openImage(fixture.array.volume('db'), { write: true });
});

async function fill(block: number, count: number): Promise<void> {
  await image.write(block * BLOCK_BYTES, new Uint8Array(count * BLOCK_BYTES).fill(7));
}

/** Runs of data as [first block, block after]. */
async function runs(handle: ImageHandle): Promise<[number, number][]> {
  const found: [number, number][] = [];
  let position = 0;
  for (;;) {
    const data = await handle.nextData(position);
    if (data === undefined) return found;
    position = await handle.nextHole(data);
    found.push([data / BLOCK_BYTES, position / BLOCK_BYTES]);
  }
}

describe('data and holes', () => {
  it('of an empty image are one hole', async () => {
    expect(await image.nextData(5)).toBeUndefined();
    expect(await image.nextHole(5)).toBe(5);
  });

  it('are the same before and after the cache is destaged', async () => {
    await fill(3, 2);
    await fill(10, 1);
    const cached = await runs(image);
    await fixture.drive(image.sync());
    expect([cached, await runs(image)]).toEqual([
      [
        [3, 5],
        [10, 11],
      ],
      [
        [3, 5],
        [10, 11],
      ],
    ]);
  });

  it('begin at the offset asked for, inside a block too', async () => {
    await fill(3, 2);
    expect(await image.nextData(3 * BLOCK_BYTES + 100)).toBe(3 * BLOCK_BYTES + 100);
    expect(await image.nextHole(5 * BLOCK_BYTES + 9)).toBe(5 * BLOCK_BYTES + 9);
  });

  it('end with the image', async () => {
    await fill(BLOCKS - 1, 1);
    expect(await image.nextHole((BLOCKS - 1) * BLOCK_BYTES)).toBe(BLOCKS * BLOCK_BYTES);
  });

  it('are looked for no further than asked for', async () => {
    await fill(2, 30);
    expect(await image.nextHole(2 * BLOCK_BYTES, 5 * BLOCK_BYTES)).toBe(5 * BLOCK_BYTES);
    expect(await image.nextHole(2 * BLOCK_BYTES, 99 * BLOCK_BYTES)).toBe(32 * BLOCK_BYTES);
    expect(await image.nextHole(33 * BLOCK_BYTES, 34 * BLOCK_BYTES)).toBe(33 * BLOCK_BYTES);
  });

  it('of a snapshot stay when the volume changes', async () => {
    await fill(1, 1);
    await fixture.drive(fixture.array.takeSnapshots(['db'], { name: 's' }));
    await fixture.drive(image.discard(0, BLOCKS * BLOCK_BYTES));
    await fill(20, 1);
    const snapshot = fixture.array.openImage(fixture.array.snapshot('db', 's'), { write: false });
    expect([await runs(snapshot), await runs(image)]).toEqual([[[1, 2]], [[20, 21]]]);
    snapshot.close();
  });

  it('of a clone are those of its snapshot', async () => {
    await fill(4, 3);
    await fixture.drive(fixture.array.takeSnapshots(['db'], { name: 's' }));
    await fixture.drive(fixture.array.clone('db', 's', 'copy', {}));
    const clone = fixture.array.openImage(fixture.array.volume('copy'), { write: false });
    expect(await runs(clone)).toEqual([[4, 7]]);
    clone.close();
  });

  it('after a shrink do not show what lay behind', async () => {
    await fill(0, 30);
    await fixture.drive(image.sync());
    await image.resize(10 * BLOCK_BYTES);
    await image.resize(BLOCKS * BLOCK_BYTES);
    expect(await runs(image)).toEqual([[0, 10]]);
  });
});

describe('a discard', () => {
  it('makes the range zeros to the byte and leaves its neighbours', async () => {
    await fill(0, 4);
    await fixture.drive(image.discard(1_000, 2 * BLOCK_BYTES));
    const content = fixture.content('db').subarray(0, 4 * BLOCK_BYTES);
    const expected = Buffer.alloc(4 * BLOCK_BYTES, 7).fill(0, 1_000, 1_000 + 2 * BLOCK_BYTES);
    expect(content.equals(expected)).toBe(true);
  });

  it('gives the space of whole blocks back', async () => {
    await fill(0, 20);
    await fixture.settle();
    const before = fixture.array.pools()[0]?.storedBlocks;
    await fixture.drive(image.discard(0, 15 * BLOCK_BYTES));
    await fixture.settle();
    expect([before, fixture.array.pools()[0]?.storedBlocks]).toEqual([20, 5]);
  });

  it('ends at the end of the image', async () => {
    await fill(BLOCKS - 1, 1);
    await fixture.drive(image.discard((BLOCKS - 1) * BLOCK_BYTES, 2 ** 40));
    expect(image.copy.sizeBytes).toBe(BLOCKS * BLOCK_BYTES);
    expect(await runs(image)).toEqual([]);
  });

  it('counts as a change of the volume', async () => {
    await fill(0, 1);
    await fixture.drive(
      fixture.array.setInfo(fixture.array.volume('db'), new Uint8Array(512).fill(1)),
    );
    await fixture.drive(image.discard(0, BLOCK_BYTES));
    expect(image.copy.infoModified).toBe(true);
  });
});
