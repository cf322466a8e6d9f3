/** Several pools on real disks: adding, losing, leaving out, killing, copying and removing them. */
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canLoop, canMount, codeOf, MIB, MountedArray } from '../../support/mounted-array.js';
import { ARRAYFS, done, run, shell } from '../../support/programs.js';
import { cleanScratch, subdirectory } from '../../support/scratch-directory.js';

interface NamedPool {
  readonly name: string;
  readonly state: string;
  readonly directory: string;
  readonly problem: string | null;
}

let array: MountedArray;
let mirror = '';

const pools = () => array.table<NamedPool>('pools');
const states = () => pools().map(({ name, state }) => `${name} ${state}`);
const volumeStates = () => {
  return array.table<NamedPool>('volumes').map(({ name, state }) => `${name} ${state}`);
};
const fill = (volume: string, byte: number) => {
  shell(`head -c ${MIB} /dev/zero | tr '\\0' '\\${byte.toString(8)}' |
    dd of=${array.volume(volume)} bs=64k conv=notrunc,fsync status=none iflag=fullblock`);
};
const isFilled = (volume: string, byte: number, mount = array.mount) => {
  return readFileSync(join(mount, 'volumes', volume)).equals(Buffer.alloc(MIB, byte));
};

describe.skipIf(!canMount)('an array of two pools', () => {
  beforeEach(() => {
    array = MountedArray.create();
    mirror = join(array.directory, 'mirror');
    done(ARRAYFS, '--mount', array.mount, 'pool', 'add', 'mirror', mirror, '--capacity', '1G');
    array.ok('create', `db ${MIB}`);
    array.ok('create', `copy ${MIB} pool=mirror`);
    fill('db', 1);
    fill('copy', 2);
  });
  afterEach(cleanScratch);

  it('is there again after kill -9, from either directory', async () => {
    fill('copy', 3);
    await array.kill();
    array.mountAgain();
    expect([states(), isFilled('db', 1), isFilled('copy', 3)]).toEqual([
      ['main normal', 'mirror normal'],
      true,
      true,
    ]);
    await array.umount();
    done(ARRAYFS, 'mount', mirror, array.mount);
    expect([states(), isFilled('db', 1)]).toEqual([['main normal', 'mirror normal'], true]);
    done(ARRAYFS, 'umount', array.mount);
    expect(array.findings()).toBeUndefined();
    expect(run(ARRAYFS, 'check', mirror)).toMatchObject({ status: 0 });
  });

  it('is mounted from the second when the first is deleted', async () => {
    await array.kill();
    rmSync(array.store, { recursive: true });
    array.unmountDead();
    const report = JSON.parse(done(ARRAYFS, 'mount', mirror, array.mount, '--json')) as {
      notices: string[];
    };
    expect(report.notices).toEqual([`pool main is missing: ${array.store} does not exist`]);
    expect(states()).toEqual(['main missing', 'mirror normal']);
    expect(volumeStates().sort()).toEqual(['copy normal', 'db failed']);
    expect(isFilled('copy', 2)).toBe(true);
    expect(codeOf(() => readFileSync(array.volume('db')))).toBe('EIO');
    expect(codeOf(() => rmSync(array.volume('db')))).toBe('EIO');
    expect(codeOf(() => writeFileSync(array.volume('db'), 'x', { flag: 'r+' }))).toBe('EIO');
    expect(array.command('create', `db ${MIB}`).code).toBe('EEXIST');
    expect(array.command('poolremove', 'main').code).toBe('EBUSY');
    array.ok('poolremove', 'main force=yes');
    expect([states(), volumeStates()]).toEqual([['mirror normal'], ['copy normal']]);
    done(ARRAYFS, 'umount', array.mount);
    expect(run(ARRAYFS, 'check', mirror)).toMatchObject({ status: 0 });
  });

  it('leaves a pool out on request, and has it again afterwards', async () => {
    await array.umount();
    const { notices } = array.mountAgain('--without', 'mirror');
    expect(notices).toEqual(['pool mirror is missing: left out by --without']);
    fill('db', 5);
    await array.umount();
    array.mountAgain();
    expect([states(), isFilled('db', 5), isFilled('copy', 2)]).toEqual([
      ['main normal', 'mirror normal'],
      true,
      true,
    ]);
    expect(array.read('events')).toMatch(
      / POOL-MISSING mirror .*\n(.*\n)* *.* POOL-RETURNED mirror /,
    );
    await array.umount();
  });

  it('finds a pool that has moved where it is told', async () => {
    await array.umount();
    const moved = join(array.directory, 'moved');
    renameSync(mirror, moved);
    array.mountAgain('--pool', moved);
    expect([states(), pools()[1]?.directory, isFilled('copy', 2)]).toEqual([
      ['main normal', 'mirror normal'],
      moved,
      true,
    ]);
    await array.umount();
    array.mountAgain();
    expect(states()).toEqual(['main normal', 'mirror normal']);
    await array.umount();
  });

  it.each([
    ['log', 'intent.log', /^pool mirror is missing: .*intent.*log/],
    // Reading it ends the process that does.
    ['database', 'data.mdb', /^pool mirror is missing: .*is damaged/],
  ])('does without a pool whose %s is damaged', async (_what, file, notice) => {
    await array.umount();
    const content = readFileSync(join(mirror, file)).fill(0xa5, 0, 8192);
    writeFileSync(join(mirror, file), file === 'intent.log' ? content.subarray(0, 100) : content);
    const { notices } = array.mountAgain();
    expect(notices).toEqual([expect.stringMatching(notice)]);
    expect([isFilled('db', 1), states()]).toEqual([true, ['main normal', 'mirror missing']]);
    await array.umount();
  });

  it('keeps its second pool from every other program', () => {
    const place = subdirectory(array.directory, 'place');
    const mounted = `the array of ${array.store}, mounted at ${array.mount}`;
    expect(run(ARRAYFS, 'mount', mirror, place).errors).toContain(`is a pool of ${mounted}`);
    expect(run(ARRAYFS, 'check', mirror)).toMatchObject({ status: 2 });
    expect(run(ARRAYFS, 'init', '--adopt', mirror).errors).toContain('is a pool of the array');
    expect(array.command('pooladd', `x ${array.path('volumes', 'pool')}`).code).toBe('EINVAL');
    expect(array.command('pooladd', `x ${mirror}`).code).toBe('EEXIST');
  });

  it('is copied as a whole, or not adopted', async () => {
    await array.umount();
    const copies = ['a', 'b'].map((name) => join(array.directory, name));
    const [first = '', second = ''] = copies;
    cpSync(array.store, first, { recursive: true });
    cpSync(mirror, second, { recursive: true });
    array.mountAgain();
    expect(run(ARRAYFS, 'init', '--adopt', first).errors).toContain(
      'the directory of pool mirror, too',
    );
    done(ARRAYFS, 'init', '--adopt', first, second);
    const place = subdirectory(array.directory, 'place');
    done(ARRAYFS, 'mount', first, place);
    expect([isFilled('db', 1, place), isFilled('copy', 2, place)]).toEqual([true, true]);
    fill('copy', 9);
    expect(isFilled('copy', 2, place)).toBe(true);
    expect(readFileSync(join(place, 'status', 'pools'), 'utf8')).toContain(second);
    done(ARRAYFS, 'umount', place);
    await array.umount();
  });

  it('loses its first pool by poolremove when it is empty, with nothing else lost', async () => {
    expect(array.command('poolremove', 'main').text).toContain('pool main has 1 volumes');
    array.ok('delete', 'db');
    const before = array.read('events');
    expect(array.ok('poolremove', 'main')).toContain(`its files stay in ${array.store}`);
    expect(array.read('events').startsWith(before)).toBe(true);
    array.ok('create', `new ${MIB}`);
    await array.kill();
    array.unmountDead();
    expect(run(ARRAYFS, 'mount', array.store, array.mount).errors).toContain(
      'was removed from its array',
    );
    done(ARRAYFS, 'mount', mirror, array.mount);
    expect([states(), volumeStates()]).toEqual([['mirror normal'], ['copy normal', 'new normal']]);
    expect(array.read('events').startsWith(before)).toBe(true);
    expect(existsSync(join(array.store, 'data.mdb'))).toBe(true);
    done(ARRAYFS, 'umount', array.mount);
  });
});

