/** Pairs when the daemon is killed or a disk is lost, with real pools: what the other side shows, and how both become equal. */
import { closeSync, existsSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { repeat } from '../../support/factor.js';
import { canLoop, canMount, MountedArray } from '../../support/mounted-array.js';
import { ARRAYFS, done, run, shell, until } from '../../support/programs.js';
import { cleanScratch, subdirectory } from '../../support/scratch-directory.js';

const PAIR = 'db:copy';
/** 1 GiB in long runs. */
const SIZE_MIB = Math.min(1_024, repeat(48));

let array: MountedArray;

interface PairFile {
  readonly state: string;
  readonly reason: string;
  readonly pendingTracks: number;
  readonly unequalTracks: number;
}

const pair = () => JSON.parse(array.read('pairs', `${PAIR}.json`)) as PairFile;
const sum = (name: string) => shell(`sha256sum < ${array.volume(name)}`);

function wait(state: string): void {
  done(ARRAYFS, '--mount', array.mount, 'pair', 'wait', PAIR, state, '--timeout', '300');
}

function fill(sizeMib: number, offsetMib = 0): void {
  shell(`head -c ${sizeMib}M /dev/urandom | dd of=${array.volume('db')} bs=1M seek=${offsetMib} \
    iflag=fullblock conv=notrunc,fsync status=none`);
}

function becomesEqual(): void {
  if (pair().state !== 'duplex') array.ok('resync', `${PAIR} pace=fast`);
  wait('duplex');
  array.ok('split', PAIR);
  wait('split');
  expect(sum('copy')).toBe(sum('db'));
}

function make(mirror: string, sizeMib = SIZE_MIB): void {
  array.ok('pooladd', `mirror ${mirror} capacity=4G`);
  array.ok('create', `db ${sizeMib}M`);
  array.ok('create', `copy ${sizeMib}M pool=mirror`);
  fill(sizeMib);
}

describe.skipIf(!canMount)('a pair over two pools whose daemon is killed', () => {
  let mirror = '';

  beforeEach(() => {
    array = MountedArray.create();
    mirror = join(array.directory, 'mirror');
    make(mirror);
  });
  afterEach(cleanScratch);

  it('shows the instant of its split before anything more is copied', async () => {
    array.ok('paircreate', 'db copy pace=slow');
    const atSplit = sum('db');
    array.ok('split', PAIR);
    fill(SIZE_MIB / 2, SIZE_MIB / 4);
    await array.kill();
    array.mountAgain();
    const { state, pendingTracks } = pair();
    expect([state, pendingTracks > SIZE_MIB]).toEqual(['split-pending', true]);
    expect(sum('copy')).toBe(atSplit);
    expect(pair().pendingTracks).toBeGreaterThan(0);
    array.ok('pairpace', `${PAIR} pace=fast`);
    wait('split');
    expect(sum('copy')).toBe(atSplit);
    becomesEqual();
    await array.umount();
    expect(array.findings()).toBeUndefined();
    expect(run(ARRAYFS, 'check', mirror)).toMatchObject({ status: 0 });
  });

  it('goes on with its first copy and with a resync, and forgets nothing', async () => {
    array.ok('paircreate', 'db copy pace=slow');
    await array.kill();
    array.mountAgain();
    expect(pair().state).toBe('duplex-pending');
    array.ok('pairpace', `${PAIR} pace=fast`);
    becomesEqual();
    fill(4, 8);
    shell(
      `head -c 1M /dev/urandom | dd of=${array.volume('copy')} bs=1M seek=20 conv=notrunc,fsync status=none`,
    );
    array.ok('resync', `${PAIR} pace=slow`);
    await array.kill();
    array.mountAgain();
    expect(['resync', 'duplex']).toContain(pair().state);
    array.ok('pairpace', `${PAIR} pace=fast`);
    becomesEqual();
    await array.umount();
    expect(array.findings()).toBeUndefined();
    expect(run(ARRAYFS, 'check', mirror)).toMatchObject({ status: 0 });
  });

  it('and whose first pool is deleted: the mirror is mounted elsewhere, with the last fsync', async () => {
    array.ok('paircreate', 'db copy pace=fast sync=yes');
    wait('duplex');
    fill(2, 5);
    const synced = sum('db');
    await array.kill();
    rmSync(array.store, { recursive: true });
    array.unmountDead();
    done(ARRAYFS, 'mount', mirror, array.mount);
    expect(sum('copy')).toBe(synced);
    expect(pair()).toMatchObject({
      state: 'suspended',
      reason: expect.stringMatching(/^pool main/),
    });
    array.ok('pairdelete', PAIR);
    array.ok('unreserve', 'copy');
    closeSync(openSync(array.volume('copy'), 'r+'));
    done(ARRAYFS, 'umount', array.mount);
  });
});

describe.skipIf(!canLoop)('a pair whose mirror is on a disk that is lost while mounted', () => {
  let disk = '';
  let image = '';

  beforeEach(() => {
    array = MountedArray.create();
    disk = subdirectory(array.directory, 'disk');
    image = join(array.directory, 'disk.image');
    shell(`truncate -s 400M ${image}; mkfs.ext4 -q -m 0 ${image}`);
    done('mount', '-o', 'loop,errors=remount-ro', image, disk);
    make(join(disk, 'pool'), 32);
    array.ok('paircreate', 'db copy pace=fast');
    wait('duplex');
  });
  afterEach(cleanScratch);

  it('by filling it: suspended, until there is room and a resync', async () => {
    const filler = join(disk, 'filler');
    shell(`dd if=/dev/zero of=${filler} bs=1M status=none 2>/dev/null || true`);
    expect(existsSync(filler)).toBe(true);
    for (let round = 0; pair().state === 'duplex'; round += 1) {
      expect(round).toBeLessThan(50);
      fill(32);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(pair()).toMatchObject({ state: 'suspended' });
    expect(pair().reason).not.toBe('');
    fill(2, 3);
    rmSync(filler);
    shell('sync');
    await until(() =>
      array.table<{ state: string }>('pools').every(({ state }) => state === 'normal'),
    );
    becomesEqual();
    await array.umount();
  });

  it('and that cannot be saved any more is given up by umount --force, which says so; the other pool has all', async () => {
    array.ok('split', PAIR);
    wait('split');
    const device = done('findmnt', '-no', 'SOURCE', disk);
    shell(`echo 1 > /sys/fs/ext4/$(basename ${device})/trigger_fs_error`);
    // Refused where the pool has noticed already: then it could not save something of its own.
    shell(`head -c 1M /dev/zero | dd of=${array.volume('copy')} conv=notrunc status=none || true`);
    writeFileSync(array.volume('db'), Buffer.alloc(2 ** 20, 9), { flag: 'r+' });
    const written = sum('db');
    expect(run(ARRAYFS, 'umount', array.mount)).toMatchObject({
      status: 1,
      errors: expect.stringMatching(/pool mirror: .*umount --force/),
    });
    const forced = JSON.parse(done(ARRAYFS, 'umount', array.mount, '--force', '--json'));
    expect(forced).toMatchObject({
      ended: true,
      notDurable: expect.stringMatching(/^pool mirror: /),
    });
    array.mountAgain('--without', 'mirror');
    expect(sum('db')).toBe(written);
    await array.umount();
  });

  it('by an error that makes it read-only: the primary goes on, and a resync copies what differs', async () => {
    const device = done('findmnt', '-no', 'SOURCE', disk);
    shell(`echo 1 > /sys/fs/ext4/$(basename ${device})/trigger_fs_error`);
    fill(1, 7);
    await until(() => pair().state === 'suspended');
    expect(pair().reason).toMatch(/^pool mirror/);
    fill(1, 9);
    const written = sum('db');
    await array.kill();
    // Its files stay open until the daemon has ended.
    await until(() => run('umount', disk).status === 0);
    run('fsck.ext4', '-fy', image);
    done('mount', '-o', 'loop', image, disk);
    array.mountAgain();
    expect([sum('db'), pair().state]).toEqual([written, 'suspended']);
    expect(pair().unequalTracks).toBeLessThan(100);
    becomesEqual();
    await array.umount();
  });

  it('by detaching it: the array works on without it, and a resync copies what differs when it is back', async () => {
    const kept = detach();
    fill(1, 7);
    await until(() => pair().state === 'suspended');
    expect(pair().reason).toMatch(/^pool mirror: /);
    expect(states('pools')).toEqual(['main normal', 'mirror failed']);
    expect(states('volumes')).toEqual(['db normal', 'copy failed']);
    expect(array.command('resync', PAIR).code).toBe('EIO');
    expect(array.command('snapshot', 'copy').code).toBe('EIO');
    expect(array.command('create', 'other 1M pool=mirror').code).toBe('EIO');
    fill(1, 9);
    array.ok('snapshot', 'db');
    const written = sum('db');
    // The mount cannot be given up otherwise: the failed pool has something that is not on its disk.
    await array.kill();
    await until(() => run('umount', disk).status === 0);
    done('mount', '-o', 'loop', kept, disk);
    array.mountAgain();
    expect([sum('db'), ...states('pools'), pair().state]).toEqual([
      written,
      'main normal',
      'mirror normal',
      'suspended',
    ]);
    // Some of the 512 tracks: the two MiB that were written, and what else their rounds had.
    expect(pair().unequalTracks).toBeGreaterThanOrEqual(32);
    expect(pair().unequalTracks).toBeLessThan(100);
    becomesEqual();
    await array.umount();
    expect(array.findings()).toBeUndefined();
    expect(run(ARRAYFS, 'check', join(disk, 'pool'))).toMatchObject({ status: 0 });
  });

  const states = (table: 'pools' | 'volumes') => {
    const rows = array.table<{ name: string; state: string }>(table);
    return rows.map(({ name, state }) => `${name} ${state}`);
  };

  /**
   * Takes the loop device's file away: from now on every read and write of the disk is an error (`losetup -d` would
   * wait for the unmount). Frozen, the file system has all that was synced in the image, and nothing is written while
   * that is copied; with a size of 0 the device has no sector left. Returns the disk as it was, to be attached again.
   */
  function detach(): string {
    const device = done('findmnt', '-no', 'SOURCE', disk);
    const kept = join(array.directory, 'kept.image');
    shell(`fsfreeze -f ${disk}; cp --sparse=always ${image} ${kept}
      truncate -s 0 ${image}; losetup -c ${device}; fsfreeze -u ${disk}`);
    expect(done('blockdev', '--getsize64', device)).toBe('0');
    return kept;
  }
});
