/** Runs, errands and the catalog through the API, by injected requests over a real catalog. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { readTokenFile } from '../../../src/backup/registration.js';
import { putEntry } from '../../../src/backup/server/catalog-entries.js';
import { cleanScratch } from '../../support/scratch-directory.js';
import {
  connectedServers,
  type ServerFixture,
  sampleDefinition,
  sampleEntry,
} from './server-fixture.js';

const connected = connectedServers();
let at: ServerFixture;

afterAll(cleanScratch);

beforeEach(async () => {
  at = await connected();
});

async function define(more: Parameters<typeof sampleDefinition>[1] = {}): Promise<void> {
  const definition = sampleDefinition(at.clientName, more);
  expect(await at.user('PUT', '/definitions/nightly', definition)).toMatchObject({ status: 200 });
}

/** The run's number and the errand that the client got for it. */
async function begin(): Promise<{ run: number; errand: number }> {
  const run = await at.user('POST', '/definitions/nightly/run');
  expect(run).toMatchObject({ status: 200, body: { state: 'waiting' } });
  const poll = await at.client('/poll', { has: [], waitMs: 0 });
  return { run: run.body.number, errand: poll.body.errands[0].id };
}

const silent = { progress: null, firstLine: 0, log: [] };
const own = (number: number, more = {}) => sampleEntry(number, { client: at.clientName, ...more });
const add = (errand: number, sequence: number, ...numbers: number[]) =>
  at.client('/catalog', { errand, sequence, add: numbers.map((n) => own(n)), remove: [] });

