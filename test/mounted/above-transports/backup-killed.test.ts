/**
 * kill -9 of server, client and array while a backup is at its commands or its file system is frozen: the run ends complete or
 * failed with the reason, catalog and array are of one opinion, the post command has run, and the next run works.
 */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BackupHold, type HeldPlace } from '../../support/backup-hold.js';
import { BackupSystem } from '../../support/backup-system.js';
import { canLoop, MountedArray } from '../../support/mounted-array.js';
import { done, run } from '../../support/programs.js';
import { cleanScratch } from '../../support/scratch-directory.js';

describe.skipIf(!canLoop)('a backup', () => {
  let array: MountedArray;
  let system: BackupSystem;
  let hold: BackupHold;
  let point: string;

  beforeAll(async () => {
    array = MountedArray.create();
    for (const name of ['db', 'raw']) array.ok('create', `${name} 8M`);
    done('mkfs.ext4', '-q', array.volume('db'));
    point = array.loopMount(array.volume('db'), 'db');
    hold = new BackupHold(array.directory);
    system = new BackupSystem(array.directory);
    await system.startServer();
    await startClient();
    const [pre, post] = (['pre', 'post'] as const).map((place) => {
      return { command: hold.command(place), timeoutMs: 600_000 };
    });
    await system.define('files', { paths: [point], freeze: true, post: post ?? null });
    await system.define('volume', { volumes: ['raw'], pre: pre ?? null, post: post ?? null });
  });
  afterEach(async () => {
    const [made] = await system.backup('volume');
    await system.ended('delete', system.api.act(made?.id ?? '', 'delete', {}));
    expect([await system.api.backups(), array.snapshots()]).toEqual([[], []]);
  });
  afterAll(async () => {
    await system?.end();
    cleanScratch();
  });

  function startClient(): Promise<void> {
    const words = ['--allow', hold.command('pre'), hold.command('post')];
    return system.startClient({ arrays: [array.mount], before: hold.clientWords, words });
  }

  /** Where the backup waits again, it is let go on; then it ends. */
  const killed = {
    async server(place: HeldPlace) {
      system.server?.child.kill('SIGKILL');
      await system.server?.result;
      hold.release(place);
      await system.startServer();
    },
    async client(place: HeldPlace) {
      system.client?.child.kill('SIGKILL');
      await system.client?.result;
      hold.release(place);
      await startClient();
    },
    async array(place: HeldPlace) {
      await array.kill();
      hold.release(place);
      array.mountAgain();
    },
  };

  it.each([
    ['server', 'freeze', ''],
    ['server', 'post', ''],
    ['client', 'freeze', 'the backup client was ended in the step freeze'],
    ['client', 'post', ''],
    // Last: a file system on a dead array is none.
    ['array', 'post', ''],
  ] as const)('whose %s is killed at its %s', async (program, place, reason) => {
    if (program === 'array' && point !== '') {
      await array.loopUnmount(point);
      point = '';
    }
    const name = place === 'freeze' ? 'files' : 'volume';
    const begun = await hold.at(place, () => system.api.runDefinition(name));
    if (place === 'freeze') expect(run('/sbin/fsfreeze', '-f', point).errors).toContain('busy');
    await killed[program](place);
    const ended = await system.runEnd(begun);
    const isComplete = reason === '';
    expect(ended).toMatchObject({
      ...{ state: isComplete ? 'complete' : 'failed', reason },
      entries: isComplete ? [`${begun.number}`] : [],
    });
    expect(hold.ran()).toContain('post');
    const known = await system.api.backups();
    expect(known.map(({ id }) => id)).toEqual(ended.entries);
    expect(array.snapshots()).toHaveLength(known.length);
    expect(await system.rescan()).toEqual([expect.stringMatching(/ 0 new, 0 changed, .*: 0$/)]);
    // Not frozen any more.
    if (point) expect(run('timeout', '60', 'touch', join(point, 'written')).status).toBe(0);
    for (const { id } of known) {
      await system.ended('delete', system.api.act(id, 'delete', {}));
    }
  });
});
