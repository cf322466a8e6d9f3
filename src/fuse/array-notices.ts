/**
 * What the array changed by itself, told to the transport as changes of files: a copy is an image, an
 * information file and names in up to three directories.
 */
import type { ArrayWatcher, SnapshotView, VolumeView } from '../array/disk-array.js';
import type { TreeNode, TreeWatcher } from './file-tree.js';
import { FIXED_INODES, inodeOf } from './tree-nodes.js';

const VOLUMES = directory(FIXED_INODES.volumes);
const SNAPSHOTS = directory(FIXED_INODES.snapshots);
const INFO = directory(FIXED_INODES.info);
const EVENTS = file(FIXED_INODES.events);

export class ArrayNotices implements ArrayWatcher {
  constructor(private readonly watcher: TreeWatcher) {}

  contentChanged({ number }: VolumeView | SnapshotView): void {
    this.watcher.contentChanged(imageOf(number));
    // It shows the times of its copy.
    this.watcher.attributesChanged(infoOf(number));
  }

  propertiesChanged({ number }: VolumeView | SnapshotView): void {
    this.watcher.attributesChanged(imageOf(number));
    this.watcher.contentChanged(infoOf(number));
  }

  nameLost(copy: VolumeView | SnapshotView, name: string): void {
    if (copy.kind === 'volume') this.volumeNameLost(copy, name);
    else this.snapshotNameLost(copy, name);
    // The link count of what was deleted, the change time of what was renamed.
    this.watcher.attributesChanged(imageOf(copy.number));
  }

  eventRecorded(): void {
    this.watcher.nodeReadable(EVENTS);
  }

  jobChanged(id: number): void {
    this.watcher.nodeReadable(file(inodeOf('jobText', id)));
    this.watcher.nodeReadable(file(inodeOf('jobJson', id)));
  }

  private volumeNameLost(volume: VolumeView, name: string): void {
    this.watcher.nameLost(VOLUMES, name, imageOf(volume.number));
    this.watcher.nameLost(SNAPSHOTS, name, snapshotsOf(volume));
    this.watcher.nameLost(INFO, name, infoOf(volume.number));
    for (const snapshot of volume.snapshots) {
      this.watcher.nameLost(INFO, `${name}@${snapshot.name}`, infoOf(snapshot.number));
    }
  }

  private snapshotNameLost({ volume, number }: SnapshotView, name: string): void {
    this.watcher.nameLost(snapshotsOf(volume), name, imageOf(number));
    this.watcher.nameLost(INFO, `${volume.name}@${name}`, infoOf(number));
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

function infoOf(number: number): TreeNode {
  return file(inodeOf('info', number));
}

function snapshotsOf(volume: VolumeView): TreeNode {
  return directory(inodeOf('snapshotDirectory', volume.number));
}
