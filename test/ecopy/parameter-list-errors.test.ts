/** Refusals of parameter lists, and which of two comes first. */
import { describe, expect, it } from 'vitest';
import { decodeParameterList } from '../../src/ecopy/parameter-list.js';
import {
  COPY_SEGMENT,
  DISK,
  type ListParts,
  listOf,
  NAA_DISK,
  patched,
  sense,
  senseOf,
  TAPE,
} from './list-builder.js';
import { bytesOf, EXAMPLES, hexOf } from './worked-examples.js';

const LENGTH_ERROR = sense('05', '1a00');
const invalid = (byte: number) => field('2600', byte);
const field = (codes: string, byte: number) =>
  sense('05', codes, `80${byte.toString(16).padStart(4, '0')}`);
const refusal = (parts: ListParts) => senseOf(() => decodeParameterList(listOf(parts)));
const targets = (count: number) => Array<string>(count).fill(DISK);
const segments = (count: number) => Array<string>(count).fill('07000008 0000 0000 01000000');
const one = { targets: [DISK], segments: [COPY_SEGMENT] };

describe('refusals in the recommended order', () => {
  const OK: ListParts = one;
  it.each<[string, ListParts, string]>([
    ['nothing wrong', OK, 'none'],
    ['the most targets', { targets: targets(64) }, 'none'],
    ['the most segments', { targets: [DISK], segments: segments(1024) }, 'none'],
    ['the most inline data', { inline: '00'.repeat(65536) }, 'none'],
    ['a tape with fixed blocks', { targets: [patched(TAPE, 28, '01000200')] }, 'none'],
    ['a NUL target of a known type', { targets: [patched(NAA_DISK, 1, '2000000f')] }, 'none'],
    ['a block length to be asked for', { targets: [patched(DISK, 28, '00000000')] }, 'none'],

    ['2 too many descriptors in bytes', { segments: segments(5462) }, LENGTH_ERROR],
    ['2 a length that is far too large', { segmentBytes: 0xffffffff }, LENGTH_ERROR],
    ['3 a promise of more inline data', { ...OK, inlineBytes: 1 }, LENGTH_ERROR],
    ['3 a promise of more segments', { ...OK, segmentBytes: 29 }, LENGTH_ERROR],
    ['4 too much inline data', { inline: '00'.repeat(65537) }, sense('05', '260b')],
    ['5 half a target', { targetBytes: 31, segmentBytes: 29, ...OK }, invalid(2)],
    ['6 too many targets', { targets: targets(65) }, field('2606', 2)],
    ['7 an unsupported target', { targets: [DISK, patched(DISK, 0, 'e5')] }, field('2607', 48)],
    ['8 a proxy token', { targets: [DISK, patched(DISK, 1, '40')] }, invalid(49)],
    ['8 a reserved device type', { targets: [patched(DISK, 1, '02')] }, invalid(17)],
    ['8 a reserved code set', { targets: [patched(NAA_DISK, 4, '04')] }, invalid(20)],
    ['8 a reserved association', { targets: [patched(NAA_DISK, 5, '33')] }, invalid(21)],
    ['8 a reserved identifier type', { targets: [patched(NAA_DISK, 5, '09')] }, invalid(21)],
    ['8 an identifier too long', { targets: [patched(NAA_DISK, 7, '15')] }, invalid(23)],
    ['8 an empty identifier', { targets: [patched(NAA_DISK, 7, '00')] }, invalid(23)],
    ['8 FIXED without a length', { targets: [patched(TAPE, 28, '01')] }, invalid(45)],
    ['8 a length without FIXED', { targets: [patched(TAPE, 31, '01')] }, invalid(45)],
    ['8 an optical disk', { targets: [patched(DISK, 1, '07')] }, 'none'],
    [
      '8 no block length at all',
      { targets: [patched(patched(DISK, 1, '07'), 28, '00000000')] },
      invalid(45),
    ],
    [
      '8 no block length of a NUL disk',
      { targets: [patched(patched(DISK, 1, '20'), 28, '00000000')] },
      invalid(45),
    ],
    ['8 a reserved usage of the identifier', { ...OK, flags: '0108' }, invalid(1)],
    ['8 an identifier that should be 0', { ...OK, flags: '0118' }, invalid(0)],
    ['9 too many segments', { targets: [DISK], segments: segments(1025) }, sense('05', '2608')],
    ['10 an unsupported segment', { segments: [...segments(1), '15000000'] }, field('2609', 28)],
    ['10 a vendor segment', { segments: ['c0000000'] }, field('2609', 16)],
    ['11 a segment past the end', { ...OK, segmentBytes: 27 }, LENGTH_ERROR],
    ['11 three bytes of a segment', { segments: ['070000'] }, LENGTH_ERROR],
    ['11 a wrong descriptor length', { segments: ['07000009 0000 0000 0100000000'] }, invalid(18)],
  ])('%s', (_what, parts, expected) => {
    expect(refusal(parts)).toBe(expected);
  });

  it('1 a header that is not whole', () => {
    const sizes = [...Array(16).keys()];
    const ends = sizes.map((size) =>
      senseOf(() => decodeParameterList(listOf(one).subarray(0, size))),
    );
    expect(ends).toEqual(sizes.map(() => LENGTH_ERROR));
  });

  it.each<[string, ListParts, string]>([
    ['2 before 6', { targets: targets(65), segmentBytes: 65536 }, LENGTH_ERROR],
    ['3 before 4', { inlineBytes: 65537 }, LENGTH_ERROR],
    [
      '4 before 5',
      { targetBytes: 1, inline: '00'.repeat(65537 + 1), inlineBytes: 65537 },
      sense('05', '260b'),
    ],
    ['5 before 7', { targets: [patched(DISK, 0, 'ff'), '00'] }, invalid(2)],
    ['6 before 7', { targets: Array<string>(65).fill(patched(DISK, 0, 'ff')) }, field('2606', 2)],
    [
      '7 before 8',
      { targets: [patched(DISK, 1, '40'), patched(DISK, 0, 'ff')] },
      field('2607', 48),
    ],
    ['8 before 9', { targets: [patched(DISK, 1, '40')], segments: segments(1025) }, invalid(17)],
    [
      '9 before 10',
      { segments: ['ff000008 0000 0000 01000000', ...segments(1024)] },
      sense('05', '2608'),
    ],
    ['10 before 11', { segments: ['ff000008'] }, field('2609', 16)],
  ])('%s', (_what, parts, expected) => {
    expect(refusal(parts)).toBe(expected);
  });

  it('7 the answer to example 7 is that of the specification', () => {
    expect(senseOf(() => decodeParameterList(EXAMPLES.truncated))).toBe(
      hexOf(bytesOf('70 00 05 00 00 00 00 0A 00 00 00 00 1A 00 00 00 00 00')),
    );
  });

  it('an 8-byte header of T10/99-143r1 is recognised and refused', () => {
    const list = bytesOf(`0100 0020 00000000 ${DISK}`);
    expect(senseOf(() => decodeParameterList(list))).toBe(invalid(8));
  });
});
