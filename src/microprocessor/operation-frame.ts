/**
 * An operation and its answer in a chunk of the backup data area:
 *
 *    0  4  bytes of the head, big-endian      8     head: JSON
 *    4  4  bytes of the data                  4096  data
 */
import { assert } from '../base/assert.js';
import type { DeviceOperation, OperationReply } from './device-operation.js';
import type { Failure } from './errand-order.js';

const HEAD_AT = 8;
const DATA_AT = 4_096;

export interface Answered {
  readonly reply: OperationReply;
  readonly data?: Uint8Array;
}
export type FramedAnswer = Answered | { readonly failure: Failure };

const NO_DATA = new Uint8Array(0);

/** Tells the bytes of the frame. */
export function encodeOperation(
  place: Buffer,
  operation: DeviceOperation,
  data: Uint8Array = NO_DATA,
): number {
  return encodeFrame(place, operation, data);
}

/** The twin of `encodeOperation`; the data lies in the frame. */
export function decodeOperation(frame: Buffer): { operation: DeviceOperation; data: Uint8Array } {
  const { head, data } = decodeFrame(frame);
  return { operation: head as DeviceOperation, data };
}

export function encodeAnswer(place: Buffer, answer: FramedAnswer): void {
  const isDone = 'reply' in answer;
  const head = isDone ? { reply: answer.reply } : { failure: shortened(answer.failure) };
  encodeFrame(place, head, (isDone && answer.data) || NO_DATA);
}

/** The twin of `encodeAnswer`; the data lies in the frame. */
export function decodeAnswer(frame: Buffer): FramedAnswer {
  const { head, data } = decodeFrame(frame);
  return { data, ...(head as FramedAnswer) };
}

function encodeFrame(place: Buffer, head: object, data: Uint8Array): number {
  const text = Buffer.from(JSON.stringify(head));
  assert(text.length <= DATA_AT - HEAD_AT, 'the head of a frame fits');
  assert(DATA_AT + data.length <= place.length, 'the data of a frame fits');
  place.writeUInt32BE(text.length, 0);
  place.writeUInt32BE(data.length, 4);
  place.set(text, HEAD_AT);
  place.set(data, DATA_AT);
  return DATA_AT + data.length;
}

function decodeFrame(frame: Buffer): { head: unknown; data: Uint8Array } {
  const headBytes = frame.readUInt32BE(0);
  const dataBytes = frame.readUInt32BE(4);
  return {
    head: JSON.parse(frame.toString('utf8', HEAD_AT, HEAD_AT + headBytes)),
    data: frame.subarray(DATA_AT, DATA_AT + dataBytes),
  };
}

function shortened(failure: Failure): Failure {
  return { ...failure, reason: failure.reason.slice(0, 500) };
}
