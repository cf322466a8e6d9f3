/** What a copy leaves that ends before it is whole: nothing that looks whole, and nothing that is still reserved. */
import { statSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { CHUNK_BYTES, randomImage, until } from '../support/backup-pool.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { BackupArray } from './backup-array.js';

afterAll(cleanScratch);

const IMAGE = randomImage(7, 12 * CHUNK_BYTES, 0.2);
const LATER = randomImage(8, 12 * CHUNK_BYTES, 0.2);
const SECTOR = new Uint8Array(512).fill(3);
const HALF = 'holds half a copy: the job that copied to it ended before it was whole';

async function openWritten(kind: 'tape' | 'disk' | 'array'): Promise<BackupArray> {
  const fixture = await BackupArray.open(kind);
  await fixture.write('db', IMAGE);
  return fixture;
}

describe.each(['tape', 'disk', 'array'] as const)('a backup to %s that is cancelled', (kind) => {
  it('does not look whole, also after it had been interrupted, and leaves the medium to others', async () => {
    const fixture = await openWritten(kind);
    const { id } = await fixture.heldBackup(3 * CHUNK_BYTES);
    await fixture.kill();
    fixture.hold();
    await fixture.mount();
    const job = fixture.array.job(id);
    await fixture.untilAsked(job);
    await fixture.array.cancelJob(id);
    expect(job.state).toBe('cancelled');
    expect(fixture.frozen()).toBe(0);
    if (kind === 'tape') {
      expect(fixture.listed()).toEqual(['incomplete']);
      expect(() => fixture.onMedium()).toThrow('it was not finished');
    } else expect(statSync(fixture.target.path).size).toBeLessThan(IMAGE.length);
    fixture.goOn();
    await fixture.write('db', LATER);
    const again = fixture.array.ecopies.retry(id);
    expect(await fixture.ended(again.id)).toMatch(/^done/);
    expect(fixture.onMedium().equals(LATER)).toBe(true);
    expect(fixture.listed()).toEqual(kind === 'tape' ? ['complete'] : []);
    await fixture.stop();
    await fixture.mount();
    expect(fixture.array.job(id).state).toBe('cancelled');
    await fixture.array.close();
  });
});

describe('a volume that is being restored', () => {
  async function restoring(): Promise<{ fixture: BackupArray; id: number }> {
    const fixture = await openWritten('tape');
    expect(await fixture.ended(fixture.start('db', fixture.medium).id)).toMatch(/^done/);
    await fixture.write('old', LATER);
    await fixture.array.setInfo(fixture.array.volume('old'), SECTOR);
    fixture.hold(2 * CHUNK_BYTES);
    const { id } = fixture.start(fixture.medium, 'old');
    await fixture.untilHeld(fixture.array.job(id));
    return { fixture, id };
  }

  /** It can be read again when it has been copied to as a whole. */
  async function expectHalf(fixture: BackupArray, id: number): Promise<void> {
    expect(fixture.array.volume('old')).toMatchObject({ state: 'failed', info: undefined });
    await expect(fixture.content('old')).rejects.toThrow(`EIO: volume old ${HALF}`);
    const again = fixture.array.ecopies.retry(id);
    expect(await fixture.ended(again.id)).toBe('done: restored 768K to old');
    expect(fixture.array.volume('old')).toMatchObject({ state: 'normal' });
    expect((await fixture.content('old')).equals(IMAGE)).toBe(true);
    await fixture.stop();
    await fixture.mount();
    expect(fixture.array.volume('old')).toMatchObject({ state: 'normal' });
    await fixture.array.close();
  }

  it('has failed when the restore is cancelled', async () => {
    const { fixture, id } = await restoring();
    const cancelled = fixture.array.cancelJob(id);
    fixture.goOn();
    await cancelled;
    expect(fixture.array.job(id).state).toBe('cancelled');
    await expectHalf(fixture, id);
  });

  it.each(['kill', 'stop'] as const)('has failed after a %s', async (end) => {
    const { fixture, id } = await restoring();
    await fixture.array.sync();
    if (end === 'stop') fixture.goOn();
    await fixture[end]();
    await fixture.mount();
    expect(await fixture.ended(id)).toMatch(/^failed: the array was stopped before the job ended/);
    await expectHalf(fixture, id);
  });

  it('is as before where the restore did not begin', async () => {
    const fixture = await openWritten('tape');
    const { id } = fixture.start('dev0/AFS009', 'db');
    expect(await fixture.ended(id)).toMatch(/^failed: ENXIO/);
    expect((await fixture.content('db')).equals(IMAGE)).toBe(true);
    await fixture.array.close();
  });

  it('may go back to a snapshot instead', async () => {
    const fixture = await openWritten('disk');
    await fixture.array.takeSnapshots(['db'], { name: 'monday' });
    expect(await fixture.ended(fixture.start('db', fixture.medium).id)).toMatch(/^done/);
    fixture.hold();
    const { id } = fixture.start(fixture.medium, 'db');
    const job = fixture.array.job(id);
    await until(
      () => job.report?.()[0]?.startsWith('moving') === true,
      () => job.state !== 'running',
    );
    const cancelled = fixture.array.cancelJob(id);
    fixture.goOn();
    await cancelled;
    await fixture.array.restore('db', 'monday', { force: false });
    expect((await fixture.content('db')).equals(IMAGE)).toBe(true);
    await fixture.array.close();
  });
});
