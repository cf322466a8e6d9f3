/** `arrayfs backup`: what each command asks the server, what it prints and how it ends. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ErrandKind } from '../../src/backup/errands.js';
import { backupNames } from '../../src/cli/backup-names.js';
import { isBackupKind } from '../../src/cli/completion-kinds.js';
import { completions } from '../../src/cli/completion-words.js';
import { EXAMPLE_ENTRY } from '../backup/example-entry.js';
import {
  backupProgram,
  done,
  EXAMPLE_CLIENT,
  FakeBackupServer,
  LOOK,
  runProgram,
} from './fake-backup-server.js';

const server = new FakeBackupServer();
beforeAll(() => server.start());
afterAll(() => server.stop());

/** What is asked to begin, without the looks at the errand. */
const begun = () => server.asked.filter(({ request }) => !request.startsWith('GET /errands'));

describe('what is asked', () => {
  it.each<[string[], ErrandKind, unknown, string, unknown]>([
    [['check', 'nightly'], 'check', { lines: [] }, 'POST /definitions/nightly/check', undefined],
    [
      ['verify', '12'],
      ...(['verify', { sha256: 'ab', matches: true, lines: [] }] as const),
      ...(['POST /backups/12/verify', {}] as const),
    ],
    [
      ['files', '12', '/var/lib'],
      ...(['files', { rows: [], isTruncated: false }] as const),
      ...(['POST /backups/12/files', { path: '/var/lib' }] as const),
    ],
    [
      ['restore-file', '12', '/a', '/b c', '--to', '/tmp/x/'],
      ...(['restoreFiles', { lines: [], files: 2, bytes: 3 }] as const),
      ...(['POST /backups/12/restore-files', { paths: ['/a', '/b c'], to: '/tmp/x' }] as const),
    ],
    [
      ['restore', '12'],
      ...(['restore', { lines: [] }] as const),
      'POST /backups/12/restore',
      { target: null, array: null, force: false, pre: null, post: null },
    ],
    [
      ['restore', '12.2', '--to', 'db2', '--array', '/mnt/a/', '--force', '--pre', 'stop it'],
      ...(['restore', { lines: [] }] as const),
      'POST /backups/12.2/restore',
      {
        ...{ target: 'db2', array: '/mnt/a', force: true, post: null },
        pre: { command: 'stop it', timeoutMs: 600_000 },
      },
    ],
    [
      ['tape-copy', '12', 'tape0/AFS001', '--move'],
      ...(['tapeCopy', { lines: [] }] as const),
      'POST /backups/12/tape-copy',
      { device: 'tape0/AFS001', move: true, incremental: false },
    ],
    [
      ['copy', '12', '/mnt/array2/volumes/db', '--incremental', '--force'],
      ...(['copy', { lines: [] }] as const),
      'POST /backups/12/copy',
      { destination: '/mnt/array2/volumes/db', incremental: true, force: true },
    ],
    [
      ['delete', '12'],
      ...(['delete', { lines: [] }] as const),
      ...(['POST /backups/12/delete', {}] as const),
    ],
    [
      ['paths', '--client', 'alpha'],
      ...(['paths', { rows: [] }] as const),
      ...(['POST /clients/alpha/paths', {}] as const),
    ],
    [
      ['destinations', '/srv/db', '--client', 'alpha'],
      ...(['destinations', { rows: [] }] as const),
      ...(['POST /clients/alpha/destinations', { path: '/srv/db' }] as const),
    ],
  ])('by %j', async (words, kind, output, request, body) => {
    const [first, ...later] = done(kind, output);
    server.answer({ [request]: [first], [LOOK]: later });
    expect(await server.run(...words)).toMatchObject({ status: 0, stderr: '' });
    expect(begun()).toEqual([body === undefined ? { request } : { request, body }]);
  });

  it.each<[string[], string]>([
    [['list'], 'GET /backups'],
    [
      ['list', '--definition', 'n', '--client', 'c', '--label', 'a b', '--kind', 'tape'],
      'GET /backups?definition=n&client=c&label=a+b&kind=tape',
    ],
    [['list', '--state', 'missing', '--limit', '20'], 'GET /backups?state=missing&limit=20'],
    [['runs', '--definition', 'n', '--limit', '1'], 'GET /runs?definition=n&limit=1'],
  ])('by %j', async (words, request) => {
    server.answer({ [request.replace(/\?.*/, '')]: [[]], 'GET /clients': [[]] });
    expect((await server.run(...words)).status).toBe(0);
    expect(server.asked[0]).toEqual({ request });
  });

  it('of the only client, where none is named', async () => {
    const [first, ...later] = done('paths', { rows: [] });
    server.answer({
      'GET /clients': [[EXAMPLE_CLIENT]],
      'POST /clients/alpha/paths': [first],
      [LOOK]: later,
    });
    expect((await server.run('paths')).status).toBe(0);
  });

  it('of the only client that was ever heard of', async () => {
    server.answer({
      'GET /clients': [[EXAMPLE_CLIENT, { ...EXAMPLE_CLIENT, name: 'beta', seenMs: 1 }]],
      'POST /clients/beta/paths': [done('paths', { rows: [] })[1]],
    });
    expect((await server.run('paths')).status).toBe(0);
  });

  it.each([
    ['no client', [], 'the server knows no client: start arrayfs backup-client'],
    [
      'several clients',
      [EXAMPLE_CLIENT, { ...EXAMPLE_CLIENT, name: 'beta' }],
      'choose a client with --client',
    ],
  ])('of nobody, where there is %s', async (_what, clients, words) => {
    server.answer({ 'GET /clients': [clients] });
    const { status, stderr } = await server.run('define', 'x', '--path', '/a');
    expect([status, stderr]).toEqual([1, expect.stringContaining(words)]);
  });

  it('with the token that the server gave', async () => {
    server.answer({ 'GET /backups': [[]] });
    const wrong = ['--server', server.url, '--token-file', import.meta.filename];
    const { status, stderr } = await runProgram([...wrong, 'list']);
    expect([status, server.asked.length]).toEqual([1, 0]);
    expect(stderr).toContain('does not hold a token');
  });
});

