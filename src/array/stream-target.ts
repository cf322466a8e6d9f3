/**
 * A tape as a segment of a parameter list uses it: transfers of whole records, marks, movements. A mark or the end of the medium where data
 * was wanted is what a drive would answer, with its sense.
 */
import { type DeviceReport, encodeSense } from '../ecopy/sense.js';
import { SENSE, type SenseCode, senseCode } from '../ecopy/sense-codes.js';
import { OPERATION_BYTES_MAX } from '../microprocessor/device-operation.js';
import { type DeviceSession, type OperationAnswer, PathError } from './backup-path.js';
import { ReportedError } from './segment-failures.js';

/** How the blocks of a transfer lie on the tape. */
export interface TransferShape {
  /** Bytes of one record. */
  readonly recordBytes: number;
  /** Records of one transfer: 1 where blocks have any length. */
  readonly recordsPerUnit: number;
}

type Stop = 'mark' | 'end-of-medium' | 'beginning';

const CHECK_CONDITION = 0x02;
const FILEMARK = 0x80;
const END_OF_MEDIUM = 0x40;
/** Flags in byte 2, and codes (SSC-2, 5.2): what stopped a read or a movement. */
const STOPS: Readonly<Record<Stop, { readonly flags: number; readonly code: SenseCode }>> = {
  mark: { flags: FILEMARK, code: senseCode(0x00, 0x00, 0x01) },
  'end-of-medium': { flags: 0, code: senseCode(0x08, 0x00, 0x05) },
  beginning: { flags: END_OF_MEDIUM, code: senseCode(0x00, 0x00, 0x04) },
};

export class StreamTarget {
  readonly kind = 'stream';
  /** Found behind the data of the last read: the next one meets it. */
  private stop: Stop | undefined;

  constructor(private readonly session: DeviceSession) {}

  /** At most so many transfers, at least one; a record may be shorter than asked for. */
  async read(units: number, { recordBytes, recordsPerUnit }: TransferShape): Promise<Uint8Array> {
    const fitting = Math.max(1, Math.floor(OPERATION_BYTES_MAX / (recordBytes * recordsPerUnit)));
    const count = Math.min(units, fitting) * recordsPerUnit;
    const { data, stop } = await this.readRecords(count, recordBytes);
    if (data.length === 0) throw stopped(stop ?? 'end-of-medium');
    return data;
  }

  /** The records that come next, up to so many; `stop` where something else comes first. */
  async readRecords(
    count: number,
    recordBytes: number,
  ): Promise<{ data: Uint8Array; records: readonly number[]; stop: Stop | undefined }> {
    const before = this.stop;
    this.stop = undefined;
    if (before !== undefined) return { data: new Uint8Array(), records: [], stop: before };
    const { reply, data } = await this.session.run({ kind: 'read-records', count, recordBytes });
    if (reply.kind !== 'data') return { data, records: [], stop: undefined };
    if (data.length > 0) this.stop = reply.stop;
    return { data, records: reply.records, stop: data.length > 0 ? undefined : reply.stop };
  }

  /** `written` is told of the records that are on the tape, also where it is full before the last. */
  async write(
    data: Uint8Array,
    recordBytes: number,
    written: (bytes: number) => void = () => undefined,
  ): Promise<void> {
    const pieceBytes = Math.max(1, Math.floor(OPERATION_BYTES_MAX / recordBytes)) * recordBytes;
    for (let done = 0; done < data.length; done += pieceBytes) {
      await this.writePiece(data.subarray(done, done + pieceBytes), recordBytes, written);
    }
  }

  /** One operation; where it does not fit, record by record up to the end of the tape. */
  private async writePiece(
    piece: Uint8Array,
    recordBytes: number,
    written: (bytes: number) => void,
  ): Promise<void> {
    try {
      await this.session.run({ kind: 'write-records', recordBytes }, piece);
      written(piece.length);
    } catch (error) {
      if (!isFull(error) || piece.length <= recordBytes) throw error;
      for (let done = 0; done < piece.length; done += recordBytes) {
        await this.writePiece(piece.subarray(done, done + recordBytes), recordBytes, written);
      }
    }
  }

  async writeMarks(count: number): Promise<void> {
    if (count > 0) await this.session.run({ kind: 'write-marks', count });
  }

  /** SPACE codes: 0 records, 1 marks, 3 the end of the data. */
  async space(code: number, count: number): Promise<void> {
    this.stop = undefined;
    const kind = ({ 0: 'space-records', 1: 'space-marks' } as const)[code];
    if (kind !== undefined) checkMovement(await this.session.run({ kind, count }));
    else if (code === 3) await this.session.run({ kind: 'to-end-of-data' });
    else throw new ReportedError({ code: SENSE.invalidCommandField });
  }

  async locate(block: number): Promise<void> {
    this.stop = undefined;
    checkMovement(await this.session.run({ kind: 'locate', block }));
  }

  async testReady(): Promise<void> {
    await this.session.run({ kind: 'test-ready' });
  }
}

function isFull(error: unknown): boolean {
  return error instanceof PathError && error.details?.fault === 'full';
}

function checkMovement({ reply }: OperationAnswer): void {
  if (reply.kind !== 'moved' || reply.remaining === 0) return;
  throw stopped(reply.stoppedBy ?? 'end-of-medium');
}

function stopped(stop: Stop): ReportedError {
  const { flags, code } = STOPS[stop];
  const sense = Buffer.from(encodeSense({ code }));
  sense.writeUInt8(sense.readUInt8(2) | flags, 2);
  const report: DeviceReport = { status: CHECK_CONDITION, sense };
  return new ReportedError({ code, report });
}
