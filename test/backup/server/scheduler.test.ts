/** Runs by the schedule, in a day that passes at once: missed times, a server that was down, a clock that goes back. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { Run } from '../../../src/backup/api.js';
import { cleanScratch } from '../../support/scratch-directory.js';
import { connectedServers, type ServerFixture, sampleDefinition } from './server-fixture.js';

const HOUR_MS = 3_600_000;
const connected = connectedServers();
let at: ServerFixture;

afterAll(cleanScratch);

beforeEach(async () => {
  at = await connected();
  const schedule = { cron: '30 2 * * *', timeZone: 'UTC' };
  const definition = sampleDefinition(at.clientName, { schedule });
  expect(await at.user('PUT', '/definitions/nightly', definition)).toMatchObject({ status: 200 });
  at.server.start();
});

const runs = async (): Promise<Run[]> => (await at.user('GET', '/runs')).body;
const row = async () => (await at.user('GET', '/definitions')).body[0];

/** The client does what it finds, at once. */
async function finishErrands(): Promise<void> {
  const { errands } = (await at.client('/poll', { has: [], waitMs: 0 })).body;
  for (const { id } of errands) {
    const output = { lines: [] };
    await at.client('/report', { errand: id, progress: null, firstLine: 0, log: [], output });
  }
}

async function hours(number: number): Promise<void> {
  await at.clock.advance(number * HOUR_MS);
}

describe('the schedule', () => {
  it('begins a run at its time, once', async () => {
    expect((await row()).nextMs).toBe(Date.UTC(2026, 0, 1, 2, 30));
    await at.connect();
    await hours(2.4);
    expect(await runs()).toEqual([]);
    await hours(0.2);
    expect(await runs()).toMatchObject([{ scheduledMs: Date.UTC(2026, 0, 1, 2, 30) }]);
    expect(await row()).toMatchObject({ missed: 0, nextMs: Date.UTC(2026, 0, 2, 2, 30) });
  });

  it('tells of a run that is due while one is under way', async () => {
    await hours(2.51);
    await at.client('/poll', { has: [], waitMs: 0 });
    const { errand } = (await runs())[0] as Run;
    await at.client('/poll', { has: [errand], waitMs: 0 });
    await hours(24);
    expect(await runs()).toMatchObject([
      { state: 'failed', reason: 'run 1 of nightly is still under way' },
      { state: 'running', number: 1 },
    ]);
    expect((await row()).lastRun).toBe(2);
  });

  it('gives up a run that nobody takes up', async () => {
    await hours(2.51);
    await hours(0.1);
    expect(await runs()).toMatchObject([
      { state: 'failed', reason: expect.stringMatching(/^client \S+ is not connected \(heard/) },
    ]);
  });

  it('counts what was missed while the server was down, and catches up with one run', async () => {
    await hours(2.51);
    await finishErrands();
    at.server.stop();
    at.clock.forgetTimers();
    await hours(24 * 3 + 1);
    at = at.again();
    await at.connect();
    at.server.start();
    await at.clock.yield();
    await at.clock.yield();
    expect(await runs()).toMatchObject([
      {
        scheduledMs: Date.UTC(2026, 0, 4, 2, 30),
        log: [
          'scheduled times missed: 3, the last one 2026-01-04T02:30:00.000Z: one run catches up',
        ],
      },
      { state: 'complete' },
    ]);
    expect((await row()).missed).toBe(3);
    await finishErrands();
    await hours(24);
    expect(await runs()).toHaveLength(3);
    expect((await row()).missed).toBe(0);
  });

  it('runs nothing twice when the clock goes back a little', async () => {
    await hours(2.51);
    await finishErrands();
    at.clock.set(Date.UTC(2026, 0, 1, 2, 0));
    await hours(1);
    expect(await runs()).toHaveLength(1);
  });

  it('goes on from the new time when the clock was far ahead', async () => {
    at.clock.set(Date.UTC(2030, 0, 1, 2, 31));
    await at.clock.advance(70_000);
    await finishErrands();
    at.clock.set(Date.UTC(2026, 0, 1));
    await at.clock.advance(70_000);
    expect(at.logged.join('')).toContain('the clock has gone back');
    await hours(2.51);
    expect(await runs()).toMatchObject([
      { scheduledMs: Date.UTC(2026, 0, 1, 2, 30) },
      { scheduledMs: Date.UTC(2030, 0, 1, 2, 30) },
    ]);
  });
});
