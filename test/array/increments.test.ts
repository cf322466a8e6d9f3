/** Incremental copies: only changed blocks move, onto what holds the base, and what is there then is the snapshot. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { ImageCopyRequest } from '../../src/array/ecopy-contract.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { RandomSource } from '../support/random-source.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { CopyFixture } from './copy-fixture.js';
import { copyImages } from './copy-images.js';

const MIB = 2 ** 20;
const SECTOR = new Uint8Array(512).fill(3);
const HELD = '11111111-2222-3333-4444-555555555555';
let fixture: CopyFixture;
let tapes: string;

afterAll(cleanScratch);

const copy = (source: string, destination: string, options: Partial<ImageCopyRequest> = {}) =>
  copyImages(fixture, source, destination, options);
const snap = (name: string, volume = 'db') =>
  fixture.drive(fixture.array.takeSnapshots([volume], { name }));
const isEqual = async (one: string, other: string) =>
  (await fixture.content(one)).equals(await fixture.content(other));
const holds = (name: string) => fixture.array.volume(name).holds;

/** `db` has CONTENT at its beginning; @mon, and @tue with three blocks of other content, one of zeros. */
async function twoGenerations(): Promise<void> {
  await snap('mon');
  await fixture.write('db', 5 * BLOCK_BYTES + 512, new Uint8Array(512).fill(1));
  await fixture.write('db', 7 * BLOCK_BYTES, new Uint8Array(BLOCK_BYTES));
  await fixture.write('db', 4 * MIB, new Uint8Array(BLOCK_BYTES).fill(2));
  await snap('tue');
  await fixture.write('db', 0, new Uint8Array(MIB).fill(9));
}

beforeEach(async () => {
  fixture = await CopyFixture.openWritten();
  tapes = fixture.addTape({ cartridgeBytes: 64 * MIB });
});

describe('an increment on tape', () => {
  it('has what has changed, and goes onto the volume its base was restored to', async () => {
    await fixture.drive(fixture.array.setInfo(fixture.array.volume('db'), SECTOR));
    await twoGenerations();
    expect(await copy('db@mon', 'tape0/AFS001')).toBe('done: 8M on tape0/AFS001');
    const before = statSync(join(tapes, 'AFS001.tap')).size;
    const result = await copy('db@tue', 'tape0/AFS001', { since: 'db@mon' });
    expect(result).toBe('done: 48K changed of 8M on tape0/AFS001');
    // One block of data, and labels.
    expect(statSync(join(tapes, 'AFS001.tap')).size - before).toBeLessThan(70_000);
    expect(await copy('tape0/AFS001', 'new', { backup: 'db@mon' })).toBe(
      'done: restored 8M to new',
    );
    expect(await isEqual('new', 'db@mon')).toBe(true);
    expect(await copy('tape0/AFS001', 'new')).toBe(
      'done: restored 8M to new: what had changed since db@mon',
    );
    expect(await isEqual('new', 'db@tue')).toBe(true);
    expect(fixture.array.volume('new').info).toEqual(SECTOR);
    expect(fixture.array.volume('new').allocatedBytes).toBe(64 * BLOCK_BYTES);
  });

  it('goes onto nothing else', async () => {
    await twoGenerations();
    await copy('db@mon', 'tape0/AFS001');
    await copy('db@tue', 'tape0/AFS002', { since: 'db@mon' });
    expect(await copy('tape0/AFS002', 'new')).toMatch(
      /^failed: ENOENT: no volume new, and the copy/,
    );
    const before = await fixture.content('far');
    expect(await copy('tape0/AFS002', 'far')).toMatch(/^failed: EXDEV: volume far holds something/);
    expect((await fixture.content('far')).equals(before)).toBe(true);
    expect(fixture.array.volume('far').state).toBe('normal');
    await copy('tape0/AFS001', 'far');
    await fixture.write('far', 0, new Uint8Array(512));
    expect(await copy('tape0/AFS002', 'far')).toMatch(/^failed: EXDEV/);
    expect(await copy('tape0/AFS002', 'far', { since: 'db@mon' })).toMatch(
      /^EINVAL: since= is for/,
    );
  });

  it('goes onto a clone of its base, and onto the volume itself where that went back to it', async () => {
    await twoGenerations();
    await copy('db@tue', 'tape0/AFS001', { since: 'db@mon' });
    await fixture.drive(fixture.array.clone('db', 'mon', 'twin', {}));
    expect(await copy('tape0/AFS001', 'twin')).toMatch(/^done/);
    expect(await isEqual('twin', 'db@tue')).toBe(true);
    await fixture.drive(fixture.array.restore('db', 'mon', { force: false }));
    expect(await copy('tape0/AFS001', 'db')).toMatch(/^done/);
    expect(await isEqual('db', 'db@tue')).toBe(true);
  });

  it('may be of another size than its base', async () => {
    await snap('mon');
    await fixture.drive(fixture.array.resizeVolume('db', MIB + 512, { force: false }));
    await snap('small');
    await fixture.drive(fixture.array.resizeVolume('db', 9 * MIB, { force: false }));
    await fixture.write('db', 8 * MIB, new Uint8Array(512).fill(7));
    await snap('large');
    await copy('db@mon', 'tape0/AFS001');
    await copy('db@small', 'tape0/AFS001', { since: 'db@mon' });
    expect(await copy('db@large', 'tape0/AFS001', { since: 'db@small' })).toMatch(/^done: 32K/);
    for (const [number, name] of ['mon', 'small', 'large'].entries()) {
      expect(await copy('tape0/AFS001', 'new', { backup: `${number + 1}` })).toMatch(/^done/);
      expect(await isEqual('new', `db@${name}`)).toBe(true);
    }
  });

  it('moves at most the changed blocks and 1 %', async () => {
    const sizeBytes = 60 * MIB;
    const runBytes = 8 * BLOCK_BYTES;
    await fixture.drive(fixture.array.createVolume({ name: 'big', sizeBytes }));
    await fixture.write('big', 3 * MIB, new Uint8Array(MIB).fill(1));
    await snap('mon', 'big');
    const random = new RandomSource(3);
    const changed = new Set<number>();
    while (changed.size < 290) changed.add(random.integer(0, sizeBytes / runBytes - 1));
    for (const run of changed) {
      await fixture.write('big', run * runBytes, new Uint8Array(runBytes).fill(2));
    }
    await snap('tue', 'big');
    const before = statSync(join(tapes, 'AFS001.tap')).size;
    await copy('big@tue', 'tape0/AFS001', { since: 'big@mon' });
    const moved = statSync(join(tapes, 'AFS001.tap')).size - before;
    expect(moved).toBeGreaterThan(changed.size * runBytes);
    expect(moved).toBeLessThanOrEqual(changed.size * runBytes * 1.01);
  });
});