describe('a run', () => {
  it('goes from the request over errand, catalog and report to complete', async () => {
    await define();
    const { run, errand } = await begin();
    await at.client('/poll', { has: [errand], waitMs: 0 });
    expect((await at.user('GET', `/runs/${run}`)).body.state).toBe('running');
    const progress = { step: 'freeze', text: 'freezing', done: 0, total: 0, unit: 'pieces' };
    await at.client('/report', { errand, progress, firstLine: 0, log: ['pre: stopped'] });
    expect((await at.user('GET', `/errands/${errand}`)).body).toMatchObject({
      ...{ state: 'running', log: ['pre: stopped'], progress },
    });
    expect((await add(errand, 1, run)).status).toBe(200);
    await at.client('/report', { errand, ...silent, firstLine: 1, output: { lines: [] } });
    expect((await at.user('GET', `/runs/${run}`)).body).toMatchObject({
      ...{ state: 'complete', reason: '', entries: [`${run}`], log: ['pre: stopped'] },
    });
    expect((await at.user('GET', '/backups')).body).toEqual([own(run)]);
  });

  it('is one at a time of each definition', async () => {
    await define();
    const { run } = await begin();
    expect(await at.user('POST', '/definitions/nightly/run')).toEqual({
      status: 409,
      body: { error: 'EBUSY', reason: `run ${run} of nightly is still under way` },
    });
  });

  it('tells its client what the catalog has of the definition, oldest first', async () => {
    await define();
    const first = await begin();
    await add(first.errand, 1, 3, 1, 2);
    await at.client('/report', { errand: first.errand, ...silent, output: { lines: [] } });
    await at.user('POST', '/definitions/nightly/run');
    const { input } = (await at.client('/poll', { has: [], waitMs: 0 })).body.errands[0];
    expect(input.earlier.map((entry: { id: string }) => entry.id)).toEqual(['1', '2', '3']);
    expect(input).toMatchObject({ runNumber: 4, copyRunNumber: 4, scheduledMs: 0 });
  });

  it('is failed with the reason of its client', async () => {
    await define();
    const { run, errand } = await begin();
    const failure = { error: 'EBUSY', reason: 'the destination is busy' };
    await at.client('/report', { errand, ...silent, failure });
    expect((await at.user('GET', `/runs/${run}`)).body).toMatchObject({
      ...{ state: 'failed', reason: 'the destination is busy' },
    });
    await begin();
  });

  it('is refused in words where its client is not connected', async () => {
    await define();
    const refused = at.clock.drive(
      at.clock.advance(60_000).then(() => at.user('POST', '/definitions/nightly/run')),
    );
    expect(await refused).toEqual({
      status: 502,
      body: {
        error: 'ENXIO',
        reason: expect.stringMatching(
          /^backup client \S+ is not connected \(heard of last at 2026/,
        ),
      },
    });
  });
});

describe('after the server was killed', () => {
  it('a run that its client has goes on', async () => {
    await define();
    const { run, errand } = await begin();
    await at.client('/poll', { has: [errand], waitMs: 0 });
    at = at.again();
    const poll = await at.client('/poll', { has: [errand], waitMs: 0 });
    expect(poll.body).toEqual({ errands: [], cancelled: [] });
    await add(errand, 1, run);
    await at.client('/report', { errand, ...silent, output: { lines: [] } });
    expect((await at.user('GET', `/runs/${run}`)).body.state).toBe('complete');
  });

  it('an errand that was not taken up is delivered again', async () => {
    await define();
    const { errand } = await begin();
    at = at.again();
    const { body } = await at.client('/poll', { has: [], waitMs: 0 });
    expect(body.errands[0]).toMatchObject({ id: errand, kind: 'backup' });
  });

  it('a run that its client does not know any more has failed', async () => {
    await define();
    const { run, errand } = await begin();
    await at.client('/poll', { has: [errand], waitMs: 0 });
    at = at.again();
    await at.client('/poll', { has: [], waitMs: 0 });
    expect((await at.user('GET', `/runs/${run}`)).body).toMatchObject({
      ...{ state: 'failed', reason: expect.stringContaining('does not know of it any more') },
    });
  });

  it('the metrics still say when a definition was backed up last', async () => {
    await define();
    const { errand } = await begin();
    await at.client('/report', { errand, ...silent, output: { lines: [] } });
    at = at.again();
    const token = readTokenFile(at.server.parts.clients.adminTokenFile);
    const headers = { authorization: `Bearer ${token}` };
    const text = await (await at.server.app.request('/metrics', { headers })).text();
    const seconds = Date.UTC(2026, 0, 1) / 1000;
    expect(text).toContain(
      `arrayfs_backup_last_complete_timestamp_seconds{definition="nightly"} ${seconds}`,
    );
  });

  it('numbers go on above all that were given out or told of', async () => {
    await define();
    const first = await begin();
    await at.client('/hello', {
      ...{ name: at.clientName, version: '1', hostName: 'web1', arrays: [], highestJobNumber: 70 },
    });
    await at.client('/report', { errand: first.errand, ...silent, output: { lines: [] } });
    rmSync(join(at.directory, 'data/catalog'), { recursive: true });
    at = at.again();
    await at.connect();
    expect((await begin()).run).toBe(71);
  });
});

describe('a client that has another name than its token is of', () => {
  it('is refused, and is not taken for the other', async () => {
    const row = async () => (await at.user('GET', '/clients')).body;
    const before = await row();
    const hello = { version: '1', hostName: 'elsewhere', arrays: [], highestJobNumber: 7 };
    const { status, body } = await at.client('/hello', { name: 'gamma', ...hello });
    const reason = `the token is that of the backup client '${at.clientName}', not of 'gamma'`;
    expect([status, body.reason]).toEqual([400, expect.stringContaining(reason)]);
    expect(await row()).toEqual(before);
  });
});

describe('the catalog', () => {
  it('takes a change once, however often it is sent', async () => {
    await define();
    const { errand } = await begin();
    await add(errand, 1, 1);
    await at.client('/catalog', { errand, sequence: 2, add: [], remove: ['1'] });
    await add(errand, 1, 1);
    expect((await at.user('GET', '/backups')).body).toEqual([]);
  });

  it('takes all of a change or nothing', async () => {
    await define();
    const { errand } = await begin();
    const foreign = sampleEntry(2, { client: 'other', arrayUuid: sampleEntry(1).volumeUuid });
    const change = { errand, sequence: 1, add: [own(1), foreign], remove: [] };
    expect(await at.client('/catalog', change)).toMatchObject({ status: 403 });
    expect((await at.user('GET', '/backups')).body).toEqual([]);
    expect((await add(errand, 1, 1)).status).toBe(200);
  });

  it('keeps a backup of another server that has the number of a new one', async () => {
    await define();
    const { run, errand } = await begin();
    const theirs = own(run, { definition: 'theirs' });
    at.server.parts.store.change((change) => putEntry(change, theirs, 0));
    await add(errand, 1, run);
    expect((await at.user('GET', `/backups/${run}`)).body).toEqual(own(run));
    expect((await at.user('GET', `/backups/${run + 1}`)).body).toEqual({
      ...{ ...theirs, id: `${run + 1}` },
    });
  });

  it('forgets what an errand was given when it is over', async () => {
    await define();
    const { errand } = await begin();
    const { store } = at.server.parts;
    expect(store.get('inputs', errand)).toMatchObject({ definition: { name: 'nightly' } });
    await at.client('/report', { errand, ...silent, output: { lines: [] } });
    expect(store.get('inputs', errand)).toBeUndefined();
    expect(at.logged.join('')).toContain('"msg":"errand over"');
  });

  it('is begun anew where its directory was removed, and what is under way goes on', async () => {
    await define();
    const { run, errand } = await begin();
    await at.client('/poll', { has: [errand], waitMs: 0 });
    rmSync(join(at.directory, 'data/catalog'), { recursive: true });
    await add(errand, 1, run);
    await at.client('/report', { errand, ...silent, output: { lines: [] } });
    expect((await at.user('GET', '/runs')).body).toMatchObject([
      { number: run, state: 'complete', entries: [`${run}`] },
    ]);
    expect((await at.user('GET', '/definitions')).body).toHaveLength(1);
    expect((await at.user('GET', '/clients')).body).toMatchObject([{ hostName: 'web1' }]);
  });
});
