/** Target descriptors: round trips with and without an address, and LUNs. */
import { describe, expect, it } from 'vitest';
import {
  decodeTarget,
  encodeTarget,
  lunDigits,
  lunNumber,
  type TargetDescriptor,
} from '../../src/ecopy/target-descriptor.js';
import { viewOf } from '../../src/ecopy/wire-field.js';
import { DISK, NAA_DISK, patched, TAPE } from './list-builder.js';
import { bytesOf, hexOf } from './worked-examples.js';

const decode = (hex: string) => decodeTarget(viewOf(bytesOf(hex)), 0);

describe('target descriptor', () => {
  it.each([
    ['a port', DISK],
    ['a tape with fixed blocks that pads', patched(TAPE, 28, '05000400')],
    ['a processor that pads', patched(patched(TAPE, 1, '03'), 28, '04')],
    ['an initiator port', patched(NAA_DISK, 2, '1234')],
    ['a name in UTF-8 of the target', patched(NAA_DISK, 4, '03280014').replaceAll(' ', '')],
    ['nobody', patched(`${NAA_DISK.slice(0, 8)} ${'00'.repeat(24)} 04000200`, 1, '20')],
  ])('%s is the same after decoding and encoding', (_what, hex) => {
    expect(hexOf(encodeTarget(decode(hex)))).toBe(hexOf(bytesOf(hex)));
  });

  it('with NUL has no address, whatever is there', () => {
    const target = decode(patched(patched(NAA_DISK, 1, '20'), 4, 'ffffffff'));
    expect(target).toEqual({
      address: { kind: 'none', code: 0xe4 },
      ...{ deviceType: 0, initiatorPort: 0 },
      parameters: { class: 'block', pad: false, blockBytes: 512 },
    } satisfies TargetDescriptor);
  });
});

describe('logical unit numbers', () => {
  it.each([
    [0, '0000000000000000'],
    [5, '0005000000000000'],
    [255, '00ff000000000000'],
    [256, '4100000000000000'],
    [16383, '7fff000000000000'],
  ])('%d is %s', (lun, digits) => {
    expect(lunDigits(lun)).toBe(digits);
    expect(lunNumber(digits)).toBe(lun);
  });

  it.each([
    ['a second level', '0005000100000000'],
    ['another bus', '0105000000000000'],
    ['a long form', 'd205000000000000'],
  ])('%s is none', (_what, digits) => {
    expect(lunNumber(digits)).toBeUndefined();
  });
});
