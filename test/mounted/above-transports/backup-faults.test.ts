/**
 * What goes wrong with backups (issue list "bad input and faults") over a mounted array, with server, client and command line as
 * processes: each a clear message and the right end, nothing lost, and the next run works.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BackupEntry } from '../../../src/backup/backup-entry.js';
import type { BackupDefinition } from '../../../src/backup/definition.js';
import { BackupHold } from '../../support/backup-hold.js';
import { BackupSystem } from '../../support/backup-system.js';
import { canMount, MIB, MountedArray } from '../../support/mounted-array.js';
import { ARRAYFS, run, until } from '../../support/programs.js';
import { cleanScratch, subdirectory } from '../../support/scratch-directory.js';

const FAILING = 'echo no room >&2; exit 3';

describe.skipIf(!canMount)('backups when something goes wrong', () => {
  let array: MountedArray;
  let system: BackupSystem;
  let hold: BackupHold;

  beforeAll(async () => {
    array = MountedArray.create();
    array.ok('create', 'raw 4M');
    const device = (name: string) => `${name} kind=tape path=${join(array.directory, name)}`;
    array.ok('device', `${device('small')} slots=1 capacity=1M`);
    array.ok('device', `${device('tape0')} slots=1`);
    hold = new BackupHold(array.directory);
    system = await BackupSystem.begin(array.directory, {
      ...{ arrays: [array.mount], words: ['--allow', hold.command('pre'), FAILING] },
    });
    await system.define('volume', { volumes: ['raw'], pre: hook(hold.command('pre')) });
  });
  afterEach(async () => {
    // Whatever happened before, the next run works, and its backup can be deleted.
    for (const { id } of await system.backup('volume')) await remove(id);
    expect([await ids(), names()]).toEqual([[], []]);
  });
  afterAll(async () => {
    await system?.end();
    cleanScratch();
  });

  const hook = (command: string) => ({ command, timeoutMs: 600_000 });
  const ids = async () => (await system.api.backups()).map(({ id }) => id);
  const names = () => array.snapshots().map(({ name }) => name);
  const remove = (id: string) => system.ended('delete', system.api.act(id, 'delete', {}));

  /** The client may look at it at any moment. */
  const unmounted = () => until(() => run(ARRAYFS, 'umount', array.mount).status === 0);

  function copyOf({ place }: BackupEntry): string {
    return place.kind === 'snapshot' ? `${place.volume}@${place.snapshot}` : missing();
  }

  it('an array that is unmounted in the middle: waited for; before: told', async () => {
    const begun = await hold.at('pre', () => system.api.runDefinition('volume'));
    await unmounted();
    hold.release('pre');
    array.mountAgain();
    expect(await system.runEnd(begun)).toMatchObject({ state: 'complete' });
    await remove(`${begun.number}`);
    await unmounted();
    expect(await system.run('volume')).toMatchObject({
      ...{ state: 'failed', reason: 'no array is mounted that this client serves' },
    });
    array.mountAgain();
  });

  it('a cartridge that is not there: told, the backup stays in the catalog, and is good when it is back', async () => {
    const [made = missing()] = await system.backup('volume');
    const wish = { device: 'tape0', move: true, incremental: false };
    await system.ended('tapeCopy', system.api.act(made.id, 'tape-copy', wish));
    const [copy = missing()] = await system.api.backups();
    const file = join(array.directory, 'tape0/AFS001.tap');
    renameSync(file, `${file}.away`);
    const { status, errors } = await system.command('verify', copy.id);
    expect([status, errors]).toEqual([1, expect.stringContaining('AFS001')]);
    renameSync(`${file}.away`, file);
    const verified = await system.ended('verify', system.api.act(copy.id, 'verify', {}));
    expect(verified.matches).toBe(true);
    await remove(copy.id);
  });

  it('what cannot be backed up: the reason in one line, status 1, and nothing is left', async () => {
    const cases: [Partial<BackupDefinition>, string][] = [
      [{ paths: ['/proc'] }, '/proc is not on an array: it is on proc of proc, mounted at /proc'],
      [{ volumes: ['raw'], pre: hook(FAILING) }, 'the pre command failed with status 3: no room'],
    ];
    for (const [wish, reason] of cases) {
      await system.define('wrong', wish);
      const { status, errors } = await system.command('run', 'wrong');
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
    const { status, errors } = await system.command('run', 'onto');
    expect([status, errors]).toEqual([1, expect.stringContaining('cartridge AFS001 is full')]);
    const [made] = await system.api.backups();
    expect(made).toMatchObject({ state: 'good', place: { kind: 'snapshot' } });
    await remove(made?.id ?? '');
  });

  it('a backup deleted behind the server: told, marked by a rescan, and removed by delete', async () => {
    const [made = missing()] = await system.backup('volume');
    const { id } = made;
    array.ok('delete', copyOf(made));
    const { status, errors } = await system.command('verify', id);
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
    const { status, errors } = await system.program(
      ...['backup-client', '--token-file', token, '--state', subdirectory(array.directory, 's')],
    );
    expect([status, errors]).toEqual([
      1,
      expect.stringMatching(/^arrayfs: .*: the backup server does not know this token$/),
    ]);
    const again = await system.program('backup-client', '--state', join(array.directory, 'state'));
    expect([again.status, again.errors]).toEqual([1, expect.stringContaining('in use')]);
  });
});

function missing(): never {
  throw new Error('there is no such backup');
}
