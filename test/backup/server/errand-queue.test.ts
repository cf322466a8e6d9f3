/** Errands between users and clients: waiting, delivery, reports that are repeated, cancel. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { BACKUP_LOG_LINES_MAX } from '../../../src/base/limits.js';
import { cleanScratch } from '../../support/scratch-directory.js';
import { connectedServers, type ServerFixture, sampleDefinition } from './server-fixture.js';

const connected = connectedServers();
let at: ServerFixture;

afterAll(cleanScratch);

beforeEach(async () => {
  at = await connected();
});

const ask = async (): Promise<number> =>
  (await at.user('POST', `/clients/${at.clientName}/paths`, {})).body.id;
const poll = async (has: readonly number[] = [], waitMs = 0) =>
  (await at.client('/poll', { has, waitMs })).body;
const report = (errand: number, firstLine: number, log: readonly string[], more: object = {}) =>
  at.client('/report', { errand, progress: null, firstLine, log, ...more });
const view = async (id: number) => (await at.user('GET', `/errands/${id}`)).body;

/** Whether it has ended after whatever is done at once was done. */
async function isSettled(work: Promise<unknown>): Promise<boolean> {
  let settled = false;
  work.finally(() => {
    settled = true;
  });
  for (let turn = 0; turn < 20; turn += 1) await at.clock.yield();
  return settled;
}

describe('a poll', () => {
  it('waits until there is something', async () => {
    const waiting = poll([], 60_000);
    expect(await isSettled(waiting)).toBe(false);
    const id = await ask();
    expect(await waiting).toEqual({ errands: [{ id, kind: 'paths', input: {} }], cancelled: [] });
  });

  it('is answered with nothing when its time is over', async () => {
    const waiting = poll([], 30_000);
    await at.clock.advance(30_000);
    expect(await waiting).toEqual({ errands: [], cancelled: [] });
  });

  it('is answered when the server ends', async () => {
    const waiting = poll([], 60_000);
    await isSettled(waiting);
    at.server.stop();
    expect(await waiting).toEqual({ errands: [], cancelled: [] });
    expect(await poll([], 60_000)).toEqual({ errands: [], cancelled: [] });
  });

  it('makes its client connected, until some time after', async () => {
    const row = async () => (await at.user('GET', '/clients')).body[0];
    const waiting = poll([], 60_000);
    await at.clock.advance(60_000);
    await waiting;
    expect((await row()).isConnected).toBe(true);
    await at.clock.advance(20_000);
    expect(await row()).toMatchObject({ isConnected: false, hostName: 'web1', version: '1.2.3' });
  });

  it('delivers again what nobody has', async () => {
    const id = await ask();
    for (let time = 0; time < 2; time += 1) expect((await poll()).errands[0].id).toBe(id);
    expect((await poll([id])).errands).toEqual([]);
  });

  it('tells at once of what is to be given up, and again only when its time is over', async () => {
    const id = await ask();
    await poll([id]);
    const waiting = poll([id], 60_000);
    expect((await at.user('POST', `/errands/${id}/cancel`)).body.state).toBe('running');
    expect(await waiting).toEqual({ errands: [], cancelled: [id] });
    const next = poll([id], 60_000);
    expect(await isSettled(next)).toBe(false);
    await at.clock.advance(60_000);
    expect((await next).cancelled).toEqual([id]);
  });

  it('has a client give up what the server does not know', async () => {
    expect((await poll([7])).cancelled).toEqual([7]);
  });
});

describe('who waits for an errand', () => {
  it('is answered when something changes, or the time is over', async () => {
    const id = await ask();
    const { revision } = await view(id);
    const waiting = at.user('GET', `/errands/${id}?after=${revision}&wait=60000`);
    expect(await isSettled(waiting)).toBe(false);
    await report(id, 0, ['begun']);
    expect((await waiting).body).toMatchObject({ state: 'running', log: ['begun'] });
    const later = at.user('GET', `/errands/${id}?after=99&wait=1000`);
    await at.clock.advance(1_000);
    expect((await later).body.state).toBe('running');
  });

  it('is answered at once when it is over', async () => {
    const id = await ask();
    await report(id, 0, [], { output: { rows: [] } });
    const { body } = await at.user('GET', `/errands/${id}?after=99&wait=60000`);
    expect(body).toMatchObject({ state: 'done', output: { rows: [] }, failure: null });
  });
});