describe.skipIf(!canLoop)('a pool whose disk is taken away while mounted', () => {
  let disk = '';

  beforeEach(() => {
    array = MountedArray.create();
    disk = subdirectory(array.directory, 'disk');
    const image = join(array.directory, 'disk.image');
    shell(`truncate -s 300M ${image}; mkfs.ext4 -q -m 0 ${image}`);
    done('mount', '-o', 'loop,errors=remount-ro', image, disk);
    array.ok('pooladd', `mirror ${join(disk, 'pool')} capacity=1G`);
    array.ok('create', `db ${MIB}`);
    array.ok('create', `copy ${MIB} pool=mirror`);
    fill('db', 1);
    fill('copy', 2);
  });
  afterEach(cleanScratch);

  it('is not begun on a disk that has no room for it, and leaves nothing there', () => {
    const image = join(array.directory, 'small.image');
    const small = subdirectory(array.directory, 'small');
    shell(`truncate -s 8M ${image}; mkfs.ext4 -q -m 0 -O ^has_journal ${image}`);
    done('mount', '-o', 'loop', image, small);
    expect(array.command('pooladd', `x ${small}`).code).toBe('ENOSPC');
    expect(readdirSync(small)).toEqual(['lost+found']);
    expect(states()).toEqual(['main normal', 'mirror normal']);
  });

  it('fails alone: the other pool and the commands on it work on', async () => {
    // An error of the file system below: from now on it is read-only, with its files open.
    shell(`echo 1 > /sys/fs/ext4/$(basename $(findmnt -no SOURCE ${disk}))/trigger_fs_error`);
    expect(done('findmnt', '-no', 'OPTIONS', disk)).toMatch(/^ro,|emergency_ro/);
    expect(codeOf(() => fillQuietly('copy', 7))).toBe('EIO');
    expect(states()).toEqual(['main normal', 'mirror failed']);
    fill('db', 3);
    array.ok('create', `new ${MIB}`);
    array.ok('snapshot', 'db name=s');
    expect(array.command('snapshot', 'db copy name=t').code).toBe('EIO');
    expect(volumeStates().sort()).toEqual(['copy failed', 'db normal', 'new normal']);
    await array.kill();
    array.mountAgain('--without', 'mirror');
    expect([states(), isFilled('db', 3)]).toEqual([['main normal', 'mirror missing'], true]);
    await array.umount();
  });

  /** Fails without a word of a shell. */
  function fillQuietly(volume: string, byte: number): void {
    const input = Buffer.alloc(MIB, byte);
    writeFileSync(array.volume(volume), input, { flag: 'rs+', flush: true });
  }
});
