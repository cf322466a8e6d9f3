/** OPERATING PARAMETERS: what they say is what the decoder does. */
import { describe, expect, it } from 'vitest';
import {
  decodeOperatingParameters,
  encodeOperatingParameters,
  OPERATING_PARAMETERS,
} from '../../src/ecopy/operating-parameters.js';
import { decodeParameterList } from '../../src/ecopy/parameter-list.js';
import { DISK, listOf, senseOf } from './list-builder.js';
import { bytesOf, hexOf } from './worked-examples.js';

const BYTES = bytesOf(`
  00000042 01 000000 0040 0400 00010000 00000000 00010000 00040000 00010000
  0000 0040 40 00 00 00 000000 1a
  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14
  e0 e1 e2 e3 e4
`);
const { targetsMax, segmentsMax, descriptorBytesMax, inlineBytesMax } = OPERATING_PARAMETERS;
const VERIFY = '07000008 0000 0000 00000000';

describe('operating parameters', () => {
  it('have the layout of the specification', () => {
    expect(hexOf(encodeOperatingParameters(OPERATING_PARAMETERS))).toBe(hexOf(BYTES));
    expect(decodeOperatingParameters(BYTES)).toEqual(OPERATING_PARAMETERS);
  });

  it('cut short are refused', () => {
    expect(() => decodeOperatingParameters(BYTES.subarray(0, 43))).toThrow('EINVAL');
  });

  const many = (text: string, count: number) => Array<string>(count).fill(text);
  const embedded = (bytes: number) =>
    `0500${(bytes - 4).toString(16).padStart(4, '0')} 00000000 00000001
     ${(bytes - 16).toString(16).padStart(4, '0')}0000 ${'00'.repeat(bytes - 16)}`;
  it.each([
    ['targets', { targets: many(DISK, targetsMax) }, { targets: many(DISK, targetsMax + 1) }],
    [
      'segments',
      { segments: many(VERIFY, segmentsMax) },
      { segments: many(VERIFY, segmentsMax + 1) },
    ],
    [
      'bytes of descriptors',
      { segments: [embedded(descriptorBytesMax / 2), embedded(descriptorBytesMax / 2)] },
      { segments: [embedded(descriptorBytesMax / 2), embedded(descriptorBytesMax / 2 + 4)] },
    ],
    [
      'bytes of inline data',
      { inline: '00'.repeat(inlineBytesMax) },
      { inline: '00'.repeat(inlineBytesMax + 1) },
    ],
  ])('as many %s as they say are taken, not one more', (_what, most, more) => {
    expect(senseOf(() => decodeParameterList(listOf(most)))).toBe('none');
    expect(senseOf(() => decodeParameterList(listOf(more)))).not.toBe('none');
  });

  it('list the type codes that are taken, and no other', () => {
    const { typeCodes } = OPERATING_PARAMETERS;
    for (let code = 0; code < 256; code += 1) {
      const digits = code.toString(16).padStart(2, '0');
      const list =
        code < 0xe0 ? { segments: [`${digits}000000`] } : { targets: [digits + DISK.slice(2)] };
      const codes = senseOf(() => decodeParameterList(listOf(list))).slice(24, 28);
      const refused = codes === '2609' || codes === '2607';
      expect([code, refused]).toEqual([code, !typeCodes.includes(code)]);
    }
  });
});
