/** Another user can neither read images nor write control files, whatever lets him into the mount. */
import { chmodSync, chownSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canMount, MountedArray } from '../support/mounted-array.js';
import { run } from '../support/programs.js';
import { cleanScratch } from '../support/scratch-directory.js';

const NOBODY = 65_534;

const asNobody = (script: string) =>
  run('setpriv', '--reuid', 'nobody', '--regid', 'nogroup', '--clear-groups', 'sh', '-c', script);

describe.skipIf(!canMount).each([
  ['without --allow-other', []],
  ['with --allow-other', ['--allow-other']],
])('another user, %s,', (_how, mountWords) => {
  let array: MountedArray;

  beforeAll(() => {
    array = MountedArray.create({ mountWords });
    chmodSync(array.directory, 0o755);
    array.ok('create', 'db 1M');
    array.ok('snapshot', 'db name=s');
  });
  afterAll(cleanScratch);

  it.each([
    ['read an image', 'cat $M/volumes/db'],
    ['write an image', 'echo x > $M/volumes/db'],
    ['read a snapshot', 'cat $M/snapshots/db/s'],
    ['create a volume', 'touch $M/volumes/mine'],
    ['delete a volume', 'rm -f $M/volumes/db'],
    ['rename a volume', 'mv $M/volumes/db $M/volumes/mine'],
    ['resize a volume', 'truncate -s 2M $M/volumes/db'],
    ['change a mode', 'chmod 666 $M/volumes/db'],
    ['take over a volume', 'chown nobody $M/volumes/db'],
    ['write a control file', 'echo "db" > $M/ctl/snapshot'],
    ['delete by a control file', 'echo "db snapshots=yes" > $M/ctl/delete'],
    ['store volume information', 'head -c 512 /dev/zero > $M/info/db'],
    ['read volume information', 'cat $M/info/db'],
  ])('cannot %s', (_what, script) => {
    const result = asNobody(`M=${array.mount}; ${script}`);
    expect(result.status).not.toBe(0);
    expect(result.errors).toMatch(/denied|not permitted/i);
    expect([array.volumes(), array.snapshots()].map((rows) => rows.length)).toEqual([1, 1]);
    expect(array.volumes()[0]).toMatchObject({ name: 'db', sizeBytes: 2 ** 20 });
  });
});

describe.skipIf(!canMount)('another user, let in with --allow-other --umask 022,', () => {
  let array: MountedArray;

  beforeAll(() => {
    array = MountedArray.create({ mountWords: ['--allow-other', '--umask', '022'] });
    chmodSync(array.directory, 0o755);
    array.ok('create', 'db 1M');
    array.ok('create', 'his 1M');
    chmodSync(array.volume('his'), 0o600);
    chownSync(array.volume('his'), NOBODY, NOBODY);
  });
  afterAll(cleanScratch);

  const statusOf = (script: string) => asNobody(`M=${array.mount}; ${script}`).status;

  it('reads what modes let him read, and writes what is his', () => {
    expect(statusOf('cat $M/volumes/db $M/status/volumes >/dev/null')).toBe(0);
    expect(statusOf('echo x >> $M/volumes/his')).toBe(0);
  });

  it('gives no commands and writes nothing else', () => {
    expect(statusOf('echo "db name=s" > $M/ctl/snapshot')).not.toBe(0);
    expect(statusOf('echo x > $M/volumes/db')).not.toBe(0);
    expect(statusOf('touch $M/volumes/new')).not.toBe(0);
    expect(statusOf('rm -f $M/volumes/his')).not.toBe(0);
    expect(array.volumes()).toHaveLength(2);
  });
});
