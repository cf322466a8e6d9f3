/**
 * What goes wrong with backups (issue list "bad input and faults") over a mounted array, with server, client and command line as
 * processes: each a clear message and the right end, nothing lost, and the next run works.
 */
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Run } from '../../../src/backup/api.js';
import type { BackupEntry } from '../../../src/backup/backup-entry.js';
import type { BackupDefinition } from '../../../src/backup/definition.js';
import { BackupSystem } from '../../support/backup-system.js';
import { canLoop, MIB, MountedArray } from '../../support/mounted-array.js';
import { done, run, until } from '../../support/programs.js';
import { cleanScratch, subdirectory } from '../../support/scratch-directory.js';

describe.skipIf(!canLoop)('backups when something goes wrong', () => {
  let array: MountedArray;
  let system: BackupSystem;
  let point: string;
  /** While it is there, commands and freezing wait. */
  let hold: string;
  /** Made when one of them waits. */
  let waiting: string;
  let posts: string;

  beforeAll(async () => {
    array = MountedArray.create();
    for (const name of ['db 16M', 'raw 4M', 'copy 4M', 'other 4M']) array.ok('create', name);
    array.ok('reserve', 'copy');
    const tapes = join(array.directory, 'tapes');
    array.ok('device', `small kind=tape path=${tapes} slots=1 capacity=1M`);
    done('mkfs.ext4', '-q', array.volume('db'));
    point = array.loopMount(array.volume('db'), 'db');
    [hold = '', waiting = '', posts = ''] = ['hold', 'waiting', 'posts'].map((name) =>
      join(array.directory, name),
    );
    system = new BackupSystem(array.directory);
    await system.startServer();
    await startClient();
    await system.define('files', { paths: [point], freeze: true, post: hook(post()) });
    await system.define('volume', { volumes: ['raw'], pre: hook(pause()), post: hook(post()) });
  });
  afterEach(async () => {
    // Whatever happened before, the next run works, and its backup can be deleted.
    rmSync(hold, { force: true });
    for (const name of ['files', 'volume']) {
      for (const { id } of await system.backup(name)) await remove(id);
    }
    rmSync(waiting, { force: true });
    rmSync(posts, { force: true });
  });
  afterAll(async () => {
    await system?.end();
    cleanScratch();
  });

  const pause = () => `while [ -e ${hold} ]; do touch ${waiting}; sleep 0.02; done`;
  const post = () => `echo post >> ${posts}`;
  const hook = (command: string) => ({ command, timeoutMs: 60_000 });
  const hasPosted = () => existsSync(posts);
  const ids = async () => (await system.api.backups()).map(({ id }) => id);
  const names = () => array.snapshots().map(({ name }) => name);
  const remove = (id: string) => system.ended('delete', system.api.act(id, 'delete', {}));

  function copyOf({ place }: BackupEntry): string {
    return place.kind === 'snapshot' ? `${place.volume}@${place.snapshot}` : missing();
  }

  /** Its fsfreeze waits after it has frozen something. */
  async function startClient(): Promise<void> {
    const programs = subdirectory(array.directory, 'programs');
    const wrapper = join(programs, 'fsfreeze');
    writeFileSync(wrapper, `#!/bin/sh\n/sbin/fsfreeze "$@" || exit\n[ $1 = -u ] || ${pause()}\n`);
    chmodSync(wrapper, 0o755);
    const before = ['env', `PATH=${programs}:${process.env.PATH}`];
    const words = ['--allow', pause(), post(), 'echo no room >&2; exit 3'];
    await system.startClient({ arrays: [array.mount], before, words });
  }

  /** A run that waits in its command, or with its file system frozen. */
  async function held(name: string): Promise<Run> {
    writeFileSync(hold, '');
    const begun = await system.api.runDefinition(name);
    await until(() => existsSync(waiting));
    return begun;
  }

  async function kill(program: 'server' | 'client'): Promise<void> {
    system[program]?.child.kill('SIGKILL');
    await system[program]?.result;
  }

  it('a client killed while the file system is frozen: it is thawed, and the run has failed', async () => {
    const begun = await held('files');
    expect(run('/sbin/fsfreeze', '-f', point).errors).toContain('busy');
    await kill('client');
    rmSync(hold);
    await startClient();
    expect(await system.runEnd(begun)).toMatchObject({
      ...{ state: 'failed', entries: [] },
      reason: 'the backup client was ended in the step freeze',
    });
    expect(run('timeout', '60', 'touch', join(point, 'thawed')).status).toBe(0);
    expect([await ids(), names(), hasPosted()]).toEqual([[], [], true]);
  });

  it('a client killed in its pre command: what it did nobody knows, and the run has failed', async () => {
    const begun = await held('volume');
    await kill('client');
    rmSync(hold);
    await startClient();
    expect(await system.runEnd(begun)).toMatchObject({
      ...{ state: 'failed', reason: 'the backup client was ended in the step pre' },
    });
    expect([await ids(), names(), hasPosted()]).toEqual([[], [], true]);
  });

  it('a server killed in the middle: the run goes on, and is complete when it is back', async () => {
    const begun = await held('volume');
    await kill('server');
    rmSync(hold);
    await until(() => hasPosted() || names().length > 0);
    await system.startServer();
    const ended = await system.runEnd(begun);
    expect(ended).toMatchObject({ state: 'complete', entries: [`${begun.number}`] });
    await remove(`${begun.number}`);
  });

  it('an array that dies in the middle, and is mounted again: the run is complete', async () => {
    await array.loopUnmount(point);
    const begun = await held('volume');
    await array.kill();
    rmSync(hold);
    array.mountAgain();
    expect(await system.runEnd(begun)).toMatchObject({ state: 'complete' });
    await remove(`${begun.number}`);
    array.loopMount(array.volume('db'), 'db');
  });

  it('an array that is unmounted before the run: told, and complete when it is back', async () => {
    await array.loopUnmount(point);
    await array.umount();
    const failed = await system.run('volume');
    expect(failed).toMatchObject({
      ...{ state: 'failed', reason: 'no array is mounted that this client serves' },
    });
    array.mountAgain();
    array.loopMount(array.volume('db'), 'db');
  });

  it('what cannot be backed up: the reason in one line, status 1, and nothing is left', async () => {
    const command = 'echo no room >&2; exit 3';
    const cases: [Partial<BackupDefinition>, string][] = [
      [{ paths: ['/proc'] }, '/proc is not on an array: it is on proc of proc, mounted at /proc'],
      [{ volumes: ['raw'], pre: hook(command) }, 'the pre command failed with status 3: no room'],
    ];
    for (const [wish, reason] of cases) {
      await system.define('wrong', wish);
      const { status, errors } = system.command('run', 'wrong');
      const [failed] = await system.api.runs({ limit: 1 });
      const number = failed?.number;
      expect([status, errors]).toEqual([
        1,
        `arrayfs: run ${number} failed: ${reason}; see arrayfs backup log ${number}`,
      ]);
      expect([await ids(), names()]).toEqual([[], []]);
    }
  });

  it('a tape that is full: told with status 1, and the backup itself stays', async () => {
    writeFileSync(array.volume('raw'), Buffer.alloc(2 * MIB, 'raw'), { flag: 'r+' });
    await system.define('onto', { volumes: ['raw'], secondMedium: ['small'] });
    const { status, errors } = system.command('run', 'onto');
    expect([status, errors]).toEqual([1, expect.stringContaining('cartridge AFS001 is full')]);
    const [made] = await system.api.backups();
    expect(made).toMatchObject({ state: 'good', place: { kind: 'snapshot' } });
    await remove(made?.id ?? '');
  });

  it('a backup deleted behind the server: told, marked by a rescan, and removed by delete', async () => {
    const [made = missing()] = await system.backup('volume');
    const { id } = made;
    array.ok('delete', copyOf(made));
    const { status, errors } = system.command('verify', id);
    const reason = `backup ${id} is not there any more: it was deleted`;
    expect([status, errors]).toEqual([1, expect.stringContaining(reason)]);
    await system.rescan();
    expect(await system.api.backup(id)).toMatchObject({ state: 'missing' });
    await remove(id);
    expect(await ids()).toEqual([]);
  });

  it('a sector that is damaged, or of a newer version: told by a rescan, the backup is missing', async () => {
    const [made = missing()] = await system.backup('volume');
    const copy = copyOf(made);
    const sector = readFileSync(array.path('info', copy));
    const damaged = Buffer.from(sector);
    damaged.fill('x', 100, 110);
    const newer = Buffer.from(sector);
    newer.writeUInt32LE(2, 8);
    newer.writeUInt32LE(crc32(newer.subarray(0, 508)), 508);
    for (const [bytes, why] of [
      [damaged, 'the volume-information sector is damaged: wrong checksum'],
      [newer, 'layout 2 is not known here'],
    ] as const) {
      array.ok('info', `${copy} set=${bytes.toString('base64')}`);
      expect((await system.rescan())[0]).toContain(why);
      expect(await system.api.backup(made.id)).toMatchObject({ state: 'missing' });
    }
    array.ok('info', `${copy} set=${sector.toString('base64')}`);
    await system.rescan();
    expect(await system.api.backup(made.id)).toMatchObject({ state: 'good' });
    await remove(made.id);
  });

  it('two servers on one array: each finds the backups of the other, and no number is given twice', async () => {
    const [mine] = await system.backup('volume');
    const directory = subdirectory(array.directory, 'second');
    const second = await BackupSystem.begin(directory, { arrays: [array.mount] });
    await second.define('theirs', { volumes: ['raw'] });
    const [theirs] = await second.backup('theirs');
    expect(theirs?.jobNumber).toBeGreaterThan(mine?.jobNumber ?? 0);
    const all = [mine, theirs];
    for (const one of [system, second]) {
      await one.rescan();
      const found = (await one.api.backups()).sort((a, b) => a.jobNumber - b.jobNumber);
      expect(found).toEqual(all);
    }
    await second.ended('delete', second.api.act(theirs?.id ?? '', 'delete', {}));
    await second.end();
    await system.rescan();
    expect(await system.api.backup(theirs?.id ?? '')).toMatchObject({ state: 'missing' });
    for (const entry of all) await remove((entry as BackupEntry).id);
  });

  it('a client with a wrong token, and a second one with the same state: refused in one line', async () => {
    const token = join(array.directory, 'token');
    writeFileSync(token, 'x'.repeat(43));
    const { status, errors } = system.program(
      ...['backup-client', '--token-file', token, '--state', subdirectory(array.directory, 's')],
    );
    expect([status, errors]).toEqual([
      1,
      expect.stringMatching(/^arrayfs: .*: the backup server does not know this token$/),
    ]);
    const again = system.program('backup-client', '--state', join(array.directory, 'state'));
    expect([again.status, again.errors]).toEqual([1, expect.stringContaining('in use')]);
  });
});

function missing(): never {
  throw new Error('there is no such backup');
}
