/**
 * The search of a device through one port ([000] fig. 11, steps 1022 to 1034): login by the name of the port, reservation and
 * loading of the medium. Whatever fails gives back all that was taken.
 */
import type { DeviceSession } from '../device/backup-device.js';
import type { BackupPointer } from '../device/backup-writer.js';
import { asDeviceError, type DeviceFault } from '../device/device-error.js';
import { openDevice } from '../device/open-device.js';
import type { Attempt } from '../device/owner-lock.js';
import { PORT_IDS, type PortId, portWwn } from '../san/port-id.js';
import type { SearchReason } from '../san/search-reasons.js';
import type { ErrandOrder } from './errand-order.js';
import { PortFault } from './fault-gate.js';

const REASONS: Readonly<Record<DeviceFault, SearchReason>> = {
  busy: 'busy',
  full: 'full',
  unloaded: 'unloaded',
  'no-medium': 'no-medium',
  'no-next-volume': 'no-medium',
  'write-protected': 'write-protected',
  missing: 'missing',
  changed: 'failed',
  refused: 'refused',
  damaged: 'failed',
  foreign: 'failed',
  invalid: 'failed',
};

/** A session with the medium of the order loaded; `goesOnAt`: a backup was begun before, by this pointer. */
export function openThrough(
  { serial, device, work }: ErrandOrder,
  port: PortId,
  goesOnAt: BackupPointer | undefined,
  attempt: Attempt,
): DeviceSession {
  const session = openDevice(device.definition).login(portWwn(serial, port), attempt);
  try {
    switch (work.kind) {
      case 'backup':
        session.reserve(goesOnAt?.medium ?? work.medium);
        // Loading makes a volume of an array that is not there, and no increment goes onto a new one.
        if (work.management.manifest.base === undefined || session.device.structure === 'stream') {
          session.load('write');
        }
        break;
      case 'restore':
        session.reserve(work.medium);
        session.load('read');
        break;
      case 'session':
        session.reserve(work.medium);
        session.load(work.mode);
        break;
      case 'probe':
        break;
    }
    return session;
  } catch (error) {
    session.logout();
    throw error;
  }
}

/** Why the port does not do, and what the device, or the port, said. */
export function searchFailure(
  error: unknown,
  serial: string,
): {
  readonly reason: SearchReason;
  readonly detail: string;
} {
  if (error instanceof PortFault) return { reason: 'failed', detail: error.message };
  const { fault, reason } = asDeviceError(error);
  const detail = fault === 'busy' ? withPortNames(reason, serial) : reason;
  return { reason: REASONS[fault], detail };
}

/** Who has the device may be another job of this array. */
function withPortNames(text: string, serial: string): string {
  return PORT_IDS.reduce((named, port) => {
    return named.replace(portWwn(serial, port), `port ${port} of this array`);
  }, text);
}
