/**
 * What the array changed by itself, told to the transport as changes of files. Nodes in /info are
 * volatile: nobody keeps their attributes.
 */
import type { ArrayWatcher, SnapshotView, VolumeView } from '../array/disk-array.js';
import type { TreeNode, TreeWatcher } from './file-tree.js';
import { FIXED_INODES, inodeOf } from './tree-nodes.js';

const EVENTS = file(FIXED_INODES.events);

export class ArrayNotices implements ArrayWatcher {
  constructor(private readonly watcher: TreeWatcher) {}

  contentChanged({ number }: VolumeView | SnapshotView): void {
    this.watcher.contentChanged(imageOf(number));
  }

  attributesChanged({ number }: VolumeView | SnapshotView): void {
    this.watcher.attributesChanged(imageOf(number));
  }

  infoChanged({ number }: VolumeView | SnapshotView): void {
    // It may be mapped into memory.
    this.watcher.contentChanged(file(inodeOf('info', number)));
  }

  eventRecorded(): void {
    this.watcher.nodeReadable(EVENTS);
  }

  jobChanged(id: number): void {
    this.watcher.nodeReadable(file(inodeOf('jobText', id)));
    this.watcher.nodeReadable(file(inodeOf('jobJson', id)));
  }

  pairChanged(number: number): void {
    this.watcher.nodeReadable(file(inodeOf('pairText', number)));
    this.watcher.nodeReadable(file(inodeOf('pairJson', number)));
  }
}

function file(ino: number): TreeNode {
  return { ino, isDirectory: false };
}

function imageOf(number: number): TreeNode {
  return file(inodeOf('image', number));
}
