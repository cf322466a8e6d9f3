/**
 * A microprocessor for tests: a thread that lives by the kernel as the real one does, with a simulated device. The
 * payload of a request is its number at the device; the content of a chunk is a number, too.
 */
import { workerData } from 'node:worker_threads';
import { systemClock } from '../../../src/base/clock.js';
import { ringSignal, waitForRing } from '../../../src/san/data-area.js';
import {
  type DeviceSearch,
  MicroprocessorKernel,
  type Transfer,
} from '../../../src/san/microprocessor-kernel.js';
import type { PortId } from '../../../src/san/port-id.js';
import type { SearchReason } from '../../../src/san/search-reasons.js';
import { SharedMemory } from '../../../src/san/shared-memory.js';
import { SimulatedDevice } from './simulated-device.js';

/** What the device answers at each port. */
export type Answers = { readonly [P in PortId]?: SearchReason | 'hang' };

export interface ThreadData {
  readonly memory: SharedArrayBuffer;
  readonly device: SharedArrayBuffer;
  readonly index: number;
  readonly answers: Answers;
}

const SLEEP_MS = 5;
const { memory, device: deviceBuffer, index, answers } = workerData as ThreadData;
const device = new SimulatedDevice(deviceBuffer);
const kernel = new MicroprocessorKernel(new SharedMemory(memory), index, systemClock);

for (;;) {
  const seen = kernel.signal();
  const search = kernel.poll();
  const transfer = search === undefined ? undefined : searched(search);
  if (transfer !== undefined) move(transfer);
  else if (search === undefined) kernel.sleep(seen, SLEEP_MS);
}

function searched(search: DeviceSearch): Transfer | undefined {
  for (let port = search.port; port !== undefined; ) {
    const answer = answers[port] ?? 'no-path';
    device.search(() => answer === 'hang' && device.hang());
    if (answer === 'found') return search.found();
    port = search.failed(answer === 'hang' ? 'failed' : answer);
  }
  return undefined;
}

/** Moves chunks until there is a wish, or none is left. */
function move(transfer: Transfer): void {
  const { slot, consumer } = transfer;
  const request = slot.payload.readUInt32LE();
  for (let wish = transfer.wish(); wish === 'none'; wish = transfer.wish()) {
    const seen = ringSignal(slot);
    const chunk = consumer.next();
    if (chunk?.kind === 'end') {
      transfer.end('done');
      return;
    }
    if (chunk === undefined) {
      waitForRing(slot, seen, SLEEP_MS);
      continue;
    }
    device.write(request, chunk.content.readUInt32LE());
    consumer.consumed(chunk, chunk.sequence);
  }
  if (transfer.wish() === 'end') transfer.end('cancelled');
  else transfer.letGo();
}
