/** What becomes of copies that the end of the array interrupts, by a stop or a kill: they go on, or have failed and say why. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { BACKUP_CASES, CHUNK_BYTES, randomImage, until } from '../support/backup-pool.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { BackupArray } from './backup-array.js';

afterAll(cleanScratch);

const IMAGE = randomImage(7, 12 * CHUNK_BYTES, 0.2);
const LATER = randomImage(8, 12 * CHUNK_BYTES, 0.2);
const STOPPED = 'the array was stopped before the job ended';

async function openWritten(kind: 'tape' | 'disk' | 'array'): Promise<BackupArray> {
  const fixture = await BackupArray.open(kind);
  await fixture.write('db', IMAGE);
  return fixture;
}

describe.each(BACKUP_CASES)('a backup to %s in %s form', (kind, form) => {
  it('goes on in the next mount, after a kill and after a stop', async () => {
    const fixture = await openWritten(kind);
    const plain = form === 'plain' && kind === 'tape';
    const { id, startedMs } = await fixture.heldBackup(2 * CHUNK_BYTES, { plain });
    const [begun] = fixture.backups;
    await fixture.write('db', LATER);
    await fixture.array.sync();
    await fixture.kill();
    fixture.hold(6 * CHUNK_BYTES);
    await fixture.mount();
    const job = fixture.array.job(id);
    expect(job).toMatchObject({ state: 'running', startedMs, subject: `db ${fixture.medium}` });
    await fixture.untilHeld(job);
    await fixture.stop();
    await fixture.mount();
    expect(await fixture.ended(id)).toBe(`done: 768K on ${fixture.medium}`);
    expect(fixture.onMedium().equals(IMAGE)).toBe(true);
    expect(fixture.listed()).toEqual(kind === 'tape' ? ['complete'] : []);
    const [rest] = fixture.backups;
    expect(rest?.management).toEqual(begun?.management);
    // A stop leaves the pointer where it was, a kill the last one that was synced.
    expect(rest?.resume?.nextOffset).toBeGreaterThanOrEqual(3 * CHUNK_BYTES);
    expect(fixture.events('JOB-RESUMED')).toHaveLength(2);
    expect(fixture.frozen()).toBe(0);
    await fixture.stop();
    await fixture.mount();
    expect(fixture.array.job(id)).toMatchObject({ state: 'done' });
    expect(fixture.backups).toEqual([]);
    await fixture.array.close();
  });
});

describe('an interrupted backup', () => {
  it('of a snapshot goes on as often as it is interrupted, and waits for a mount that may write', async () => {
    const fixture = await openWritten('tape');
    await fixture.array.takeSnapshots(['db'], { name: 'monday' });
    await fixture.write('db', LATER);
    const { id } = await fixture.heldBackup(3 * CHUNK_BYTES, {}, 'db@monday');
    await fixture.kill();
    await fixture.mount(true);
    expect(await fixture.ended(id)).toBe(`failed: ${STOPPED}: mounted for writing, it goes on`);
    await fixture.stop();
    fixture.hold();
    await fixture.mount();
    const { array } = fixture;
    expect(array.job(id)).toMatchObject({ state: 'running', subject: 'db@monday dev0/AFS001' });
    const deleted = array.deleteSnapshot('db', 'monday', { force: false });
    await expect(deleted).rejects.toThrow('EBUSY');
    await fixture.untilAsked(array.job(id));
    await fixture.stop();
    await fixture.mount();
    expect(await fixture.ended(id)).toMatch(/^done/);
    expect(fixture.onMedium().equals(IMAGE)).toBe(true);
    expect(fixture.listed()).toEqual(['complete']);
    await fixture.array.close();
  });

  it('has failed where its medium or device is gone, says why, and can be given again', async () => {
    const fixture = await openWritten('tape');
    const { id } = await fixture.heldBackup(3 * CHUNK_BYTES);
    await fixture.kill();
    const content = readFileSync(fixture.target.path);
    rmSync(fixture.target.path);
    await fixture.mount();
    expect(await fixture.ended(id)).toMatch(/^failed: ENXIO: .* has no cartridge AFS001/);
    expect(fixture.frozen()).toBe(0);
    writeFileSync(fixture.target.path, content);
    const again = fixture.array.ecopies.retry(id);
    expect(again.subject).toBe('db dev0/AFS001');
    expect(await fixture.ended(again.id)).toMatch(/^done/);
    // What was left of the first one is overwritten.
    expect(fixture.listed()).toEqual(['complete']);
    expect(() => fixture.array.ecopies.retry(again.id)).toThrow('EINVAL');
    await fixture.array.close();
  });

  it('has failed where part of its image was with the other side of a pair', async () => {
    const fixture = await openWritten('tape');
    const { array } = fixture;
    await array.createVolume({ name: 'copy', sizeBytes: IMAGE.length });
    await array.reserveVolumes(['copy']);
    fixture.hold();
    // Nothing is copied before the backup begins.
    const options = { mode: 'mirror', pace: 'slow', sync: false, force: false } as const;
    const paired = array.createPair('db', 'copy', options);
    const { id } = fixture.start('db:copy', fixture.medium, { split: true });
    await paired;
    await fixture.untilAsked(array.job(id));
    await array.sync();
    expect(array.job(id).survives).toBe(false);
    await fixture.kill();
    await fixture.mount();
    const why = 'a part of its image was with the other side of the pair, so it cannot go on';
    expect(await fixture.ended(id)).toBe(`failed: ${STOPPED}: ${why}`);
    expect(fixture.events('JOB-FAILED').join()).toContain(why);
    expect(await fixture.ended(fixture.array.ecopies.retry(id).id)).toMatch(/^done/);
    expect(fixture.onMedium().equals(IMAGE)).toBe(true);
    await fixture.array.close();
  });

  it('has failed where its source was not on disk yet', async () => {
    const fixture = await openWritten('tape');
    fixture.hold();
    const job = fixture.start('db', fixture.medium, {});
    await fixture.array.poolList.confirmed();
    expect(job.survives).toBe(false);
    await fixture.kill();
    await fixture.mount();
    expect(await fixture.ended(job.id)).toBe(`failed: ${STOPPED}`);
    expect(fixture.events('JOB-FAILED')).toEqual([
      `job ${job.id} ecopy db dev0/AFS001: ${STOPPED}`,
    ]);
    expect(fixture.frozen()).toBe(0);
    await fixture.array.close();
  });

  it('that was whole is done, whatever the crash has taken of its end', async () => {
    const fixture = await openWritten('tape');
    const { id } = await fixture.heldBackup(3 * CHUNK_BYTES);
    const { array } = fixture;
    const job = array.job(id);
    // The last record before the end of the job.
    const { end } = job;
    const ends: (() => void)[] = [];
    job.end = (...how) => void ends.push(() => end.apply(job, how));
    fixture.goOn();
    await until(() => ends.length > 0);
    job.note();
    await array.sync();
    const killed = fixture.kill();
    for (const ended of ends) ended();
    await killed;
    await fixture.mount();
    expect(await fixture.ended(id)).toBe('done: 768K on dev0/AFS001');
    expect(fixture.backups).toEqual([]);
    expect(fixture.frozen()).toBe(0);
    await fixture.array.close();
  });
});
