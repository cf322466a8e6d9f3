/**
 * A microprocessor ([000] fig. 11): polls the shared memory, takes exclusive control, searches the device of a request through
 * its ports, and moves data between the device and the backup data area until the request is done, or somebody else is to go
 * on. It alone talks to the device: ending its thread stops the transfer where it is.
 */
import type { Clock } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import { signalWord } from '../base/shared-words.js';
import type { DeviceSession } from '../device/backup-device.js';
import type { Attempt } from '../device/owner-lock.js';
import { readKept, ringSignal, waitForRing } from '../san/data-area.js';
import {
  type DeviceSearch,
  MicroprocessorKernel,
  type Transfer,
} from '../san/microprocessor-kernel.js';
import type { PortId } from '../san/port-id.js';
import { FaultView } from '../san/shared-faults.js';
import { HEADER, SharedMemory } from '../san/shared-memory.js';
import { BackupDriver, goesOnAt } from './backup-driver.js';
import { openThrough, searchFailure } from './device-search.js';
import type { Driver, DriverParts } from './driver.js';
import { decodeOrder, type ErrandOrder, encodeFailure, failureOf } from './errand-order.js';
import { FaultGate, PortFault } from './fault-gate.js';
import { ProbeDriver } from './probe-driver.js';
import { RestoreDriver } from './restore-driver.js';
import { addDetail } from './search-report.js';
import { SessionDriver } from './session-driver.js';

/** Between two signs of life where nothing happens. */
const IDLE_MS = 500;

export interface MicroprocessorData {
  readonly memory: SharedArrayBuffer;
  readonly faults: SharedArrayBuffer | undefined;
  /** Number of this shared memory among those of the process. */
  readonly engine: number;
  readonly index: number;
  /** `CL1-M0`. */
  readonly name: string;
}

interface Found {
  readonly session: DeviceSession;
  readonly transfer: Transfer;
  readonly order: ErrandOrder;
}

export class Microprocessor {
  private readonly kernel: MicroprocessorKernel;
  private readonly gate: FaultGate;
  private readonly engine: number;

  constructor(
    { memory, faults, engine, index, name }: MicroprocessorData,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {
    const shared = new SharedMemory(memory);
    this.engine = engine;
    this.kernel = new MicroprocessorKernel(shared, index, clock);
    this.gate = new FaultGate({
      name,
      faults: faults && new FaultView(faults),
      beat: () => this.kernel.beat(),
      monotonicMs: () => clock.monotonicMs(),
      onHit: () => signalWord(shared.words, HEADER.arraySignal),
    });
  }

  /** For ever: the thread is terminated. */
  run(): never {
    for (;;) this.turn();
  }

  private turn(): void {
    const seen = this.kernel.signal();
    const search = this.kernel.poll();
    if (search === undefined) {
      this.kernel.sleep(seen, IDLE_MS);
      return;
    }
    const found = this.search(search);
    if (found !== undefined) this.move(found);
  }

  private search(search: DeviceSearch): Found | undefined {
    const { slot } = search;
    const order = decodeOrder(slot.payload);
    for (let port = search.port; port !== undefined; ) {
      try {
        this.gate.pass(port, order.device.name);
        // Held up so long that others search by now: it takes nothing from them.
        const session = search.isLost ? undefined : this.open(order, port, search);
        const transfer = search.found();
        if (session !== undefined && transfer !== undefined) return { session, transfer, order };
        session?.logout();
        return undefined;
      } catch (error) {
        if (isBug(error)) throw error;
        const { reason, detail } = searchFailure(error, order.serial);
        if (!search.isLost) slot.report = addDetail(slot.report, port, detail);
        port = search.failed(reason);
      }
    }
    return undefined;
  }

  private open(order: ErrandOrder, port: PortId, { slot, attempt }: DeviceSearch): DeviceSession {
    const { work } = order;
    const from = work.kind === 'backup' ? goesOnAt(work, readKept(slot)) : undefined;
    return openThrough(order, port, from, this.attemptAt(slot.slot, attempt));
  }

  /** Its name says which engine, slot and claim it is of. */
  private attemptAt(slot: number, attempt: number): Attempt {
    return {
      id: `${this.engine}-${slot}-${attempt}`,
      isOver: (id) => {
        const [engine, otherSlot = 0, other = 0] = id.split('-').map(Number);
        return engine === this.engine && this.kernel.isOver(otherSlot, other);
      },
    };
  }

  /** The device is given back before the request is: the next one may need it at once. */
  private move({ session, transfer, order }: Found): void {
    const { slot } = transfer;
    const port = slot.port as PortId;
    const parts: DriverParts = {
      session,
      transfer,
      gate: (range) => this.gate.pass(port, order.device.name, range),
      monotonicMs: () => this.clock.monotonicMs(),
    };
    const ending = this.ended(driverOf(order, parts), transfer);
    session.logout();
    if (ending.kind === 'left') transfer.letGo();
    else if (ending.kind === 'port-failed') {
      slot.report = addDetail(slot.report, port, ending.detail);
      slot.failPort(port, 'failed');
      transfer.letGo();
    } else transfer.end(ending.kind, ending.report);
  }

  private ended(driver: Driver, transfer: Transfer): Ending {
    const { slot } = transfer;
    try {
      driver.begin();
      for (let wish = transfer.wish(); wish === 'none'; wish = transfer.wish()) {
        const seen = ringSignal(slot);
        const step = driver.step();
        if (step === 'done') return { kind: 'done' };
        if (step === 'idle') waitForRing(slot, seen, IDLE_MS);
      }
      if (slot.wish !== 'end') return { kind: 'left' };
      driver.suspend();
      return { kind: 'cancelled' };
    } catch (error) {
      if (error instanceof PortFault) return { kind: 'port-failed', detail: error.message };
      if (isBug(error)) throw error;
      return { kind: 'failed', report: encodeFailure(failureOf(error)) };
    }
  }
}

/** Ends the thread: whatever else goes on is not to be trusted. */
function isBug(error: unknown): boolean {
  if (error instanceof ArrayError || error instanceof PortFault) return false;
  return typeof (error as { code?: unknown } | undefined)?.code !== 'string';
}

type Ending =
  | { readonly kind: 'done' | 'cancelled' | 'failed'; readonly report?: string }
  | { readonly kind: 'left' }
  | { readonly kind: 'port-failed'; readonly detail: string };

function driverOf({ work }: ErrandOrder, parts: DriverParts): Driver {
  switch (work.kind) {
    case 'backup':
      return new BackupDriver(parts, work);
    case 'restore':
      return new RestoreDriver(parts, work);
    case 'session':
      return new SessionDriver(parts, work);
    case 'probe':
      return new ProbeDriver(parts);
  }
}