describe('an increment of a volume of the array', () => {
  it('is only what has changed, in another pool, too', async () => {
    await twoGenerations();
    expect(await copy('db@tue', 'far', { since: 'db@mon' })).toMatch(/^EXDEV: volume far holds/);
    await copy('db@mon', 'far');
    expect(holds('far')).toBe(fixture.array.copy('db@mon').uuid);
    expect(await copy('db@tue', 'far', { since: 'db@mon' })).toBe(
      'done: copied 48K changed of 8M to far',
    );
    expect(await isEqual('far', 'db@tue')).toBe(true);
    expect(holds('far')).toBe(fixture.array.copy('db@tue').uuid);
    // And back again.
    expect(await copy('db@mon', 'far', { since: 'db@tue' })).toMatch(/^done: copied 48K/);
    expect(await isEqual('far', 'db@mon')).toBe(true);
  });

  it('is found along restores and clones', async () => {
    await twoGenerations();
    await fixture.drive(fixture.array.restore('db', 'mon', { force: false }));
    await fixture.write('db', 20 * BLOCK_BYTES, new Uint8Array(512).fill(4));
    await snap('wed');
    await copy('db@tue', 'far');
    expect(await copy('db@wed', 'far', { since: 'db@tue' })).toMatch(/^done: copied 64K/);
    expect(await isEqual('far', 'db@wed')).toBe(true);
    await fixture.drive(fixture.array.clone('db', 'tue', 'twin', {}));
    await fixture.write('twin', 0, new Uint8Array(512).fill(4));
    await snap('own', 'twin');
    expect(await copy('twin@own', 'far', { since: 'db@wed' })).toMatch(/^done: copied 80K/);
    expect(await isEqual('far', 'twin@own')).toBe(true);
  });

  it.each([
    ['a volume', 'db', 'far', { since: 'db@mon' }, /^EINVAL: since= is between two snapshots/],
    ['a base that is a volume', 'db@tue', 'far', { since: 'db' }, /^EINVAL: .* db is a volume/],
    ['the snapshot itself', 'db@tue', 'far', { since: 'db@tue' }, /^EINVAL/],
    ['a base that is gone', 'db@tue', 'tape0/AFS001', { since: 'db@old' }, /^ENOENT/],
    ['another volume', 'db@tue', 'tape0/AFS001', { since: 'db2@mon' }, /^EXDEV: .* share nothing/],
    ['another pool', 'db@tue', 'tape0/AFS001', { since: 'far@mon' }, /^EXDEV: .*full copy$/],
    ['a plain backup', 'db@tue', 'tape0/AFS001', { since: 'db@mon', plain: true }, /^EINVAL/],
    ['a disk', 'db@tue', 'disk0/disk.img', { since: 'db@mon' }, /^EINVAL: the disk disk0/],
    ['no volume', 'db@tue', 'none', { since: 'db@mon' }, /^ENOENT: no volume none/],
  ])('is refused for %s', async (_what, source, destination, options, expected) => {
    fixture.addDisk();
    await twoGenerations();
    for (const volume of ['db2', 'far']) await snap('mon', volume);
    expect(await copy(source, destination, options)).toMatch(expected);
  });
});

