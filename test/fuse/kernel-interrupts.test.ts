/** Signals to programs whose reads wait, over the kernel transport. */
import { afterEach, describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import type { Answer, OpenFile } from '../../src/fuse/file-tree.js';
import { MemoryTree } from './memory-tree.js';
import { cleanMounts, mountTree, shell } from './mounted-tree-fixture.js';
import { isPossible, KERNEL } from './transport-cases.js';

afterEach(cleanMounts);

describe.skipIf(!isPossible(KERNEL))('a file whose reads may wait', () => {
  it('lets a signal end the program whose read waits for ever', async () => {
    class WaitingTree extends MemoryTree {
      override open(...words: Parameters<MemoryTree['open']>): Answer<OpenFile> {
        const wait = (signal: AbortSignal | undefined) =>
          new Promise<number>((_resolve, reject) => {
            const stop = () => reject(new ArrayError('EINTR', 'interrupted'));
            signal?.addEventListener('abort', stop);
          });
        const read: OpenFile['read'] = (_offset, _target, signal) => wait(signal);
        return Object.assign(super.open(...words), { mayWait: true, read });
      }
    }
    const tree = new WaitingTree();
    tree.add(tree.root, 'file', false, 0o600);
    const { mountPoint, bugs } = await mountTree(KERNEL, tree);
    // 137: ended by the signal that nothing can ignore, inside the read; the other one goes on after its signal.
    const script = `timeout -s KILL 0.2 cat $M/file; echo $?
      python3 -c "
import os, signal
def ring(*_): raise SystemExit('rang')
signal.signal(signal.SIGALRM, ring); signal.setitimer(signal.ITIMER_REAL, 0.2)
os.read(os.open('$M/file', os.O_RDONLY), 8)" 2>&1 || true`;
    expect((await shell(mountPoint, script)).out).toBe('137\nrang\n');
    expect(bugs).toEqual([]);
  });
});
