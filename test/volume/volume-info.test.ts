/** The AFSVINF1 sector against bytes written by hand from the table of the design. */
import { describe, expect, it } from 'vitest';
import {
  decodeVolumeInfo,
  encodeVolumeInfo,
  isVolumeInfo,
  type VolumeInfo,
} from '../../src/volume/volume-info.js';
import { EXAMPLE_INFO } from './example-info.js';

/** CRC-32 (IEEE 802.3, reflected), bit by bit: independent of zlib. */
function slowCrc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** Pieces of hex, or a text, at their offsets; the checksum at the end. */
function sectorByHand(): Uint8Array {
  const sector = Buffer.alloc(512);
  const hex = (offset: number, digits: string) =>
    sector.write(digits.replaceAll(' ', ''), offset, 'hex');
  sector.write('AFSVINF1', 0);
  hex(8, '01000000');
  hex(12, '01000000');
  hex(16, '00112233 44556677 8899aabb ccddeeff');
  hex(32, '05040302 01000000');
  hex(40, '06040302 01000000');
  hex(48, '07040302 01000000');
  hex(56, '08040302 01000000');
  hex(64, '14131211');
  hex(68, '24232221');
  hex(72, '10112233 44556677 8899aabb ccddeeff');
  hex(88, '03000000 00000000');
  hex(96, '03000000');
  sector.write('nightly', 100);
  sector.write('host-1', 164);
  hex(228, '2f737276 2f6772 c3b6 c39f 65');
  hex(356, 'a5'.repeat(32));
  sector.write('orders', 388);
  hex(452, '4d000000 00000000');
  hex(460, '4c000000 00000000');
  hex(468, '00000000 000a0000');
  hex(476, '20112233 44556677 8899aabb ccddeeff');
  hex(492, '0200');
  hex(494, '0500');
  sector.writeUInt32LE(slowCrc32(sector.subarray(0, 508)), 508);
  return sector;
}

describe('volume information', () => {
  it('is encoded to the bytes of the design', () => {
    expect(Buffer.from(encodeVolumeInfo(EXAMPLE_INFO)).toString('hex')).toBe(
      Buffer.from(sectorByHand()).toString('hex'),
    );
  });

  it('is decoded from the bytes of the design', () => {
    expect(decodeVolumeInfo(sectorByHand())).toEqual(EXAMPLE_INFO);
  });

  it('is decoded wherever the sector lies in memory', () => {
    const memory = new Uint8Array(600);
    memory.set(sectorByHand(), 13);
    expect(decodeVolumeInfo(memory.subarray(13, 525))).toEqual(EXAMPLE_INFO);
  });

  it.each<[string, Partial<VolumeInfo>]>([
    ['kind snapshot', { kind: 'snapshot' }],
    ['kind mirror', { kind: 'mirror' }],
    ['kind array', { kind: 'array' }],
    ['no digest', { imageSha256: undefined }],
    ['no backup', { holdsBackup: false }],
    ['texts that fill their fields', { label: 'l'.repeat(64), mountPoint: '/'.repeat(128) }],
    ['the largest numbers', { imageBytes: 2 ** 53 - 1, volumeNumber: 2 ** 32 - 1 }],
    ['empty texts', { label: '', hostName: '', mountPoint: '', definitionName: '' }],
  ])('comes back with %s', (_what, changes) => {
    const info = { ...EXAMPLE_INFO, ...changes };
    expect(decodeVolumeInfo(encodeVolumeInfo(info))).toEqual(info);
  });

  it.each<[string, Partial<VolumeInfo>, RegExp]>([
    ['a label of 65 bytes', { label: 'l'.repeat(65) }, /EINVAL: label has more than 64 bytes/],
    ['a label of 33 two-byte letters', { label: 'ö'.repeat(33) }, /more than 64 bytes/],
    ['a host name of 65 bytes', { hostName: 'h'.repeat(65) }, /host name/],
    ['a mount point of 129 bytes', { mountPoint: '/'.repeat(129) }, /mount point/],
    ['a definition of 65 bytes', { definitionName: 'd'.repeat(65) }, /definition/],
    ['a NUL in a text', { label: 'a\0b' }, /NUL/],
    ['a bad UUID', { arrayUuid: 'x' }, /UUID/],
    ['a negative number', { jobNumber: -1 }, /job number/],
    ['a broken number', { imageBytes: 1.5 }, /image size/],
    ['a short digest', { imageSha256: new Uint8Array(31) }, /SHA-256/],
    ['a member number over 65535', { memberNumber: 65_536 }, /member number/],
  ])('is refused with %s', (_what, changes, reason) => {
    expect(() => encodeVolumeInfo({ ...EXAMPLE_INFO, ...changes })).toThrow(reason);
  });

  it('of any flipped byte is not accepted', () => {
    for (let offset = 0; offset < 512; offset += 1) {
      const sector = Uint8Array.from(sectorByHand());
      sector[offset] = (sector[offset] ?? 0) ^ 0x10;
      expect(() => decodeVolumeInfo(sector), `byte ${offset}`).toThrow('EINVAL');
    }
  });

  it('of a newer version is refused by its number', () => {
    const sector = Buffer.from(sectorByHand());
    sector.writeUInt32LE(2, 8);
    sector.writeUInt32LE(slowCrc32(sector.subarray(0, 508)), 508);
    expect(() => decodeVolumeInfo(sector)).toThrow('layout 2 is not known');
    expect(isVolumeInfo(sector)).toBe(true);
  });

  it('of an unknown kind is refused', () => {
    const sector = Buffer.from(sectorByHand());
    sector.writeUInt32LE(9, 96);
    sector.writeUInt32LE(slowCrc32(sector.subarray(0, 508)), 508);
    expect(() => decodeVolumeInfo(sector)).toThrow('unknown kind of backup 9');
  });

  it.each([
    ['zeroes', new Uint8Array(512)],
    ['511 bytes', sectorByHand().subarray(0, 511)],
    ['nothing', new Uint8Array(0)],
  ])('is not read from %s', (_what, sector) => {
    expect(() => decodeVolumeInfo(sector)).toThrow('EINVAL');
  });
});
