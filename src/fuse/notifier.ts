/**
 * The notifier: a thread that writes notifications to /dev/fuse. The kernel may hold such a write until
 * other requests of the mount are answered, so the event loop, which answers them, must not do it.
 * For every frame it tells that it is written: undefined, or what went wrong.
 */
import { writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

export interface NotifierData {
  /** Of /dev/fuse, mounted. */
  readonly device: number;
}

/** The kernel does not know the node, or there is no mount any more. */
const ERRORS_HARMLESS = new Set(['ENOENT', 'ENODEV', 'ECONNABORTED', 'ENOTCONN']);

const { device } = workerData as NotifierData;

parentPort?.on('message', (frame: Uint8Array) => {
  parentPort?.postMessage(problemOfWriting(frame));
});

function problemOfWriting(frame: Uint8Array): unknown {
  try {
    writeSync(device, frame);
    return undefined;
  } catch (error) {
    return ERRORS_HARMLESS.has((error as NodeJS.ErrnoException).code ?? '') ? undefined : error;
  }
}
