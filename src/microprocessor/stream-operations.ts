/** Single operations at a tape (device-operation.ts). */
import type { Movement, StreamMedium } from '../device/backup-device.js';
import { DeviceError } from '../device/device-error.js';
import { type DeviceOperation, OPERATION_BYTES_MAX } from './device-operation.js';
import { encodeListing } from './medium-listing.js';
import type { Answered } from './operation-frame.js';

/** Their lengths have to fit the head of the answer. */
const RECORDS_MAX = 500;
const DONE: Answered = { reply: { kind: 'done' } };

export function streamOperation(
  tape: StreamMedium,
  operation: DeviceOperation,
  data: Uint8Array,
): Answered {
  switch (operation.kind) {
    case 'write-records':
      return writeRecords(tape, operation.recordBytes, data);
    case 'write-marks':
      tape.writeMarks(operation.count);
      return DONE;
    case 'read-records':
      return readRecords(tape, operation);
    case 'space-records':
      return moved(tape.spaceRecords(operation.count));
    case 'space-marks':
      return moved(tape.spaceMarks(operation.count));
    case 'locate':
      return moved(tape.locate(operation.block));
    case 'rewind':
      tape.rewind();
      return DONE;
    case 'to-end-of-data':
      tape.toEndOfData();
      return DONE;
    case 'list-backups':
      return { ...DONE, data: encodeListing(tape, operation.from) };
    default:
      throw new DeviceError('invalid', `a tape cannot ${operation.kind}`);
  }
}

function writeRecords(tape: StreamMedium, recordBytes: number, data: Uint8Array): Answered {
  if (recordBytes < 1) throw new DeviceError('invalid', 'a record has at least one byte');
  for (let at = 0; at < data.length; at += recordBytes) {
    tape.writeRecord(data.subarray(at, at + recordBytes));
  }
  return DONE;
}

function readRecords(
  tape: StreamMedium,
  { count, recordBytes }: Extract<DeviceOperation, { kind: 'read-records' }>,
): Answered {
  const pieces: Uint8Array[] = [];
  let room = OPERATION_BYTES_MAX;
  const answer = (stop?: 'mark' | 'end-of-medium'): Answered => {
    const records = pieces.map(({ length }) => length);
    return { reply: { kind: 'data', records, ...(stop && { stop }) }, data: Buffer.concat(pieces) };
  };
  while (pieces.length < Math.min(count, RECORDS_MAX)) {
    const before = tape.position;
    const reading = tape.read();
    if (reading.kind !== 'record') return answer(reading.kind);
    const { length } = reading.data;
    const problem =
      (reading.damaged && 'damaged') || (length > recordBytes && 'invalid') || undefined;
    if (problem === undefined && length <= room) {
      pieces.push(reading.data);
      room -= length;
      continue;
    }
    if (problem === undefined || pieces.length > 0) {
      tape.seek(before);
      return answer();
    }
    const what = `the record at byte ${before} has ${length} bytes`;
    throw new DeviceError(problem, problem === 'damaged' ? `${what} and an error` : what);
  }
  return answer();
}

function moved({ remaining, stoppedBy }: Movement): Answered {
  return { reply: { kind: 'moved', remaining, ...(stoppedBy && { stoppedBy }) } };
}
