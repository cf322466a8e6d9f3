/** RECEIVE COPY RESULTS: answers written by hand from the tables of the specification. */
import { describe, expect, it } from 'vitest';
import {
  type CopyStatus,
  cutToAllocation,
  decodeCopyStatus,
  decodeFailedSegment,
  decodeReceivedData,
  encodeCopyStatus,
  encodeFailedSegment,
  encodeReceivedData,
  holdMore,
} from '../../src/ecopy/copy-results.js';
import { bytesOf, hexOf } from './worked-examples.js';

const DONE = { heldDataDiscarded: false, state: 'done', segmentsProcessed: 1 } as const;

describe('copy status', () => {
  it.each<[string, CopyStatus, string]>([
    [
      'example 2, done with 64 KiB',
      { ...DONE, writtenBytes: 65536 },
      '00 00 00 08 01 00 01 01 00 00 00 40',
    ],
    ['nothing written', { ...DONE, writtenBytes: 0 }, '00000008 01 0001 00 00000000'],
    ['bytes', { ...DONE, writtenBytes: 65537 }, '00000008 01 0001 00 00010001'],
    [
      'in progress, held data gone',
      {
        ...{ heldDataDiscarded: true, state: 'in-progress', segmentsProcessed: 0x102 },
        writtenBytes: 2 ** 32 - 1,
      },
      '00000008 80 0102 00 ffffffff',
    ],
    [
      'failed after 5 TiB, in MiB',
      { ...DONE, state: 'failed', writtenBytes: 5 * 2 ** 40 },
      '00000008 02 0001 02 00500000',
    ],
  ])('%s', (_what, status, hex) => {
    expect(hexOf(encodeCopyStatus(status))).toBe(hexOf(bytesOf(hex)));
    expect(decodeCopyStatus(bytesOf(hex))).toEqual(status);
  });

  it('rounds down what no unit tells exactly', () => {
    const bytes = encodeCopyStatus({ ...DONE, writtenBytes: 2 ** 32 + 1 });
    expect(hexOf(bytes)).toBe('000000080100010100400000');
  });

  it('counts segments as far as the field goes', () => {
    const bytes = encodeCopyStatus({ ...DONE, segmentsProcessed: 70_000, writtenBytes: 0 });
    expect(decodeCopyStatus(bytes).segmentsProcessed).toBe(65_535);
  });

  it.each([
    ['cut short', '00000008 01 0001 01 000000'],
    ['of an unknown state', '00000008 03 0001 01 00000040'],
    ['in an unknown unit', '00000008 01 0001 07 00000040'],
  ])('%s is refused', (_what, hex) => {
    expect(() => decodeCopyStatus(bytesOf(hex))).toThrow('EINVAL');
  });
});

describe('received data', () => {
  it('has its length before it', () => {
    const data = bytesOf('a1a2a3');
    expect(hexOf(encodeReceivedData(data))).toBe('00000003a1a2a3');
    expect(decodeReceivedData(bytesOf('00000003a1a2a3'))).toEqual(data);
  });

  it('is cut to the allocation length, the length is not changed', () => {
    const answer = encodeReceivedData(bytesOf('a1a2a3'));
    expect(hexOf(cutToAllocation(answer, 5))).toBe('00000003a1');
    expect(decodeReceivedData(cutToAllocation(answer, 5))).toEqual(bytesOf('a1'));
    expect(cutToAllocation(answer, 100)).toEqual(answer);
    expect(hexOf(cutToAllocation(answer, 0))).toBe('');
  });

  it('keeps the newest of what is too much', () => {
    const chunk = (value: number) => new Uint8Array(128 * 1024).fill(value);
    const none = { bytes: new Uint8Array(), discarded: false };
    const full = holdMore(holdMore(none, chunk(1)), chunk(2));
    expect([full.bytes.length, full.discarded]).toEqual([256 * 1024, false]);
    const over = holdMore(full, bytesOf('03'));
    expect([over.bytes.length, over.discarded]).toEqual([256 * 1024, true]);
    expect([over.bytes[0], over.bytes[128 * 1024 - 2], over.bytes.at(-2)]).toEqual([1, 1, 2]);
    expect(over.bytes.at(-1)).toBe(3);
    const kept = holdMore({ ...over, bytes: bytesOf('') }, bytesOf('04'));
    expect(kept.discarded).toBe(true);
  });
});

describe('failed segment details', () => {
  const sense = bytesOf('70 00 0A 00 00 00 00 0A 00 00 00 01 08 04 00 A0 00 06');

  it('example 8: 78 bytes', () => {
    const bytes = bytesOf(`0000004A ${'00'.repeat(52)} 02000012 ${hexOf(sense)}`);
    expect(hexOf(encodeFailedSegment({ status: 2, sense }))).toBe(hexOf(bytes));
    expect(decodeFailedSegment(bytes)).toEqual({ status: 2, sense });
  });

  it('are four zeros where no segment failed', () => {
    expect(hexOf(encodeFailedSegment(undefined))).toBe('00000000');
    expect(decodeFailedSegment(bytesOf('00000000'))).toBeUndefined();
  });

  it('cut short are refused', () => {
    const bytes = encodeFailedSegment({ status: 2, sense });
    expect(() => decodeFailedSegment(bytes.subarray(0, 59))).toThrow('EINVAL');
  });
});
