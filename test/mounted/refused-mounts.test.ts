/** What cannot be mounted: one clear line and exit status 1, and nothing is left behind. */
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LmdbEnvironment } from '../../src/store/lmdb-environment.js';
import { loadIdentity, writeIdentity } from '../../src/store/pool-files.js';
import { canMount, MountedArray } from '../support/mounted-array.js';
import { ARRAYFS, done, run, shell } from '../support/programs.js';
import { cleanScratch, mountsBelow, subdirectory } from '../support/scratch-directory.js';

describe.skipIf(!canMount)('mount', () => {
  let array: MountedArray;
  let place = '';
  let unmounted = '';

  beforeAll(async () => {
    array = MountedArray.create();
    place = subdirectory(array.directory, 'place');
    unmounted = join(array.directory, 'unmounted');
    done(ARRAYFS, 'init', unmounted, '--capacity', '1G');
  });
  afterAll(cleanScratch);

  /** The one line that a refused program says. */
  function lineOf(result: ReturnType<typeof run>): string {
    expect(result).toMatchObject({ status: 1, out: '' });
    expect(result.errors.split('\n')).toHaveLength(1);
    expect(mountsBelow(array.directory)).toEqual([array.mount]);
    return result.errors;
  }

  const refused = (...words: string[]) => lineOf(run(ARRAYFS, 'mount', ...words));

  it('refuses a store that is mounted, and says where and by whom', () => {
    expect(refused(array.store, place)).toBe(
      `arrayfs: ${array.store} is already mounted at ${array.mount} by process ${array.daemonPid}`,
    );
  });

  it('refuses a copy with the same serial until it is adopted', async () => {
    const copy = join(array.directory, 'copy');
    cpSync(array.store, copy, { recursive: true });
    expect(refused(copy, place)).toMatch(/has the serial .* arrayfs init --adopt \S+\/copy/);
    done(ARRAYFS, 'init', '--adopt', copy);
    done(ARRAYFS, 'mount', copy, place);
    done(ARRAYFS, 'umount', place);
  });

  it('refuses a foreign directory, and leaves nothing in it', () => {
    const foreign = subdirectory(array.directory, 'foreign');
    writeFileSync(join(foreign, 'letter'), 'to nobody');
    expect(refused(foreign, place)).toMatch(/foreign holds no array/);
    expect(readdirSync(foreign)).toEqual(['letter']);
  });

  it('refuses a store that does not exist', () => {
    expect(refused(join(array.directory, 'none'), place)).toMatch(/there is no store in .*none/);
  });

  it('refuses an array of a newer layout', async () => {
    const newer = join(array.directory, 'newer');
    done(ARRAYFS, 'init', newer, '--capacity', '1G');
    const identity = loadIdentity(newer);
    const environment = new LmdbEnvironment(newer);
    writeIdentity(environment, { ...identity, layoutVersion: identity.layoutVersion + 1 });
    await environment.close();
    expect(refused(newer, place)).toMatch(/layout version \d+, .*use a newer arrayfs/);
    expect(run(ARRAYFS, 'check', newer)).toMatchObject({ out: '' });
    expect(run(ARRAYFS, 'check', newer).errors).toMatch(/use a newer arrayfs/);
  });

  it('refuses a mount point that is not there', () => {
    expect(refused(unmounted, join(array.directory, 'nowhere'))).toMatch(/nowhere does not exist/);
  });

  it('refuses a mount point that is a file', () => {
    const file = join(array.directory, 'file');
    writeFileSync(file, '');
    expect(refused(unmounted, file)).toMatch(/is not a directory/);
  });

  it('refuses a mount point that is not empty', () => {
    const full = subdirectory(array.directory, 'full');
    writeFileSync(join(full, 'letter'), 'to nobody');
    expect(refused(unmounted, full)).toMatch(/full is not empty/);
    expect(readdirSync(full)).toEqual(['letter']);
  });

  it('refuses the mount point of another array', () => {
    expect(refused(unmounted, array.mount)).toMatch(/is already the mount of arrayfs-[0-9a-f]{12}/);
  });

  it('refuses a store that lies on an array', () => {
    expect(refused(array.path('volumes'), place)).toMatch(/^arrayfs: /);
  });

  it('refuses to work without /dev/fuse', () => {
    const script = `mount -t tmpfs none /dev && exec ${ARRAYFS} mount ${unmounted} ${place}`;
    const line = lineOf(run('unshare', '-m', 'bash', '-c', script));
    expect(line).toMatch(/\/dev\/fuse/);
  });

  it('refuses to work without fusermount for a user who needs it', () => {
    const home = subdirectory(array.directory, 'home');
    mkdirSync(join(home, 'place'));
    shell(
      `chmod 711 ${array.directory}; cp -r ${unmounted} ${home}/store; chown -R nobody ${home}`,
    );
    const hide = 'for f in $(type -ap fusermount fusermount3); do mount --bind /dev/null $f; done';
    const mount = `${process.execPath} ${ARRAYFS.replace('scripts/arrayfs', 'dist/src/cli/main.js')}`;
    const user = 'setpriv --reuid nobody --regid nogroup --clear-groups';
    const script = `${hide}; exec ${user} ${mount} mount ${home}/store ${home}/place`;
    expect(lineOf(run('unshare', '-m', 'bash', '-c', script))).toMatch(/fusermount/);
  });
});
