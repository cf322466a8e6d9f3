/** Jobs and the scrub: limits, cancelling, what a stop or a kill leaves of them. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { ArrayFixture } from './array-fixture.js';

vi.mock('../../src/base/limits.js', async (original) => {
  return { ...(await original<object>()), JOBS_RUNNING_MAX: 3, JOBS_FINISHED_MAX: 5 };
});

let fixture: ArrayFixture;
beforeEach(async () => {
  fixture = await ArrayFixture.open();
  await fixture.create(200, 'db', 'log');
  await fixture.fill('db', 0, 1, 200);
  await fixture.fill('log', 0, 2, 10);
  await fixture.settle();
});

/** Runs a scrub to its end. */
async function scrub(reference: string) {
  const job = await fixture.array.scrub(reference);
  await fixture.drive(job.whenEnded());
  return job;
}

describe('a scrub', () => {
  it('of everything reads every block and says so', async () => {
    const job = await scrub('all');
    expect(job).toMatchObject({
      id: 1,
      kind: 'scrub',
      subject: 'all',
      state: 'done',
      done: 210 * BLOCK_BYTES,
      total: 210 * BLOCK_BYTES,
      message: 'no damage found',
    });
  });

  it('of a volume or snapshot reads what it shows', async () => {
    await fixture.array.takeSnapshots(['log'], { name: 's' });
    await fixture.fill('log', 0, 3, 20);
    expect((await scrub('log')).done).toBe(20 * BLOCK_BYTES);
    expect((await scrub('log@s')).done).toBe(10 * BLOCK_BYTES);
  });

  it('of an empty volume ends', async () => {
    await fixture.create(1, 'empty');
    expect(await scrub('empty')).toMatchObject({
      state: 'done',
      done: 0,
      message: 'no damage found',
    });
  });

  it('reports every damaged block with volume, address and pool', async () => {
    await fixture.array.takeSnapshots(['log'], { name: 's' });
    for (const block of [3, 7]) {
      const { id } = fixture.array.volume('log').lineage.index.locate(block);
      fixture.store.damage(id, (content) => content.fill(0));
    }
    expect((await scrub('all')).message).toBe('2 damaged blocks, see /events');
    const damages = fixture.events().filter((line) => line.startsWith('DAMAGED'));
    expect(damages).toEqual(
      [3, 7].map(
        (block) => `DAMAGED log log@s byte ${block * BLOCK_BYTES} in pool main: wrong checksum`,
      ),
    );
  });

  it('sees what was written before it, published or not', async () => {
    await fixture.fill('log', 100, 9, 5);
    expect((await scrub('log')).done).toBe(15 * BLOCK_BYTES);
  });

  it('fails where the pool fails, and says why', async () => {
    await fixture.fill('log', 0, 9);
    fixture.store.failTransactionAfter(0);
    const job = await scrub('log');
    expect(job).toMatchObject({ state: 'failed', message: 'EIO: injected failure' });
    fixture.store.failTransactionAfter(undefined);
  });
});

