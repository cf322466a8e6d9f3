/** `arrayfs backup define`: from words to a definition. */
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BackupDefinition, definitionSchema } from '../../src/backup/definition.js';
import {
  type Answers,
  done,
  EXAMPLE_CLIENT,
  FakeBackupServer,
  LOOK,
} from './fake-backup-server.js';

const server = new FakeBackupServer();
const PUT = 'PUT /definitions/nightly';

const PLAIN: BackupDefinition = definitionSchema.parse({
  ...{ name: 'nightly', client: 'alpha', paths: ['/srv/db'], volumes: null, array: null },
  ...{ method: 'snapshot', to: [], secondMedium: [], class: 'disk', policy: 'merge' },
  ...{ incremental: false, pre: null, post: null, freeze: false, resyncAfter: false },
  ...{ sha256: false, label: '', schedule: null, keep: null },
});
const NONE = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };

beforeAll(() => server.start());
afterAll(() => server.stop());

let more: Answers = {};

function defined(existing: readonly BackupDefinition[], ...words: string[]) {
  const rows = existing.map((definition) => ({
    ...{ definition, nextMs: null, lastRun: null, missed: 0 },
  }));
  const plain = { 'GET /definitions': [rows], 'GET /clients': [[]], [PUT]: [undefined] };
  server.answer({ ...plain, ...more });
  return server.run('define', 'nightly', '--client', 'alpha', ...words);
}

const sent = () => server.asked.find(({ request }) => request === PUT)?.body;

describe('arrayfs backup define', () => {
  it.each<[string[], Partial<BackupDefinition>]>([
    [['--path', '/srv/db'], {}],
    [['--path', '/srv/db/', '--path', 'log'], { paths: ['/srv/db', resolve('log')] }],
    [['--volume', 'db', '--volume', 'log'], { paths: null, volumes: ['db', 'log'] }],
    [
      ['--volume', 'db', '--array', '/mnt/array/'],
      { paths: null, volumes: ['db'], array: '/mnt/array' },
    ],
    [
      ['--path', '/srv/db', '--method', 'mirror', '--to', 'copy', '--then', 'tape0'],
      { method: 'mirror', to: ['copy'], secondMedium: ['tape0'] },
    ],
    [
      ['--path', '/srv/db', '--then', 'tape0', '--class', 'tape', '--policy', 'wait'],
      { secondMedium: ['tape0'], class: 'tape', policy: 'wait' },
    ],
    [
      ['--path', '/srv/db', '--freeze', '--sha256', '--resync-after', '--incremental'],
      { freeze: true, sha256: true, resyncAfter: true, incremental: true },
    ],
    [
      ['--path', '/srv/db', '--schedule', '30 2 * * *', '--time-zone', 'Europe/Berlin'],
      { schedule: { cron: '30 2 * * *', timeZone: 'Europe/Berlin' } },
    ],
    [
      ['--path', '/srv/db', '--schedule', '@daily', '--label', 'orders db'],
      { schedule: { cron: '@daily', timeZone: null }, label: 'orders db' },
    ],
    [
      ['--path', '/srv/db', '--keep', 'daily=7,weekly=4'],
      { keep: { ...NONE, daily: 7, weekly: 4 } },
    ],
    [
      ['--path', '/srv/db', '--pre', 'a "b"', '--post', 'c', '--post-timeout', '5'],
      { pre: { command: 'a "b"', timeoutMs: 600_000 }, post: { command: 'c', timeoutMs: 5_000 } },
    ],
  ])('takes %j', async (words, change) => {
    expect(await defined([], ...words)).toEqual({
      ...{ status: 0, stdout: 'nightly is defined for client alpha\n', stderr: '' },
    });
    expect(sent()).toEqual({ ...PLAIN, ...change });
  });

  it.each([
    [['--path', '/a', '--method', 'tar'], 'Allowed choices are snapshot, mirror'],
    [['--path', '/a', '--policy', 'now'], 'Allowed choices are copy-first, wait, merge, parallel'],
    [['--path', '/a', '--keep', 'daily'], "Not a rule: 'daily'. Periods are last hourly daily"],
    [['--path', '/a', '--keep', 'daily=7,fortnightly=2'], "Not a rule: 'fortnightly=2'"],
    [['--path', '/a', '--pre', 'a', '--pre-timeout', '0'], 'Not a number from 1 on'],
    [['--path', '/a', '--pre', ''], 'pre.command: '],
    [['--path', '/a', '--time-zone', 'UTC'], '--time-zone is the one of a --schedule'],
  ])('refuses %j', async (words, reason) => {
    const { status, stdout, stderr } = await defined([], ...words);
    expect([status, stdout, sent()]).toEqual([1, '', undefined]);
    expect(stderr).toContain(reason);
  });

  it('changes a definition that exists only with --replace', async () => {
    const refused = await defined([PLAIN], '--path', '/b');
    expect([refused.status, sent()]).toEqual([1, undefined]);
    expect(refused.stderr).toBe("arrayfs: 'nightly' is defined already: --replace changes it\n");
    expect((await defined([PLAIN], '--path', '/b', '--replace')).status).toBe(0);
    expect(sent()).toEqual({ ...PLAIN, paths: ['/b'] });
  });

  it('says at once why a run would fail, where the client is there', async () => {
    const [first, ...later] = done('check', { lines: ['db is backed up', 'cannot: no device'] });
    const check = { 'POST /definitions/nightly/check': [first], [LOOK]: later };
    more = { 'GET /clients': [[EXAMPLE_CLIENT]], ...check };
    const { status, stdout, stderr } = await defined([], '--path', '/srv/db');
    more = {};
    expect([status, stdout]).toEqual([0, 'nightly is defined for client alpha\n']);
    expect(stderr).toBe('arrayfs: cannot: no device\n');
  });

  it('prints the definition with --json', async () => {
    const { stdout } = await defined([], '--path', '/srv/db', '--json');
    expect(JSON.parse(stdout)).toEqual({ ok: true, definition: PLAIN });
  });
});
