/** What a pool remembers of the array, byte by byte. */
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  packForeignVolume,
  packMembers,
  packReached,
  unpackForeignVolume,
  unpackMembers,
  unpackReached,
} from '../../src/store/member-records.js';

/** Version byte and checksum around fields written as hexadecimal. */
function sealed(hex: string): Buffer {
  const body = Buffer.from(`01${hex.replace(/\s/g, '')}`, 'hex');
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([body, sum]);
}

const uuid = (byte: number) => new Uint8Array(16).fill(byte);
const state = (generation: number, byte: number) => ({
  generation,
  nonce: new Uint8Array(8).fill(byte),
});

describe('the members record', () => {
  const record = {
    state: state(7, 0xaa),
    members: [
      { uuid: uuid(1), name: 'main', directory: '/a', isPresent: true, states: [state(7, 0xaa)] },
      {
        uuid: uuid(2),
        name: 'b',
        directory: '/ü',
        isPresent: false,
        states: [state(5, 0xbb), state(6, 0xcc)],
      },
    ],
  };
  const bytes = sealed(`
    00000007 aaaaaaaaaaaaaaaa 0002
    ${'01'.repeat(16)} 0004 6d61696e 0002 2f61 01 01 00000007 aaaaaaaaaaaaaaaa
    ${'02'.repeat(16)} 0001 62 0003 2fc3bc 00 02 00000005 bbbbbbbbbbbbbbbb 00000006 cccccccccccccccc`);

  it('has the layout of the document', () => {
    expect(Buffer.from(packMembers(record))).toEqual(bytes);
    expect(unpackMembers(bytes)).toEqual(record);
  });

  it('of a removed pool names nobody', () => {
    const removed = { state: state(1, 2), members: [] };
    expect(unpackMembers(packMembers(removed))).toEqual(removed);
  });

  it('is refused with EIO where a bit is wrong', () => {
    bytes[20] = (bytes[20] as number) ^ 1;
    expect(() => unpackMembers(bytes)).toThrow(/^EIO/);
  });
});

describe('the record of what other pools had reached', () => {
  it('has the layout of the document', () => {
    const reached = [
      { uuid: uuid(1), sequence: 5 },
      { uuid: uuid(2), sequence: 2 ** 40 },
    ];
    const bytes = sealed(`0002 ${'01'.repeat(16)} 000000000005 ${'02'.repeat(16)} 010000000000`);
    expect(Buffer.from(packReached(reached))).toEqual(bytes);
    expect(unpackReached(bytes)).toEqual(reached);
  });
});

describe('the record of a volume in another pool', () => {
  it('has the layout of the document', () => {
    const volume = {
      number: 12,
      poolUuid: uuid(3),
      uuid: uuid(4),
      name: 'db',
      label: 'x',
      sizeBytes: 2 ** 34,
      mode: 0o640,
      uid: 1,
      gid: 2,
      createdMs: 2 ** 41,
    };
    const bytes = sealed(`0000000c ${'03'.repeat(16)} ${'04'.repeat(16)} 0002 6462 0001 78
      0000000400000000 01a0 00000001 00000002 0000020000000000`);
    expect(Buffer.from(packForeignVolume(volume))).toEqual(bytes);
    expect(unpackForeignVolume(bytes)).toEqual(volume);
  });
});
