/**
 * A tape cartridge in a SIMH .tap file, with synchronous calls: a worker thread's or a program's.
 *
 * Positions are between objects. Reading a mark moves past it, reading at the end of the medium does
 * not move; writing makes what follows the position disappear, as on a tape. So a file never holds
 * anything after its last mark, and appending is moving there and writing. Records of class 0 and
 * marks are all that is written.
 *
 * A crash of the writer leaves whole objects and at most one torn one at the end (`repairTail`).
 * After a power cut only what was there at the last `sync` is known: a writer who goes on keeps the
 * position of that moment and cuts the rest off with `truncate`.
 */
import { STREAM_TRANSFER_BYTES_MAX } from '../base/limits.js';
import type { Movement, Passed, StreamMedium, TapeReading } from './backup-device.js';
import { DeviceError } from './device-error.js';
import { type OpenMode, PositionedBytes } from './positioned-bytes.js';
import {
  objectAfter,
  objectBefore,
  recordSpan,
  TapeFormatError,
  WORD_BYTES,
} from './simh-objects.js';

const LABEL_BYTES = 80;
/**
 * Left over where the end of the medium is announced: one more record of any size, the mark after
 * it, two trailer labels, two marks.
 */
export const EARLY_WARNING_BYTES =
  recordSpan(STREAM_TRANSFER_BYTES_MAX) + 2 * recordSpan(LABEL_BYTES) + 3 * WORD_BYTES;

export class SimhTape implements StreamMedium {
  private place = 0;

  private constructor(
    private readonly file: PositionedBytes,
    private readonly mode: OpenMode,
    private readonly capacityBytes: number,
  ) {}

  /** Stands at the beginning. `capacityBytes` bounds the file; writing beyond it is ENOSPC. */
  static open(path: string, mode: OpenMode, capacityBytes = Number.POSITIVE_INFINITY): SimhTape {
    return new SimhTape(PositionedBytes.open(path, mode), mode, capacityBytes);
  }

  /** Byte position in the file; `seek` takes it back there. */
  get position(): number {
    return this.place;
  }

  /** From the position to the end of the medium. */
  get remainingBytes(): number {
    return Math.max(0, this.capacityBytes - this.place);
  }

  /** Time to write the trailer labels: less than the early warning's room is left. */
  get isNearEnd(): boolean {
    return this.remainingBytes < EARLY_WARNING_BYTES;
  }

  /** Reads the next object and moves past it. */
  read(): TapeReading {
    const found = objectAfter(this.file, this.place);
    if (found === undefined) return { kind: 'end-of-medium' };
    this.place = found.end;
    if (found.kind === 'mark') return { kind: 'mark' };
    const data = this.file.read(found.start + WORD_BYTES, found.dataBytes);
    return { kind: 'record', data, damaged: found.damaged };
  }

  /** Moves past the next object; undefined at the end of the medium. */
  pass(): Passed | undefined {
    const found = objectAfter(this.file, this.place);
    if (found !== undefined) this.place = found.end;
    return found;
  }

  /** Writes a record of 1 to 65,536 bytes. */
  writeRecord(data: Uint8Array): void {
    if (data.length === 0 || data.length > STREAM_TRANSFER_BYTES_MAX) {
      throw new DeviceError('invalid', `a tape record cannot have ${data.length} bytes`);
    }
    const length = Buffer.alloc(WORD_BYTES);
    length.writeUInt32LE(data.length);
    this.write([length, data, new Uint8Array(data.length % 2), length]);
  }

  writeMarks(count: number): void {
    if (count > 0) this.write([new Uint8Array(count * WORD_BYTES)]);
  }

  /** Moves over records, forward or (negative) backward; a mark stops it. */
  spaceRecords(count: number): Movement {
    for (let remaining = Math.abs(count); remaining > 0; remaining -= 1) {
      const kind = this.step(count > 0);
      if (kind !== 'record') return { remaining, stoppedBy: kind };
    }
    return { remaining: 0 };
  }

  /** Moves past marks, forward or (negative) backward, and over all records on the way. */
  spaceMarks(count: number): Movement {
    for (let remaining = Math.abs(count); remaining > 0; ) {
      const kind = this.step(count > 0);
      if (kind === 'mark') remaining -= 1;
      else if (kind !== 'record') return { remaining, stoppedBy: kind };
    }
    return { remaining: 0 };
  }

  /** To the logical block of this number, records and marks counted from 0 at the beginning. */
  locate(logicalBlock: number): Movement {
    this.rewind();
    for (let remaining = logicalBlock; remaining > 0; remaining -= 1) {
      if (this.pass() === undefined) return { remaining, stoppedBy: 'end-of-medium' };
    }
    return { remaining: 0 };
  }

  rewind(): void {
    this.place = 0;
  }

  /** Behind the last object. Looks at every object on the way. */
  toEndOfData(): void {
    while (this.pass() !== undefined);
  }

  toLastByte(): void {
    this.place = this.file.bytes;
  }

  /** Back to a position that `position` told; EIO where the file has become shorter. */
  seek(position: number): void {
    if (position > this.file.bytes) {
      throw new DeviceError('damaged', `the tape has ${this.file.bytes} bytes, not ${position}`);
    }
    this.place = position;
  }

  /**
   * Cuts off an object that a crash left torn at the end, looking from the position on; stands at the
   * end of data then. Returns the bytes cut off. Every other damage stays an error, also a length
   * that points beyond the end and has more behind it than a crash can leave.
   */
  repairTail(): number {
    try {
      this.toEndOfData();
      return 0;
    } catch (error) {
      if (!(error instanceof TapeFormatError) || error.problem !== 'torn') throw error;
      const cutBytes = this.file.bytes - error.position;
      if (cutBytes >= recordSpan(STREAM_TRANSFER_BYTES_MAX)) throw error;
      this.place = error.position;
      this.truncate();
      return cutBytes;
    }
  }

  /** Everything after the position is gone. */
  truncate(): void {
    this.checkWritable();
    if (this.place < this.file.bytes) this.file.truncate(this.place);
  }

  /** What was written is durable on return. */
  sync(): void {
    this.file.sync();
  }

  close(): void {
    this.file.close();
  }

  private write(pieces: readonly Uint8Array[]): void {
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    this.checkWritable();
    if (this.place + bytes > this.capacityBytes) {
      throw new DeviceError('full', 'the end of the tape is reached');
    }
    this.truncate();
    this.file.append(pieces);
    this.place = this.file.bytes;
  }

  private checkWritable(): void {
    if (this.mode === 'read') {
      throw new DeviceError('write-protected', 'the tape is open for reading alone');
    }
  }

  private step(forward: boolean): 'record' | 'mark' | 'beginning' | 'end-of-medium' {
    if (forward) return this.pass()?.kind ?? 'end-of-medium';
    const found = objectBefore(this.file, this.place);
    this.place = found?.start ?? 0;
    return found?.kind ?? 'beginning';
  }
}
