/**
 * What a user does, from the first definition to a catalog that is made anew: the command line, server and client as
 * programs, over an ext4 on a volume; with tape and a second array.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtSource } from '../../support/built-program.js';
import { canLoop, MIB, MountedArray } from '../../support/mounted-array.js';
import { done, run, start, until } from '../../support/programs.js';
import { cleanScratch, loopsReleased, subdirectory } from '../../support/scratch-directory.js';

const MAIN = builtSource('cli/main');
const LISTENING = 'listening on ';
const CONTENT = 'order 2001\n';

describe.skipIf(!canLoop)('a session with the backup manager', () => {
  let array: MountedArray;
  let other: MountedArray;
  let point = '';
  let file = '';
  let target = '';
  let data = '';
  const programs: ReturnType<typeof start>[] = [];

  const backup = (...words: string[]) => done(process.execPath, MAIN, 'backup', ...words);
  const listed = () => JSON.parse(backup('list', '--json')) as Record<string, unknown>[];

  /** Resolves with its first line. */
  async function startProgram(...words: string[]): Promise<string> {
    const started = start(process.execPath, MAIN, ...words);
    programs.push(started);
    let isOver = false;
    void started.result.then(() => {
      isOver = true;
    });
    const { texts } = started;
    await until(
      () => texts.out.includes('\n'),
      () => isOver,
    );
    return texts.out.trim();
  }

  beforeAll(async () => {
    array = MountedArray.create();
    other = MountedArray.create();
    const { directory } = array;
    process.env.ARRAYFS_RUN_DIR = join(directory, 'run');
    data = join(directory, 'data');
    const listen = ['--data', data, '--listen', '127.0.0.1:0'];
    const line = await startProgram('backup-server', ...listen);
    const url = line.slice(LISTENING.length);
    array.ok('create', `db ${16 * MIB}`);
    done('mkfs.ext4', '-q', array.volume('db'));
    point = array.loopMount(array.volume('db'), 'fs');
    file = join(point, 'var/lib/orders/2001');
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, CONTENT);
    array.ok('device', `tape0 kind=tape path=${join(directory, 'tapes')} slots=2 capacity=64M`);
    target = subdirectory(directory, 'target');
    const token = join(directory, 'alpha.token');
    backup('client-add', 'alpha', '--out', token);
    const place = ['--server', url, '--token-file', token, '--name', 'alpha'];
    const own = ['--state', join(directory, 'state'), '--allow-target', target];
    const arrays = ['--array', array.mount, other.mount];
    await startProgram('backup-client', ...place, ...own, ...arrays);
  });

  afterAll(cleanScratch);

  it('defines, backs up, and looks into the backup', () => {
    const schedule = ['--schedule', '30 2 * * *', '--keep', 'daily=7,weekly=4'];
    backup('define', 'nightly', '--path', point, '--freeze', '--label', 'orders db', ...schedule);
    expect(backup('run', 'nightly')).toBe('run 1 complete: backup 1');
    expect(backup('log', '1')).toMatch(/^frozen for [\d.]+ ms: /m);
    expect(backup('files', '1', '/var/lib/orders')).toMatch(/^-rw-r--r-- +0 +0 +11 +\S+ +2001$/);
  });

  it('brings back one file, then the whole volume', () => {
    rmSync(file);
    backup('restore-file', '1', '/var/lib/orders/2001', '--to', target);
    expect(readFileSync(join(target, '2001'), 'utf8')).toBe(CONTENT);
    rmSync(join(point, 'var'), { recursive: true });
    expect(backup('restore', '1')).toContain(`mounted again: ${point}`);
    expect(readFileSync(file, 'utf8')).toBe(CONTENT);
  });

  it('copies to tape and to another array, and finds all of it again without a catalog', () => {
    expect(backup('tape-copy', '1', 'tape0')).toContain('backup 2 is a copy of 1');
    expect(backup('copy', '1', join(other.mount, 'volumes/db'))).toContain('a copy of 1');
    const before = listed();
    expect(before.map(({ id, copyOf, state }) => [id, copyOf, state])).toEqual([
      ['3', '1', 'good'],
      ['2', '1', 'good'],
      ['1', null, 'good'],
    ]);
    rmSync(join(data, 'catalog'), { recursive: true });
    expect(listed()).toEqual([]);
    backup('rescan', '--tapes');
    expect(listed()).toEqual(before);
  });

  it('deletes, and restores from tape what was deleted', async () => {
    backup('delete', '1');
    const snapshots = readdirSync(join(array.mount, 'snapshots/db'));
    expect(snapshots.filter((name) => name.startsWith('backup-1-'))).toEqual([]);
    rmSync(file);
    backup('restore', '2');
    expect(readFileSync(file, 'utf8')).toBe(CONTENT);
    const { status, errors } = run(process.execPath, MAIN, 'backup', 'verify', '1');
    expect([status, errors]).toEqual([1, 'arrayfs: there is no backup 1']);
    for (const program of programs.reverse()) {
      program.child.kill('SIGTERM');
      expect((await program.result).status).toBe(0);
    }
    await array.loopUnmount(point);
    await loopsReleased(array.directory);
  });
});
