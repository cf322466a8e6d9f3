/** Has a new backup device looked at, and a tape library made, by a thread of its own (device-thread.ts). */
import { Worker } from 'node:worker_threads';
import type { Clock } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import type { MediumInfo } from '../device/backup-device.js';
import type { DeviceDefinition } from '../device/open-device.js';
import type { LibraryWish } from '../device/prepare-device.js';
import type { DeviceThreadData, DeviceVerdict } from './device-thread.js';

/** A library of a thousand cartridges on a slow disk is made in less. */
const ANSWER_MS_MAX = 120_000;

/** Gives the media it has; undefined where it was not looked at. Rejects with the reason where the device cannot be used. */
export type PrepareDevice = (
  device: DeviceDefinition,
  library: LibraryWish,
) => Promise<readonly MediumInfo[] | undefined>;

export function devicePreparer(
  mountPoint: string,
  clock: Clock,
  program = new URL('./device-thread.js', import.meta.url),
): PrepareDevice {
  return (device, library) => {
    const workerData: DeviceThreadData = { device, library, mountPoint };
    const worker = new Worker(program, { workerData, execArgv: [] });
    return new Promise((resolve, reject) => {
      const refuse = (text: string) => reject(new ArrayError('EIO', `${device.path} ${text}`));
      const timer = clock.after(ANSWER_MS_MAX, () => {
        refuse(`does not answer within ${ANSWER_MS_MAX / 1_000} s`);
        // A thread that the kernel holds up ends when that lets go of it; nobody waits.
        void worker.terminate();
      });
      worker.once('message', (answer: DeviceVerdict) => {
        if (answer.kind === 'usable') resolve(answer.media);
        else reject(new ArrayError(answer.code, answer.reason));
      });
      worker.once('error', (error) => refuse(`cannot be looked at: ${error.message}`));
      worker.once('exit', () => {
        timer.cancel();
        refuse('could not be looked at');
      });
    });
  };
}
