/** Performs the model's operations on an array, with one open image for each volume written to. */
import type { StorageArray } from '../../src/array/array.js';
import type { ImageHandle } from '../../src/array/disk-array.js';
import type { ByteOperation, CopyOperation, ModelCommand, ModelOperation } from './array-model.js';

export function isByteOperation(operation: ModelOperation): operation is ByteOperation {
  return ['write', 'resize', 'discard', 'copy'].includes(operation.kind);
}

/** Has changed memory when this returns, and resolves when it is answered. */
export function performCommand(array: StorageArray, operation: ModelCommand): Promise<unknown> {
  switch (operation.kind) {
    case 'create':
      return array.createVolume({ name: operation.name, sizeBytes: operation.size });
    case 'snapshot':
      return array.takeSnapshots(operation.names, { name: operation.snapshot });
    case 'restore':
      return array.restore(operation.name, operation.snapshot, { force: true });
    case 'clone':
      return array.clone(operation.name, operation.snapshot, operation.newName, {});
    case 'drop':
      return array.deleteSnapshot(operation.name, operation.snapshot, { force: true });
    case 'delete':
      return array.deleteVolume(operation.name, { snapshots: true });
    case 'rename':
      return array.renameVolume(operation.name, operation.newName);
  }
}

export class MountedOperations {
  private readonly open = new Map<string, ImageHandle>();
  /** Open images of deleted volumes. */
  private readonly deleted: ImageHandle[] = [];

  constructor(private readonly array: StorageArray) {}

  /** Resolves when the operation is answered; a command has changed memory when this returns. */
  perform(operation: ModelOperation): Promise<unknown> {
    return isByteOperation(operation) ? this.change(operation) : this.command(operation);
  }

  resizeByCommand(name: string, size: number): Promise<unknown> {
    return this.array.resizeVolume(name, size, { force: true });
  }

  async sync(name: string, snapshot: string | undefined): Promise<void> {
    if (snapshot === undefined) return this.handle(name).sync();
    const handle = this.array.openImage(this.array.snapshot(name, snapshot), { write: false });
    const done = handle.sync();
    handle.close();
    return done;
  }

  /** Writes to an image of a deleted volume, makes that durable and closes the image. */
  async useDeleted(offset: number, data: Uint8Array): Promise<void> {
    const handle = this.deleted.shift();
    if (handle === undefined) return;
    await handle.write(offset, data);
    await handle.sync();
    handle.close();
  }

  closeAll(): void {
    for (const handle of [...this.open.values(), ...this.deleted]) handle.close();
    this.open.clear();
    this.deleted.length = 0;
  }

  private async change(operation: ByteOperation): Promise<unknown> {
    const handle = this.handle(operation.name);
    if (operation.kind === 'copy') return this.copy(operation, handle);
    if (operation.kind === 'write') return handle.write(operation.offset, operation.data);
    if (operation.kind === 'resize') return handle.resize(operation.size);
    return handle.discard(operation.offset, operation.size);
  }

  private async copy(operation: CopyOperation, target: ImageHandle): Promise<unknown> {
    const { source, snapshot, sourceOffset, offset, data } = operation;
    const copy = this.array.copy(snapshot === undefined ? source : `${source}@${snapshot}`);
    const handle = this.array.openImage(copy, { write: false });
    try {
      return await handle.copyTo(sourceOffset, target, offset, data.length);
    } finally {
      handle.close();
    }
  }

  /** The open image of a volume that is deleted or gets another name goes along. */
  private async command(operation: ModelCommand): Promise<unknown> {
    const done = performCommand(this.array, operation);
    if (operation.kind === 'delete' || operation.kind === 'rename') {
      const handle = this.open.get(operation.name);
      this.open.delete(operation.name);
      if (handle !== undefined && operation.kind === 'delete') this.deleted.push(handle);
      if (handle !== undefined && operation.kind === 'rename') {
        this.open.set(operation.newName, handle);
      }
    }
    return done;
  }

  private handle(name: string): ImageHandle {
    let handle = this.open.get(name);
    if (handle === undefined) {
      handle = this.array.openImage(this.array.volume(name), { write: true });
      this.open.set(name, handle);
    }
    return handle;
  }
}
