/** Every command of the command line on a real array: made, mounted, used, unmounted, checked. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const PROGRAM = resolve(import.meta.dirname, '../../scripts/arrayfs');
const MIB = 2 ** 20;

let directory = '';
let store = '';
let mount = '';
/** A second mount point, for a copy of the store. */
let second = '';

function run(...words: string[]) {
  const { status, stdout, stderr } = spawnSync(PROGRAM, words, {
    encoding: 'utf8',
    cwd: '/',
    env: { ...process.env, ARRAYFS_MOUNT: mount },
  });
  return { status, stdout: stdout.trimEnd(), stderr: stderr.trimEnd() };
}

/** The output of a command that must succeed. */
function done(...words: string[]): string {
  const result = run(...words);
  expect(result, words.join(' ')).toMatchObject({ status: 0 });
  return result.stdout;
}

function json<T>(...words: string[]): T {
  return JSON.parse(done(...words, '--json')) as T;
}

function refused(...words: string[]): string {
  const result = run(...words);
  expect(result, words.join(' ')).toMatchObject({ status: 1, stdout: '' });
  expect(result.stderr.split('\n')).toHaveLength(1);
  return result.stderr;
}

function names(group: string, place = mount): string[] {
  const rows = json<{ name: string; volume?: string }[]>(group, 'list', '--mount', place);
  return rows.map(({ name, volume }) => (volume === undefined ? name : `${volume}@${name}`));
}

/** Resolves when the program has printed a line with `text`; its output so far. Rejects where it ends before. */
function printed(program: ChildProcess, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    program.on('exit', (status) => reject(new Error(`it ended with ${status}: ${output}`)));
    program.stdout?.on('data', (data: Buffer) => {
      output += data.toString();
      if (output.includes(text)) resolve(output);
    });
  });
}

describe.skipIf(!existsSync('/dev/fuse'))('the command line on a mounted array', () => {
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'arrayfs-cli-'));
    [store, mount] = [join(directory, 'store'), join(directory, 'mount')];
    second = join(directory, 'second');
    mkdirSync(mount);
    mkdirSync(second);
    done('init', store, '--capacity', '1G', '--label', 'shop floor', '--pool-name', 'p1');
    done('mount', store, mount);
  });

  afterAll(() => {
    for (const place of [mount, second]) run('umount', place, '--force');
    rmSync(directory, { recursive: true });
  });

  it('makes, changes, shows and deletes volumes', () => {
    expect(done('volume', 'create', 'db', '10M', '--label', 'a "b"')).toMatch(/^created db 10M/);
    expect(json('volume', 'show', 'db')).toMatchObject({ sizeBytes: 10 * MIB, label: 'a "b"' });
    expect(refused('volume', 'create', 'db', '1M')).toMatch(/^arrayfs: .*exists.*: db 1M$/);
    done('volume', 'resize', 'db', '20M');
    done('volume', 'label', 'db', '--text', 'orders, production');
    done('volume', 'rename', 'db', 'orders');
    expect(json('volume', 'show', 'orders')).toMatchObject({
      sizeBytes: 20 * MIB,
      label: 'orders, production',
      pool: 'p1',
    });
    done('volume', 'delete', 'orders');
    expect(names('volume')).toEqual([]);
  });

  it('takes, restores, clones and deletes snapshots', () => {
    done('volume', 'create', 'a', '1M');
    done('volume', 'create', 'b', '1M');
    writeFileSync(join(mount, 'volumes/a'), Buffer.alloc(4_096, 1), { flag: 'r+' });
    done('snapshot', 'create', 'a', 'b', '--name', 'monday');
    expect(names('snapshot').sort()).toEqual(['a@monday', 'b@monday']);
    expect(done('snapshot', 'list', 'a').split('\n')).toHaveLength(2);
    expect(json('snapshot', 'show', 'a@monday')).toMatchObject({ sizeBytes: MIB });
    done('snapshot', 'restore', 'a@monday');
    done('snapshot', 'clone', 'a@monday', 'c');
    done('snapshot', 'delete', 'b@monday');
    refused('snapshot', 'delete', 'b');
    expect(refused('volume', 'delete', 'a')).toContain('snapshots');
    done('volume', 'delete', 'a', '--snapshots');
    expect(names('volume').sort()).toEqual(['b', 'c']);
  });

  it('stores, shows and clears volume information', () => {
    done('volume', 'create', 'i', '1M');
    const file = join(directory, 'sector');
    writeFileSync(file, Buffer.alloc(512, 0x41));
    expect(done('info', 'show', 'i')).toBe('none stored');
    done('info', 'store', 'i', file);
    expect(done('info', 'show', 'i')).toMatch(/^0000 {2}41 41 .* A{16}$/m);
    done('info', 'set', 'i', '--set', Buffer.alloc(512, 0x42).toString('base64'));
    expect(json('info', 'show', 'i')).toEqual({ format: 'other', hex: '42'.repeat(512) });
    done('info', 'clear', 'i');
    expect(json('info', 'show', 'i')).toBeNull();
  });

  it('starts jobs, waits for them and lists them', () => {
    expect(done('array', 'scrub', 'all', '--wait')).toContain('no damage');
    const { job } = json<{ job: number }>('job', 'scrub', 'all');
    expect(json('job', 'wait', `${job}`)).toMatchObject({ id: job, state: 'done' });
    expect(done('job', 'show', `${job}`)).toMatch(/^state +done$/m);
    expect(json<unknown[]>('job', 'list')).toHaveLength(2);
    refused('job', 'cancel', `${job}`);
    refused('job', 'wait', '999');
  });

  it('prints the state of the array', () => {
    done('array', 'sync');
    expect(done('status')).toMatch(/label +shop floor/);
    expect(json('status')).toMatchObject({ array: { label: 'shop floor' }, jobs: {} });
    expect(json('status', 'pools')).toMatchObject([{ name: 'p1' }]);
    refused('status', 'nope');
  });

  it('follows events as they happen', async () => {
    const words = ['events', '--follow', '-n', '0', '--mount', mount];
    const follower = spawn(PROGRAM, words, { cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] });
    // What happens before its first look is past; so something happens until it has seen one.
    let number = 0;
    const happening = setInterval(() => {
      number += 1;
      run('volume', 'create', `e${number}`, '1M');
    }, 50);
    try {
      expect(await printed(follower, '\n')).toMatch(/ CREATED e\d+ /);
    } finally {
      clearInterval(happening);
      follower.kill();
    }
    expect(json<unknown[]>('events', '-n', '2')).toHaveLength(2);
  });

  it('checks a store only while it is not mounted, and adopts copies of it', () => {
    expect(run('check', store)).toMatchObject({ status: 2, stdout: '' });
    refused('init', '--adopt', store);
    done('umount', mount);
    expect(done('check', store)).toMatch(/^clean: /);
    const copy = join(directory, 'copy');
    cpSync(store, copy, { recursive: true });
    expect(done('init', '--adopt', copy)).toMatch(/^adopted array [0-9a-f]{12}, pool p1/);
    done('mount', store, mount);
    done('mount', copy, second);
    expect(names('volume', second)).toEqual(names('volume'));
    expect(json('status', 'array')).not.toEqual(json('status', 'array', '--mount', second));
    done('umount', second);
    expect(json('check', copy)).toMatchObject({ findings: [] });
  });
});
