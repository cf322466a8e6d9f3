/** A device of any kind from its definition, which is plain data: it goes to worker threads as it is. */
import { unreachable } from '../base/assert.js';
import { ArrayDevice } from './array-device.js';
import type { BackupDevice, DeviceKind } from './backup-device.js';
import { DiskDevice } from './disk-device.js';
import { TapeLibrary } from './tape-library.js';

export interface DeviceDefinition {
  readonly kind: DeviceKind;
  /** Directory of the library, file or block device, mount point of the other array. */
  readonly path: string;
  /** The initiators it lets in; absent: all. */
  readonly admits?: readonly string[];
}

/** Touches nothing yet. */
export function openDevice({ kind, path, admits }: DeviceDefinition): BackupDevice {
  switch (kind) {
    case 'tape':
      return new TapeLibrary(path, admits);
    case 'disk':
      return new DiskDevice(path, admits);
    case 'array':
      return new ArrayDevice(path, admits);
    default:
      return unreachable(kind);
  }
}
