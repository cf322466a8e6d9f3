/** Shared memory with a board and kernels on one thread, and tables for its requests. */
import { type BitmapTable, bitmapTable } from '../../src/san/discovery.js';
import { type DeviceSearch, MicroprocessorKernel } from '../../src/san/microprocessor-kernel.js';
import { type Microprocessor, microprocessorsOf } from '../../src/san/microprocessors.js';
import type { PortId } from '../../src/san/port-id.js';
import { RequestBoard } from '../../src/san/request-board.js';
import type { RequestSlot } from '../../src/san/request-slots.js';
import type { RequestState } from '../../src/san/request-state.js';
import {
  allocateSharedMemory,
  type MemoryShape,
  type SharedMemory,
} from '../../src/san/shared-memory.js';
import { ManualClock } from '../support/manual-clock.js';

/** CL1-M0, CL1-M1, CL2-M0, CL2-M1: each has all ports of its controller. */
export const FOUR = microprocessorsOf(2);
const SHAPE: MemoryShape = {
  microprocessors: FOUR.length,
  slots: 4,
  chunks: 4,
  chunkBytes: 64,
  payloadBytes: 256,
  keptBytes: 64,
};

export function tableOf(
  ports: readonly PortId[],
  microprocessors: readonly Microprocessor[] = FOUR,
): BitmapTable {
  return bitmapTable({ ports, refused: [] }, microprocessors).table;
}

/** Every state of a request once passed through, as text. */
export class OneThread {
  readonly clock = new ManualClock();
  readonly memory: SharedMemory;
  readonly board: RequestBoard;
  readonly kernels: readonly MicroprocessorKernel[];
  private nextNumber = 1;

  constructor(shape: Partial<MemoryShape> = {}) {
    this.memory = allocateSharedMemory({ ...SHAPE, ...shape });
    this.board = new RequestBoard(this.memory, this.clock);
    this.kernels = FOUR.map(
      ({ index }) => new MicroprocessorKernel(this.memory, index, this.clock),
    );
    for (const { index } of FOUR) this.board.started(index);
  }

  kernel(index: number): MicroprocessorKernel {
    const kernel = this.kernels[index];
    if (kernel === undefined) throw new Error(`there is no microprocessor ${index}`);
    return kernel;
  }

  place(table: BitmapTable, payload = 'list'): RequestSlot {
    const slot = this.board.place({
      number: this.nextNumber,
      table,
      payload: Buffer.from(payload),
    });
    this.nextNumber += 1;
    if (slot === undefined) throw new Error('all slots are used');
    return slot;
  }

  /** Claims, finds the device at once, and transfers. */
  transfer(index: number) {
    const transfer = this.kernel(index).poll()?.found();
    if (transfer === undefined) throw new Error(`microprocessor ${index} does not transfer`);
    return transfer;
  }
}

export function stateOf(slot: RequestSlot): RequestState {
  return slot.status().state;
}

export function expectSearch(search: DeviceSearch | undefined): DeviceSearch {
  if (search === undefined) throw new Error('nothing is searched');
  return search;
}

/** Each port that was searched, and why it failed. */
export function failures(slot: RequestSlot): string[] {
  return slot.results().map(({ port, reason }) => `${port} ${reason}`);
}
