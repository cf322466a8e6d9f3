/** What a call to a device fails with. */
import { DeviceError } from '../../src/device/device-error.js';

/** The fault, or `none`; other errors pass. */
export function faultOf(action: () => unknown): string {
  return failureOf(action)?.fault ?? 'none';
}

export function reasonOf(action: () => unknown): string {
  return failureOf(action)?.reason ?? '';
}

function failureOf(action: () => unknown): DeviceError | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof DeviceError) return error;
    throw error;
  }
  return undefined;
}
