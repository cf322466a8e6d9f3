/** What only the fuse-native transport has to do: libfuse hides an open file before it removes it. */
import { closeSync, openSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { MemoryTree } from './memory-tree.js';
import { cleanMounts, holdBusy, mountTree, run } from './mounted-tree-fixture.js';
import { FUSE_NATIVE, isPossible } from './transport-cases.js';

afterEach(cleanMounts);

describe.skipIf(!isPossible(FUSE_NATIVE))('an open file over fuse-native', () => {
  it('is not destroyed by a rename onto it', async () => {
    const tree = new MemoryTree();
    const file = tree.add(tree.root, 'file', false, 0o600);
    file.write(0, Buffer.from('hello'));
    tree.add(tree.root, 'other', false, 0o600);
    const { mountPoint } = await mountTree(FUSE_NATIVE, tree);
    const { out } = await run(
      'python3',
      '-c',
      `import os,errno
m="${mountPoint}"
fd=os.open(m+"/file", os.O_RDWR)
for target in ("/file", "/.fuse_hidden0000000200000001"):
  try: os.rename(m+("/other" if target=="/file" else "/file"), m+target)
  except OSError as e: print(errno.errorcode[e.errno])
print(os.pread(fd, 10, 0), sorted(os.listdir(m)))`,
    );
    expect(out).toBe("EEXIST\nEEXIST\nb'hello' ['file', 'other']\n");
    expect(file.removed).toBe(false);
  });
});

describe.skipIf(!isPossible(FUSE_NATIVE))('a mount over fuse-native', () => {
  it('ends after a detach also where its descriptor has the number of one that was just closed', async () => {
    const tree = new MemoryTree();
    tree.add(tree.root, 'file', false, 0o600);
    // As libfuse leaves one of a mount that has ended: open when the next mount begins, closed before it opens its own.
    const left = openSync('/dev/fuse', 'r+');
    const late = {
      ...FUSE_NATIVE,
      make: (onBug: (error: unknown) => void) => {
        queueMicrotask(() => closeSync(left));
        return FUSE_NATIVE.make(onBug);
      },
    };
    const { mount, mountPoint } = await mountTree(late, tree);
    const holder = await holdBusy(mountPoint, 'exec 3<> $M/file');
    await mount.detach();
    await holder.finish();
    expect(await mount.ended).toBe('detached');
  });
});
