/** The cursors of fixed formats, against bytes written by hand. */
import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter } from '../../src/base/byte-cursor.js';

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

describe('ByteWriter', () => {
  it.each<[string, (writer: ByteWriter) => ByteWriter, string]>([
    ['u8', (writer) => writer.u8(0xfe), 'fe'],
    ['u16', (writer) => writer.u16(0x0102), '0102'],
    ['u32', (writer) => writer.u32(0xfffefdfc), 'fffefdfc'],
    ['u40', (writer) => writer.u40(0x01_0203_0405), '0102030405'],
    ['u48', (writer) => writer.u48(0x0102_0304_0506), '010203040506'],
    ['u64', (writer) => writer.u64(2 ** 53 - 1), '001fffffffffffff'],
    ['raw bytes', (writer) => writer.raw(Uint8Array.of(7, 8)), '0708'],
    ['an empty text', (writer) => writer.text(''), '0000'],
    ['a text of two-byte characters', (writer) => writer.text('ä'), '0002c3a4'],
  ])('writes %s', (_what, write, expected) => {
    expect(hex(write(new ByteWriter()).finish())).toBe(expected);
  });

  it('grows past its first buffer and keeps what was written', () => {
    const writer = new ByteWriter().u8(1).raw(new Uint8Array(1_000).fill(2)).u8(3);
    const bytes = writer.finish();
    expect([bytes.length, bytes[0], bytes[1], bytes[1_000], bytes[1_001]]).toEqual([
      1_002, 1, 2, 2, 3,
    ]);
  });

  it.each([2 ** 53, -1, 1.5])('refuses %d as a u64', (value) => {
    expect(() => new ByteWriter().u64(value)).toThrow(/assertion failed/);
  });
});

describe('ByteReader', () => {
  it('reads the fields in the order they were written', () => {
    const bytes = Buffer.from(
      '01020304050607080910111213141516171819000000000000002a0002c3a4',
      'hex',
    );
    const reader = new ByteReader(bytes);
    expect(reader.u8()).toBe(0x01);
    expect(reader.u16()).toBe(0x0203);
    expect(reader.u32()).toBe(0x04050607);
    expect(reader.u40()).toBe(0x08_0910_1112);
    expect(reader.u48()).toBe(0x1314_1516_1718);
    expect(hex(reader.raw(1))).toBe('19');
    expect(reader.u64()).toBe(42);
    expect(reader.text()).toBe('ä');
    reader.expectEnd();
  });

  it('reads from the middle of a larger buffer', () => {
    expect(new ByteReader(Buffer.from('ffff0007ffff', 'hex').subarray(2, 4)).u16()).toBe(7);
  });

  it('copies raw bytes', () => {
    const source = Uint8Array.of(1, 2);
    const copy = new ByteReader(source).raw(2);
    source[0] = 9;
    expect(copy).toEqual(Uint8Array.of(1, 2));
  });

  it.each<[string, (reader: ByteReader) => unknown]>([
    ['a number', (reader) => reader.u32()],
    ['raw bytes', (reader) => reader.raw(4)],
    ['a text', (reader) => reader.text()],
  ])('says EIO where the bytes end inside %s', (_what, read) => {
    const reader = new ByteReader(Uint8Array.of(0, 5, 1));
    expect(() => read(reader)).toThrow('EIO: record is cut short');
  });

  it('says EIO where bytes are left over', () => {
    expect(() => new ByteReader(Uint8Array.of(1)).expectEnd()).toThrow(/EIO: .*1 bytes too many/);
  });
});
