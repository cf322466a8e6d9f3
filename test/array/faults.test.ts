/** Faults of volumes and pools, as programs meet them in images; refused where they are not allowed. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { StorageArray } from '../../src/array/array.js';
import type { ImageHandle } from '../../src/array/disk-array.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import type { FaultSetting } from '../../src/san/faults.js';
import { ManualClock } from '../support/manual-clock.js';
import { newMemoryStore, openMemoryPools } from '../support/memory-array.js';
import { MemoryPlaces } from '../support/memory-places.js';
import { ArrayFixture } from './array-fixture.js';

const DB = { kind: 'volume', name: 'db' } as const;
const POOL = { kind: 'pool', name: 'main' } as const;
let clock: ManualClock;
let array: StorageArray;
let image: ImageHandle;

beforeEach(async () => {
  clock = new ManualClock();
  const places = new MemoryPlaces(clock, [['memory', newMemoryStore(clock)]]);
  array = await openMemoryPools(places, 'memory', clock, { allowFaults: true });
  for (const name of ['db', 'log']) {
    await array.createVolume({ name, sizeBytes: 8 * BLOCK_BYTES });
  }
  image = array.openImage(array.volume('db'), { write: true });
  await image.write(0, new Uint8Array(8 * BLOCK_BYTES).fill(7));
});

const set = (setting: Partial<FaultSetting>) =>
  array.san.setFault({ target: DB, kind: 'EIO', ...setting });

/** The first byte read, or the code of the refusal. */
async function read(offset = 0, of: ImageHandle = image): Promise<number | string> {
  const target = new Uint8Array(512);
  try {
    await of.read(offset, target);
    return target[0] as number;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

/** Whether it has ended. */
function watched<T>(work: Promise<T>): { isOver: boolean; readonly work: Promise<T> } {
  const state = { isOver: false, work };
  void work.finally(() => {
    state.isOver = true;
  });
  return state;
}

describe('a fault of a volume', () => {
  it('EIO fails so many requests, of any kind, and no more', async () => {
    set({ count: 4 });
    expect(await read()).toBe('EIO');
    await expect(image.write(0, new Uint8Array(512))).rejects.toMatchObject({
      code: 'EIO',
      reason: 'volume db has the fault EIO (1)',
    });
    await expect(image.sync()).rejects.toMatchObject({ code: 'EIO' });
    await expect(image.discard(0, BLOCK_BYTES)).rejects.toMatchObject({ code: 'EIO' });
    expect(await read()).toBe(7);
    expect(array.san.faults.list).toEqual([]);
  });

  it('in a range is met only there', async () => {
    set({ range: { start: BLOCK_BYTES, end: BLOCK_BYTES + 1 } });
    expect(await read(0)).toBe(7);
    expect(await read(BLOCK_BYTES)).toBe('EIO');
    expect(await read(BLOCK_BYTES + 512)).toBe(7);
    await image.sync();
  });

  it('concerns neither other volumes nor its own snapshots', async () => {
    await array.takeSnapshots(['db'], { name: 'monday' });
    set({});
    const snapshot = array.openImage(array.snapshot('db', 'monday'), { write: false });
    const log = array.openImage(array.volume('log'), { write: false });
    expect([await read(), await read(0, snapshot), await read(0, log)]).toEqual(['EIO', 7, 0]);
  });

  it('damaged fails reads, and writes do not mind; it is told once', async () => {
    set({ kind: 'damaged', range: { start: BLOCK_BYTES, end: 2 * BLOCK_BYTES } });
    await image.write(BLOCK_BYTES, new Uint8Array(512).fill(9));
    for (let time = 0; time < 3; time += 1) expect(await read(BLOCK_BYTES + 512)).toBe('EIO');
    const damages = array.recentEvents(100).filter(({ code }) => code === 'DAMAGED');
    expect(damages.map(({ subject, message }) => `${subject} ${message}`)).toEqual([
      'db block 1 (byte 16896) is damaged: volume db has the fault damaged (1)',
    ]);
    array.san.clearFaults('all');
    expect(await read(BLOCK_BYTES)).toBe(9);
  });

  it('delay lets a request wait, and then be done', async () => {
    set({ kind: 'delay', delayMs: 50, count: 1 });
    const data = Buffer.alloc(512, 5);
    const write = watched(Promise.resolve(image.write(0, data)));
    data.fill(6);
    await clock.advance(49);
    expect(write.isOver).toBe(false);
    await clock.advance(1);
    expect(await write.work).toBe(512);
    expect(await read()).toBe(5);
  });

  it('hang holds a request until it is cleared', async () => {
    const { number } = set({ kind: 'hang', count: 1 });
    const hanging = watched(read());
    expect(await read()).toBe(7);
    await clock.advance(3_600_000);
    expect(hanging.isOver).toBe(false);
    expect(array.san.clearFaults(number)).toBe(1);
    expect(await hanging.work).toBe(7);
  });

  it('hang ends when nobody can clear it any more', async () => {
    set({ kind: 'hang' });
    const hanging = [read(), image.sync()];
    array.san.releaseHanging();
    expect(await Promise.all(hanging)).toEqual([7, undefined]);
    expect(await read()).toBe(7);
  });

  it('several happen in the order in which they were set', async () => {
    set({ kind: 'delay', delayMs: 50 });
    set({ kind: 'EIO' });
    const failing = watched(read());
    await clock.advance(49);
    expect(failing.isOver).toBe(false);
    await clock.advance(1);
    expect(await failing.work).toBe('EIO');
  });

  it('is met by copies between images at both ends', async () => {
    const log = array.openImage(array.volume('log'), { write: true });
    set({ target: { kind: 'volume', name: 'log' }, count: 1 });
    await expect(image.copyTo(0, log, 0, BLOCK_BYTES)).rejects.toMatchObject({ code: 'EIO' });
    expect(await image.copyTo(0, log, 0, BLOCK_BYTES)).toBe(BLOCK_BYTES);
    expect(await read(0, log)).toBe(7);
  });
});

describe('a fault of a pool', () => {
  it('is met in all volumes and snapshots in it', async () => {
    await array.takeSnapshots(['db'], { name: 'monday' });
    set({ target: POOL });
    const snapshot = array.openImage(array.snapshot('db', 'monday'), { write: false });
    const log = array.openImage(array.volume('log'), { write: false });
    expect([await read(), await read(0, snapshot), await read(0, log)]).toEqual([
      'EIO',
      'EIO',
      'EIO',
    ]);
  });
});

describe('setting faults', () => {
  it('is told in events, and to who asks to be told', () => {
    let told = 0;
    array.san.whenChanged(() => {
      told += 1;
    });
    set({ count: 2 });
    array.san.clearFaults(DB);
    expect(told).toBe(2);
    const events = array.recentEvents(2).map(({ code, subject, message }) => {
      return `${code} ${subject} ${message}`;
    });
    expect(events).toEqual([
      'FAULT-SET volume:db EIO at volume:db, 2 times',
      'FAULT-CLEARED volume:db fault 1',
    ]);
  });

  it('is refused unless the array was mounted for it, and images have none then', async () => {
    const fixture = await ArrayFixture.open();
    await fixture.create(1, 'db');
    const { san } = fixture.array;
    expect(await fixture.refusal(() => san.setFault({ target: DB, kind: 'EIO' }))).toBe('EPERM');
    expect(await fixture.refusal(() => san.clearFaults('all'))).toBe('EPERM');
    san.faults.add({ target: DB, kind: 'EIO' });
    await fixture.fill('db', 0, 3);
    expect(fixture.bytes('db')).toEqual([3]);
  });
});
