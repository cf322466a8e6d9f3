/** The page cache of the kernel transport, by real programs over a tree whose writes take a while. */
import { afterEach, describe, expect, it } from 'vitest';
import { sleep } from '../../src/base/clock.js';
import type { OpenFile } from '../../src/fuse/file-tree.js';
import type { PageCachePolicy } from '../../src/host/daemon-options.js';
import { MemoryTree } from './memory-tree.js';
import { cleanMounts, mountTree, run } from './mounted-tree-fixture.js';
import { isPossible, KERNEL } from './transport-cases.js';

/** How long a write is under way: readers get in between. */
const WRITE_MS = 20;
const IMAGE_BYTES = 2 ** 20;

/** Its image may be cached, and shows old content until a write is answered. */
function slowTree(): MemoryTree {
  const tree = Object.assign(new MemoryTree(), { watch: () => {} });
  const node = tree.add(tree.root, 'image', false, 0o600);
  node.resize(IMAGE_BYTES);
  const open = tree.open.bind(tree);
  tree.open = (...words) => {
    const write = async (offset: number, data: Uint8Array) => {
      // The data is only borrowed while the answer is awaited, which it is.
      await sleep(WRITE_MS);
      return node.write(offset, data);
    };
    return Object.assign(open(...words) as OpenFile, { write, mayBeCached: true });
  };
  return tree;
}

/** Two processes read all the time, one by read(2) and one by a mapping, while another one writes. */
const READERS_AND_WRITER = `
import mmap, multiprocessing, os, struct, sys
path, flags = sys.argv[1], os.O_RDWR | (os.O_DIRECT if sys.argv[2] == 'direct' else 0)
def read(fd): return os.pread(fd, 8, 0)
def reader(stop, ready, mapped):
    fd = os.open(path, os.O_RDONLY)
    area = mmap.mmap(fd, 4096, mmap.MAP_SHARED, mmap.PROT_READ) if mapped else None
    while not stop.is_set():
        area[0:8] if mapped else read(fd)
        ready.set()
stop = multiprocessing.Event()
readers = []
for mapped in (False, True):
    ready = multiprocessing.Event()
    readers.append(multiprocessing.Process(target=reader, args=(stop, ready, mapped)))
    readers[-1].start()
    ready.wait()
writer = os.open(path, flags)
fd = os.open(path, os.O_RDONLY)
area = mmap.mmap(fd, 4096, mmap.MAP_SHARED, mmap.PROT_READ)
page = mmap.mmap(-1, 4096)
old = 0
for number in range(1, 25):
    page[0:8] = struct.pack('<Q', number)
    os.pwritev(writer, [page], 0)
    old += area[0:8] != page[0:8]
    old += read(fd) != page[0:8]
stop.set()
for process in readers: process.join()
print('old', old)`;

afterEach(cleanMounts);

describe.skipIf(!isPossible(KERNEL))('the page cache of the kernel transport', () => {
  const POLICIES: readonly PageCachePolicy[] = ['none', 'kernel'];
  const cases = POLICIES.flatMap((policy) => [
    { policy, writes: 'direct' },
    { policy, writes: 'ordinary' },
  ]);

  it.each(cases)(
    '($policy) never shows what was before a write that is answered ($writes)',
    async ({ policy, writes }) => {
      const { mountPoint, bugs } = await mountTree(KERNEL, slowTree(), { pageCache: policy });
      const image = `${mountPoint}/image`;
      const { out, errors } = await run('python3', '-c', READERS_AND_WRITER, image, writes);
      expect([out, errors, bugs]).toEqual(['old 0\n', '', []]);
    },
  );
});
