/**
 * The program as users start it, over a directory that looks like a mounted array as far as ordinary
 * files can. Commands that change something are in test/mounted.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const PROGRAM = resolve(import.meta.dirname, '../../scripts/arrayfs');
const VOLUMES = [
  { number: 1, name: 'db', sizeBytes: 1024 },
  { number: 2, name: 'log', sizeBytes: 2048 },
];
const PAIR = {
  ...{ name: 'db:log', primary: 'db', secondary: 'log', secondaryState: 'duplex' },
  ...{ reason: '', trackCount: 1, pendingTracks: 0, unequalTracks: 0 },
};

let directory = '';
let mount = '';

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'arrayfs-cli-'));
  mount = join(directory, 'mount');
  const files: Readonly<Record<string, string>> = {
    'status/array': 'label  test\n',
    'status/array.json': '{"label":"test"}',
    'status/pools': 'NAME\nmain\n',
    'status/pools.json': '[{"name":"main"}]',
    'status/volumes': 'NUMBER  NAME\n     1  db\n     2  log\n',
    'status/volumes.json': JSON.stringify(VOLUMES),
    'status/snapshots': 'NUMBER  VOLUME  NAME\n     3  db      monday\n     4  log     monday\n',
    'status/snapshots.json': JSON.stringify([{ number: 3, volume: 'db', name: 'monday' }]),
    'status/pairs': 'NUMBER  PRIMARY  SECONDARY\n     1  db       log\n',
    'status/pairs.json': JSON.stringify([PAIR]),
    'pairs/db:log': 'state  duplex\n',
    'pairs/db:log.json': JSON.stringify(PAIR),
    'status/jobs': 'ID\n',
    'status/jobs.json': '[]',
    'status/events.json': '[{"sequence":1},{"sequence":2},{"sequence":3}]',
    'jobs/7': 'state  done\n',
    'jobs/7.json':
      '{"id":7,"kind":"scrub","state":"done","done":4,"total":4,"unit":"bytes","message":"no damage"}',
    'jobs/8.json':
      '{"id":8,"kind":"scrub","state":"failed","done":1,"total":4,"unit":"bytes","message":"1 damaged"}',
    'volumes/db': '',
    'volumes/log': '',
    'snapshots/db/monday': '',
    'snapshots/db/tuesday': '',
    'info/db': '',
    'ctl/create': '',
    events: 'one\ntwo\nthree\n',
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(mount, path, '..'), { recursive: true });
    writeFileSync(join(mount, path), text);
  }
});

afterAll(() => rmSync(directory, { recursive: true }));

function run(words: readonly string[], options: { cwd?: string; program?: string } = {}) {
  const { status, stdout, stderr } = spawnSync(options.program ?? PROGRAM, words, {
    encoding: 'utf8',
    cwd: options.cwd ?? '/',
    env: { ...process.env, ARRAYFS_MOUNT: mount },
  });
  return { status, stdout, stderr };
}

describe('arrayfs', () => {
  it('knows its version', () => {
    const { version } = JSON.parse(readFileSync(resolve(PROGRAM, '../../package.json'), 'utf8'));
    expect(run(['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('runs through a symbolic link from any directory', () => {
    const program = join(directory, 'linked');
    symlinkSync(PROGRAM, program);
    expect(run(['--version'], { program, cwd: directory }).status).toBe(0);
  });

  it.each([
    [['status', 'volumes'], 'NUMBER  NAME\n     1  db\n     2  log\n'],
    [['volume', 'list'], 'NUMBER  NAME\n     1  db\n     2  log\n'],
    [['volume', 'show', 'log'], 'number:    2\nname:      log\nsizeBytes: 2048\n'],
    [['volume', 'show', '#1'], 'number:    1\nname:      db\nsizeBytes: 1024\n'],
    [['snapshot', 'list', 'db'], 'NUMBER  VOLUME  NAME\n     3  db      monday\n'],
    [['info', 'show', 'db'], 'none stored\n'],
    [['info', 'show', '#1'], 'none stored\n'],
    [['events', '-n', '2'], 'two\nthree\n'],
    [['events', '-n', '0'], ''],
    [['pair', 'list'], 'NUMBER  PRIMARY  SECONDARY\n     1  db       log\n'],
    [['pair', 'show', 'db:log'], 'state  duplex\n'],
    [['pair', 'show', '#2'], 'state  duplex\n'],
    [['pair', 'wait', 'db:log', 'duplex'], 'db:log is duplex\n'],
    [['pair', 'wait', 'db:log', 'equal'], 'db:log is equal\n'],
    [['pair', 'wait', 'log:db', 'simplex', '--timeout', '0'], 'log:db is simplex\n'],
    [['job', 'show', '7'], 'state  done\n'],
    [['job', 'wait', '7'], 'no damage\n'],
    [
      ['status'],
      'array\n  label  test\n\npools\n  NAME\n  main\n\nvolumes\n  NUMBER  NAME\n       1  db\n' +
        '       2  log\n\njobs\n  ID\n',
    ],
  ])('%j prints text', (words, stdout) => {
    expect(run(words)).toEqual({ status: 0, stdout, stderr: '' });
  });

  it.each<[string[], unknown]>([
    [['status', 'volumes'], VOLUMES],
    [['volume', 'list'], VOLUMES],
    [['volume', 'show', 'db'], VOLUMES[0]],
    [['pair', 'list'], [PAIR]],
    [['pair', 'show', 'log'], PAIR],
    [['pair', 'wait', '#1:#2', 'duplex'], PAIR],
    [['info', 'show', 'db'], null],
    [['snapshot', 'list', 'log'], []],
    [['events', '-n', '1'], [{ sequence: 3 }]],
    [
      ['status'],
      { array: { label: 'test' }, pools: [{ name: 'main' }], volumes: VOLUMES, jobs: [] },
    ],
  ])('%j --json prints one value', (words, value) => {
    const { status, stdout } = run([...words, '--json']);
    expect([status, JSON.parse(stdout)]).toEqual([0, value]);
  });

  it.each([
    [['stats'], /^arrayfs: unknown command 'stats' \(Did you mean status\?\)\n$/],
    [['volume', 'create', 'x'], /^arrayfs: missing required argument 'SIZE'\n$/],
    [['volume', 'show', 'x'], /^arrayfs: no such volume: 'x'\n$/],
    [['status', '../volumes/db'], /^arrayfs: not the name of a status table: /],
    [['pair', 'show', 'db:x'], /^arrayfs: no such file: 'pairs\/db:x'\n$/],
    [['pair', 'show', 'db:../x'], /^arrayfs: not the name of a pair: /],
    [['pair', 'wait', 'db:log', 'split', '--timeout', '0'], /^arrayfs: db:log is still duplex\n$/],
    [['pair', 'wait', 'no:pair', 'simplex'], /^arrayfs: no such volume: 'no'\n$/],
    [['pair', 'wait', 'db:log', 'splitt'], /Allowed choices are simplex, defined, /],
    [['job', 'wait', '9'], /^arrayfs: no such file: 'jobs\/9\.json'\n$/],
    [['job', 'wait', '8'], /^arrayfs: job 8 failed: 1 damaged\n$/],
    [['status', '--mount', '/usr'], /^arrayfs: \/usr is not a mounted array\n$/],
    [['init', '/nowhere/store'], /^arrayfs: say how much disk space .* --capacity 200G\n$/],
  ])('%j fails with one line and status 1', (words, stderr) => {
    const result = run(words);
    expect([result.status, result.stdout]).toEqual([1, '']);
    expect(result.stderr).toMatch(stderr);
  });

  it.each([
    [['volume', 'show', 'x'], 'ENOENT'],
    [['volume', 'create', 'x'], 'EINVAL'],
  ])('%j --json fails with a JSON object', (words, error) => {
    const { status, stdout } = run([...words, '--json']);
    expect([status, JSON.parse(stdout)]).toMatchObject([1, { ok: false, error }]);
  });

  it('could not check what is no store: status 2', () => {
    expect(run(['check', join(directory, 'nowhere')])).toMatchObject({ status: 2, stdout: '' });
  });

  it('ends quietly when its reader does', () => {
    const script = `"${PROGRAM}" status | true; echo "\${PIPESTATUS[0]}"`;
    const result = spawnSync('bash', ['-c', script], {
      encoding: 'utf8',
      env: { ...process.env, ARRAYFS_MOUNT: mount },
    });
    expect([result.stdout, result.stderr]).toEqual(['0\n', '']);
  });
});

describe('arrayfs completion', () => {
  /** What bash offers at the end of `line`. */
  function offered(line: string): string[] {
    const script = `eval "$('${PROGRAM}' completion bash)"
      COMP_LINE=$1 COMP_POINT=\${#1}
      _arrayfs '${PROGRAM}' 2>/dev/null
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = spawnSync('bash', ['-c', script, 'bash', line], {
      encoding: 'utf8',
      env: { ...process.env, ARRAYFS_MOUNT: mount },
    });
    return stdout.split('\n').filter((text) => text !== '');
  }

  it.each([
    ['arrayfs vol', ['volume']],
    ['arrayfs volume resize ', ['db', 'log']],
    ['arrayfs pair split db:', ['log']],
    ['arrayfs snapshot restore ', ['db@']],
    ['arrayfs snapshot restore db@m', ['monday']],
    [`arrayfs --mount ${'/nowhere'} volume resize `, []],
  ])('of "%s" in bash', (line, names) => {
    expect(offered(line)).toEqual(names);
  });

  it.each(['bash', 'zsh', 'fish'])('prints a script for %s', (shell) => {
    const { status, stdout } = run(['completion', shell]);
    expect([status, stdout.includes('__complete')]).toEqual([0, true]);
  });
});
