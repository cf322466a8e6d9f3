/**
 * A disk: one medium, which is a file or a block device and has the name of it. A file is made by
 * loading it for writing; a lock beside it keeps others out (owner-lock.ts). A block device is opened
 * exclusively for writing: one that is mounted is busy. A file without permission to write for
 * anybody is write-protected, for root, too.
 */
import { type Stats, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { BlockDevice, BlockSession, Capacity, MediumInfo } from './backup-device.js';
import { DeviceError, withDeviceErrors } from './device-error.js';
import { ImageMedium } from './image-medium.js';
import { isWriteProtected } from './library-files.js';
import { type Attempt, lockDirectory, lockHolder, type OwnerLock } from './owner-lock.js';
import { directoryProblem, pathKind } from './path-kind.js';
import { isReadOnlyDevice, type OpenMode, sizeOf } from './positioned-bytes.js';
import { checkAdmitted, freeBytes, SessionBase } from './session-base.js';

export class DiskDevice implements BlockDevice {
  readonly kind = 'disk';
  readonly structure = 'block';

  constructor(
    readonly path: string,
    private readonly admits?: readonly string[],
  ) {}

  get mediumName(): string {
    return basename(this.path);
  }

  media(): readonly MediumInfo[] {
    return withDeviceErrors(() => {
      const stats = this.find();
      const holder = lockHolder(this.lockPath());
      return [
        {
          name: this.mediumName,
          usedBytes: stats === undefined ? 0 : sizeOf(stats),
          isProtected: stats !== undefined && isProtected(stats),
          ...(holder && { holder }),
        },
      ];
    });
  }

  login(initiator: string, attempt?: Attempt): BlockSession {
    withDeviceErrors(() => this.find());
    checkAdmitted(`disk ${this.path}`, this.admits, initiator);
    return new DiskSession(this, initiator, attempt);
  }

  /** Undefined where the file is not made yet; `missing` where it could not be made either. */
  find(): Stats | undefined {
    const stats = statSync(this.path, { throwIfNoEntry: false });
    if (stats === undefined) {
      const problem = directoryProblem(dirname(this.path));
      if (problem === undefined) return undefined;
      throw new DeviceError('missing', `no disk can be made at ${this.path}: ${problem}`);
    }
    if (stats.isFile() || stats.isBlockDevice()) return stats;
    const reason = `${this.path} is ${pathKind(stats)}, a disk is a file or block device`;
    throw new DeviceError('refused', reason, stats.isDirectory() ? 'EISDIR' : 'EINVAL');
  }

  /** Nothing is written into /dev. */
  lockPath(): string {
    const stats = this.find();
    return stats?.isBlockDevice()
      ? join(lockDirectory(), `arrayfs-disk-${stats.rdev}`)
      : join(dirname(this.path), `.${this.mediumName}`);
  }
}

class DiskSession extends SessionBase<ImageMedium> implements BlockSession {
  constructor(
    readonly device: DiskDevice,
    initiator: string,
    attempt: Attempt | undefined,
  ) {
    super(initiator, attempt);
  }

  protected take(name: string): OwnerLock {
    const { path, mediumName } = this.device;
    if (name !== mediumName) {
      throw new DeviceError('no-medium', `disk ${path} has one medium, ${mediumName}, not ${name}`);
    }
    return this.lockOrBusy(this.device.lockPath(), `disk ${path}`);
  }

  protected open(_name: string, mode: 'read' | 'write'): ImageMedium {
    const { path } = this.device;
    const stats = this.device.find();
    if (mode === 'read' && stats === undefined) {
      throw new DeviceError('no-medium', `nothing has been written to the disk ${path} yet`);
    }
    if (mode === 'write' && stats !== undefined && isProtected(stats)) {
      throw new DeviceError('write-protected', `disk ${path} is write-protected`);
    }
    const isBlockDevice = stats?.isBlockDevice() ?? false;
    const writing: OpenMode =
      (isBlockDevice && 'exclusive') || (stats === undefined && 'create') || 'write';
    return new ImageMedium(path, { mode: mode === 'read' ? 'read' : writing, isBlockDevice });
  }

  protected measure(): Capacity {
    const stats = this.device.find();
    const size = stats === undefined ? 0 : sizeOf(stats);
    if (stats?.isBlockDevice()) return { capacityBytes: size, remainingBytes: size };
    const remainingBytes = freeBytes(dirname(this.device.path));
    return { capacityBytes: (stats?.blocks ?? 0) * 512 + remainingBytes, remainingBytes };
  }
}

function isProtected(stats: Stats): boolean {
  return isWriteProtected(stats) || isReadOnlyDevice(stats);
}
