/** A backup on tape right after a split, by the figures of [001]: in every way the image of the split, whatever hosts write meanwhile. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { Ecopies } from '../../src/array/ecopies.js';
import type { ImageCopyRequest } from '../../src/array/ecopy-contract.js';
import { TRACK_BYTES } from '../../src/base/sizes.js';
import { openBackup } from '../../src/device/backup-image.js';
import { openDevice } from '../../src/device/open-device.js';
import { contentOf } from '../device/backup-source.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { CONTENT, CopyFixture } from './copy-fixture.js';
import { WatchedPath } from './watched-path.js';

const PAIR = 'db:db2';
const MIB = 2 ** 20;
/** Half of the tracks that differ at the split are behind this. */
const HELD_AT = 2 * MIB;
let fixture: CopyFixture;
let path: WatchedPath;
let tapes: string;
let image: Buffer;

afterAll(cleanScratch);

beforeEach(async () => {
  fixture = await CopyFixture.openWritten();
  tapes = fixture.addTape({ cartridgeBytes: 8 * MIB });
  path = new WatchedPath();
  fixture.ecopies = new Ecopies(fixture.array, () => fixture.san, path);
  const options = { mode: 'mirror', pace: 'fast', sync: false, force: false } as const;
  await fixture.drive(fixture.array.createPair('db', 'db2', options));
  await until(() => pair().state === 'duplex');
  await fixture.drive(fixture.array.setPairPace([PAIR], 'slow'));
  // What is not copied yet at the split.
  await fixture.write('db', MIB, Buffer.concat([CONTENT, CONTENT]));
  image = await fixture.content('db');
});

const pair = () => fixture.array.pair(PAIR);
const pending = () => pair().pendingTracks;

async function until(isTrue: () => boolean): Promise<void> {
  for (let turn = 0; turn < 20_000 && !isTrue(); turn += 1) await fixture.pools.clock.advance(1);
  expect(isTrue()).toBe(true);
}

/** `(2)` and `(5)` of fig. 4: the split, unless the request has it, and the instruction. */
async function begin(request: Partial<ImageCopyRequest>): Promise<number> {
  const isSplit = request.split === true;
  if (!isSplit) await fixture.array.splitPairs([PAIR], { pace: 'slow' });
  const source = isSplit ? PAIR : 'db2';
  const ends = { source, destination: 'tape0/AFS001', force: false };
  const { id, begun } = fixture.ecopies.startImage({ ...ends, ...request });
  // (3), (4): the end of the split has been reported; the target is not whole.
  expect([pair().primaryState, pair().secondaryState]).toEqual(['split', 'split-pending']);
  await fixture.drive(begun);
  return id;
}

const ended = (id: number) => fixture.drive(fixture.array.jobList.get(id).whenEnded());

/** The image on tape, as a program without the array reads it. */
function onTape(): Buffer {
  const session = openDevice({ kind: 'tape', path: tapes }).login('reader');
  try {
    return contentOf(openBackup(session, 'AFS001'));
  } finally {
    session.logout();
  }
}

/** Hosts write to all that differed, on both sides, while the tape stands still; no write waits for it. */
async function writeMeanwhile(): Promise<void> {
  const before = path.asked.length;
  await fixture.write('db', MIB, new Uint8Array(2 * MIB).fill(1));
  await fixture.write('db2', MIB + TRACK_BYTES, new Uint8Array(2 * MIB).fill(2));
  await fixture.write('db2', 7 * MIB, new Uint8Array(TRACK_BYTES).fill(3));
  expect(path.asked.length).toBe(before);
}

/** (7), (8): the image of the split is on tape, and copying goes on until both agree in content. */
async function expectImage(id: number): Promise<void> {
  path.release();
  expect(await ended(id)).toBe('done');
  expect(onTape().equals(image)).toBe(true);
  await until(() => pair().state === 'split');
  expect(fixture.frozen()).toBe(0);
}

describe('[001]', () => {
  it('figs. 3, 4: a range that is not copied is copied first, then sent', async () => {
    path.holdAt(HELD_AT);
    const id = await begin({ policy: 'copy-first' });
    const uncopied = pending();
    await until(() => path.asked.includes(HELD_AT));
    // Out of turn: all tracks of what was sent, and as many as copying at pace slow would not have done.
    const firstUncopied = pair().copyPointer ?? 0;
    expect(firstUncopied * TRACK_BYTES).toBeGreaterThanOrEqual(HELD_AT);
    expect(pending()).toBeLessThan(uncopied);
    await writeMeanwhile();
    await expectImage(id);
  });

  it('figs. 5, 6: a backup may wait until nothing differs', async () => {
    path.holdAt(HELD_AT);
    const id = await begin({ policy: 'wait' });
    while (pair().state !== 'split') {
      expect(path.asked).toEqual([]);
      await fixture.pools.clock.advance(1);
    }
    await until(() => path.asked.includes(HELD_AT));
    await writeMeanwhile();
    await expectImage(id);
  });

  it('fig. 7: the server asks for the state of the target and begins when it is split', async () => {
    await fixture.array.splitPairs([PAIR], { pace: 'slow' });
    const states = new Set<string>();
    await until(() => {
      states.add(pair().secondaryState);
      return pair().secondaryState === 'split';
    });
    expect([...states]).toEqual(['split-pending', 'split']);
    const ends = { source: 'db2', destination: 'tape0/AFS001', force: false };
    const { id } = fixture.ecopies.startImage(ends);
    expect(await ended(id)).toBe('done');
    expect(onTape().equals(image)).toBe(true);
  });

  it('figs. 8, 9: what is not copied is read from the source and merged, and the target is left as it is', async () => {
    path.holdAt(HELD_AT);
    const id = await begin({ policy: 'merge' });
    const uncopied = pending();
    while (!path.asked.includes(HELD_AT)) await fixture.pools.clock.yield();
    // No time has passed, so nothing was copied; what differs was sent.
    expect([pending(), uncopied > 16]).toEqual([uncopied, true]);
    await writeMeanwhile();
    await expectImage(id);
  });

  it.each(['copy-first', 'wait', 'merge'] as const)(
    'figs. 10, 11: one command splits and backs up with policy=%s, and is answered once it is split',
    async (policy) => {
      path.holdAt(HELD_AT);
      const id = await begin({ policy, split: true });
      expect(fixture.array.job(id).state).toBe('running');
      // Hosts go on at once, on both sides.
      await fixture.write('db2', 3 * MIB - TRACK_BYTES, new Uint8Array(512).fill(8));
      await fixture.write('db', 3 * MIB - TRACK_BYTES, new Uint8Array(TRACK_BYTES).fill(9));
      await until(() => path.asked.includes(HELD_AT));
      await writeMeanwhile();
      await expectImage(id);
    },
  );

  it('a split that was answered is there after a crash', async () => {
    await begin({ split: true });
    await fixture.pools.kill();
    expect([pair().primaryState, pair().secondaryState]).toEqual(['split', 'split-pending']);
  });

  it('a tape that never moves again holds up no host, and no copy of the pair', async () => {
    path.holdAt(0);
    const id = await begin({ policy: 'merge' });
    await writeMeanwhile();
    await until(() => pair().state === 'split');
    await writeMeanwhile();
    expect(fixture.array.job(id).state).toBe('running');
    await expectImage(id);
  });
});