describe('a check', () => {
  it.each([
    [0, ['/srv/db is on volume db']],
    [1, ['/srv/db is on volume db', 'cannot: the array is mounted read-only']],
  ])('ends with %i where it says %j', async (status, lines) => {
    const [first, ...later] = done('check', { lines });
    server.answer({ 'POST /definitions/nightly/check': [first], [LOOK]: later });
    const stdout = `${lines.join('\n')}\n`;
    expect(await server.run('check', 'nightly')).toEqual({ status, stdout, stderr: '' });
  });
});

describe('a client', () => {
  let directory = '';

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'arrayfs-token-'));
  });

  afterAll(() => rmSync(directory, { recursive: true }));

  it('that is added has its token in a file that only its owner reads', async () => {
    server.answer({ 'GET /clients': [[]], 'PUT /clients/beta': [{ token: 'secret' }] });
    const file = join(directory, 'beta');
    const { stdout, stderr } = await server.run('client-add', 'beta', '--out', file);
    expect(`${stdout}${stderr}`).toBe(`the token of client beta is in ${file}\n`);
    expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual(['secret\n', 0o600]);
  });

  it('that is added does not overwrite a file', async () => {
    server.answer({ 'GET /clients': [[]], 'PUT /clients/beta': [{ token: 'secret' }] });
    const { status, stderr } = await server.run('client-add', 'beta', '--out', directory);
    expect([status, stderr]).toEqual([1, expect.stringContaining('file already exists')]);
    expect(server.asked.map(({ request }) => request)).toEqual(['GET /clients']);
  });

  it('that exists keeps its token, but with --replace', async () => {
    server.answer({
      'GET /clients': [[EXAMPLE_CLIENT]],
      'PUT /clients/alpha': [{ token: 'fresh' }],
    });
    const file = join(directory, 'alpha');
    expect((await server.run('client-add', 'alpha', '--out', file)).status).toBe(1);
    expect(existsSync(file)).toBe(false);
    await server.run('client-add', 'alpha', '--out', file, '--replace');
    expect(readFileSync(file, 'utf8')).toBe('fresh\n');
  });

  it('has its token printed where the user asks for that', async () => {
    server.answer({ 'GET /clients': [[]], 'PUT /clients/beta': [{ token: 'secret' }] });
    expect((await server.run('client-add', 'beta', '--out', '-')).stdout).toBe('secret\n');
  });

  it('is removed', async () => {
    server.answer({ 'DELETE /clients/beta': [undefined] });
    expect((await server.run('client-remove', 'beta')).stdout).toBe('client beta is removed\n');
  });
});

describe('the completion', () => {
  it('offers what the server of the line knows', async () => {
    server.answer({
      'GET /definitions': [[]],
      'GET /backups': [[EXAMPLE_ENTRY, { ...EXAMPLE_ENTRY, id: '13' }]],
      'GET /clients': [[EXAMPLE_CLIENT]],
      'GET /runs': [[]],
    });
    const options = ['backup', '--server', server.url, `--token-file=${server.tokenFile}`];
    const offered = (...words: string[]) =>
      completions(backupProgram(), [...options, ...words], (kind, _current, given) =>
        isBackupKind(kind) ? backupNames(kind, given) : Promise.resolve([]),
      );
    expect(await offered('show', '')).toEqual(['12', '13']);
    expect(await offered('delete', '12', '1')).toEqual(['12', '13']);
    expect(await offered('paths', '--client', '')).toEqual(['alpha']);
    expect(await offered('run', '')).toEqual([]);
    expect(await offered('log', '')).toEqual([]);
    expect(await offered('list', '--')).toEqual(
      ['--ca', '--client', '--definition', '--help', '--json', '--kind', '--label', '--limit']
        .concat(['--mount', '--server', '--state', '--token-file'])
        .sort(),
    );
  });
});
