/** What only the kernel transport does, by real programs over a tree in memory. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import type { Answer, Caller, OpenFile, TreeWatcher } from '../../src/fuse/file-tree.js';
import { abortConnection } from '../../src/host/fuse-connection.js';
import { mountAt, readMountTable } from '../../src/host/mount-table.js';
import { MemoryTree } from './memory-tree.js';
import {
  cleanMounts,
  holdBusy,
  mountTree as mountOver,
  run,
  scratchDirectory,
  shell,
} from './mounted-tree-fixture.js';
import { isPossible, KERNEL, threadPrograms } from './transport-cases.js';

const IMAGE_BYTES = 64 * 2 ** 20;

const mountTree = (tree: MemoryTree, mountPoint?: string) =>
  mountOver(KERNEL, tree, mountPoint === undefined ? {} : { mountPoint });

function treeWithImage(): MemoryTree {
  const tree = new MemoryTree();
  tree.add(tree.root, 'image', false, 0o600).resize(IMAGE_BYTES);
  return tree;
}

/** The output of a script that must succeed without a word on stderr. */
async function output(mountPoint: string, script: string): Promise<string> {
  const { out, errors, status } = await shell(mountPoint, `set -euo pipefail\n${script}`);
  expect([status, errors]).toEqual([0, '']);
  return out;
}

afterEach(cleanMounts);

