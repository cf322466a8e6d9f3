/** INQUIRY of a unit: the bytes of the command and of the answer. */
import { describe, expect, it } from 'vitest';
import { decodeUnitNames, namesInquiry } from '../../../src/backup/volumes/unit-names.js';
import { encodeScsiRead } from '../../../src/ecopy/scsi-frame.js';
import { vitalPage } from '../../../src/ecopy/scsi-inquiry.js';
import { lunNumber } from '../../../src/ecopy/target-descriptor.js';

const NAA = '600a0b80000123450000000000000007';
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const answerOf = (dataIn: Uint8Array, status = 0) =>
  encodeScsiRead({ status, sense: new Uint8Array(), dataIn });

describe('namesInquiry', () => {
  it('is INQUIRY for page 83h, after the LUN', () => {
    expect(hex(namesInquiry(3))).toBe(`0003000000000000${'12018304000000000000000000000000'}`);
  });

  it.each([0, 255, 256, 16_383])('names LUN %i in the form that the array reads', (lun) => {
    expect(lunNumber(hex(namesInquiry(lun)).slice(0, 16))).toBe(lun);
  });
});

describe('decodeUnitNames', () => {
  it('finds the names of the unit and the array in the page that the array makes', () => {
    const volume = { naa: NAA, number: 7, label: 'orders', sizeBytes: 512, blockBytes: 512 };
    const page = vitalPage(
      0x83,
      { kind: 'volume', volume } as unknown as Parameters<typeof vitalPage>[1],
      { serial: '0123456789ab', port: 'CL1-A' },
    ) as Uint8Array;
    const names = decodeUnitNames(answerOf(page));
    expect(names.unit).toBe(NAA);
    expect(names.device).toMatch(/^[0-9a-f]{16}$/);
  });

  it('knows no name where the page has none', () => {
    expect(decodeUnitNames(answerOf(Buffer.from('0c830000', 'hex')))).toEqual({
      unit: undefined,
      device: undefined,
    });
  });

  it.each([
    [Buffer.alloc(3), 'cut short'],
    [answerOf(new Uint8Array(), 2), 'status 02h'],
    [answerOf(Buffer.from('00800000', 'hex')), 'not page 83h'],
  ])('refuses what is no such answer (%#)', (bytes, why) => {
    expect(() => decodeUnitNames(bytes)).toThrow(why);
  });
});
