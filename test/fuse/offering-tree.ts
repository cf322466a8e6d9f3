/** A tree in memory whose open files have the members a test gives them. */
import type { OpenFile } from '../../src/fuse/file-tree.js';
import { KernelHarness } from './kernel-harness.js';
import { MemoryTree } from './memory-tree.js';

/** A tree whose open files have further members. */
export class OfferingTree extends MemoryTree {
  offered: Partial<OpenFile> = {};

  override open(...words: Parameters<MemoryTree['open']>) {
    const opened = super.open(...words);
    return opened instanceof Promise ? opened : Object.assign(opened, this.offered);
  }
}

export async function offering(offered: Partial<OpenFile>) {
  const tree = new OfferingTree();
  tree.add(tree.root, 'file', false, 0o600).write(0, Buffer.alloc(8192));
  tree.offered = offered;
  const kernel = new KernelHarness(tree);
  return { kernel, handle: await kernel.open(await kernel.lookup('file')) };
}
