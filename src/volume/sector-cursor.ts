/**
 * Cursors over one sector of fixed layout, little-endian. Fields are named in the same order by the
 * writer and its reader twin; `finish` and `expectOffset` prove that the sizes add up.
 */
import { assert } from '../base/assert.js';
import { ArrayError } from '../base/errors.js';
import { uuidText } from '../base/uuid.js';

/** Fills a sector field by field; what is not written stays zero. */
export class SectorWriter {
  private readonly bytes: Buffer;
  private position = 0;

  constructor(sizeBytes: number) {
    this.bytes = Buffer.alloc(sizeBytes);
  }

  u16(name: string, value: number): this {
    this.bytes.writeUInt16LE(bounded(name, value, 2 ** 16 - 1), this.take(2));
    return this;
  }

  u32(name: string, value: number): this {
    this.bytes.writeUInt32LE(bounded(name, value, 2 ** 32 - 1), this.take(4));
    return this;
  }

  /** A number up to 2^53 in 8 bytes. */
  u64(name: string, value: number): this {
    const checked = bounded(name, value, Number.MAX_SAFE_INTEGER);
    this.bytes.writeBigUInt64LE(BigInt(checked), this.take(8));
    return this;
  }

  /** Exactly `sizeBytes` bytes. */
  raw(name: string, value: Uint8Array, sizeBytes: number): this {
    if (value.length !== sizeBytes)
      throw new ArrayError('EINVAL', `${name} has ${sizeBytes} bytes`);
    this.bytes.set(value, this.take(sizeBytes));
    return this;
  }

  /** UTF-8, zero-padded; EINVAL where it does not fit or would not come back as it is. */
  text(name: string, value: string, sizeBytes: number): this {
    const encoded = Buffer.from(value);
    if (encoded.length > sizeBytes) {
      throw new ArrayError('EINVAL', `${name} has more than ${sizeBytes} bytes`);
    }
    if (value.includes('\0')) throw new ArrayError('EINVAL', `${name} contains a NUL`);
    this.bytes.set(encoded, this.take(sizeBytes));
    return this;
  }

  uuid(name: string, value: string): this {
    const digits = value.replaceAll('-', '');
    if (!/^[0-9a-f]{32}$/i.test(digits)) {
      throw new ArrayError('EINVAL', `${name} is not a UUID: '${value}'`);
    }
    return this.raw(name, Buffer.from(digits, 'hex'), 16);
  }

  skip(sizeBytes: number): this {
    this.take(sizeBytes);
    return this;
  }

  /** The bytes before the next field, for a checksum over them. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.position);
  }

  /** The full sector; the writer is not used afterwards. */
  finish(): Uint8Array {
    assert(this.position === this.bytes.length, `sector ends at ${this.position}`);
    return this.bytes;
  }

  private take(sizeBytes: number): number {
    const start = this.position;
    this.position += sizeBytes;
    assert(this.position <= this.bytes.length, 'fields fit the sector');
    return start;
  }
}

/** Reads a sector field by field. */
export class SectorReader {
  private readonly bytes: Buffer;
  private position = 0;

  constructor(sector: Uint8Array) {
    this.bytes = Buffer.from(sector.buffer, sector.byteOffset, sector.byteLength);
  }

  u16(): number {
    return this.bytes.readUInt16LE(this.take(2));
  }

  u32(): number {
    return this.bytes.readUInt32LE(this.take(4));
  }

  u64(name: string): number {
    const value = this.bytes.readBigUInt64LE(this.take(8));
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new ArrayError('EINVAL', `${name} is out of range`);
    }
    return Number(value);
  }

  /** A copy of the next `sizeBytes` bytes. */
  raw(sizeBytes: number): Uint8Array {
    const start = this.take(sizeBytes);
    return new Uint8Array(this.bytes.subarray(start, start + sizeBytes));
  }

  text(sizeBytes: number): string {
    const bytes = Buffer.from(this.raw(sizeBytes));
    const end = bytes.indexOf(0);
    return bytes.toString('utf8', 0, end === -1 ? sizeBytes : end);
  }

  uuid(): string {
    return uuidText(this.raw(16));
  }

  skip(sizeBytes: number): void {
    this.take(sizeBytes);
  }

  expectOffset(offset: number): void {
    assert(this.position === offset, `the next field is at ${offset}, not ${this.position}`);
  }

  private take(sizeBytes: number): number {
    const start = this.position;
    this.position += sizeBytes;
    return start;
  }
}

function bounded(name: string, value: number, max: number): number {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new ArrayError('EINVAL', `${name} is a whole number from 0 to ${max}, not ${value}`);
  }
  return value;
}
