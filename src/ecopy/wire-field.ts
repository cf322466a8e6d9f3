/**
 * Fields at fixed places of a SCSI structure. A layout is a record of fields; one layout serves to
 * decode, to encode, and to point at a field in sense data. Numbers are big-endian; eight bytes are
 * a bigint, for a host may send any. Bits count from 0, the lowest.
 */

/** One field of a structure: where it begins and how it is read and written. */
export interface WireField<T> {
  readonly offset: number;
  /** How many bytes it lies in. */
  readonly bytes: number;
  read(view: Buffer): T;
  write(view: Buffer, value: T): void;
}

export type WireLayout = Readonly<Record<string, WireField<unknown>>>;

/** The decoded values of a layout. */
export type WireValues<L> = {
  readonly [K in keyof L]: L[K] extends { read(view: Buffer): infer T } ? T : never;
};

export const u8 = (offset: number) => unsigned(offset, 1);
export const u16 = (offset: number) => unsigned(offset, 2);
export const u24 = (offset: number) => unsigned(offset, 3);
export const u32 = (offset: number) => unsigned(offset, 4);

/** Two's complement. */
export function i24(offset: number): WireField<number> {
  return {
    offset,
    bytes: 3,
    read: (view) => view.readIntBE(offset, 3),
    write: (view, value) => {
      view.writeIntBE(value, offset, 3);
    },
  };
}

export function u64(offset: number): WireField<bigint> {
  return {
    offset,
    bytes: 8,
    read: (view) => view.readBigUInt64BE(offset),
    write: (view, value) => {
      view.writeBigUInt64BE(value, offset);
    },
  };
}

export function bit(offset: number, position: number): WireField<boolean> {
  const { read, write } = bits(offset, position, 1);
  return {
    offset,
    bytes: 1,
    read: (view) => read(view) === 1,
    write: (view, value) => write(view, value ? 1 : 0),
  };
}

/** `width` bits of a byte, the lowest of them at `position`. */
export function bits(offset: number, position: number, width: number): WireField<number> {
  const mask = 2 ** width - 1;
  return {
    offset,
    bytes: 1,
    read: (view) => ((view[offset] ?? 0) >>> position) & mask,
    write: (view, value) => {
      const others = (view[offset] ?? 0) & ~(mask << position);
      view[offset] = others | ((value & mask) << position);
    },
  };
}

/** Bytes as lower-case hex digits, the form in which names and LUNs are compared. */
export function hex(offset: number, bytes: number): WireField<string> {
  return {
    offset,
    bytes,
    read: (view) => view.toString('hex', offset, offset + bytes),
    write: (view, value) => {
      view.write(value, offset, bytes, 'hex');
    },
  };
}

/** Text on the left, filled up with blanks. */
export function ascii(offset: number, bytes: number): WireField<string> {
  return {
    offset,
    bytes,
    read: (view) => view.toString('latin1', offset, offset + bytes).trimEnd(),
    write: (view, value) => {
      view.write(value.padEnd(bytes), offset, bytes, 'latin1');
    },
  };
}

/** Reads every field of the layout; the view must be long enough. */
export function readFields<L extends WireLayout>(layout: L, view: Buffer): WireValues<L> {
  const entries = Object.entries(layout).map(([name, field]) => [name, field.read(view)]);
  return Object.fromEntries(entries) as WireValues<L>;
}

/** Writes every field of the layout; what lies between them is left alone. */
export function writeFields<L extends WireLayout>(
  layout: L,
  view: Buffer,
  values: WireValues<L>,
): void {
  for (const [name, field] of Object.entries(layout)) {
    field.write(view, values[name as keyof L]);
  }
}

/** The same bytes as a Buffer, which has the numbers. */
export function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function unsigned(offset: number, bytes: 1 | 2 | 3 | 4): WireField<number> {
  return {
    offset,
    bytes,
    read: (view) => view.readUIntBE(offset, bytes),
    write: (view, value) => {
      view.writeUIntBE(value, offset, bytes);
    },
  };
}