describe('jobs', () => {
  it('are refused beyond their limit, until one has ended', async () => {
    const jobs = [];
    for (let count = 0; count < 3; count += 1) jobs.push(await fixture.array.scrub('all'));
    expect(await fixture.refusal(() => fixture.array.scrub('all'))).toBe('ENOSPC');
    for (const job of jobs) await fixture.drive(job.whenEnded());
    expect(await fixture.refusal(() => scrub('all'))).toBe('accepted');
  });

  it('are cancelled between two slices', async () => {
    const job = await fixture.array.scrub('all');
    await fixture.drive(fixture.array.cancelJob(job.id));
    expect(job.state).toBe('cancelled');
    expect(job.done).toBeLessThan(210 * BLOCK_BYTES);
    expect(job.endedMs).toBeGreaterThanOrEqual(job.startedMs);
  });

  it('that have ended are not cancelled', async () => {
    const { id } = await scrub('log');
    expect(await fixture.refusal(() => fixture.array.cancelJob(id))).toBe('EBUSY');
    expect(fixture.array.job(id).state).toBe('done');
  });

  it('are listed newest last, the finished ones up to their limit', async () => {
    for (let count = 0; count < 8; count += 1) await scrub('log');
    expect(fixture.array.jobs().map(({ id }) => id)).toEqual([4, 5, 6, 7, 8]);
    expect(await fixture.refusal(() => fixture.array.job(3))).toBe('ENOENT');
    await fixture.remount();
    expect(fixture.array.jobs().map(({ id }) => id)).toEqual([4, 5, 6, 7, 8]);
  });

  it('that have ended are the same after a remount', async () => {
    const { id, startedMs, endedMs, done, total, message } = await scrub('log');
    await fixture.remount();
    expect(fixture.array.job(id)).toMatchObject({
      ...{ kind: 'scrub', subject: 'log', state: 'done', unit: 'bytes' },
      ...{ startedMs, endedMs, done, total, message },
    });
  });

  it('that a clean stop ends have failed', async () => {
    await fixture.array.scrub('all');
    await fixture.remount();
    expect(fixture.array.job(1).state).toBe('failed');
  });

  it('that a kill ends have failed, once', async () => {
    await fixture.array.scrub('all');
    await fixture.array.sync();
    await fixture.remount('killed');
    const expected = { state: 'failed', message: 'the array was stopped before the job ended' };
    expect(fixture.array.job(1)).toMatchObject(expected);
    const { endedMs } = fixture.array.job(1);
    await fixture.clock.advance(5_000);
    await fixture.remount();
    expect(fixture.array.job(1)).toMatchObject({ ...expected, endedMs });
  });

  it('have numbers that go on after a remount', async () => {
    await scrub('log');
    await fixture.remount();
    expect((await scrub('log')).id).toBe(2);
  });
});

describe('work that waits for its time', () => {
  const later = (afterMs: number, work: () => Promise<string>) =>
    fixture.array.startLater(
      { kind: 'split', subject: 'a:b', atMs: fixture.clock.nowMs() + afterMs },
      work,
    );

  it('is a job that is done then, with the result of the work', async () => {
    const startedMs = fixture.clock.nowMs();
    let doneMs = 0;
    const job = await later(90_500, async () => {
      doneMs = fixture.clock.nowMs();
      return 'a:b is split-pending now';
    });
    await fixture.clock.advance(90_000);
    expect(job).toMatchObject({ kind: 'split', subject: 'a:b', state: 'running' });
    await fixture.drive(job.whenEnded());
    expect(job).toMatchObject({ state: 'done', message: 'a:b is split-pending now' });
    expect(doneMs - startedMs).toBe(90_500);
  });

  it('is done at once where its time is now', async () => {
    const job = await later(0, async () => 'done');
    await fixture.clock.yield();
    expect(job.state).toBe('done');
  });

  it('is refused where its time is past or more than a year away', async () => {
    const work = async () => 'never';
    expect(await fixture.refusal(() => later(-1, work))).toBe('EINVAL');
    expect(await fixture.refusal(() => later(367 * 86_400_000, work))).toBe('EINVAL');
    expect(fixture.array.jobs()).toEqual([]);
  });

  it('fails as its work fails', async () => {
    const job = await later(10, async () => {
      throw new ArrayError('EBUSY', 'a:b is being deleted');
    });
    await fixture.drive(job.whenEnded());
    expect(job).toMatchObject({ state: 'failed', message: 'EBUSY: a:b is being deleted' });
  });

  it('is never done when it is cancelled before, and a cancel waits for no clock', async () => {
    let isDone = false;
    const job = await later(3_600_000, async () => {
      isDone = true;
      return '';
    });
    await fixture.array.cancelJob(job.id);
    expect(job).toMatchObject({ state: 'cancelled', message: 'cancelled before its time' });
    await fixture.clock.advance(2 * 3_600_000);
    expect(isDone).toBe(false);
  });

  it('stays done when the cancel comes while it is being done', async () => {
    let finish = (): void => undefined;
    const job = await later(
      0,
      () =>
        new Promise((resolve) => {
          finish = () => resolve('done');
        }),
    );
    const cancelled = fixture.refusal(() => fixture.array.cancelJob(job.id));
    finish();
    expect(await cancelled).toBe('EBUSY');
    expect(job).toMatchObject({ state: 'done', message: 'done' });
  });

  it('has failed after a stop, and is not done after the next mount', async () => {
    let isDone = false;
    await later(60_000, async () => {
      isDone = true;
      return '';
    });
    await fixture.remount();
    expect(fixture.array.job(1)).toMatchObject({
      state: 'failed',
      message: 'the array was stopped before the job ended',
    });
    await fixture.clock.advance(120_000);
    expect(isDone).toBe(false);
  });
});
