/** Faults of volumes and pools, as copies inside the array meet them: pairs, whole images, parameter lists. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { BLOCK_BYTES, TRACK_BYTES } from '../../src/base/sizes.js';
import { type FaultSetting, parseFaultTarget } from '../../src/san/faults.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { blocks, CONTENT, CopyFixture } from './copy-fixture.js';
import { copyImages } from './copy-images.js';
import { bytes, openPair, pairOf, until, write } from './pair-pools-fixture.js';
import type { PoolsFixture } from './pools-fixture.js';

afterAll(cleanScratch);

type Kind = FaultSetting['kind'];
const MOUNT = { allowFaults: true };

function set(
  { array }: Pick<PoolsFixture, 'array'>,
  target: string,
  kind: Kind,
  more: Partial<FaultSetting> = {},
) {
  return array.san.setFault({ target: parseFaultTarget(target), kind, ...more });
}

describe('the copying of a pair', () => {
  let fixture: PoolsFixture;
  beforeEach(async () => {
    fixture = await openPair(false, MOUNT);
  });

  it.each([
    ['volume:db', 'EIO', /volume db has the fault EIO/],
    ['pool:main', 'EIO', /pool main has the fault EIO/],
    ['volume:db', 'damaged', /block 4 .* is damaged/],
    ['volume:copy', 'EIO', /volume copy has the fault EIO/],
    ['pool:mirror', 'EIO', /pool mirror has the fault EIO/],
  ] as const)(
    'fails at %s %s, and the pair is suspended with the reason',
    async (target, kind, reason) => {
      await fixture.clock.drive(fixture.array.splitPairs(['db:copy'], {}));
      await until(fixture, 'split');
      await write(fixture, 'db', 2, 1);
      set(fixture, target, kind, { range: { start: TRACK_BYTES, end: TRACK_BYTES + 1 } });
      const resync = () =>
        fixture.array.resyncPairs(['db:copy'], { direction: 'forward', force: false });
      await fixture.clock.drive(resync());
      await until(fixture, 'suspended');
      expect(pairOf(fixture).reason).toMatch(reason);
      fixture.array.san.clearFaults('all');
      await fixture.clock.drive(resync());
      await until(fixture, 'duplex');
      expect(await bytes(fixture, 'copy')).toBe('1211');
    },
  );

  it.each(['hang', 'delay'] as const)(
    'waits at a %s, and goes on when it is cleared',
    async (kind) => {
      set(fixture, 'volume:copy', kind, {
        range: { start: 3 * TRACK_BYTES, end: 4 * TRACK_BYTES },
        ...(kind === 'delay' && { delayMs: 3_600_000 }),
      });
      await write(fixture, 'db', 2, 3);
      await fixture.clock.advance(60_000);
      expect(pairOf(fixture).target.pending.count).toBe(1);
      fixture.array.san.clearFaults('all');
      await fixture.clock.advance(2_000);
      expect(pairOf(fixture).target.pending.count).toBe(0);
      expect(await bytes(fixture, 'copy')).toBe('1112');
    },
  );

  it('does not hold up the end of the array', async () => {
    set(fixture, 'volume:copy', 'hang');
    await write(fixture, 'db', 2, 0);
    await fixture.clock.advance(2_000);
    await fixture.stop();
  });

  it('that has not come to a track lets reads of it meet the source', async () => {
    set(fixture, 'volume:copy', 'hang', { range: { start: 0, end: TRACK_BYTES } });
    await write(fixture, 'db', 2, 0);
    await fixture.clock.drive(fixture.array.splitPairs(['db:copy'], {}));
    set(fixture, 'volume:db', 'EIO', { count: 2 });
    const image = fixture.array.openImage(fixture.array.volume('copy'), { write: false });
    const target = new Uint8Array(512);
    const read = (offset: number) => Promise.resolve(image.read(offset, target)).catch(String);
    fixture.array.san.clearFaults(parseFaultTarget('volume:copy'));
    expect(await read(0)).toMatch(/volume db has the fault EIO/);
    await fixture.clock.advance(5_000);
    expect(await bytes(fixture, 'copy')).toBe('2111');
  });
});

describe('a copy of an image', () => {
  let fixture: CopyFixture;
  beforeEach(async () => {
    fixture = await CopyFixture.openWritten(MOUNT);
  });

  it.each([
    ['volume:db', 'EIO', 'far', /^failed: EIO: volume db has the fault EIO/],
    ['volume:db', 'EIO', 'db2', /^failed: EIO: volume db has the fault EIO/],
    ['pool:main', 'EIO', 'far', /^failed: EIO: pool main has the fault EIO/],
    ['volume:db', 'damaged', 'far', /^failed: EIO: block 0 .* is damaged/],
    ['volume:far', 'EIO', 'far', /^failed: EIO: volume far has the fault EIO/],
    ['pool:mirror', 'EIO', 'far', /^failed: EIO: pool mirror has the fault EIO/],
    ['volume:far', 'damaged', 'far', /^done/],
    ['volume:db2', 'EIO', 'far', /^done/],
  ] as const)('with %s %s to %s: %s', async (target, kind, destination, end) => {
    set(fixture, target, kind);
    expect(await copyImages(fixture, 'db', destination)).toMatch(end);
    fixture.array.san.clearFaults('all');
    expect(await copyImages(fixture, 'db', destination)).toMatch(/^done/);
    expect((await fixture.content(destination)).equals(await fixture.content('db'))).toBe(true);
  });

  it('waits where its source hangs, and goes on when that is cleared', async () => {
    const fault = set(fixture, 'volume:db', 'hang', { count: 1 });
    const { id } = fixture.ecopies.startImage({ source: 'db', destination: 'far', force: false });
    await fixture.pools.clock.advance(60_000);
    expect(fixture.array.job(id)).toMatchObject({ state: 'running', done: 0 });
    fixture.array.san.clearFaults(fault.number);
    expect(await fixture.drive(fixture.array.jobList.get(id).whenEnded())).toBe('done');
  });

  it('to a device meets those of the volume, in their range', async () => {
    const path = fixture.addDisk();
    const range = { start: 2 * BLOCK_BYTES, end: 3 * BLOCK_BYTES };
    set(fixture, 'volume:db', 'damaged', { range });
    expect(await copyImages(fixture, 'db', 'disk0/disk.img')).toMatch(/^failed: EIO: block 2 /);
    const codes = fixture.array.recentEvents(20).map(({ code, subject }) => `${code} ${subject}`);
    expect(codes).toContain('DAMAGED db');
    fixture.array.san.clearFaults('all');
    expect(await copyImages(fixture, 'db', 'disk0/disk.img')).toMatch(/^done/);
    expect(readFileSync(path).subarray(0, CONTENT.length).equals(CONTENT)).toBe(true);
  });
});

describe('a segment of a parameter list', () => {
  it.each([
    // COPY ABORTED with the status and sense of the source, of the destination.
    ['volume:db', 'EIO', /^7[0-9a-f] ?00 ?0a.*03/],
    ['volume:far', 'EIO', /^7[0-9a-f] ?00 ?0a.*03/],
    ['volume:db2', 'EIO', /^good$/],
  ] as const)('with %s %s ends with %s', async (target, kind, end) => {
    const fixture = await CopyFixture.openWritten(MOUNT);
    set(fixture, target, kind);
    const segment = blocks([0, 2], [0, 0], 64);
    expect(await fixture.copy(fixture.list(segment))).toMatch(end);
    fixture.array.san.clearFaults('all');
    expect(await fixture.copy(fixture.list(segment))).toBe('good');
    const copied = (await fixture.content('far')).subarray(0, 64 * 512);
    expect(copied.equals(CONTENT.subarray(0, 64 * 512))).toBe(true);
  });
});
