/**
 * /volumes: ordinary file operations on it are the array's commands. Making a file creates an empty
 * volume, rm deletes, mv renames. A name the array does not allow is refused with a reason in
 * /events, because an errno alone does not tell rsync's user about --inplace.
 */
import type { DiskArray, VolumeView } from '../array/disk-array.js';
import { ArrayError } from '../base/errors.js';
import { nameProblem } from '../base/names.js';
import type { Attributes, Caller, DirectoryEntry } from './file-tree.js';
import { ImageFile, ImageNode } from './image-file.js';
import {
  type CreatedFile,
  type DirectoryNode,
  directoryAttributes,
  FIXED_INODES,
  ownerOf,
  refused,
  requireWritable,
  tellingWhyBusy,
} from './tree-nodes.js';

/** rsync writes a file under such a name and renames it when it is complete. */
const RSYNC_TEMPORARY_NAME = /^\.(.+)\.[A-Za-z0-9]{6}$/;

export class VolumesDirectory implements DirectoryNode {
  readonly isDirectory = true;
  readonly ino = FIXED_INODES.volumes;

  constructor(private readonly array: DiskArray) {}

  attributes(): Attributes {
    return directoryAttributes(this.array, this.ino);
  }

  lookup(name: string): ImageNode | undefined {
    const volume = volumeNamed(this.array, name);
    return volume && new ImageNode(this.array, volume);
  }

  list(): readonly DirectoryEntry[] {
    return this.array
      .volumes()
      .map((volume) => ({ name: volume.name, node: new ImageNode(this.array, volume) }));
  }

  async create(name: string, mode: number, caller: Caller | undefined): Promise<CreatedFile> {
    requireWritable(this.array);
    this.checkNewName(name);
    const owner = ownerOf(this.array, caller, mode) ?? {
      ...this.array.defaultOwner,
      mode: mode & this.array.defaultOwner.mode,
    };
    const volume = await this.array.createVolume({ name, sizeBytes: 0, owner });
    const node = new ImageNode(this.array, volume);
    const handle = this.array.openImage(volume, { write: true });
    return { node, file: new ImageFile(node, handle, true, this.array) };
  }

  async remove(name: string): Promise<void> {
    requireWritable(this.array);
    const volume = this.existing(name);
    const deleted = this.array.deleteVolume(volume.name, { snapshots: false });
    await tellingWhyBusy(this.array, volume, deleted);
  }

  /** Never replaces, though rename(2) would: an image must not be lost by a slip. */
  async rename(name: string, newName: string): Promise<void> {
    requireWritable(this.array);
    const volume = this.existing(name);
    if (newName === volume.name) return;
    this.checkNewName(newName);
    if (volumeNamed(this.array, newName) !== undefined) {
      const error = new ArrayError('EEXIST', `there is a volume ${newName}: delete it first`);
      throw refused(this.array, newName, error);
    }
    await this.array.renameVolume(volume.name, newName);
  }

  private existing(name: string): VolumeView {
    const volume = volumeNamed(this.array, name);
    if (volume === undefined) throw new ArrayError('ENOENT', `no volume ${name}`);
    return volume;
  }

  private checkNewName(name: string): void {
    const problem = nameProblem(name);
    if (problem === undefined) return;
    const [, target] = RSYNC_TEMPORARY_NAME.exec(name) ?? [];
    const advice =
      target === undefined ? '' : `; to write ${target} with rsync use: rsync --inplace`;
    throw refused(this.array, name, new ArrayError('EINVAL', `${problem}${advice}`));
  }
}

/** By its name alone: `#12` is no second path to a volume. */
export function volumeNamed(array: DiskArray, name: string): VolumeView | undefined {
  return name.startsWith('#') ? undefined : array.findVolume(name);
}
