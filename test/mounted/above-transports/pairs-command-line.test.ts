/** Mirror pairs as a user works with them: command line, control files and the files of pairs. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canMount, codeOf, MountedArray } from '../../support/mounted-array.js';
import { ARRAYFS, run as runProgram, shell, start, until } from '../../support/programs.js';
import { cleanScratch } from '../../support/scratch-directory.js';

const PAIR = 'db:db-copy';

let array: MountedArray;

/** The command line on the mounted array. */
function run(...words: string[]) {
  const { status, out, errors } = runProgram(ARRAYFS, '--mount', array.mount, ...words);
  return { status, out: out.trim(), errors: errors.trim() };
}

function done(...words: string[]): string {
  const result = run(...words);
  expect(result, words.join(' ')).toMatchObject({ status: 0, errors: '' });
  return result.out;
}

const pair = () => JSON.parse(array.read('pairs', `${PAIR}.json`));
const sum = (volume: string) => shell(`sha256sum < ${array.volume(volume)}`);

describe.skipIf(!canMount)('a pair', () => {
  beforeAll(() => {
    array = MountedArray.create();
    for (const name of ['db', 'db-copy', 'spare']) array.ok('create', `${name} 16M`);
    shell(`head -c 16M /dev/urandom > ${array.volume('db')}`);
  });
  afterAll(cleanScratch);

  it('is made and copied, and the command line waits for it', () => {
    expect(done('pair', 'create', 'db', 'db-copy', '--pace', 'slow')).toBe(
      'db:db-copy is duplex-pending now',
    );
    const { status, errors } = run('pair', 'wait', PAIR, 'split', '--timeout', '0');
    expect([status, errors]).toEqual([1, expect.stringMatching(/ db:db-copy is still duplex/)]);
    done('pair', 'pace', '#2', '--pace', 'fast');
    expect(done('pair', 'wait', PAIR, 'duplex')).toBe(`${PAIR} is duplex`);
    expect(pair()).toMatchObject({ trackCount: 256, pendingTracks: 0, pace: 'fast' });
    expect(sum('db-copy')).toBe(sum('db'));
  });

  it('is listed, shown and completed', () => {
    expect(done('pair', 'list')).toMatch(/ db +db-copy +duplex +duplex +100% /);
    expect(done('pair', 'show', '#2')).toMatch(/^secondary-state +duplex$/m);
    expect(done('status', 'volumes')).toMatch(/ secondary of db /);
    const words = ['__complete', '--mount', array.mount, 'pair', 'split', 'db:'];
    expect(runProgram(ARRAYFS, ...words).out).toBe(PAIR);
    expect(array.read('status', 'pairusage')).toMatch(/^pairs +1$/m);
  });

  it('keeps hosts from writing the secondary until it is split', () => {
    expect(codeOf(() => openSync(array.volume('db-copy'), 'r+'))).toBe('EROFS');
    const before = sum('db');
    expect(done('pair', 'split', PAIR)).toBe(`${PAIR} is split-pending now`);
    shell(`head -c 1M /dev/urandom | dd of=${array.volume('db')} conv=notrunc status=none`);
    expect(sum('db-copy')).toBe(before);
    done('pair', 'wait', PAIR, 'split');
    const file = openSync(array.volume('db-copy'), 'r+');
    expect(writeSync(file, Buffer.alloc(512, 7), 0, 512, 0)).toBe(512);
    closeSync(file);
  });

  it('says so when a command makes no sense, and why one is refused', () => {
    expect(done('pair', 'split', PAIR)).toBe(`${PAIR} is split already, nothing done`);
    expect(run('pair', 'suspend', PAIR).errors).toMatch(/is not copying updates/);
    expect(array.command('copy', PAIR)).toMatchObject({ code: 'EINVAL' });
    expect(array.command('resize', 'db 32M')).toMatchObject({ code: 'EBUSY' });
  });

  it('is watched while its primary is restored from the secondary', async () => {
    const { child, texts } = start(ARRAYFS, '--mount', array.mount, 'pair', 'list', '--watch');
    await until(() => texts.out.includes(' split '));
    const before = sum('db-copy');
    done('pair', 'resync', PAIR, '--direction', 'reverse');
    expect(sum('db')).toBe(before);
    done('pair', 'wait', PAIR, 'duplex');
    await until(() => / duplex +duplex +100% /.test(texts.out));
    child.kill();
  });

  it('is split at a time; a job that waits ends with the mount', async () => {
    const job = /^job (\d+) split db:db-copy at 20/.exec(
      done('pair', 'split', PAIR, '--at', '+1d'),
    );
    expect(array.read('jobs', job?.[1] ?? '')).toMatch(/^state +running$/m);
    await array.umount();
    array.mountAgain();
    expect(array.read('jobs', job?.[1] ?? '')).toMatch(/^state +failed$/m);
    expect(pair()).toMatchObject({ state: 'duplex', pace: 'fast' });
    const { job: id } = JSON.parse(done('--json', 'pair', 'split', PAIR, '--at', '+2s'));
    expect(done('job', 'wait', `${id}`)).toBe(`${PAIR} is split-pending now`);
  });

  it('is gone after its deletion, which waiting tells', () => {
    done('pair', 'delete', PAIR);
    expect(done('pair', 'wait', PAIR, 'simplex')).toBe(`${PAIR} is simplex`);
    expect(codeOf(() => openSync(array.volume('db-copy'), 'r+'))).toBe('EROFS');
    done('pair', 'unreserve', 'db-copy');
    closeSync(openSync(array.volume('db-copy'), 'r+'));
    expect(array.read('events')).toMatch(/ PAIR-DELETED db:db-copy both volumes stay$/m);
  });

  it('takes a reserved volume as its secondary', () => {
    done('pair', 'reserve', 'spare');
    expect(done('pair', 'create', 'db', 'auto', '--mode', 'on-demand')).toBe(
      'db:spare is defined now',
    );
    done('pair', 'copy', 'db:spare');
    done('pair', 'wait', 'db:spare', 'split');
    expect(sum('spare')).toBe(sum('db'));
  });
});
