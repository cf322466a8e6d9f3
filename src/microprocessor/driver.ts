/** What a microprocessor does with a device that it has found, one kind of work each. */
import type { DeviceSession } from '../device/backup-device.js';
import type { FaultRange } from '../san/faults.js';
import type { Transfer } from '../san/microprocessor-kernel.js';

/** `idle`: nothing can be done before the ring changes. */
export type Step = 'moved' | 'idle' | 'done';

export interface Driver {
  /** Looks where the medium stands; begins, or goes on behind another. */
  begin(): void;
  /** A chunk or an operation, at most a second of work. */
  step(): Step;
  /** It ends early, and nobody follows for now: what was written is made durable. */
  suspend(): void;
}

export interface DriverParts {
  readonly session: DeviceSession;
  readonly transfer: Transfer;
  /** Where faults happen: before the device is used for these bytes. */
  gate(range?: FaultRange): void;
  monotonicMs(): number;
}
