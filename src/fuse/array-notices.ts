/**
 * What the array changed by itself, told to the transport as changes of files. Names in /info and of
 * directories in /snapshots are volatile: of these nobody keeps anything.
 */
import type { ArrayWatcher, SnapshotView, VolumeView } from '../array/disk-array.js';
import type { TreeNode, TreeWatcher } from './file-tree.js';
import { FIXED_INODES, inodeOf } from './tree-nodes.js';

const VOLUMES = directory(FIXED_INODES.volumes);
const EVENTS = file(FIXED_INODES.events);

export class ArrayNotices implements ArrayWatcher {
  constructor(private readonly watcher: TreeWatcher) {}

  contentChanged({ number }: VolumeView | SnapshotView): void {
    this.watcher.contentChanged(imageOf(number));
  }

  propertiesChanged({ number }: VolumeView | SnapshotView): void {
    this.watcher.attributesChanged(imageOf(number));
    // It may be mapped into memory.
    this.watcher.contentChanged(file(inodeOf('info', number)));
  }

  nameLost(copy: VolumeView | SnapshotView, name: string): void {
    const image = imageOf(copy.number);
    const directory = copy.kind === 'volume' ? VOLUMES : snapshotsOf(copy.volume);
    this.watcher.nameLost(directory, name, image);
    // The link count of what was deleted, the change time of what was renamed.
    this.watcher.attributesChanged(image);
  }

  eventRecorded(): void {
    this.watcher.nodeReadable(EVENTS);
  }

  jobChanged(id: number): void {
    this.watcher.nodeReadable(file(inodeOf('jobText', id)));
    this.watcher.nodeReadable(file(inodeOf('jobJson', id)));
  }
}

function file(ino: number): TreeNode {
  return { ino, isDirectory: false };
}

function directory(ino: number): TreeNode {
  return { ino, isDirectory: true };
}

function imageOf(number: number): TreeNode {
  return file(inodeOf('image', number));
}

function snapshotsOf(volume: VolumeView): TreeNode {
  return directory(inodeOf('snapshotDirectory', volume.number));
}
