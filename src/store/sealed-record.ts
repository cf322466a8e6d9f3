/**
 * The frame of every value in table `records`: version byte first, CRC-32 of all before it last.
 */
import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter } from '../base/byte-cursor.js';
import { ArrayError } from '../base/errors.js';

export const RECORD_VERSION = 1;

/** Adds version and CRC-32 around the fields. */
export function seal(fill: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter().u8(RECORD_VERSION);
  fill(writer);
  const body = writer.finish();
  return new ByteWriter().raw(body).u32(crc32(body)).finish();
}

/** Checks version and CRC-32 and unpacks the fields; EIO where the record is damaged. */
export function unseal<T>(value: Uint8Array, read: (reader: ByteReader) => T): T {
  if (value.length < 5) throw new ArrayError('EIO', 'record is cut short');
  const body = value.subarray(0, value.length - 4);
  const stored = new ByteReader(value.subarray(value.length - 4)).u32();
  if (crc32(body) !== stored) throw new ArrayError('EIO', 'record has a wrong checksum');
  const reader = new ByteReader(body);
  const version = reader.u8();
  if (version !== RECORD_VERSION) {
    throw new ArrayError('EINVAL', `record has version ${version}, this program knows 1`);
  }
  const result = read(reader);
  reader.expectEnd();
  return result;
}
