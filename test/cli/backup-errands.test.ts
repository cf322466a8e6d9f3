/** Waiting for runs and errands of the backup manager: what is printed, how it ends, Ctrl-C, clients that are away. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Run } from '../../src/backup/api.js';
import { EXAMPLE_ENTRY } from '../backup/example-entry.js';
import {
  done,
  ERRAND,
  EXAMPLE_CLIENT,
  errandOf,
  FakeBackupServer,
  failed,
  LOOK,
  Refused,
  setTimeZone,
} from './fake-backup-server.js';

const server = new FakeBackupServer();

const RUN: Run = {
  number: 12,
  definition: 'nightly',
  client: 'alpha',
  state: 'running',
  reason: '',
  scheduledMs: 0,
  startedMs: EXAMPLE_ENTRY.startedMs,
  endedMs: 0,
  errand: ERRAND,
  entries: [],
  log: [],
};

let restoreZone = () => {};

beforeAll(async () => {
  restoreZone = setTimeZone('Europe/Berlin');
  await server.start();
});

afterAll(() => {
  restoreZone();
  server.stop();
});

describe('a run', () => {
  it('is waited for, and says what it made', async () => {
    const complete = { ...RUN, state: 'complete', entries: ['12.1', '12.2'] };
    server.answer({
      'POST /definitions/nightly/run': [{ ...RUN, state: 'waiting' }],
      [LOOK]: [
        errandOf(ERRAND, { kind: 'backup', state: 'waiting' }),
        errandOf(ERRAND, { kind: 'backup', state: 'running', revision: 2 }),
        errandOf(ERRAND, { kind: 'backup', state: 'done', revision: 3, output: { lines: [] } }),
      ],
      'GET /runs/12': [complete],
    });
    expect(await server.run('run', 'nightly')).toEqual({
      ...{ status: 0, stderr: '', stdout: 'run 12 complete: backup 12.1 12.2\n' },
    });
    expect(server.asked.map(({ request }) => request)).toEqual([
      ...['POST /definitions/nightly/run', LOOK],
      ...[`${LOOK}?after=1&wait=2000`, `${LOOK}?after=2&wait=10000`, 'GET /runs/12'],
    ]);
  });

  it('is not waited for with --no-wait', async () => {
    server.answer({ 'POST /definitions/nightly/run': [{ ...RUN, state: 'waiting' }] });
    const { status, stdout } = await server.run('run', 'nightly', '--no-wait');
    expect([status, stdout]).toEqual([0, 'run 12 is waiting\n']);
  });

  it('that fails says why and where more is, with exit status 1', async () => {
    const reason = 'the pre command ended with status 3';
    server.answer({
      'POST /definitions/nightly/run': [RUN],
      [LOOK]: failed('EIO', reason),
      'GET /runs/12': [{ ...RUN, state: 'failed', reason }],
    });
    expect(await server.run('run', 'nightly')).toEqual({
      ...{ status: 1, stdout: '' },
      stderr: `arrayfs: run 12 failed: ${reason}; see arrayfs backup log 12\n`,
    });
    const { stdout, status } = await server.run('run', 'nightly', '--json');
    expect([status, JSON.parse(stdout)]).toMatchObject([1, { state: 'failed', reason }]);
  });

  it('is cancelled by Ctrl-C: the server is asked, and its end waited for', async () => {
    server.answer({
      'POST /definitions/nightly/run': [RUN],
      'POST /runs/12/cancel': [undefined],
      [LOOK]: [
        errandOf(ERRAND, { kind: 'backup' }),
        errandOf(ERRAND, { kind: 'backup', state: 'cancelled', revision: 2 }),
      ],
      'GET /runs/12': [{ ...RUN, state: 'cancelled', reason: 'by a user' }],
    });
    let cancelled = () => {};
    const untilCancelled = new Promise<void>((resolve) => {
      cancelled = resolve;
    });
    let looks = 0;
    server.onRequest = (request) => {
      if (request === 'POST /runs/12/cancel') cancelled();
      if (request !== LOOK || ++looks !== 2) return;
      process.emit('SIGINT');
      return untilCancelled;
    };
    const ended = await server.run('run', 'nightly');
    expect([ended.status, ended.stdout]).toEqual([1, '']);
    expect(ended.stderr).toContain('arrayfs: cancelling; ');
    expect(ended.stderr).toContain('arrayfs: run 12 cancelled: by a user; ');
    expect(process.listenerCount('SIGINT')).toBe(0);
  });

  it('goes on being waited for while the server is away, and says so once', async () => {
    server.answer({
      'POST /definitions/nightly/run': [RUN],
      [LOOK]: [
        errandOf(ERRAND, { kind: 'backup' }),
        errandOf(ERRAND, { kind: 'backup', state: 'done', revision: 3, output: { lines: [] } }),
      ],
      'GET /runs/12': [{ ...RUN, state: 'complete', entries: ['12'] }],
    });
    let looks = 0;
    server.cutsOff = (request) => {
      if (request === LOOK) looks += 1;
      return request === LOOK && (looks === 2 || looks === 3);
    };
    const { status, stdout, stderr } = await server.run('run', 'nightly');
    expect([status, stdout, looks]).toEqual([0, 'run 12 complete: backup 12\n', 4]);
    expect(stderr).toMatch(
      /^arrayfs: the backup server at \S+ cannot be reached: .*; waiting for it\n$/,
    );
  });

  it('of a client that is away says so while it waits', async () => {
    server.answer({
      'POST /definitions/nightly/run': [RUN],
      [LOOK]: [
        errandOf(ERRAND, { kind: 'backup', state: 'waiting' }),
        errandOf(ERRAND, { kind: 'backup', state: 'waiting' }),
        errandOf(ERRAND, { kind: 'backup', state: 'done', revision: 3, output: { lines: [] } }),
      ],
      'GET /clients': [[{ ...EXAMPLE_CLIENT, isConnected: false }]],
      'GET /runs/12': [{ ...RUN, state: 'complete', entries: ['12'] }],
    });
    const { status, stderr } = await server.run('run', 'nightly');
    expect(status).toBe(0);
    expect(stderr).toContain('client alpha is not connected: waiting for it');
  });

  it('has a log, which is printed as it is but for control characters', async () => {
    server.answer({ 'GET /runs/12': [{ ...RUN, log: ['freeze', 'pre: \u001b[2J'] }] });
    expect((await server.run('log', '12')).stdout).toBe('freeze\npre: \\x1b[2J\n');
    expect(JSON.parse((await server.run('log', '12', '--json')).stdout)).toHaveLength(2);
  });
});

describe('an errand', () => {
  it('that fails gives its code and reason, with exit status 1', async () => {
    server.answer({ 'POST /backups/12/restore': failed('EBUSY', 'db is mounted at /srv/db') });
    expect(await server.run('restore', '12')).toEqual({
      ...{ status: 1, stdout: '', stderr: 'arrayfs: db is mounted at /srv/db\n' },
    });
    const { stdout } = await server.run('restore', '12', '--json');
    expect(JSON.parse(stdout)).toEqual({
      ...{ ok: false, error: 'EBUSY', reason: 'db is mounted at /srv/db' },
    });
  });

  it('that was cancelled by somebody else has not been done', async () => {
    server.answer({ 'POST /backups/12/verify': [errandOf(ERRAND, { state: 'cancelled' })] });
    const { status, stderr } = await server.run('verify', '12');
    expect([status, stderr]).toEqual([1, 'arrayfs: verify of 12 was cancelled\n']);
  });

  it('verify of an image that is not as it was made ends with status 1', async () => {
    const output = { sha256: 'ab', matches: false, lines: ['12 differs'] };
    server.answer({ 'POST /backups/12/verify': [done('verify', output)[1]] });
    const { status, stdout } = await server.run('verify', '12');
    expect([status, stdout]).toEqual([1, '12 differs\n']);
  });

  it('delete of several goes on after one that cannot be deleted', async () => {
    const gone = { error: 'ENOENT', reason: 'no such backup: 13' };
    server.answer({
      'POST /backups/12/delete': [done('delete', { lines: [] })[1]],
      'POST /backups/13/delete': [new Refused(404, gone)],
      'POST /backups/14/delete': [done('delete', { lines: [] })[1]],
    });
    expect(await server.run('delete', '12', '13', '14')).toEqual({
      ...{ status: 1, stdout: 'deleted 12\ndeleted 14\n' },
      stderr: 'arrayfs: 13 is not deleted: no such backup: 13\n',
    });
    const { stdout } = await server.run('delete', '12', '13', '--json');
    expect(JSON.parse(stdout)).toEqual([
      { id: '12', ok: true },
      { id: '13', ok: false, ...gone },
    ]);
  });

  it('rescan is one for each client', async () => {
    const output = { entries: [EXAMPLE_ENTRY], lines: ['a line'], arrays: [], unread: [] };
    const of = (client: string) =>
      errandOf(ERRAND, { kind: 'rescan', client, state: 'done', output });
    server.answer({ 'POST /rescan': [[of('alpha'), of('beta')]] });
    expect((await server.run('rescan', '--tapes')).stdout).toBe(
      ['alpha', 'beta'].map((client) => `a line\n${client}: 1 backup found\n`).join(''),
    );
    expect(server.asked).toEqual([{ request: 'POST /rescan', body: { tapes: true } }]);
  });

  it('prune deletes, and shows what is kept and why', async () => {
    const rows = [
      { id: '13', isKept: true, reasons: ['last', 'daily'] },
      { id: '12', isKept: false, reasons: [] },
    ];
    const errand = errandOf(ERRAND, { kind: 'delete', state: 'done', output: { lines: [] } });
    server.answer({
      'GET /backups': [[EXAMPLE_ENTRY, { ...EXAMPLE_ENTRY, id: '13' }]],
      'GET /definitions/nightly/retention': [rows],
      'POST /definitions/nightly/prune': [{ rows, errands: [errand] }],
    });
    const text =
      'ID  TAKEN                      KEPT  REASONS\n' +
      '13  2026-11-24T03:30:00+01:00  yes   last, daily\n' +
      '12  2026-11-24T03:30:00+01:00  no    -\n';
    for (const words of [['retention'], ['prune', '--dry-run'], ['prune']]) {
      expect((await server.run(...words, 'nightly')).stdout).toBe(text);
    }
    const asked = server.asked.map(({ request }) => request);
    expect(asked.filter((request) => request.startsWith('POST'))).toHaveLength(1);
  });
});
