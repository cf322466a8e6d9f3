/** SCSI commands as users write them, and answers as they read them. */
import { describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { answerText, decodeAnswer, encodeCommand } from '../../src/cli/scsi.js';
import { encodeScsiRead } from '../../src/ecopy/scsi-frame.js';

const NONE = new Uint8Array();
const REPORT_LUNS = 'a0 00 00 00 00 00 00 00 01 00 00 00';
const COPY = '83 00 00 00 00 00 00 00 00 00 00 00 00 10 00 00';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

function reasonOf(action: () => unknown): string {
  try {
    action();
    return 'done';
  } catch (error) {
    if (error instanceof ArrayError) return error.message;
    throw error;
  }
}

describe('a command', () => {
  it.each([
    ['0', '0000000000000000'],
    ['7', '0007000000000000'],
    ['300', '412c000000000000'],
    ['c101000000000000', 'c101000000000000'],
  ])('goes to LUN %s', (lun, digits) => {
    const { bytes } = encodeCommand({ cdb: REPORT_LUNS, lun, dataOut: NONE });
    expect(hex(bytes)).toBe(`${digits}a0000000000000000100000000000000`);
  });

  it('has its data behind it', () => {
    const dataOut = Buffer.alloc(16, 0xab);
    const { bytes, cdb } = encodeCommand({ cdb: COPY.replaceAll(' ', ''), lun: '0', dataOut });
    expect(hex(bytes)).toBe(`0000000000000000${hex(cdb)}${'ab'.repeat(16)}`);
    expect(hex(cdb)).toBe(COPY.replaceAll(' ', ''));
  });

  it.each([
    [{ cdb: '' }, /^EINVAL: a CDB is hex digits, two for each byte: ''$/],
    [{ cdb: '12 0' }, /^EINVAL: a CDB is hex digits/],
    [{ cdb: '12 xy' }, /^EINVAL: a CDB is hex digits/],
    [{ cdb: '00'.repeat(17) }, /^EINVAL: a CDB has 16 bytes at most, not 17$/],
    [{ lun: '16384' }, /^EINVAL: a LUN is 0 to 16383, or 16 hex digits: '16384'$/],
    [{ lun: '-1' }, /^EINVAL: a LUN/],
    [{ lun: 'x' }, /^EINVAL: a LUN/],
    [{ cdb: COPY }, /^EINVAL: the CDB announces 16 bytes of data, and there are 0: see --data$/],
    [
      { cdb: COPY, dataOut: Buffer.alloc(15) },
      /^EINVAL: the CDB announces 16 bytes of data, and there are 15/,
    ],
  ])('%j is refused before it is sent', (given, reason) => {
    const whole = { cdb: REPORT_LUNS, lun: '0', dataOut: NONE, ...given };
    expect(reasonOf(() => encodeCommand(whole))).toMatch(reason);
  });
});

describe('an answer', () => {
  const good = encodeScsiRead({ status: 0, sense: NONE, dataIn: Buffer.alloc(18, 0x41) });

  it('is told in words, and as bytes where they are asked for', () => {
    const cdb = Buffer.from('ff', 'hex');
    const text = answerText(cdb, decodeAnswer(good), false);
    expect(text).toBe(`unknown command (FFh)
status: GOOD (00h)
data-in: 18 bytes
  0000: ${Array(16).fill('41').join(' ')}
  0010: 41 41`);
    expect(answerText(cdb, decodeAnswer(good), true)).toBe(`${text}
bytes of data-in:
  0000: ${Array(16).fill('41').join(' ')}
  0010: 41 41`);
  });

  it('is good by its status alone', () => {
    const sense = Buffer.from('700005000000000a00000000250000000000', 'hex');
    const bad = decodeAnswer(encodeScsiRead({ status: 2, sense, dataIn: NONE }));
    expect([decodeAnswer(good).isGood, bad.isGood]).toEqual([true, false]);
    expect(answerText(Buffer.alloc(6), bad, true)).toContain('LOGICAL UNIT NOT SUPPORTED');
  });
});
