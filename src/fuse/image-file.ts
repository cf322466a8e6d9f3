/**
 * The image of a volume or snapshot as a file. The node keeps the copy's number and asks the array
 * for its present state; once the copy is deleted, open files go on working and the last state
 * known is shown.
 */
import type {
  CopyView,
  DiskArray,
  ImageHandle,
  SnapshotView,
  VolumeView,
} from '../array/disk-array.js';
import { ArrayError, type ErrorCode } from '../base/errors.js';
import { VOLUME_BYTES_MAX } from '../base/limits.js';
import { roundUpToSector } from '../base/sizes.js';
import type {
  Answer,
  AttributeChanges,
  Attributes,
  OpenFile,
  OpenFlags,
  RangeChange,
  TreeNode,
} from './file-tree.js';
import {
  copyAttributes,
  type FileNode,
  inodeOf,
  refused,
  requireWritable,
  tellingWhyBusy,
} from './tree-nodes.js';

/** Volumes are read and written; snapshots are frozen whatever their mode says. */
const VOLUME_PERMISSIONS = 0o7777;
const SNAPSHOT_PERMISSIONS = 0o7555;

/** Of a write that was refused; full and failed pools are told of by themselves. */
const TOLD: readonly ErrorCode[] = ['EBUSY', 'EROFS'];

export class ImageNode implements FileNode {
  readonly isDirectory = false;
  readonly ino: number;

  constructor(
    private readonly array: DiskArray,
    private readonly copy: VolumeView | SnapshotView,
  ) {
    this.ino = inodeOf('image', copy.number);
  }

  attributes(): Attributes {
    const current = currentCopy(this.array, this.copy);
    const copy: CopyView = current ?? this.copy;
    return copyAttributes(this.ino, copy, {
      permissionMask: this.copy.kind === 'volume' ? VOLUME_PERMISSIONS : SNAPSHOT_PERMISSIONS,
      sizeBytes: copy.sizeBytes,
      allocatedBytes: copy.allocatedBytes,
      linkCount: current === undefined ? 0 : 1,
    });
  }

  async setAttributes(changes: AttributeChanges, file: OpenFile | undefined): Promise<void> {
    requireWritable(this.array);
    const { sizeBytes, ...ownership } = changes;
    if (sizeBytes !== undefined) {
      await tellingWhyBusy(this.array, this.copy, this.resize(sizeBytes, file));
    }
    if (Object.keys(ownership).length === 0) return;
    const copy = currentCopy(this.array, this.copy) ?? this.copy;
    this.array.setOwnership(copy, ownership);
  }

  async open(flags: OpenFlags): Promise<OpenFile> {
    const copy = currentCopy(this.array, this.copy);
    if (copy === undefined) throw new ArrayError('ENOENT', `${this.copy.name} is deleted`);
    const handle = this.array.openImage(copy, { write: flags.write });
    if (flags.truncate && flags.write) await tellingWhyBusy(this.array, copy, emptied(handle));
    return new ImageFile(this, handle, flags.write, this.array);
  }

  /** Through the open file it came by, which then is no foreign writer; else by name. */
  private async resize(sizeBytes: number, file: OpenFile | undefined): Promise<void> {
    if (this.copy.kind === 'snapshot') throw new ArrayError('EROFS', 'a snapshot is read-only');
    const roundedBytes = roundUpToSector(sizeBytes);
    if (roundedBytes > VOLUME_BYTES_MAX) {
      throw new ArrayError('EFBIG', `a volume has at most ${VOLUME_BYTES_MAX} bytes`);
    }
    if (file instanceof ImageFile && file.writable) await file.handle.resize(roundedBytes);
    else await this.array.resizeVolume(`#${this.copy.number}`, roundedBytes, { force: false });
  }
}

/** One open of an image. */
export class ImageFile implements OpenFile {
  readonly mayBeCached: boolean = true;
  /** A program may try for ever: why a write is refused is told once for each reason and open file. */
  private readonly toldReasons = new Set<string>();

  constructor(
    readonly node: TreeNode,
    readonly handle: ImageHandle,
    readonly writable: boolean,
    private readonly array: DiskArray,
  ) {}

  read(offset: number, target: Uint8Array): Answer<number> {
    return this.handle.read(offset, target);
  }

  write(offset: number, data: Uint8Array): Answer<number> {
    try {
      const written = this.handle.write(offset, data);
      return typeof written === 'number' ? written : written.catch((error) => this.refuse(error));
    } catch (error) {
      return this.refuse(error);
    }
  }

  /**
   * Space is taken as it is written: `reserve` only makes sure of the size. `zero` gives the space back
   * as `punch` does.
   */
  async allocate({ kind, offset, sizeBytes, keepsSize }: RangeChange): Promise<void> {
    const end = roundUpToSector(offset + sizeBytes);
    if (end > VOLUME_BYTES_MAX) {
      throw new ArrayError('EFBIG', `a volume has at most ${VOLUME_BYTES_MAX} bytes`);
    }
    try {
      if (!keepsSize && end > this.handle.copy.sizeBytes) await this.handle.resize(end);
      if (kind !== 'reserve') await this.handle.discard(offset, sizeBytes);
    } catch (error) {
      this.refuse(error);
    }
  }

  seekData(offset: number): Promise<number | undefined> {
    return this.handle.nextData(offset);
  }

  seekHole(offset: number): Promise<number> {
    return this.handle.nextHole(offset);
  }

  copyRange(
    offset: number,
    target: OpenFile,
    targetOffset: number,
    sizeBytes: number,
  ): Promise<number> {
    if (!(target instanceof ImageFile)) throw new ArrayError('EXDEV', 'the target is no image');
    const copied = this.handle.copyTo(offset, target.handle, targetOffset, sizeBytes);
    return copied.catch((error) => target.refuse(error));
  }

  /** Durability is fsync's; a close promises nothing, as on any file system. */
  flush(): void {}

  sync(): Promise<void> {
    return this.handle.sync();
  }

  close(): void {
    this.handle.close();
  }

  /** What a pair does not allow is told in /events. */
  private refuse(error: unknown): never {
    const { copy } = this.handle;
    const isTold = error instanceof ArrayError && TOLD.includes(error.code);
    if (!isTold || copy.kind === 'snapshot' || this.toldReasons.has(error.reason)) throw error;
    this.toldReasons.add(error.reason);
    throw refused(this.array, copy.name, error);
  }
}

/** The copy as it is now, under its present name; undefined once it is deleted. */
export function currentCopy(
  array: DiskArray,
  copy: CopyView,
): VolumeView | SnapshotView | undefined {
  try {
    return array.copy(`#${copy.number}`);
  } catch (error) {
    if (error instanceof ArrayError && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** O_TRUNC: a refused truncation must not leave the image counted as open. */
async function emptied(handle: ImageHandle): Promise<void> {
  try {
    await handle.resize(0);
  } catch (error) {
    handle.close();
    throw error;
  }
}
