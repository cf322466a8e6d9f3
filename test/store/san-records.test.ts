/** Records of ports, groups, hosts and LUNs: expected bytes built by hand. */
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  packController,
  packDevice,
  packHost,
  packLunMapping,
  packPort,
  packPortGroup,
  unpackController,
  unpackDevice,
  unpackHost,
  unpackLunMapping,
  unpackPort,
  unpackPortGroup,
} from '../../src/store/san-records.js';

function sealed(body: string): string {
  const bytes = Buffer.from(body.replace(/\s/g, ''), 'hex');
  return bytes.toString('hex') + crc32(bytes).toString(16).padStart(8, '0');
}

/** One row: value, its bytes without the checksum, pack, unpack. */
function row<T>(
  value: T,
  body: string,
  pack: (value: T) => Uint8Array,
  unpack: (bytes: Uint8Array) => T,
) {
  return { body, bytes: pack(value), back: unpack(pack(value)), value, cut: unpack };
}

const rows = {
  controller: row(
    { id: 'CL2', state: 'down' },
    '01 0003 434c32 0004 646f776e',
    packController,
    unpackController,
  ),
  port: row(
    { id: 'CL1-A', role: 'both', usage: 'online', state: 'up', devices: ['t0', 'x'] },
    '01 0005 434c312d41 0004 626f7468 0006 6f6e6c696e65 0002 7570 0002 0002 7430 0001 78',
    packPort,
    unpackPort,
  ),
  portGroup: row(
    { number: 258, name: 'g1', targets: ['CL1-A'], initiators: ['CL1-C', 'CL2-C'] },
    '01 00000102 0002 6731 0001 0005 434c312d41 0002 0005 434c312d43 0005 434c322d43',
    packPortGroup,
    unpackPortGroup,
  ),
  host: row(
    { number: 3, name: 'a', uids: [0, 4_294_967_295] },
    '01 00000003 0001 61 00000002 00000000 ffffffff',
    packHost,
    unpackHost,
  ),
  lunMapping: row(
    { port: 'CL1-A', lun: 16_383, host: 'any', volume: 65_536 },
    '01 0005 434c312d41 3fff 0003 616e79 00010000',
    packLunMapping,
    unpackLunMapping,
  ),
  device: row(
    { number: 2, name: 't0', kind: 'tape', path: '/srv' },
    '01 00000002 0002 7430 0004 74617065 0004 2f737276',
    packDevice,
    unpackDevice,
  ),
};

describe('records of the SAN', () => {
  it.each(Object.entries(rows))('%s has exactly these bytes', (_kind, { bytes, body }) => {
    expect(Buffer.from(bytes).toString('hex')).toBe(sealed(body));
  });

  it.each(Object.entries(rows))('%s comes back', (_kind, { back, value }) => {
    expect(back).toEqual(value);
  });

  it.each(Object.entries(rows))('%s is refused at every cut and flip', (_kind, { bytes, cut }) => {
    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => cut(bytes.subarray(0, length))).toThrow(/EIO/);
      const flipped = Uint8Array.from(bytes);
      flipped[length] = (flipped[length] ?? 0) ^ 0x10;
      expect(() => cut(flipped)).toThrow(/EIO|EINVAL/);
    }
  });
});
