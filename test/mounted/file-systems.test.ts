/** What a user does: file systems on volumes, an accident, and every way back. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canLoop, KIB, MountedArray } from '../support/mounted-array.js';
import { done, shell } from '../support/programs.js';
import { RandomSource } from '../support/random-source.js';
import { cleanScratch, makeScratch, subdirectory } from '../support/scratch-directory.js';

/** `settle` puts all of a file system in its place, so that its frozen image needs no journal. */
const FILE_SYSTEMS = [
  {
    type: 'ext4',
    make: ['mkfs.ext4', '-q'],
    settle: (point: string) => `sync -f ${point}`,
    frozen: ['ro', 'noload'],
    check: ['fsck.ext4', '-fn'],
  },
  {
    type: 'xfs',
    make: ['mkfs.xfs', '-q'],
    // A sync of XFS writes its log alone, which norecovery does not read.
    settle: (point: string) => `fsfreeze -f ${point}; fsfreeze -u ${point}`,
    frozen: ['ro', 'norecovery', 'nouuid'],
    check: ['xfs_repair', '-n'],
  },
] as const;

let array: MountedArray;
/** A tree of real files. */
let tree = '';

/** Many small files, some large ones, one with a hole, links. */
function makeTree(directory: string): void {
  const random = new RandomSource(7);
  for (let folder = 0; folder < 8; folder += 1) {
    const place = join(directory, `folder${folder}`);
    mkdirSync(place);
    for (let file = 0; file < 12; file += 1) {
      const bytes = random.bytes(random.integer(0, 24 * KIB));
      writeFileSync(join(place, `file${file}`), bytes);
    }
  }
  writeFileSync(join(directory, 'large'), Buffer.alloc(6_000_000, 'large content '));
  shell(
    `cd ${directory}; truncate -s 3M hole; ln -s large link; ln large second-name; chmod 640 hole`,
  );
}

const sameTree = (left: string, right: string) =>
  done('diff', '-r', '--no-dereference', '-x', 'lost+found', left, right);

/** A file system in a volume with the tree, snapshot `monday` of it. */
function filled({ type, make, settle }: (typeof FILE_SYSTEMS)[number]): string {
  const [program, ...words] = make;
  shell(`truncate -s 400M ${array.volume(type)}`);
  done(program, ...words, array.volume(type));
  const point = array.loopMount(array.volume(type), `fs-${type}`);
  shell(`cp -a ${tree}/. ${point}/; ${settle(point)}`);
  array.ok('snapshot', `${type} name=monday`);
  return point;
}

describe.skipIf(!canLoop)('a file system on a volume', () => {
  beforeAll(() => {
    array = MountedArray.create();
    tree = subdirectory(makeScratch(), 'tree');
    makeTree(tree);
  });
  afterAll(cleanScratch);

  describe.each(FILE_SYSTEMS)('$type', (kind) => {
    const { type, frozen, check } = kind;
    const image = () => array.volume(type);
    const monday = () => array.snapshot(type, 'monday');

    it('gets the files of a snapshot back by rsync', async () => {
      const point = filled(kind);
      for (let folder = 0; folder < 8; folder += 1) {
        rmSync(join(point, `folder${folder}`), { recursive: true });
      }
      writeFileSync(join(point, 'large'), 'overwritten');
      shell(`sync -f ${point}`);
      const old = array.loopMount(monday(), `old-${type}`, ...frozen);
      sameTree(tree, old);
      done('rsync', '-a', '-H', '--delete', `${old}/`, `${point}/`);
      sameTree(old, point);
      await array.loopUnmount(old);
      await array.loopUnmount(point);
    });

    it('is found clean by its own checker', () => {
      const [program, ...words] = check;
      done(program, ...words, image());
    });

    it('gets the whole image back by rsync in place', () => {
      const words = ['--inplace', '--no-whole-file', '--ignore-times'];
      shell(`! cmp -s ${monday()} ${image()}`);
      done('rsync', ...words, monday(), image());
      done('cmp', monday(), image());
    });

    it('is restored by the array at once', async () => {
      shell(`dd if=/dev/urandom of=${image()} bs=1M count=40 conv=notrunc status=none`);
      array.ok('restore', `${type}@monday`);
      done('cmp', monday(), image());
      const point = array.loopMount(image(), `fs-${type}`);
      sameTree(tree, point);
      await array.loopUnmount(point);
    });

    it('lives on in a writable clone', async () => {
      array.ok('clone', `${type}@monday ${type}-clone`);
      const point = array.loopMount(array.volume(`${type}-clone`), `clone-${type}`);
      sameTree(tree, point);
      writeFileSync(join(point, 'new'), 'in the clone only');
      await array.loopUnmount(point);
      shell(`! cmp -s ${monday()} ${array.volume(`${type}-clone`)}`);
    });
  });

  it('refuses rsync of an image without --inplace and says why in events', () => {
    const before = array.volumes().length;
    expect(() =>
      done('rsync', '--ignore-times', array.snapshot('xfs', 'monday'), array.volume('ext4')),
    ).toThrow();
    expect(array.read('events')).toMatch(/ REFUSED \.ext4\.\w{6} .*use: rsync --inplace/);
    expect(array.volumes()).toHaveLength(before);
  });

  it('leaves an array that is clean', async () => {
    await array.umount();
    expect(array.findings()).toBeUndefined();
  });
});
