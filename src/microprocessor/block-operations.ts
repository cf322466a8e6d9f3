/** Single operations at a disk or another array (device-operation.ts). */
import type { BlockMedium } from '../device/backup-device.js';
import { DeviceError } from '../device/device-error.js';
import { type DeviceOperation, OPERATION_BYTES_MAX } from './device-operation.js';
import type { Answered } from './operation-frame.js';

const DONE: Answered = { reply: { kind: 'done' } };

export function blockOperation(
  medium: BlockMedium,
  operation: DeviceOperation,
  data: Uint8Array,
): Answered {
  switch (operation.kind) {
    case 'begin-image':
      medium.beginImage(operation.imageBytes);
      return DONE;
    case 'read-blocks': {
      const { position, bytes } = operation;
      if (bytes > OPERATION_BYTES_MAX) {
        throw new DeviceError('invalid', `${bytes} bytes are too many for one operation`);
      }
      return { reply: { kind: 'data', records: [bytes] }, data: medium.read(position, bytes) };
    }
    case 'write-blocks':
      medium.write(operation.position, data);
      return DONE;
    default:
      throw new DeviceError('invalid', `a disk cannot ${operation.kind}`);
  }
}
