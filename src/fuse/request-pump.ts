/**
 * The pump: a thread that does nothing but read requests from /dev/fuse into the ring, so that the event
 * loop never blocks in a read. It ends when the kernel ends the connection; a read that waits cannot
 * be ended in another way.
 */
import { readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { type EndReason, type RingMemory, RingProducer } from './request-ring.js';

export interface PumpData {
  /** Of /dev/fuse, mounted. */
  readonly device: number;
  readonly ring: RingMemory;
}

/** EINTR: a signal. ENOENT: the request was withdrawn meanwhile. EIO: it was refused by the kernel. */
const ERRORS_PASSING = new Set(['EINTR', 'ENOENT', 'EIO', 'EAGAIN']);
const ERRORS_OVER = new Set(['ENODEV', 'ECONNABORTED']);
/** So many in a row are no accident. */
const ERRORS_PASSING_MAX = 1_000;

function pump({ device, ring }: PumpData, producer: RingProducer): EndReason {
  const memory = new Uint8Array(ring.slots);
  for (let errors = 0; ; ) {
    const slot = producer.take();
    if (slot === undefined) return 'stopped';
    try {
      const length = readSync(device, memory, slot * ring.slotBytes, ring.slotBytes, null);
      producer.publish(slot, length);
      errors = 0;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (ERRORS_OVER.has(code)) return 'over';
      errors += 1;
      if (ERRORS_PASSING.has(code) && errors < ERRORS_PASSING_MAX) continue;
      parentPort?.postMessage(error);
      return 'failed';
    }
  }
}

const data = workerData as PumpData;
const producer = new RingProducer(data.ring);
producer.end(pump(data, producer));