describe.skipIf(!isPossible(KERNEL))('a tree over the kernel transport', () => {
  it('passes requests of 1 MiB, and the identity of the caller', async () => {
    const callers: (Caller | undefined)[] = [];
    const sizes = new Set<number>();
    class WatchedTree extends MemoryTree {
      override open(...words: Parameters<MemoryTree['open']>): Answer<OpenFile> {
        callers.push((words as unknown as { 2?: Caller })[2]);
        const file = super.open(...words);
        if (file instanceof Promise) return file;
        const write = file.write.bind(file);
        return Object.assign(file, {
          write(offset: number, data: Uint8Array) {
            sizes.add(data.length);
            return write(offset, data);
          },
        });
      }
    }
    const tree = new WatchedTree();
    tree.add(tree.root, 'image', false, 0o666).resize(IMAGE_BYTES);
    const { mountPoint } = await mountOver(KERNEL, tree, { allowOther: true });
    await run('chmod', '755', join(mountPoint, '..'));
    const dd = ['dd', 'if=/dev/zero', `of=${mountPoint}/image`, 'bs=4M', 'count=2', 'conv=notrunc'];
    const other = ['--reuid=1234', '--regid=2345', '--clear-groups', ...dd];
    expect((await run('setpriv', ...other)).status).toBe(0);
    expect([...sizes]).toEqual([2 ** 20]);
    expect(callers.at(-1)).toMatchObject({ uid: 1234, gid: 2345, pid: expect.any(Number) });
    expect(callers.at(-1)?.pid).toBeGreaterThan(0);
  });

  it.each([false, true])(
    'keeps what 4 parallel writers wrote (answers later: %s)',
    async (slow) => {
      const tree = treeWithImage();
      tree.slow = slow;
      const { mountPoint, bugs } = await mountTree(tree);
      const words = ['--name=v', `--filename=${mountPoint}/image`, '--size=8m', '--numjobs=4'];
      const verify = [
        '--offset_increment=8m',
        '--verify=crc32c',
        '--verify_state_save=0',
        '--do_verify=1',
        '--bsrange=512-1m',
      ];
      const more = [
        '--rw=randwrite',
        '--bs_unaligned',
        '--allow_file_create=0',
        '--fallocate=none',
      ];
      const result = await run('fio', ...words, ...verify, ...more, '--ioengine=psync', '--thread');
      expect([result.status, result.errors, bugs]).toEqual([0, '', []]);
    },
  );

  it('holds an ext4 on a loop device under load, clean afterwards', async () => {
    const { mountPoint } = await mountTree(treeWithImage());
    const out = await output(
      mountPoint,
      `mkfs.ext4 -q $M/image; mkdir $M/../fs; mount -o loop $M/image $M/../fs
      fio --name=f --directory=$M/../fs --size=4m --numjobs=4 --rw=randrw --bs=4k --verify=crc32c --verify_state_save=0 \
        --ioengine=psync --end_fsync=1 > $M/../log
      cp -a /usr/share/doc/bash $M/../fs/; umount $M/../fs
      mount -o loop,ro $M/image $M/../fs; diff -r /usr/share/doc/bash $M/../fs/bash && echo same
      umount $M/../fs; e2fsck -fn $M/image > $M/../log 2>&1 && echo clean`,
    );
    expect(out).toBe('same\nclean\n');
  });

  it('works ahead while nothing is asked for, and serves all beside work that never ends', async () => {
    let pieces = 0;
    const tree = Object.assign(treeWithImage(), {
      slow: true,
      workAhead() {
        pieces += 1;
        return true;
      },
    });
    const { mountPoint } = await mountTree(tree);
    const script = 'echo first > $M/image; echo second > $M/file; head -n 1 $M/image; cat $M/file';
    expect(await output(mountPoint, script)).toBe('first\nsecond\n');
    expect(pieces).toBeGreaterThan(0);
  });

  it('maps an image into memory, private and shared', async () => {
    const tree = treeWithImage();
    const { mountPoint } = await mountTree(tree);
    const { out, errors } = await run(
      'python3',
      '-c',
      `import mmap,os
fd=os.open("${mountPoint}/image", os.O_RDWR)
os.pwrite(fd, b"before", 0)
m=mmap.mmap(fd, 1<<20); print(m[0:6]); m[4096:4101]=b"after"; m.flush(); m.close()
print(os.pread(fd, 5, 4096)); p=mmap.mmap(fd, 4096, mmap.MAP_PRIVATE); print(p[0:6])`,
    );
    expect(errors).toBe('');
    expect(out).toBe("b'before'\nb'after'\nb'before'\n");
  });

  it('serves 64 processes at once, each with files of its own', async () => {
    const { mountPoint, bugs } = await mountTree(new MemoryTree());
    const out = await output(
      mountPoint,
      `one() {
        mkdir $M/dir-$1; head -c 100000 /dev/urandom > $M/../random-$1
        for n in 1 2 3; do cp $M/../random-$1 $M/dir-$1/file-$n; done
        mv $M/dir-$1/file-1 $M/dir-$1/moved; rm $M/dir-$1/file-2
        cmp $M/../random-$1 $M/dir-$1/moved; cmp $M/../random-$1 $M/dir-$1/file-3
        ls $M/dir-$1 | wc -l
      }
      for i in $(seq 64); do one $i & done; wait; ls $M | wc -l`,
    );
    expect(out).toBe(`${'2\n'.repeat(64)}64\n`);
    expect(bugs).toEqual([]);
  });

  it('lets readers pass while more writers wait than the ring has slots', async () => {
    const release: (() => void)[] = [];
    const tree = treeWithImage();
    const open = tree.open.bind(tree);
    tree.open = (...words) => {
      const file = open(...words) as OpenFile;
      const write = async (offset: number, data: Uint8Array) => {
        await new Promise<void>((resolve) => release.push(resolve));
        return tree.root.children.get('image')?.write(offset, data) ?? 0;
      };
      return Object.assign(file, { write });
    };
    const { mountPoint } = await mountTree(tree);
    const writers = shell(
      mountPoint,
      `for i in $(seq 0 99); do
        printf %04d $i | dd of=$M/image bs=4 seek=$i conv=notrunc status=none & done; wait`,
    );
    while (release.length < 100) await systemClock.yield();
    expect((await shell(mountPoint, 'head -c 8 $M/image | od -An -tx1; ls $M')).out).toBe(
      ' 00 00 00 00 00 00 00 00\nimage\n',
    );
    for (const resolve of release) resolve();
    expect((await writers).status).toBe(0);
    const { out } = await shell(mountPoint, 'head -c 400 $M/image');
    expect(out).toBe(Array.from({ length: 100 }, (_, i) => `${i}`.padStart(4, '0')).join(''));
  });

  it('replaces nothing by a rename onto an open file', async () => {
    const tree = treeWithImage();
    tree.add(tree.root, 'other', false, 0o600);
    const { mountPoint } = await mountTree(tree);
    const holder = await holdBusy(mountPoint, 'exec 3<> $M/image');
    expect((await shell(mountPoint, 'mv -T $M/other $M/image')).errors).toContain('File exists');
    expect((await shell(mountPoint, 'ls $M')).out).toBe('image\nother\n');
    await holder.finish();
  });

  it('mounts again where a connection was aborted', async () => {
    const mountPoint = join(scratchDirectory(), 'mount');
    for (let round = 0; round < 3; round += 1) {
      const { mount } = await mountTree(treeWithImage(), mountPoint);
      const busy = shell(
        mountPoint,
        'while dd if=$M/image of=/dev/null bs=1M status=none; do :; done',
      );
      expect(abortConnection(mountAt(mountPoint, readMountTable())?.device ?? '')).toBe(true);
      await mount.ended;
      expect(mountAt(mountPoint, readMountTable())).toBeUndefined();
      expect((await busy).errors).not.toBe('');
      expect((await run('mountpoint', '-q', mountPoint)).status).not.toBe(0);
    }
  });

  it('ends when only a copy of the mount in another name space is left', async () => {
    const { mount, mountPoint } = await mountTree(treeWithImage());
    const copy = await holdBusy(
      '/',
      'exec unshare -m --propagation private sh -c "echo ready; read _"',
    );
    await mount.unmount();
    expect(await mount.ended).toBe('unmounted');
    await copy.finish();
    expect((await run('ls', mountPoint)).out).toBe('');
  });

  it('does not keep a process that exits while a file is open', async () => {
    const mountPoint = join(scratchDirectory(), 'mount');
    await mkdir(mountPoint);
    const script = `
      import { KernelTransport } from '${new URL('kernel-transport.js', threadPrograms())}';
      import { NullTree } from '${new URL('null-tree.js', threadPrograms())}';
      await new KernelTransport().mount(new NullTree(4096), {
        mountPoint: '${mountPoint}', sourceName: 'x', readOnly: false, allowOther: false });
      process.stdin.once('data', () => process.exit(7));
      console.log('ready');`;
    const daemon = spawn('node', ['--input-type=module', '-e', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const exit = once(daemon, 'exit');
    await Promise.race([once(daemon.stdout, 'data'), exit]);
    expect(daemon.exitCode).toBeNull();
    const holder = await holdBusy(mountPoint, 'exec 3<> $M/image');
    daemon.stdin.write('go\n');
    expect(await exit).toEqual([7, null]);
    expect((await run('ls', mountPoint)).errors).toContain('not connected');
    await holder.finish();
    expect((await run('umount', mountPoint)).status).toBe(0);
  });

  it('tells the kernel of changes the tree made itself', async () => {
    let watcher: TreeWatcher | undefined;
    const tree = Object.assign(treeWithImage(), {
      watch(given: TreeWatcher) {
        watcher = given;
      },
    });
    const { mountPoint, bugs } = await mountTree(tree);
    const image = tree.root.children.get('image');
    if (image === undefined) throw new Error('no image');
    const reader = await holdBusy(
      mountPoint,
      `coproc python3 -u -c "
import mmap,os,sys
m=mmap.mmap(os.open('$M/image', os.O_RDONLY), 4096, prot=mmap.PROT_READ)
print(m[0:3]); sys.stdin.readline(); print(m[0:3])"
      read -r line <&\${COPROC[0]}; echo "$line" > $M/../seen
      trap 'echo >&\${COPROC[1]}; cat <&\${COPROC[0]} >> $M/../seen' EXIT; ls -l $M > $M/../listed`,
    );
    image.write(0, Buffer.from('new'));
    image.resize(4096);
    watcher?.contentChanged(image);
    watcher?.attributesChanged(image);
    await watcher?.delivered();
    expect((await run('stat', '-c', '%s', `${mountPoint}/image`)).out).toBe('4096\n');
    await reader.finish();
    const seen = await run('cat', join(mountPoint, '../seen'));
    expect(seen.out).toBe("b'\\x00\\x00\\x00'\nb'new'\n");
    expect(bugs).toEqual([]);
  });
});
