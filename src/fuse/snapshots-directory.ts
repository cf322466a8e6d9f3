/** /snapshots: a directory per volume, and in it the frozen images. rm of one deletes the snapshot. */
import type { DiskArray, SnapshotView, VolumeView } from '../array/disk-array.js';
import { ArrayError } from '../base/errors.js';
import type { DirectoryEntry } from './file-tree.js';
import { ReadOnlyDirectory } from './fixed-directory.js';
import { ImageNode } from './image-file.js';
import { FIXED_INODES, inodeOf, requireWritable } from './tree-nodes.js';
import { volumeNamed } from './volumes-directory.js';

const ADVICE = 'use ctl/snapshot and ctl/delete';

export class SnapshotsDirectory extends ReadOnlyDirectory {
  constructor(array: DiskArray) {
    super(array, FIXED_INODES.snapshots, ADVICE);
  }

  lookup(name: string): VolumeSnapshotsDirectory | undefined {
    const volume = volumeNamed(this.array, name);
    return volume && new VolumeSnapshotsDirectory(this.array, volume);
  }

  list(): readonly DirectoryEntry[] {
    return this.array.volumes().map((volume) => ({
      name: volume.name,
      node: new VolumeSnapshotsDirectory(this.array, volume),
    }));
  }
}

/** /snapshots/VOLUME. */
class VolumeSnapshotsDirectory extends ReadOnlyDirectory {
  constructor(
    array: DiskArray,
    private readonly volume: VolumeView,
  ) {
    super(array, inodeOf('snapshotDirectory', volume.number), ADVICE);
  }

  lookup(name: string): ImageNode | undefined {
    const snapshot = snapshotNamed(this.array, this.reference, name);
    return snapshot && new ImageNode(this.array, snapshot);
  }

  list(): readonly DirectoryEntry[] {
    const volume = this.array.findVolume(this.reference);
    return (volume?.snapshots ?? []).map((snapshot) => ({
      name: snapshot.name,
      node: new ImageNode(this.array, snapshot),
    }));
  }

  override async remove(name: string): Promise<void> {
    requireWritable(this.array);
    const snapshot = snapshotNamed(this.array, this.reference, name);
    if (snapshot === undefined) {
      throw new ArrayError('ENOENT', `no snapshot ${this.volume.name}@${name}`);
    }
    await this.array.deleteSnapshot(this.reference, name, { force: false });
  }

  /** The number, which stays true when the volume is renamed while the directory is in use. */
  private get reference(): string {
    return `#${this.volume.number}`;
  }
}

/** By its name alone, as with volumes. */
export function snapshotNamed(
  array: DiskArray,
  volume: string,
  name: string,
): SnapshotView | undefined {
  return name.startsWith('#') ? undefined : array.findSnapshot(volume, name);
}
