/** A cartridge as a list of records and marks, and what a parameter list does to it: SSC-2 and the specification alone. */
import { MARK, record } from '../device/tap-builder.js';

export type TapeObject = Buffer | 'mark';
/** How the transfers of a segment lie on the tape. */
export interface TapeShape {
  readonly recordBytes: number;
  readonly recordsPerTransfer: number;
}

/** The answer of the tape to a command that it does not carry out. */
export class TapeRefusal extends Error {
  constructor(readonly isOverrun = false) {
    super();
  }
}

export class TapeModel {
  /** Number of the object that comes next. */
  place = 0;
  /** Of the objects as they are. */
  private packed: Buffer | undefined;

  constructor(
    private objects: readonly TapeObject[],
    private readonly capacityBytes: number,
  ) {}

  /** What the file of the cartridge holds. */
  bytes(): Buffer {
    this.packed ??= Buffer.concat(
      this.objects.map((each) => (each === 'mark' ? MARK : record(each))),
    );
    return this.packed;
  }

  /** One transfer, shorter where a record is, or where something else comes behind one. */
  read({ recordBytes, recordsPerTransfer }: TapeShape): Buffer {
    const pieces: Buffer[] = [];
    while (pieces.length < recordsPerTransfer) {
      const next = this.objects[this.place];
      if (next === undefined || next === 'mark' || next.length > recordBytes) {
        if (pieces.length > 0) break;
        throw new TapeRefusal(next !== undefined && next !== 'mark');
      }
      pieces.push(next);
      this.place += 1;
    }
    return Buffer.concat(pieces);
  }

  write(data: Buffer, { recordBytes }: TapeShape): void {
    for (let at = 0; at < data.length; at += recordBytes) {
      this.append([Buffer.from(data.subarray(at, at + recordBytes))]);
    }
  }

  writeMarks(count: number): void {
    if (this.bytes().length + count * MARK.length > this.capacityBytes) throw new TapeRefusal();
    this.append(Array.from({ length: count }, () => 'mark' as const));
  }

  /** Codes of SPACE: 0 records, where a mark is in the way, 1 marks, 3 to the end of the data. */
  space(code: number, count: number): void {
    if (code === 3) {
      this.place = this.objects.length;
      return;
    }
    if (code > 1) throw new TapeRefusal();
    for (let left = Math.abs(count); left > 0; ) {
      const passed = this.objects[count > 0 ? this.place : this.place - 1];
      if (passed === undefined || (code === 0 && passed === 'mark')) throw new TapeRefusal();
      this.place += Math.sign(count);
      if (code === 0 || passed === 'mark') left -= 1;
    }
  }

  /** All objects count. */
  locate(block: number): void {
    if (block > this.objects.length) throw new TapeRefusal();
    this.place = block;
  }

  private append(objects: readonly TapeObject[]): void {
    if (objects.length === 0) return;
    this.objects = [...this.objects.slice(0, this.place), ...objects];
    this.place = this.objects.length;
    this.packed = undefined;
  }
}
