/** What is written to and read from a target port, by hand, and every truncation of it. */
import { describe, expect, it } from 'vitest';
import {
  decodeScsiRead,
  decodeScsiWrite,
  encodeScsiRead,
  encodeScsiWrite,
  SCSI_WRITE_BYTES_MAX,
} from '../../src/ecopy/scsi-frame.js';
import { bytesOf, EXAMPLES, hexOf } from './worked-examples.js';

const LUN = '4005000000000000';
const READ_CAPACITY = `25 ${'00'.repeat(9)}`;
const copyCdb = (length: string) => `83 ${'00'.repeat(9)} ${length} 0000`;
const frame = (cdb: string, data = '') =>
  bytesOf(LUN + cdb.replace(/ /g, '').padEnd(32, '0') + data);

describe('a write to a target port', () => {
  it.each([
    ['a command without data', frame(READ_CAPACITY), READ_CAPACITY.padEnd(33, '0'), ''],
    ['a list of no bytes', frame(copyCdb('00000000')), copyCdb('00000000'), ''],
    ['a list', frame(copyCdb('00000003'), 'aabbcc'), copyCdb('00000003'), 'aabbcc'],
    [
      'an unknown command, whatever comes with it',
      frame('ff00', 'aabb'),
      'ff00'.padEnd(32, '0'),
      '',
    ],
    [
      'a list that can only be refused',
      frame(copyCdb('00020011'), 'aabb'),
      copyCdb('00020011'),
      '',
    ],
  ])('is %s', (_what, bytes, cdb, dataOut) => {
    const command = { lun: bytesOf(LUN), cdb: bytesOf(cdb), dataOut: bytesOf(dataOut) };
    expect(decodeScsiWrite(bytes)).toEqual({ isComplete: true, command });
  });

  it.each([
    ['a command without data', frame(READ_CAPACITY, 'aabb'), 0, 2],
    ['a list of no bytes', frame(copyCdb('00000000'), 'aabb'), 0, 2],
    ['a list', frame(copyCdb('00000003'), 'aabbccdd'), 3, 4],
    ['a list that is too long', frame(copyCdb('00020011'), '00'.repeat(0x20012)), 0x20011, 0x20012],
  ])('is refused with more data than %s announces', (_what, bytes, announced, given) => {
    expect(() => decodeScsiWrite(bytes)).toThrow(
      `EINVAL: the CDB announces ${announced} bytes of data, not ${given}`,
    );
  });

  it('is incomplete at every truncation of every worked example', () => {
    for (const list of Object.values(EXAMPLES)) {
      const length = list.length.toString(16).padStart(8, '0');
      const whole = frame(copyCdb(length), hexOf(list));
      for (let size = 0; size < whole.length; size += 1) {
        const missingBytes = (size < 24 ? 24 : whole.length) - size;
        expect(decodeScsiWrite(whole.subarray(0, size))).toEqual({
          isComplete: false,
          missingBytes,
        });
      }
      expect(decodeScsiWrite(whole)).toMatchObject({
        isComplete: true,
        command: { dataOut: list },
      });
    }
  });

  it('holds the longest list there can be', () => {
    const whole = new Uint8Array(SCSI_WRITE_BYTES_MAX);
    whole.set(frame(copyCdb('00020010')));
    expect(decodeScsiWrite(whole.subarray(0, -1))).toEqual({ isComplete: false, missingBytes: 1 });
    const complete = decodeScsiWrite(whole);
    expect(complete.isComplete && complete.command.dataOut.length).toBe(0x20010);
  });

  it('is its own copy of the bytes', () => {
    const bytes = frame(copyCdb('00000003'), 'aabbcc');
    const decoded = decodeScsiWrite(bytes);
    bytes.fill(0);
    const command = {
      lun: bytesOf(LUN),
      cdb: bytesOf(copyCdb('00000003')),
      dataOut: bytesOf('aabbcc'),
    };
    expect(decoded).toEqual({ isComplete: true, command });
  });

  it('is made of LUN, CDB and data', () => {
    const command = {
      lun: bytesOf(LUN),
      cdb: bytesOf(copyCdb('00000003')),
      dataOut: bytesOf('aabbcc'),
    };
    expect(hexOf(encodeScsiWrite(command))).toBe(hexOf(frame(copyCdb('00000003'), 'aabbcc')));
    const short = { lun: bytesOf(LUN), cdb: bytesOf(READ_CAPACITY), dataOut: new Uint8Array() };
    expect(hexOf(encodeScsiWrite(short))).toBe(hexOf(frame(READ_CAPACITY)));
  });

  it.each([
    ['7 bytes of LUN', LUN.slice(2), READ_CAPACITY],
    ['9 bytes of LUN', `${LUN}00`, READ_CAPACITY],
    ['17 bytes of CDB', LUN, '00'.repeat(17)],
  ])('is not made of %s', (_what, lun, cdb) => {
    const command = { lun: bytesOf(lun), cdb: bytesOf(cdb), dataOut: new Uint8Array() };
    expect(() => encodeScsiWrite(command)).toThrow('EINVAL');
  });
});

describe('a read from a target port', () => {
  const SENSE = '7000050000000000000000002500000000'.padEnd(36, '0');
  const ANSWERS = [
    ['nothing but a status', { status: 0, sense: '', dataIn: '' }, '00 00 0000 00000000'],
    [
      'data',
      { status: 0, sense: '', dataIn: '001fffff00000200' },
      '00 00 0000 00000008 001fffff 00000200',
    ],
    ['sense', { status: 2, sense: SENSE, dataIn: '' }, `02 12 0000 00000000 ${SENSE}`],
    ['both', { status: 2, sense: 'aabb', dataIn: 'ccddee' }, '02 02 0000 00000003 aabb ccddee'],
  ] as const;

  it.each(ANSWERS)('is %s', (_what, { status, sense, dataIn }, hex) => {
    const answer = { status, sense: bytesOf(sense), dataIn: bytesOf(dataIn) };
    expect(hexOf(encodeScsiRead(answer))).toBe(hexOf(bytesOf(hex)));
    expect(decodeScsiRead(bytesOf(hex))).toEqual(answer);
  });

  it('tells the first 255 bytes of longer sense data', () => {
    const sense = new Uint8Array(263).fill(7);
    const bytes = encodeScsiRead({ status: 2, sense, dataIn: bytesOf('aa') });
    expect(hexOf(bytes)).toBe(`02ff000000000001${'07'.repeat(255)}aa`);
  });

  it.each(ANSWERS)(
    'is refused at every truncation of %s, and with a byte more',
    (_what, _answer, hex) => {
      const whole = bytesOf(hex);
      for (let size = 0; size < whole.length; size += 1) {
        expect(() => decodeScsiRead(whole.subarray(0, size))).toThrow(
          'EINVAL: the answer is cut short',
        );
      }
      expect(() => decodeScsiRead(bytesOf(`${hex}00`))).toThrow('EINVAL: the answer is longer');
    },
  );
});