describe('a report', () => {
  it('that is repeated adds no line twice, and none is lost', async () => {
    const id = await ask();
    await report(id, 0, ['a', 'b']);
    await report(id, 0, ['a', 'b', 'c']);
    await report(id, 2, ['c', 'd']);
    expect((await view(id)).log).toEqual(['a', 'b', 'c', 'd']);
  });

  it('adds no more lines than are kept', async () => {
    const id = await ask();
    const lines = Array.from({ length: BACKUP_LOG_LINES_MAX + 5 }, (_, index) => `${index}`);
    await report(id, 0, lines);
    await report(id, lines.length, ['more']);
    expect((await view(id)).log).toHaveLength(BACKUP_LOG_LINES_MAX);
  });

  it('of an errand that is over, or of another client, is refused', async () => {
    const id = await ask();
    const { token } = (await at.user('PUT', '/clients/other')).body;
    const message = { errand: id, progress: null, firstLine: 0, log: [] };
    expect((await at.ask(token, 'POST', '/client/report', message)).status).toBe(404);
    await report(id, 0, [], { output: { rows: [] } });
    expect((await report(id, 0, ['late'])).status).toBe(404);
  });

  it('with an unexpected output is a failure', async () => {
    const id = await ask();
    await report(id, 0, [], { output: { nonsense: 1 } });
    expect(await view(id)).toMatchObject({ state: 'failed', failure: { error: 'EIO' } });
  });
});

describe('a cancelled errand', () => {
  const cancel = (id: number) => at.user('POST', `/errands/${id}/cancel`);

  it('that nobody has is over at once, and never delivered', async () => {
    const id = await ask();
    expect((await cancel(id)).body.state).toBe('cancelled');
    expect((await poll()).errands).toEqual([]);
    expect((await cancel(id)).body).toMatchObject({ error: 'EBUSY' });
  });

  it('is over when its client has given it up', async () => {
    const id = await ask();
    await poll([id]);
    await cancel(id);
    await report(id, 0, [], { failure: { error: 'EINTR', reason: 'given up' } });
    expect(await view(id)).toMatchObject({ state: 'cancelled', failure: { reason: 'given up' } });
  });

  it('is done where its client was faster', async () => {
    const id = await ask();
    await poll([id]);
    await cancel(id);
    await report(id, 0, [], { output: { rows: [] } });
    expect((await view(id)).state).toBe('done');
  });

  it('of a client that is away is over, and the client gives it up when it is back', async () => {
    const id = await ask();
    await poll([id]);
    await at.clock.advance(60_000);
    expect((await cancel(id)).body.state).toBe('cancelled');
    expect((await poll([id])).cancelled).toEqual([id]);
  });

  it('of a run ends the run', async () => {
    await at.user('PUT', '/definitions/nightly', sampleDefinition(at.clientName));
    const { number } = (await at.user('POST', '/definitions/nightly/run')).body;
    expect((await at.user('POST', `/runs/${number}/cancel`)).body).toMatchObject({
      ...{ state: 'cancelled', reason: 'cancelled' },
    });
    expect((await at.user('POST', `/runs/${number}/cancel`)).body.error).toBe('EBUSY');
  });
});

describe('destinations', () => {
  it('are kept as they were told last', async () => {
    const row = {
      ...{ hostName: 'web1', mountPoint: '/srv/db', arrayUuid: 'x', volume: 'db' },
      ...{ destination: 'db-copy', destinationNumber: 2, use: 'free' },
    };
    const path = `/clients/${at.clientName}/destinations`;
    const { id } = (await at.user('POST', path, { path: null })).body;
    await report(id, 0, [], { output: { rows: [row] } });
    const other = (await at.user('POST', path, { path: '/srv/db' })).body;
    await report(other.id, 0, [], { output: { rows: [] } });
    expect((await at.user('GET', '/destinations')).body).toEqual([row]);
  });
});