describe('what a volume holds', () => {
  const FORGETS: readonly [string, () => Promise<unknown>][] = [
    ['a write', () => fixture.write('far', 0, new Uint8Array(512))],
    ['a resize', () => fixture.drive(fixture.array.resizeVolume('far', MIB, { force: false }))],
    ['a copy to it', () => copy('db2', 'far')],
    ['a discard', () => discard('far')],
    ['a pair', () => paired()],
    ['a pair that copies on demand', () => pairedOnDemand()],
  ];

  async function discard(name: string): Promise<void> {
    const image = fixture.array.openImage(fixture.array.volume(name), { write: true });
    await fixture.drive(image.discard(0, MIB));
    image.close();
  }

  async function paired(): Promise<void> {
    const options = { mode: 'mirror', pace: 'fast', sync: false, force: false } as const;
    await fixture.drive(fixture.array.pairing.createPair('db', 'far', options));
    while (fixture.array.pairing.pair('db:far').state !== 'duplex') {
      await fixture.pools.clock.advance(100);
    }
  }

  /** Nothing is copied before somebody writes. */
  async function pairedOnDemand(): Promise<void> {
    const options = { mode: 'on-demand', pace: 'fast', sync: false, force: false } as const;
    await fixture.drive(fixture.array.pairing.createPair('db', 'far', options));
    await fixture.drive(fixture.array.pairing.copyPairs(['db:far'], {}));
  }

  it.each(FORGETS)('is forgotten by %s', async (_what, change) => {
    await snap('mon');
    await copy('db@mon', 'far');
    expect(holds('far')).toBeDefined();
    await change();
    expect(holds('far')).toBeUndefined();
  });

  it('stays over volume information and a crash, and may be told', async () => {
    const { array } = fixture;
    await fixture.drive(fixture.ecopies.setHeld('far', HELD));
    await fixture.drive(array.setInfo(array.volume('far'), SECTOR));
    await fixture.pools.kill();
    expect(holds('far')).toBe(HELD);
    await fixture.write('far', 0, new Uint8Array(512));
    await fixture.drive(fixture.array.sync());
    await fixture.pools.kill();
    expect(holds('far')).toBeUndefined();
    fixture.begin();
    await expect(fixture.ecopies.setHeld('far', 'x')).rejects.toThrow('EINVAL');
    await expect(fixture.ecopies.setHeld('db@mon', HELD)).rejects.toThrow('ENOENT');
  });

  it('is right after a crash that takes back what was in the snapshot and not on disk', async () => {
    await fixture.drive(fixture.array.sync());
    await fixture.write('db', 0, new Uint8Array(MIB).fill(6));
    await snap('mon');
    expect(await copy('db@mon', 'far')).toMatch(/^done/);
    await fixture.pools.kill();
    expect(holds('far')).toBe(fixture.array.copy('db@mon').uuid);
    expect(await isEqual('far', 'db@mon')).toBe(true);
  });

  it('is not told of a volume that a host wrote to during the copy', async () => {
    await snap('mon');
    const started = fixture.ecopies.startImage({
      source: 'db@mon',
      destination: 'far',
      force: true,
    });
    await fixture.write('far', 7 * MIB, new Uint8Array(512).fill(5));
    expect(await fixture.drive(fixture.array.jobList.get(started.id).whenEnded())).toBe('done');
    expect(holds('far')).toBeUndefined();
  });
});
