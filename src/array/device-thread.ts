/**
 * A thread that looks at one new backup device and ends: what a device is on may be slow, or never answer. Posts one
 * DeviceVerdict.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { asArrayError, type ErrorCode } from '../base/errors.js';
import type { MediumInfo } from '../device/backup-device.js';
import type { DeviceDefinition } from '../device/open-device.js';
import { type LibraryWish, prepareDevice } from '../device/prepare-device.js';
import { refusePathOnMount } from '../host/backing-chain.js';

export interface DeviceThreadData {
  readonly device: DeviceDefinition;
  readonly library: LibraryWish;
  /** Of the array itself: no device may lie on it. */
  readonly mountPoint: string;
}

export type DeviceVerdict =
  | { readonly kind: 'usable'; readonly media: readonly MediumInfo[] }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly reason: string };

parentPort?.postMessage(verdict(workerData as DeviceThreadData));

function verdict({ device, library, mountPoint }: DeviceThreadData): DeviceVerdict {
  try {
    refusePathOnMount(device.path, mountPoint);
    return { kind: 'usable', media: prepareDevice(device, library) };
  } catch (error) {
    const { code, reason } = asArrayError(error);
    return { kind: 'refused', code, reason };
  }
}
