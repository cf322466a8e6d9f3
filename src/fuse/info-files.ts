/**
 * /info: the volume-information sector of each volume and snapshot, a file of 0 or 512 bytes. A write
 * of exactly 512 bytes at offset 0 stores it and answers when it is durable; all else is EINVAL.
 */
import type { CopyView, DiskArray, SnapshotView, VolumeView } from '../array/disk-array.js';
import { ArrayError } from '../base/errors.js';
import { INFO_BYTES } from '../base/limits.js';
import type {
  AttributeChanges,
  Attributes,
  DirectoryEntry,
  OpenFile,
  OpenFlags,
} from './file-tree.js';
import { ReadOnlyDirectory } from './fixed-directory.js';
import { currentCopy } from './image-file.js';
import { snapshotNamed } from './snapshots-directory.js';
import { copyFrom } from './text-file.js';
import {
  copyAttributes,
  FIXED_INODES,
  type FileNode,
  inodeOf,
  refuseAttributeChange,
  requireWritable,
} from './tree-nodes.js';
import { volumeNamed } from './volumes-directory.js';

const EMPTY = new Uint8Array(0);

export class InfoDirectory extends ReadOnlyDirectory {
  constructor(array: DiskArray) {
    super(array, FIXED_INODES.info, 'they come and go with volumes and snapshots; see ctl/info');
  }

  lookup(name: string): InfoNode | undefined {
    const at = name.indexOf('@');
    const copy =
      at === -1
        ? volumeNamed(this.array, name)
        : snapshotOf(this.array, name.slice(0, at), name.slice(at + 1));
    return copy && new InfoNode(this.array, copy);
  }

  list(): readonly DirectoryEntry[] {
    return this.array.volumes().flatMap((volume) => [
      { name: volume.name, node: new InfoNode(this.array, volume) },
      ...volume.snapshots.map((snapshot) => ({
        name: `${volume.name}@${snapshot.name}`,
        node: new InfoNode(this.array, snapshot),
      })),
    ]);
  }
}

class InfoNode implements FileNode {
  readonly isDirectory = false;
  /** Its owner and times follow those of its copy. */
  readonly isVolatile = true;
  readonly ino: number;

  constructor(
    private readonly array: DiskArray,
    private readonly copy: VolumeView | SnapshotView,
  ) {
    this.ino = inodeOf('info', copy.number);
  }

  attributes(): Attributes {
    const copy: CopyView = currentCopy(this.array, this.copy) ?? this.copy;
    const sizeBytes = copy.info?.length ?? 0;
    return copyAttributes(this.ino, copy, {
      permissionMask: 0o666,
      sizeBytes,
      allocatedBytes: sizeBytes,
      linkCount: 1,
    });
  }

  /** Truncation has no effect: a shell's `>` truncates before it writes the 512 bytes. */
  setAttributes(changes: AttributeChanges): void {
    requireWritable(this.array);
    refuseAttributeChange(changes);
    if (changes.sizeBytes !== 0 && changes.sizeBytes !== INFO_BYTES) throw wrongSize();
  }

  open(flags: OpenFlags): OpenFile {
    if (flags.write) requireWritable(this.array);
    return {
      node: this,
      read: (offset, target) => copyFrom(this.sector(), offset, target),
      write: (offset, data) => this.store(offset, data),
      flush: () => undefined,
      sync: () => undefined,
      close: () => undefined,
    };
  }

  private sector(): Uint8Array {
    return currentCopy(this.array, this.copy)?.info ?? EMPTY;
  }

  private async store(offset: number, data: Uint8Array): Promise<number> {
    if (offset !== 0 || data.length !== INFO_BYTES) throw wrongSize();
    const copy = currentCopy(this.array, this.copy);
    if (copy === undefined) throw new ArrayError('ENOENT', `${this.copy.name} is deleted`);
    // The data is only borrowed, the array keeps what it is given.
    await this.array.setInfo(copy, new Uint8Array(data));
    return data.length;
  }
}

function snapshotOf(array: DiskArray, volume: string, name: string): SnapshotView | undefined {
  return volumeNamed(array, volume) && snapshotNamed(array, volume, name);
}

function wrongSize(): ArrayError {
  return new ArrayError('EINVAL', `write exactly ${INFO_BYTES} bytes at offset 0`);
}
