/** The mount table as text, and what is decided from it alone. */
import { describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { type BlockDevices, chainToMount } from '../../src/host/backing-chain.js';
import { arrayMounts, mountAt, mountOf, parseMountTable } from '../../src/host/mount-table.js';
import { resolveOutside } from '../../src/host/outside-path.js';

const TEXT = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:21 / /proc rw - proc proc rw
30 22 0:39 / /mnt/array rw,nosuid - fuse.arrayfs arrayfs-0123456789ab rw,user_id=0
31 22 7:0 / /mnt/fs rw master:2 propagate_from:1 - ext4 /dev/loop0 rw
32 31 7:1 / /mnt/fs/inner rw - xfs /dev/loop1 rw
33 22 0:50 / /mnt/with\\040blank\\134\\011 rw - tmpfs none rw
34 22 0:51 / /mnt/hidden/below rw - tmpfs below rw
35 22 0:52 / /mnt/hidden rw - tmpfs above rw
36 35 0:53 / /mnt/hidden rw - tmpfs top rw
37 22 0:39 /volumes /mnt/bind rw - fuse.arrayfs arrayfs-0123456789ab rw
38 22 253:0 / /mnt/crypt rw - ext4 /dev/mapper/crypt rw
39 22 0:60 / /mnt/btrfs rw - btrfs /dev/loop3 rw
40 22 0:61 / /mnt/other rw - fuse.arrayfs arrayfs-ffffffffffff rw
a line of no format
`;
const TABLE = parseMountTable(TEXT);

const DEVICES: BlockDevices = {
  backingFiles: (device, source) =>
    ({
      '7:0': ['/mnt/array/volumes/db'],
      '7:1': ['/mnt/fs/image'],
      '253:0': ['/srv/plain', '/mnt/fs/inner/x'],
      '0:60': source === '/dev/loop3' ? ['/mnt/bind/db'] : [],
    })[device] ?? [],
};

const LINKS: Readonly<Record<string, string>> = {
  '/link': 'mnt/fs',
  '/loop-a': '/loop-b',
  '/loop-b': '/loop-a',
  '/home/up': '../mnt/array/volumes',
};
const readLink = (path: string) => {
  if (/^\/mnt\/(array|bind)(\/|$)/.test(path)) throw new Error(`read ${path}`);
  return LINKS[path];
};

describe('parseMountTable', () => {
  it('reads every field, with and without optional ones', () => {
    expect(TABLE).toHaveLength(13);
    expect(TABLE[3]).toEqual({
      id: 31,
      parentId: 22,
      device: '7:0',
      root: '/',
      mountPoint: '/mnt/fs',
      type: 'ext4',
      source: '/dev/loop0',
      options: 'rw',
      superOptions: 'rw',
    });
  });

  it('undoes octal escapes', () => {
    expect(TABLE[5]?.mountPoint).toBe('/mnt/with blank\\\t');
  });

  it('finds the arrays and their serials', () => {
    expect(arrayMounts(TABLE).map(({ mountPoint, serial }) => [mountPoint, serial])).toEqual([
      ['/mnt/array', '0123456789ab'],
      ['/mnt/bind', '0123456789ab'],
      ['/mnt/other', 'ffffffffffff'],
    ]);
  });
});

describe('mountOf', () => {
  it.each([
    ['/', '/'],
    ['/srv/store', '/'],
    ['/mnt/array', '/mnt/array'],
    ['/mnt/array/volumes/db', '/mnt/array'],
    ['/mnt/array2', '/'],
    ['/mnt/fs/inner/deep', '/mnt/fs/inner'],
  ])('%s is on %s', (path, mountPoint) => {
    expect(mountOf(path, TABLE)?.mountPoint).toBe(mountPoint);
  });

  it('takes the last of two mounts on one place, and none below it', () => {
    expect(mountOf('/mnt/hidden/below/x', TABLE)?.source).toBe('top');
    expect(mountAt('/mnt/hidden/below', TABLE)).toBeUndefined();
    expect(mountAt('/mnt/hidden', TABLE)?.source).toBe('top');
  });
});

describe('resolveOutside', () => {
  it.each([
    ['/link/inner/../file', '/mnt/fs/file'],
    ['/link/inner', '/mnt/fs/inner'],
    ['/home/up/db', '/mnt/array/volumes/db'],
    ['/mnt/array/x/y', '/mnt/array/x/y'],
    ['/none/at/all', '/none/at/all'],
    ['/', '/'],
  ])('%s leads to %s', (path, real) => {
    expect(resolveOutside(path, TABLE, readLink)).toBe(real);
  });

  it('refuses a circle of links', () => {
    expect(() => resolveOutside('/loop-a', TABLE, readLink)).toThrow(ArrayError);
  });
});

describe('chainToMount', () => {
  it.each([
    ['/srv/store', undefined],
    ['/mnt/array/store', []],
    ['/mnt/array', []],
    ['/mnt/arrays/store', undefined],
    ['/mnt/other/store', undefined],
    ['/home/up/db', []],
    ['/mnt/fs/store', ['/mnt/array/volumes/db']],
    ['/link/store', ['/mnt/array/volumes/db']],
    ['/mnt/fs/inner/store', ['/mnt/fs/image', '/mnt/array/volumes/db']],
    ['/mnt/crypt/x', ['/mnt/fs/inner/x', '/mnt/fs/image', '/mnt/array/volumes/db']],
    ['/mnt/bind/db', []],
    ['/mnt/btrfs/store', ['/mnt/bind/db']],
  ])('%s leads to the mount by %s', (path, chain) => {
    expect(chainToMount(path, '/mnt/array', TABLE, DEVICES, readLink)).toEqual(chain);
  });

  it('knows a mount point where nothing is mounted yet', () => {
    expect(chainToMount('/srv/new/store', '/srv/new', TABLE, DEVICES, readLink)).toEqual([]);
    expect(chainToMount('/srv', '/srv/new', TABLE, DEVICES, readLink)).toBeUndefined();
  });
});
