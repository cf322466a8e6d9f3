/** What clients get to do with a backup: the chain, what is left out of a copy, what must not be deleted; and retention at work. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { BackupEntry } from '../../../src/backup/backup-entry.js';
import { putEntry } from '../../../src/backup/server/catalog-entries.js';
import { cleanScratch } from '../../support/scratch-directory.js';
import {
  ARRAY,
  connectedServers,
  type ServerFixture,
  sampleDefinition,
  sampleEntry,
  tapePlace,
} from './server-fixture.js';

const connected = connectedServers();
let at: ServerFixture;

afterAll(cleanScratch);

beforeEach(async () => {
  at = await connected();
});

function know(...entries: BackupEntry[]): void {
  const client = at.clientName;
  at.server.parts.store.change((change) => {
    for (const entry of entries) putEntry(change, { ...entry, client }, 0);
  });
  for (const { jobNumber } of entries) at.server.parts.file.numberSeen(jobNumber);
}

const act = (id: string, action: string, body: object) =>
  at.user('POST', `/backups/${id}/${action}`, body);

/** The input of the only errand that the client gets. */
async function inputOf(id: string, action: string, body: object) {
  expect(await act(id, action, body)).toMatchObject({ status: 200 });
  return (await at.client('/poll', { has: [], waitMs: 0 })).body.errands[0].input;
}

const ids = (entries: readonly { readonly id: string }[]) => entries.map(({ id }) => id);
const tapes = () => [
  sampleEntry(1, { place: tapePlace('A', null) }),
  sampleEntry(2, { place: tapePlace('A', '1') }),
  sampleEntry(3, { place: tapePlace('B', '2') }),
];

describe('an errand on a backup', () => {
  it.each([
    ['verify', {}],
    ['files', { path: '/' }],
    ['restore-files', { paths: ['/a'], to: '/tmp/x' }],
    ['restore', { target: null, array: null, force: false, pre: null, post: null }],
    ['copy', { destination: 'x', incremental: false, force: false }],
  ])('%s has the chain, oldest first', async (action, body) => {
    know(...tapes());
    const input = await inputOf('3', action, body);
    expect(input.entry.id).toBe('3');
    expect(ids(input.chain)).toEqual(['1', '2']);
  });

  it('is refused where a part of the chain is not known', async () => {
    know(...tapes().slice(1));
    expect((await act('3', 'files', { path: '/' })).body).toEqual({
      error: 'ENOENT',
      reason:
        'backup 3 is based on backup 1, which is not in the catalog: arrayfs backup rescan --tapes',
    });
  });

  it('gets a number for the copy that it makes, above all others', async () => {
    know(sampleEntry(41));
    const body = { destination: 'x', incremental: false, force: false };
    expect((await inputOf('41', 'copy', body)).runNumber).toBe(42);
  });

  it('is refused where the client that reaches the backup is away', async () => {
    know(sampleEntry(1));
    await at.clock.advance(60_000);
    const refused = await at.clock.drive(act('1', 'verify', {}));
    expect(refused).toMatchObject({ status: 502, body: { error: 'ENXIO' } });
  });
});

describe('an incremental copy on tape', () => {
  const onTape = async (id: string, device = 'tape0') => {
    const body = { device, incremental: true, move: false };
    return (await inputOf(id, 'tape-copy', body)).since?.id ?? null;
  };

  it('leaves out what the newest copy on that device has', async () => {
    know(...tapes(), sampleEntry(4));
    expect(await onTape('4', 'tape0/AFS009')).toBe('3');
  });

  it.each<[string, Partial<BackupEntry>]>([
    ['of another source', { sourceUuid: sampleEntry(99).volumeUuid }],
    ['that is not good', { state: 'missing' }],
    ['of a later instant', { takenMs: sampleEntry(9).takenMs }],
    ['on another device', { place: { ...tapePlace(), device: 'tape1' } as BackupEntry['place'] }],
    ['of which a part is not known', { place: tapePlace('A', '77') }],
  ])('is a full one beside a copy %s', async (_what, more) => {
    know(sampleEntry(1, { place: tapePlace(), ...more }), sampleEntry(4));
    expect(await onTape('4')).toBeNull();
  });

  it('is a full one where that is wished', async () => {
    know(...tapes(), sampleEntry(4));
    const body = { device: 'tape0', incremental: false, move: false };
    expect((await inputOf('4', 'tape-copy', body)).since).toBeNull();
  });
});

