/** Pre and post commands: which may run, what is kept of what they say, and how one that hangs ends. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkAllowed, runHook } from '../../../src/backup/client/hook-command.js';
import { systemClock } from '../../../src/base/clock.js';
import { isRunning } from '../../../src/host/processes.js';
import { builtProgram } from '../../support/built-program.js';
import { codeOf } from '../../support/code-of.js';
import { until } from '../../support/programs.js';

const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'arrayfs-hook-')));
afterAll(() => rmSync(scratch, { recursive: true }));
const LONG_MS = 60_000;

async function run(command: string, timeoutMs = LONG_MS, signal = new AbortController().signal) {
  const lines: string[] = [];
  const variables = { ARRAYFS_BACKUP_RUN: '12' };
  const log = (line: string) => lines.push(line);
  const hook = runHook({ command, timeoutMs }, 'pre', {
    clock: systemClock,
    signal,
    variables,
    log,
  });
  const end = await hook.then(
    () => 'ok',
    (error: Error) => error.message,
  );
  return { end, lines };
}

describe('which commands may run', () => {
  const directory = join(scratch, 'hooks');
  const program = join(directory, 'quiesce');
  const outside = join(scratch, 'outside');
  beforeAll(() => {
    mkdirSync(directory);
    for (const file of [program, outside]) writeFileSync(file, '#!/bin/sh\n', { mode: 0o755 });
    symlinkSync(outside, join(directory, 'link'));
  });

  it.each([
    ['nothing', 'echo a', [], 'EACCES'],
    ['the same text', 'echo a; sync', ['echo a; sync'], 'ok'],
    ['another text', 'echo a; sync ', ['echo a; sync'], 'EACCES'],
    ['a program of a directory, with plain words', `${program} --now db=x`, [directory], 'ok'],
    ['a second command behind it', `${program}; id`, [directory], 'EACCES'],
    ['a command in its words', `${program} $(id)`, [directory], 'EACCES'],
    ['a second line', `${program}\nid`, [directory], 'EACCES'],
    ['a program that is not there', join(directory, 'none'), [directory], 'EACCES'],
    ['a way out of the directory', `${directory}/../outside`, [directory], 'EACCES'],
    ['a link out of the directory', join(directory, 'link'), [directory], 'EACCES'],
    ['a program without a path', 'quiesce', [directory], 'EACCES'],
  ])('%s: %s', (_case, command, allowed, code) => {
    expect(codeOf(() => checkAllowed(command, allowed))).toBe(code);
  });
});

describe('a command', () => {
  it('has its output kept in lines, and is told what it is run for, but no token', async () => {
    process.env.ARRAYFS_BACKUP_TOKEN_FILE = '/secret';
    const { end, lines } = await run(
      'echo one; echo two >&2; printf "run $ARRAYFS_BACKUP_RUN"; env | grep -c TOKEN',
    );
    delete process.env.ARRAYFS_BACKUP_TOKEN_FILE;
    // Which of two pipes is read last is chance.
    expect(end).toMatch(/^EIO: the pre command failed with status 1: (run 120|two)$/);
    expect([...lines].sort()).toEqual(['pre: one', 'pre: run 120', 'pre: two']);
  });

  it('has only the first of many lines kept, and each in part', async () => {
    const { end, lines } = await run('seq 1 5000; head -c 5000 /dev/zero | tr "\\0" x');
    expect(end).toBe('ok');
    expect([lines.length, lines[0], lines.at(-1)]).toEqual([
      201,
      'pre: 1',
      'pre: (4801 more lines are not kept)',
    ]);
  });

  it('is killed with all it has started when it takes too long', async () => {
    const file = join(scratch, 'pids');
    const { end } = await run(
      `sleep 1000 & echo $$ $! > ${file}; trap '' TERM; wait; wait; sleep 1000`,
      300,
    );
    expect(end).toBe('EIO: the pre command was killed: it took more than 0.3 s');
    const pids = readFileSync(file, 'utf8').trim().split(' ').map(Number);
    await until(() => pids.every((pid) => !isRunning(pid)));
    expect(pids).toHaveLength(2);
  });

  it('is killed with all it has started when its client is killed', async () => {
    const file = join(scratch, 'left-alone');
    const command = `sleep 1000 & echo $$ $! > ${file}; trap '' TERM; wait; sleep 1000`;
    const client = spawn(process.execPath, [builtProgram('backup', 'hook-runner'), command]);
    const ended = once(client, 'exit');
    const written = () => (existsSync(file) ? readFileSync(file, 'utf8') : '');
    await until(
      () => written().endsWith('\n'),
      () => client.exitCode !== null,
    );
    const pids = written().trim().split(' ').map(Number);
    expect(pids.map(isRunning)).toEqual([true, true]);
    client.kill('SIGKILL');
    await ended;
    await until(() => !pids.some(isRunning));
  });

  it('is given up by its signal, and not begun after it', async () => {
    const controller = new AbortController();
    systemClock.after(50, () => controller.abort());
    expect((await run('sleep 1000', LONG_MS, controller.signal)).end).toMatch(
      /^EINTR: .* given up/,
    );
    expect((await run('echo no', LONG_MS, controller.signal)).end).toMatch(/^EINTR: .*not begun/);
  });

  it('that leaves something behind with its output open ends all the same', async () => {
    const file = join(scratch, 'left');
    const { end, lines } = await run(`sleep 30 & echo $! > ${file}; echo done`);
    process.kill(Number(readFileSync(file, 'utf8')), 'SIGKILL');
    expect([end, lines]).toEqual(['ok', ['pre: done']]);
  });
});
