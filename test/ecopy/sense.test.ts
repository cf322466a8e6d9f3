/** Sense data in fixed format, against bytes written by hand. */
import { describe, expect, it } from 'vitest';
import { ERROR_TABLE } from '../../src/base/errors.js';
import {
  decodeSense,
  describeSense,
  encodeSense,
  type Sense,
  SenseError,
} from '../../src/ecopy/sense.js';
import { SENSE, senseCode } from '../../src/ecopy/sense-codes.js';
import { bytesOf, hexOf } from './worked-examples.js';

const WRITE_PROTECTED = bytesOf('70 00 07 00000000 0a 00000000 27 00 00 000000');
const NOT_READY = bytesOf('70 00 02 00000000 0a 00000000 04 00 00 000000');

const CASES: readonly [string, Sense, string][] = [
  [
    'a list cut off (example 7)',
    { code: SENSE.listLength },
    '70 00 05 00 00 00 00 0A 00 00 00 00 1A 00 00 00 00 00',
  ],
  [
    'an index without target in segment 1 (example 8)',
    { code: SENSE.unreachableTarget, segment: 1, pointer: { in: 'segment', byte: 6 } },
    '70 00 0A 00 00 00 00 0A 00 00 00 01 08 04 00 A0 00 06',
  ],
  [
    'a bit of a field of the list',
    { code: SENSE.invalidField, pointer: { in: 'parameter-list', byte: 0x112, bit: 5 } },
    '70 00 05 00000000 0A 00000000 26 00 00 8D 0112',
  ],
  [
    'a byte of the command',
    { code: SENSE.invalidCommandField, pointer: { in: 'command', byte: 2 } },
    '70 00 05 00000000 0A 00000000 24 00 00 C0 0002',
  ],
  [
    'a target that failed after 5 blocks were not written',
    {
      code: SENSE.thirdPartyFailure,
      ...{ segment: 0x203, residual: 5, pointer: { in: 'parameter-list', byte: 0x30 } },
      destination: { status: 2, sense: WRITE_PROTECTED },
    },
    `F0 00 0A 00000005 1D 00 12 0203 0D 01 00 80 0030 02 ${hexOf(WRITE_PROTECTED)}`,
  ],
  [
    'both targets with what they said',
    {
      ...{ code: SENSE.thirdPartyFailure, segment: 0 },
      source: { status: 2, sense: NOT_READY },
      destination: { status: 8, sense: new Uint8Array() },
    },
    `70 00 0A 00000000 1E 12 25 0000 0D 01 00 00 0000 02 ${hexOf(NOT_READY)} 08`,
  ],
];

describe('sense data', () => {
  it.each(CASES)('%s is encoded', (_name, sense, hex) => {
    expect(hexOf(encodeSense(sense))).toBe(hexOf(bytesOf(hex)));
  });

  it.each(CASES)('%s is decoded', (_name, sense, hex) => {
    expect(decodeSense(bytesOf(hex))).toEqual(sense);
  });

  it('is never longer than its length can say', () => {
    const report = { status: 2, sense: new Uint8Array(300).fill(9) };
    const bytes = encodeSense({ code: SENSE.thirdPartyFailure, source: report });
    expect([bytes.length, bytes[7]]).toEqual([263, 255]);
  });

  it.each([
    ['too short', '70 00 05 00000000 0A 00000000 26 00 00 00 00'],
    ['descriptor format', `72 05 26 00 00000000 ${'00'.repeat(10)}`],
  ])('%s is refused', (_what, hex) => {
    expect(() => decodeSense(bytesOf(hex))).toThrow('EINVAL');
  });

  it('ends where its own length says', () => {
    const bytes = bytesOf('70 00 0A 00000000 0C 12 00 0000 0D 01 00 00 0000 02 ab ffff');
    expect(decodeSense(bytes).source).toEqual({ status: 2, sense: bytesOf('ab') });
  });

  it('with a code nobody knows keeps the code', () => {
    const bytes = bytesOf('70 00 03 00000000 0A 00000000 11 04 00 000000');
    expect(decodeSense(bytes).code).toMatchObject({ key: 3, asc: 0x11, ascq: 4 });
  });

  it('is one line for people', () => {
    const [, sense] = CASES[1] as (typeof CASES)[number];
    expect(describeSense(sense)).toBe(
      'COPY ABORTED: UNREACHABLE COPY TARGET (0Ah/08h/04h), segment 1, byte 6 of it',
    );
    expect(describeSense({ code: SENSE.listLength })).toBe(
      'ILLEGAL REQUEST: PARAMETER LIST LENGTH ERROR (05h/1Ah/00h)',
    );
  });
});

describe('sense codes', () => {
  it('are different, and each is found again', () => {
    for (const code of Object.values(SENSE)) {
      expect(senseCode(code.key, code.asc, code.ascq)).toBe(code);
    }
  });

  it.each([
    ['an index without target', SENSE.unreachableTarget, 'ENXIO'],
    ['a list identifier in use', SENSE.operationInProgress, 'EBUSY'],
    ['a descriptor nobody supports', SENSE.unsupportedSegment, 'EOPNOTSUPP'],
    ['a wrong list', SENSE.listLength, 'EINVAL'],
    ['a device that failed', SENSE.thirdPartyFailure, 'EIO'],
  ] as const)('%s has an errno', (_what, code, errorCode) => {
    const error = new SenseError({ code });
    expect(error.code).toBe(errorCode);
    expect(error.errno).toBe(ERROR_TABLE[errorCode].errno);
  });
});