describe('a backup that others are based on', () => {
  it('is not deleted, and not moved away', async () => {
    know(...tapes());
    for (const [action, body] of [
      ['delete', {}],
      ['tape-copy', { device: 'tape1', incremental: false, move: true }],
    ] as const) {
      expect((await act('1', action, body)).body).toEqual({
        ...{ error: 'EBUSY', reason: 'backup 2 is based on 1: delete it first' },
      });
    }
  });

  it('is deleted when they are', async () => {
    know(...tapes());
    for (const id of ['3', '2', '1']) {
      const errand = (await act(id, 'delete', {})).body.id;
      const message = { errand, progress: null, firstLine: 0, log: [], output: { lines: [] } };
      expect((await at.client('/report', message)).status).toBe(200);
    }
    expect((await at.user('GET', '/backups')).body).toEqual([]);
  });
});

describe('retention', () => {
  const keep = { last: 2, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };

  beforeEach(async () => {
    const definition = sampleDefinition(at.clientName, { keep });
    await at.user('PUT', '/definitions/nightly', definition);
    know(...[1, 2, 3, 4].map((number) => sampleEntry(number)));
  });

  it('is shown without deleting anything', async () => {
    const { body } = await at.user('GET', '/definitions/nightly/retention');
    expect(
      body.map(({ id, isKept }: { id: string; isKept: boolean }) => `${id} ${isKept}`),
    ).toEqual([...['4 true', '3 true', '2 false', '1 false']]);
    expect((await at.client('/poll', { has: [], waitMs: 0 })).body.errands).toEqual([]);
  });

  it('has the rest deleted, once, when that is asked for', async () => {
    const { body } = await at.user('POST', '/definitions/nightly/prune');
    expect(body.errands).toHaveLength(2);
    expect((await at.user('POST', '/definitions/nightly/prune')).body.errands).toEqual([]);
    const { errands } = (await at.client('/poll', { has: [], waitMs: 0 })).body;
    expect(errands).toMatchObject([
      { kind: 'delete', input: { entry: { id: '2' } } },
      { kind: 'delete', input: { entry: { id: '1' } } },
    ]);
  });

  it('has the rest deleted after a run that is complete, and not while one is under way', async () => {
    const run = (await at.user('POST', '/definitions/nightly/run')).body;
    expect((await at.user('POST', '/definitions/nightly/prune')).body.errands).toEqual([]);
    const output = { lines: [] };
    await at.client('/report', {
      errand: run.errand,
      progress: null,
      firstLine: 0,
      log: [],
      output,
    });
    for (let turn = 0; turn < 5; turn += 1) await at.clock.yield();
    const { errands } = (await at.client('/poll', { has: [], waitMs: 0 })).body;
    expect(errands.map(({ kind }: { kind: string }) => kind)).toEqual(['delete', 'delete']);
  });
});

describe('a rescan', () => {
  it('fills the catalog from what a client finds, and takes numbers above', async () => {
    const [{ id }] = (await at.user('POST', '/rescan', { tapes: true })).body;
    const found = [sampleEntry(7), sampleEntry(8)].map((entry) => ({
      ...entry,
      client: at.clientName,
    }));
    const output = { entries: found, lines: ['a line'], arrays: [], unread: [] };
    await at.client('/report', { errand: id, progress: null, firstLine: 0, log: [], output });
    expect((await at.user('GET', '/backups')).body).toEqual([found[1], found[0]]);
    expect((await at.user('GET', `/errands/${id}`)).body.output.lines).toEqual([
      ...['a line', 'found 2: 2 new, 0 changed, 0 as they were; missing: 0'],
    ]);
    await at.user('PUT', '/definitions/nightly', sampleDefinition(at.clientName));
    expect((await at.user('POST', '/definitions/nightly/run')).body.number).toBe(9);
  });

  it('does not bring back what was deleted while it looked', async () => {
    know(sampleEntry(1));
    const [{ id }] = (await at.user('POST', '/rescan', { tapes: true })).body;
    const gone = (await act('1', 'delete', {})).body.id;
    await at.client('/catalog', { errand: gone, sequence: 1, add: [], remove: ['1'] });
    const entries = [sampleEntry(1, { client: at.clientName })];
    const output = { entries, lines: [], arrays: [], unread: [] };
    await at.client('/report', { errand: id, progress: null, firstLine: 0, log: [], output });
    expect((await at.user('GET', '/backups')).body).toEqual([]);
  });

  it('is asked for an array that no client had, and for no other', async () => {
    const arrays = [{ uuid: ARRAY, mountPoint: '/mnt/array' }];
    const about = { name: at.clientName, version: '1.2.3', hostName: 'web1' };
    const hello = { ...about, arrays, highestJobNumber: 0 };
    const asked = async () => {
      await at.client('/hello', hello);
      const { errands } = (await at.client('/poll', { has: [], waitMs: 0 })).body;
      return errands.map(({ kind, input }: { kind: string; input: unknown }) => [kind, input]);
    };
    expect(await asked()).toEqual([]);
    arrays.push({ uuid: ARRAY.replace('aa', 'bb'), mountPoint: '/mnt/array2' });
    expect(await asked()).toEqual([['rescan', { tapes: false }]]);
  });
});
