/**
 * Cursors over bytes for fixed formats, big-endian. A pack function and its unpack twin name the
 * fields in the same order, and the reader's `expectEnd` proves that the size is the declared one.
 */
import { assert } from './assert.js';
import { ArrayError } from './errors.js';

/** Writes fields one after the other into a growing buffer. */
export class ByteWriter {
  private bytes: Buffer;
  private position = 0;

  /** `sizeHint`: bytes expected, so that the buffer need not grow. */
  constructor(sizeHint = 64) {
    this.bytes = Buffer.alloc(sizeHint);
  }

  u8(value: number): this {
    const start = this.room(1);
    this.bytes.writeUInt8(value, start);
    return this;
  }

  u16(value: number): this {
    const start = this.room(2);
    this.bytes.writeUInt16BE(value, start);
    return this;
  }

  u32(value: number): this {
    const start = this.room(4);
    this.bytes.writeUInt32BE(value, start);
    return this;
  }

  u40(value: number): this {
    const start = this.room(5);
    this.bytes.writeUIntBE(value, start, 5);
    return this;
  }

  u48(value: number): this {
    const start = this.room(6);
    this.bytes.writeUIntBE(value, start, 6);
    return this;
  }

  /** A number up to 2^53 in 8 bytes. */
  u64(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, `u64 takes 0 to 2^53, not ${value}`);
    const start = this.room(8);
    this.bytes.writeBigUInt64BE(BigInt(value), start);
    return this;
  }

  raw(value: Uint8Array): this {
    const start = this.room(value.length);
    this.bytes.set(value, start);
    return this;
  }

  /** UTF-8 with a u16 length before it. */
  text(value: string): this {
    const bytes = Buffer.from(value);
    return this.u16(bytes.length).raw(bytes);
  }

  /** The bytes written so far; the writer is not used afterwards. */
  finish(): Uint8Array {
    return this.bytes.subarray(0, this.position);
  }

  private room(size: number): number {
    const start = this.position;
    if (start + size > this.bytes.length) {
      const grown = Buffer.alloc(Math.max(this.bytes.length * 2, start + size));
      grown.set(this.bytes);
      this.bytes = grown;
    }
    this.position = start + size;
    return start;
  }
}

/** Reads fields one after the other; EIO where the bytes end too early. */
export class ByteReader {
  private readonly view: Buffer;
  private position = 0;

  constructor(bytes: Uint8Array) {
    this.view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.position === this.view.length;
  }

  u8(): number {
    return this.view.readUInt8(this.take(1));
  }

  u16(): number {
    return this.view.readUInt16BE(this.take(2));
  }

  u32(): number {
    return this.view.readUInt32BE(this.take(4));
  }

  u40(): number {
    return this.view.readUIntBE(this.take(5), 5);
  }

  u48(): number {
    return this.view.readUIntBE(this.take(6), 6);
  }

  u64(): number {
    return Number(this.view.readBigUInt64BE(this.take(8)));
  }

  /** A copy of the next `size` bytes. */
  raw(size: number): Uint8Array {
    const start = this.take(size);
    return new Uint8Array(this.view.subarray(start, start + size));
  }

  text(): string {
    const size = this.u16();
    const start = this.take(size);
    return this.view.toString('utf8', start, start + size);
  }

  expectEnd(): void {
    if (!this.isAtEnd) {
      throw new ArrayError('EIO', `record has ${this.view.length - this.position} bytes too many`);
    }
  }

  private take(size: number): number {
    const start = this.position;
    if (start + size > this.view.length) throw new ArrayError('EIO', 'record is cut short');
    this.position = start + size;
    return start;
  }
}
