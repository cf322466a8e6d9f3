/** What every transport does, driven by ordinary programs over a tree in memory. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { FileTree } from '../../src/fuse/file-tree.js';
import { NullTree } from '../../src/fuse/null-tree.js';
import type { MountOptions } from '../../src/fuse/transport.js';
import { abortConnection } from '../../src/host/fuse-connection.js';
import { mountAt, readMountTable } from '../../src/host/mount-table.js';
import { MemoryTree } from './memory-tree.js';
import {
  cleanMounts,
  holdBusy,
  mountTree as mountOver,
  run,
  shell,
} from './mounted-tree-fixture.js';
import { isPossible, TRANSPORTS } from './transport-cases.js';

const treeWithFile = (content = 'hello') => {
  const tree = new MemoryTree();
  const file = tree.add(tree.root, 'file', false, 0o600);
  file.write(0, Buffer.from(content));
  return { tree, file };
};

afterEach(cleanMounts);

for (const transport of TRANSPORTS) {
  describe.skipIf(!isPossible(transport))(`over ${transport.name}`, () => {
    const mountTree = (tree: FileTree, options: Partial<MountOptions> = {}) =>
      mountOver(transport, tree, options);

    describe('a mounted tree', () => {
      it('shows as fuse.arrayfs with its source name, and its size by df', async () => {
        const { mountPoint } = await mountTree(new MemoryTree());
        const entry = mountAt(mountPoint, readMountTable());
        expect([entry?.type, entry?.source]).toEqual(['fuse.arrayfs', 'arrayfs-000000000001']);
        const { out } = await run('stat', '-f', '-c', '%b %f %S %c %d %l', mountPoint);
        const [blocks, free, size, files, filesFree, name] = out.split(/\s/).map(Number);
        expect((blocks as number) * (size as number)).toBe(40 * 2 ** 40);
        expect((free as number) * (size as number)).toBe(30 * 2 ** 40);
        expect([files, filesFree, name]).toEqual([100, 40, 64]);
      });

      it.each([false, true])('reads, writes and truncates (answers later: %s)', async (slow) => {
        const { tree, file } = treeWithFile();
        tree.slow = slow;
        const { mountPoint, bugs } = await mountTree(tree);
        const result = await shell(
          mountPoint,
          `set -e
      cat $M/file
      head -c 1000003 /dev/urandom > $M/../random; cp $M/../random $M/copy; cmp $M/../random $M/copy
      dd if=$M/../random of=$M/copy bs=777 conv=notrunc,fsync status=none; cmp $M/../random $M/copy
      truncate -s 3000000000 $M/copy; truncate -s 12345 $M/copy
      cmp -n 12345 $M/../random $M/copy; stat -c ' %s %a %i' $M/copy
      printf abc >> $M/file; mkdir $M/dir; mv $M/file $M/dir/moved; cat $M/dir/moved
      chmod 640 $M/dir/moved; chown 7:8 $M/dir/moved; stat -c ' %a %u %g' $M/dir/moved
      rm $M/copy; ls $M; mknod $M/node p 2>/dev/null || echo no pipe
      ln $M/dir/moved $M/x 2>/dev/null || echo no link
      ln -s a $M/x 2>/dev/null || echo no symlink
      python3 -c "import os,sys; os.mknod(sys.argv[1], 0o100600)" $M/plain; stat -c %s $M/plain`,
        );
        expect(result.errors).toBe('');
        expect(result.out).toBe(
          'hello 12345 644 3\nhelloabc 640 7 8\ndir\nno pipe\nno link\nno symlink\n0\n',
        );
        expect(file.sizeBytes).toBe(8);
        expect(tree.calls).toContain('sync');
        expect(bugs).toEqual([]);
      });

      it('passes O_TRUNC with the open, in one call', async () => {
        const { tree } = treeWithFile();
        const { mountPoint } = await mountTree(tree);
        await shell(mountPoint, 'echo new > $M/file; cat $M/file');
        expect(tree.calls.filter((call) => /open|change/.test(call))).toEqual([
          'open -wt',
          'open r--',
        ]);
      });

      it('truncates an open file through that file', async () => {
        const { tree } = treeWithFile();
        const { mountPoint } = await mountTree(tree);
        await run('python3', '-c', `f=open("${mountPoint}/file","r+b"); f.truncate(3)`);
        expect(tree.calls).toContain('change {"sizeBytes":3} by file');
      });

      it('never serves stale content, sizes or names', async () => {
        const { tree, file } = treeWithFile('old');
        const { mountPoint } = await mountTree(tree);
        const reader = await holdBusy(
          mountPoint,
          'exec 3< $M/file; cat <&3; stat -c %s $M/file; exec 4< $M/file',
        );
        file.resize(0);
        file.write(0, Buffer.from('changed'));
        tree.rename(tree.root, 'file', tree.root, 'renamed');
        const { out } = await shell(mountPoint, 'ls $M; stat -c %s $M/renamed; cat $M/renamed');
        expect(out).toBe('renamed\n7\nchanged');
        await reader.finish();
      });

      it('keeps access and modification time apart', async () => {
        const { tree } = treeWithFile();
        const { mountPoint } = await mountTree(tree);
        const { out } = await shell(
          mountPoint,
          `python3 -c "import os; os.utime('$M/file', (1000000000.25, 1700000000.5))"
      stat -c '%X %Y' $M/file`,
        );
        expect(out).toBe('1000000000 1700000000\n');
      });

      it('lists 20,000 entries', async () => {
        const tree = new MemoryTree();
        for (let index = 0; index < 20_000; index += 1) {
          tree.add(tree.root, `volume-${index}`, false, 0o600);
        }
        const { mountPoint } = await mountTree(tree);
        const { out } = await shell(mountPoint, 'ls -U $M | sort -u | wc -l');
        expect(out.trim()).toBe('20000');
      });

      it('says EOPNOTSUPP to extended attributes', async () => {
        const { tree } = treeWithFile();
        const { mountPoint } = await mountTree(tree);
        const { out } = await run(
          'python3',
          '-c',
          `import os,errno
for call in (lambda: os.setxattr("${mountPoint}/file", "user.a", b"b"), lambda: os.getxattr("${mountPoint}/file", "user.a")):
  try: call()
  except OSError as e: print(errno.errorcode[e.errno])`,
        );
        expect(out).toBe('EOPNOTSUPP\nEOPNOTSUPP\n'.replaceAll('EOPNOTSUPP', 'ENOTSUP'));
      });

      it('passes errors on, and reports an exception that is none as EIO', async () => {
        const { tree } = treeWithFile();
        const { mountPoint, bugs } = await mountTree(tree);
        tree.nextWriteError = new TypeError('a bug');
        const bad = await shell(mountPoint, 'printf x >> $M/file');
        expect(bad.errors).toContain('Input/output error');
        expect(bugs).toHaveLength(1);
        const missing = await shell(mountPoint, 'cat $M/none; touch $M/.dot; cat $M/file/x');
        expect(missing.errors).toMatch(/No such file[\s\S]*Invalid argument[\s\S]*Not a directory/);
        expect((await shell(mountPoint, 'cat $M/file')).out).toBe('hello');
      });

      it('refuses writing on a read-only mount', async () => {
        const { tree } = treeWithFile();
        const { mountPoint } = await mountTree(tree, { readOnly: true });
        const { errors, out } = await shell(mountPoint, 'cat $M/file; echo x > $M/file');
        expect([out, errors]).toEqual(['hello', expect.stringContaining('Read-only file system')]);
      });

      it('keeps other users out', async () => {
        const { tree } = treeWithFile();
        const { mountPoint } = await mountTree(tree);
        await run('chmod', '755', join(mountPoint, '..'));
        const words = [
          '--reuid=65534',
          '--regid=65534',
          '--clear-groups',
          'cat',
          `${mountPoint}/file`,
        ];
        expect((await run('setpriv', ...words)).errors).toContain('Permission denied');
      });

      it('fills a disk image that a loop device mounts', async () => {
        const { tree } = treeWithFile();
        const { mountPoint } = await mountTree(tree);
        const { errors, out } = await shell(
          mountPoint,
          `set -e
      truncate -s 64M $M/image; mkfs.ext4 -q $M/image; mkdir $M/../fs; mount -o loop $M/image $M/../fs
      cp -a /usr/share/doc/bash $M/../fs/; sync -f $M/../fs; umount $M/../fs
      mount -o loop,ro $M/image $M/../fs; diff -r /usr/share/doc/bash $M/../fs/bash && echo same
      umount $M/../fs; e2fsck -fn $M/image >/dev/null 2>&1 && echo clean`,
        );
        expect(errors).toBe('');
        expect(out).toBe('same\nclean\n');
      });
    });

    describe('an open file that is removed', () => {
      it('goes on working, is in no listing, and its name is free', async () => {
        const { tree, file } = treeWithFile();
        const { mountPoint, mount } = await mountTree(tree);
        const { out, errors } = await run(
          'python3',
          '-c',
          `import os
m="${mountPoint}"
fd=os.open(m+"/file", os.O_RDWR)
os.unlink(m+"/file")
print(os.listdir(m), os.pread(fd, 10, 0), os.pwrite(fd, b"world", 5))
os.fsync(fd); os.ftruncate(fd, 7)
print(os.pread(fd, 20, 0), os.fstat(fd).st_size)
open(m+"/file","w").write("second"); print(open(m+"/file").read())
os.close(fd); print(os.listdir(m))`,
        );
        expect(errors).toBe('');
        expect(out.split('\n').slice(0, 4)).toEqual([
          "[] b'hello' 5",
          "b'hellowo' 7",
          'second',
          "['file']",
        ]);
        expect(file.removed).toBe(true);
        expect(tree.calls.filter((call) => call.startsWith('remove'))).toEqual(['remove file']);
        await mount.unmount();
        await mount.ended;
      });
    });

    describe('the end of a mount', () => {
      it('is seen after an umount from outside', async () => {
        const { mount, mountPoint } = await mountTree(new NullTree(2 ** 30));
        expect((await run('umount', mountPoint)).status).toBe(0);
        expect(await mount.ended).toBe('unmounted');
      });

      it('is refused with EBUSY while in use, and the mount goes on', async () => {
        const { tree } = treeWithFile();
        const { mount, mountPoint } = await mountTree(tree);
        const holder = await holdBusy(mountPoint, 'cd $M');
        await expect(mount.unmount()).rejects.toMatchObject({ code: 'EBUSY' });
        expect((await shell(mountPoint, 'cat $M/file')).out).toBe('hello');
        await holder.finish();
        await mount.unmount();
        expect(await mount.ended).toBe('unmounted');
      });

      it.each(['detach', 'umount -l'])('waits for open files after %s', async (way) => {
        const { tree, file } = treeWithFile();
        const { mount, mountPoint } = await mountTree(tree);
        const output = join(mountPoint, '..', 'out');
        const holder = await holdBusy(
          mountPoint,
          `exec 3<> $M/file; trap 'printf HELL >&3; cat <&3 > ${output}' EXIT`,
        );
        if (way === 'detach') await mount.detach();
        else await run('umount', '-l', mountPoint);
        let over = false;
        void mount.ended.then(() => {
          over = true;
        });
        expect((await run('ls', mountPoint)).out).toBe('');
        expect([over, mount.openFileCount()]).toEqual([false, 1]);
        await holder.finish();
        expect(await mount.ended).toMatch(
          way === 'detach' ? /^detached$/ : /^(detached|unmounted)$/,
        );
        const content = Buffer.alloc(5);
        file.read(0, content);
        expect([`${content}`, readFileSync(output, 'utf8')]).toEqual(['HELLo', 'o']);
        expect(tree.calls.at(-1)).toBe('close');
      });

      it('comes when the kernel aborts the connection, and open files are closed', async () => {
        const { tree } = treeWithFile();
        const { mount, mountPoint } = await mountTree(tree);
        const holder = await holdBusy(mountPoint, 'exec 3<> $M/file');
        expect(abortConnection(mountAt(mountPoint, readMountTable())?.device ?? '')).toBe(true);
        await mount.ended;
        // Now, before anything else can have taken the dead mount away.
        expect(mountAt(mountPoint, readMountTable())).toBeUndefined();
        expect((await run('ls', mountPoint)).errors).toBe('');
        expect(mount.openFileCount()).toBe(0);
        expect(tree.calls.at(-1)).toBe('close');
        await holder.finish();
      });

      it('comes after an abort with another mount on top, which is left alone', async () => {
        const { tree } = treeWithFile();
        const { mount, mountPoint, bugs } = await mountTree(tree);
        const device = mountAt(mountPoint, readMountTable())?.device ?? '';
        await run('mount', '-t', 'tmpfs', 'on-top', mountPoint);
        expect(abortConnection(device)).toBe(true);
        await mount.ended;
        expect(mountAt(mountPoint, readMountTable())?.source).toBe('on-top');
        expect(bugs).toEqual([expect.objectContaining({ code: 'EBUSY' })]);
      });
    });
  });
}
