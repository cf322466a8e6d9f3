/**
 * What a microprocessor is to do, as plain data: the payload of a request in shared memory. And what it tells of a failure: the
 * report of the request, in words that fit there.
 */
import { deserialize, serialize } from 'node:v8';
import { asArrayError, type ErrorCode } from '../base/errors.js';
import type { Management } from '../device/backup-manifest.js';
import type { BackupPointer } from '../device/backup-writer.js';
import { DEVICE_FAULTS, DeviceError, type DeviceFault } from '../device/device-error.js';
import type { DeviceDefinition } from '../device/open-device.js';
import { REPORT_BYTES } from '../san/shared-memory.js';
import { FaultedDeviceError } from './fault-gate.js';

export interface ErrandOrder {
  /** Of the array: gives the names of ports by which they log in. */
  readonly serial: string;
  readonly device: { readonly name: string; readonly definition: DeviceDefinition };
  readonly work: Work;
}

export type Work =
  | {
      readonly kind: 'backup';
      readonly medium: string;
      readonly management: Management;
      readonly resume?: BackupPointer | undefined;
    }
  | { readonly kind: 'restore'; readonly medium: string; readonly reference?: string | undefined }
  | { readonly kind: 'session'; readonly medium: string; readonly mode: 'read' | 'write' }
  | { readonly kind: 'probe' };

export type WorkOf<K extends Work['kind']> = Extract<Work, { readonly kind: K }>;

export function encodeOrder(order: ErrandOrder): Uint8Array {
  return serialize(order);
}

/** The twin of `encodeOrder`. */
export function decodeOrder(payload: Uint8Array): ErrandOrder {
  return deserialize(payload) as ErrandOrder;
}

/** A failure of the device, as it crosses threads. */
export interface Failure {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly fault?: DeviceFault;
  /** Status, sense key, additional sense code and qualifier. */
  readonly sense?: readonly [number, number, number, number];
}

/** Bytes of a reason: as JSON, with all that may have to be escaped in it, it fits the report. */
const REASON_BYTES = 160;
const REASON_BYTES_PLAIN = REPORT_BYTES - 200;

export function failureOf(error: unknown): Failure {
  if (error instanceof FaultedDeviceError) {
    const { status, key, asc, ascq } = error.sense;
    const { code, reason, fault } = error;
    return { code, reason, fault, sense: [status, key, asc, ascq] };
  }
  if (error instanceof DeviceError) {
    const { code, fault } = error;
    const { status, key, asc, ascq } = DEVICE_FAULTS[fault];
    return { code, reason: error.reason, fault, sense: [status, key, asc, ascq] };
  }
  const { code, reason } = asArrayError(error);
  return { code, reason };
}

/** A text that fits the report of a request; a reason that is too long is cut. */
export function encodeFailure(failure: Failure): string {
  const cut = (bytes: number) =>
    JSON.stringify({
      ...failure,
      reason: Buffer.from(failure.reason).subarray(0, bytes).toString(),
    });
  const text = cut(REASON_BYTES_PLAIN);
  return Buffer.byteLength(text) <= REPORT_BYTES ? text : cut(REASON_BYTES);
}

/** The twin of `encodeFailure`. */
export function decodeFailure(report: string): Failure {
  return JSON.parse(report) as Failure;
}
