/** A pair of volumes `db` and `copy` of four tracks over the pools main and mirror, and what is done with it. */
import { expect } from 'vitest';
import { TRACK_BYTES } from '../../src/base/sizes.js';
import { type MountOptions, PoolsFixture } from './pools-fixture.js';

export const PAIR = 'db:copy';
export const TRACKS = 4;

export async function write(
  fixture: PoolsFixture,
  name: string,
  byte: number,
  ...tracks: number[]
) {
  const { array, clock } = fixture;
  const image = array.openImage(array.volume(name), { write: true });
  try {
    for (const track of tracks) {
      await clock.drive(
        Promise.resolve(image.write(track * TRACK_BYTES, new Uint8Array(512).fill(byte))),
      );
    }
    await clock.drive(image.sync());
  } finally {
    image.close();
  }
}

/** First byte of each track. */
export async function bytes({ array, clock }: PoolsFixture, name: string): Promise<string> {
  const image = array.openImage(array.volume(name), { write: false });
  const target = Buffer.alloc(TRACKS * TRACK_BYTES);
  await clock.drive(Promise.resolve(image.read(0, target)));
  image.close();
  return Array.from({ length: TRACKS }, (_, track) => target[track * TRACK_BYTES]).join('');
}

export function pairOf({ array }: PoolsFixture) {
  return array.pairing.pair(PAIR);
}

export async function until(fixture: PoolsFixture, state: string): Promise<void> {
  for (let turn = 0; pairOf(fixture).state !== state; turn += 1) {
    if (turn > 3_000) throw new Error(`the pair stays ${pairOf(fixture).state}`);
    await fixture.clock.advance(10);
  }
}

export async function quiet(fixture: PoolsFixture): Promise<void> {
  while (pairOf(fixture).unequalTracks > 0 || pairOf(fixture).instant)
    await fixture.clock.advance(100);
}

/** A pair that is duplex between the two pools, and equal. */
export async function openPair(sync = false, mount: MountOptions = {}): Promise<PoolsFixture> {
  const fixture = await PoolsFixture.open(mount);
  const { array, clock } = fixture;
  const sizeBytes = TRACKS * TRACK_BYTES;
  await clock.drive(array.createVolume({ name: 'db', sizeBytes, poolName: 'main' }));
  await clock.drive(array.createVolume({ name: 'copy', sizeBytes, poolName: 'mirror' }));
  await write(fixture, 'db', 1, 0, 1, 2, 3);
  const options = { mode: 'mirror', pace: 'fast', sync, force: false } as const;
  await clock.drive(array.createPair('db', 'copy', options));
  await until(fixture, 'duplex');
  await quiet(fixture);
  return fixture;
}

export async function resync(fixture: PoolsFixture, direction: 'forward' | 'reverse' = 'forward') {
  const { array, clock } = fixture;
  await clock.drive(array.resyncPairs([PAIR], { direction, force: false }));
  await until(fixture, 'duplex');
  await quiet(fixture);
  expect(await bytes(fixture, 'copy')).toBe(await bytes(fixture, 'db'));
}
