/** Increments whose microprocessors are killed, and whose array ends in the middle: they become what they would have been. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { CHUNK_BYTES, randomImage, until } from '../support/backup-pool.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { BackupArray } from './backup-array.js';

afterAll(cleanScratch);

const MONDAY = randomImage(7, 12 * CHUNK_BYTES, 0.2);
const BLOCKS = MONDAY.length / BLOCK_BYTES;

/** Every second block is another, or zeros, in runs as chance will have it. */
function changed(seed: number): Buffer {
  const random = new RandomSource(seed);
  const image = Buffer.from(MONDAY);
  for (let block = 0; block < BLOCKS; block += 1) {
    const content = random.chance(0.3) ? 0 : block + 1;
    if (random.chance(0.5)) image.fill(content, block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES);
  }
  return image;
}

/** db@monday and db@tuesday; of an array the medium holds the first. */
async function openGenerations(kind: 'tape' | 'array', tuesday: Buffer): Promise<BackupArray> {
  const fixture = await BackupArray.open(kind);
  fixture.lagBytes = 8 * CHUNK_BYTES;
  const { array } = fixture;
  await fixture.write('db', MONDAY);
  await array.takeSnapshots(['db'], { name: 'monday' });
  for (let block = 0; block < BLOCKS; block += 1) {
    const [from, to] = [block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES];
    if (tuesday.subarray(from, to).equals(MONDAY.subarray(from, to))) continue;
    const image = array.openImage(array.volume('db'), { write: true });
    await image.write(from, tuesday.subarray(from, to));
    image.close();
  }
  await array.takeSnapshots(['db'], { name: 'tuesday' });
  await fixture.write('db', Buffer.alloc(MONDAY.length, 9));
  if (kind === 'tape') expect(await full(fixture)).toMatch(/^done/);
  else hold(fixture, 'monday');
  return fixture;
}

const full = (fixture: BackupArray) => fixture.ended(fixture.start('db@monday', fixture.medium).id);

/** What the other array would say of it. */
function hold({ array, target }: BackupArray, snapshot: string): void {
  const { path } = target.definition;
  const holds = array.copy(`db@${snapshot}`).uuid;
  writeFileSync(join(path, 'volumes/db'), MONDAY);
  mkdirSync(join(path, 'status'), { recursive: true });
  writeFileSync(
    join(path, 'status/volumes.json'),
    `[\n${JSON.stringify({ number: 1, name: 'db', holds })},\n{}\n]\n`,
  );
}

/** The image as it can be had from the medium. */
async function isOnMedium(fixture: BackupArray, kind: 'tape' | 'array', image: Buffer) {
  const { array, medium, target } = fixture;
  if (kind === 'array') {
    // The last command is told: the array is plain files.
    const told = readFileSync(join(target.definition.path, 'ctl/info'), 'utf8');
    expect(told).toContain(`db holds=${array.copy('db@tuesday').uuid}\n`);
    return readFileSync(target.path).equals(image);
  }
  for (const backup of ['1', '2']) {
    expect(await fixture.ended(fixture.start(medium, 'new', { backup }).id)).toMatch(/^done/);
  }
  return (await fixture.content('new')).equals(image);
}

const SINCE = { since: 'db@monday' };

function killUser({ pool }: BackupArray): void {
  for (const { name, errand } of pool.microprocessors()) if (errand !== undefined) pool.kill(name);
}

describe.each(['tape', 'array'] as const)('an increment to %s', (kind) => {
  it('goes on at its pointer when microprocessors are killed', async () => {
    for (let seed = 1; seed <= repeat(2); seed += 1) {
      const random = new RandomSource(seed);
      const tuesday = changed(seed);
      const fixture = await openGenerations(kind, tuesday);
      let at = random.integer(0, 6) * CHUNK_BYTES;
      fixture.hold(at);
      const { id } = fixture.start('db@tuesday', fixture.medium, SINCE);
      const job = fixture.array.job(id);
      await fixture.untilHeld(job);
      killUser(fixture);
      fixture.goOn();
      while (at < MONDAY.length && job.state === 'running') {
        at += random.integer(1, 8) * CHUNK_BYTES;
        await until(() => job.done >= at || job.state !== 'running');
        killUser(fixture);
      }
      expect(await fixture.ended(id)).toMatch(/^done: .* changed of 768K on dev0/);
      expect(await isOnMedium(fixture, kind, tuesday)).toBe(true);
      await fixture.array.close();
    }
  });

  it('goes on in the next mount, after a kill and after a stop, since the same snapshot', async () => {
    const tuesday = changed(3);
    const fixture = await openGenerations(kind, tuesday);
    const { id } = await fixture.heldBackup(4 * CHUNK_BYTES, SINCE, 'db@tuesday');
    await fixture.kill();
    fixture.hold(8 * CHUNK_BYTES);
    await fixture.mount();
    const job = fixture.array.job(id);
    expect(job.state).toBe('running');
    const deleted = fixture.array.deleteSnapshot('db', 'monday', { force: false });
    await expect(deleted).rejects.toThrow('EBUSY');
    await fixture.untilAsked(job);
    await fixture.stop();
    await fixture.mount();
    expect(await fixture.ended(id)).toMatch(/^done: 768K on dev0/);
    expect(await isOnMedium(fixture, kind, tuesday)).toBe(true);
    await fixture.array.close();
  });
});

describe('an increment', () => {
  it('does not go on where its base is gone', async () => {
    const fixture = await openGenerations('tape', changed(4));
    const { id } = await fixture.heldBackup(4 * CHUNK_BYTES, SINCE, 'db@tuesday');
    await fixture.array.deleteSnapshot('db', 'monday', { force: true });
    await fixture.kill();
    await fixture.mount();
    expect(await fixture.ended(id)).toMatch(/^failed: .* cannot go on: .*monday/);
    await fixture.array.close();
  });

  it('whose restore is interrupted leaves a volume that has failed and holds nothing', async () => {
    const fixture = await openGenerations('tape', changed(5));
    await fixture.ended(fixture.start('db@tuesday', fixture.medium, SINCE).id);
    await fixture.ended(fixture.start(fixture.medium, 'new', { backup: '1' }).id);
    fixture.hold(4 * CHUNK_BYTES);
    const job = fixture.start(fixture.medium, 'new', { backup: '2' });
    await until(() => job.done > 0);
    await fixture.array.sync();
    await fixture.kill();
    await fixture.mount();
    expect(fixture.array.job(job.id).state).toBe('failed');
    expect(fixture.array.volume('new')).toMatchObject({ state: 'failed', holds: undefined });
    const again = fixture.start(fixture.medium, 'new', { backup: '2' });
    expect(await fixture.ended(again.id)).toMatch(/^failed: EXDEV/);
    await fixture.array.close();
  });

  it('does not touch a volume of another array that holds something else', async () => {
    const fixture = await openGenerations('array', changed(6));
    hold(fixture, 'tuesday');
    const started = fixture.start('db@tuesday', fixture.medium, SINCE);
    expect(await fixture.ended(started.id)).toMatch(
      /^failed: EXDEV: .* does not hold db@monday, or was changed since: make a full copy$/,
    );
    expect(readFileSync(fixture.target.path).equals(MONDAY)).toBe(true);
    const missing = fixture.start('db@tuesday', 'dev0/other', SINCE);
    expect(await fixture.ended(missing.id)).toMatch(/^failed: ENOENT/);
    await fixture.array.close();
  });
});
