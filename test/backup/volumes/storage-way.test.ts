/** The way from file systems and devices down to an array, from fixture texts. */
import { describe, expect, it } from 'vitest';
import {
  mountsOnArrays,
  type StorageView,
  wayOfDevice,
  wayOfFile,
} from '../../../src/backup/volumes/storage-way.js';
import type { LoopFile } from '../../../src/host/backing-chain.js';
import { parseMountTable } from '../../../src/host/mount-table.js';

const TABLE = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:39 / /mnt/array rw,nosuid - fuse.arrayfs arrayfs-0123456789ab rw,user_id=0
31 22 7:0 / /srv/db rw master:2 - ext4 /dev/loop0 rw
32 31 7:1 / /srv/db/inner rw - xfs /dev/loop1 rw
33 22 259:3 / /srv/with\\040blank rw - ext4 /dev/loop2p1 rw
34 22 0:60 / /srv/btrfs rw - btrfs /dev/loop3 rw
35 22 253:0 / /srv/lvm rw - ext4 /dev/mapper/lvm rw
36 22 0:39 /targets/CL1-A /mnt/port rw - fuse.arrayfs arrayfs-0123456789ab rw
37 22 7:4 / /srv/lun rw - ext4 /dev/loop4 rw
38 22 7:5 / /srv/hidden rw - ext4 /dev/loop5 rw
39 38 0:71 / /srv/hidden rw - tmpfs tmpfs rw
40 22 0:72 / /mnt/nfs rw - nfs4 server:/export rw
41 22 7:6 / /srv/plain rw - ext4 /dev/loop6 rw
`;
const LOOPS: Readonly<Record<string, readonly LoopFile[]>> = {
  '7:0': [{ loop: 'loop0', file: '/mnt/array/volumes/db' }],
  '7:1': [{ loop: 'loop1', file: '/srv/db/images/inner' }],
  '259:3': [{ loop: 'loop2', file: '/mnt/array/volumes/disk' }],
  '/dev/loop3': [{ loop: 'loop3', file: '/mnt/array/volumes/tree' }],
  '253:0': [
    { loop: 'loop7', file: '/mnt/array/volumes/a' },
    { loop: 'loop8', file: '/mnt/array/volumes/b' },
  ],
  '7:4': [{ loop: 'loop4', file: '/mnt/port/3' }],
  '7:5': [{ loop: 'loop5', file: '/mnt/array/volumes/hidden' }],
  '7:6': [{ loop: 'loop6', file: '/home/image' }],
};
const VIEW: StorageView = {
  table: parseMountTable(TABLE),
  loopsBehind: (device, source) => LOOPS[device] ?? LOOPS[source] ?? [],
};
const placeOf = (path: string) => wayOfFile(path, VIEW).names.join('/');

describe('wayOfFile', () => {
  it.each([
    ['/srv/db', 'volumes/db', 'a mount point'],
    ['/srv/db/some/where', 'volumes/db', 'a directory below'],
    ['/srv/with blank/x', 'volumes/disk', 'a partition, at a place with a blank'],
    ['/srv/btrfs', 'volumes/tree', 'a file system with a device number of its own'],
    ['/srv/lun', 'targets/CL1-A/3', 'a unit of a port, over a bind mount of its directory'],
    ['/mnt/array/volumes/db', 'volumes/db', 'the file of a volume'],
    ['/mnt/array', '', 'the array itself'],
  ])('%s leads to %s: %s', (path, place) => {
    expect(placeOf(path)).toBe(place);
  });

  it('tells all file systems and loop devices of a chain, from the path down', () => {
    const way = wayOfFile('/srv/db/inner/x', VIEW);
    expect(way.mounts.map(({ mountPoint }) => mountPoint)).toEqual(['/srv/db/inner', '/srv/db']);
    expect(way.loops.map(({ loop }) => loop)).toEqual(['loop1', 'loop0']);
    expect(way.names).toEqual(['volumes', 'db']);
  });

  it.each([
    ['/home/x', '/home/x is not on an array: it is on ext4 of /dev/vda, mounted at /'],
    ['/srv/plain', '/home/image is not on an array: it is on ext4 of /dev/vda, mounted at /'],
    ['/mnt/nfs/x', 'it is on nfs4 of server:/export, mounted at /mnt/nfs'],
    ['/srv/hidden', 'it is on tmpfs of tmpfs'],
    ['/srv/lvm', 'lies on several files (/mnt/array/volumes/a, /mnt/array/volumes/b)'],
  ])('of %s says: %s', (path, reason) => {
    expect(() => wayOfFile(path, VIEW)).toThrow(reason);
    expect(() => wayOfFile(path, VIEW)).toThrow('ENODEV');
  });

  it('ends where a chain leads into itself', () => {
    const view = {
      ...VIEW,
      loopsBehind: () => [{ loop: 'loop0', file: '/srv/db/inner/itself' }],
    };
    expect(() => wayOfFile('/srv/db/inner', view)).toThrow('in a loop');
  });
});

describe('wayOfDevice', () => {
  it('goes by number or name', () => {
    expect(wayOfDevice({ device: '7:0', source: '/dev/loop0' }, VIEW).names).toEqual([
      'volumes',
      'db',
    ]);
    expect(() => wayOfDevice({ device: '254:0', source: '/dev/vda' }, VIEW)).toThrow(
      'ENODEV: /dev/vda is not on an array',
    );
  });
});

describe('mountsOnArrays', () => {
  it('has every visible file system whose way leads to an array, and no other', () => {
    expect(mountsOnArrays(VIEW).map(({ mount }) => mount.mountPoint)).toEqual([
      '/srv/db',
      '/srv/db/inner',
      '/srv/with blank',
      '/srv/btrfs',
      '/srv/lun',
    ]);
  });
});
