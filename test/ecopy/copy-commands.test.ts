/** CDBs of EXTENDED COPY and RECEIVE COPY RESULTS, by hand. */
import { describe, expect, it } from 'vitest';
import {
  type CopyCommand,
  decodeCopyCommand,
  encodeCopyCommand,
  unknownListIdentifier,
} from '../../src/ecopy/copy-commands.js';
import { sense, senseOf } from './list-builder.js';
import { bytesOf, hexOf } from './worked-examples.js';

const results = (action: Extract<CopyCommand, { action: string }>['action'], id: number) => ({
  ...{ kind: 'receive-copy-results' as const, action, listIdentifier: id },
  allocationBytes: 0x01020304,
});

describe('copy commands', () => {
  it.each<[string, CopyCommand]>([
    ['83 00 00 00 00 00 00 00 00 00 00 00 00 4C 00 00', { kind: 'extended-copy', listBytes: 0x4c }],
    ['83 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00', { kind: 'extended-copy', listBytes: 0 }],
    ['84 00 22 00 00 00 00 00 00 00 01 02 03 04 00 00', results('copy-status', 0x22)],
    ['84 01 22 00 00 00 00 00 00 00 01 02 03 04 00 00', results('receive-data', 0x22)],
    ['84 03 00 00 00 00 00 00 00 00 01 02 03 04 00 00', results('operating-parameters', 0)],
    ['84 04 ff 00 00 00 00 00 00 00 01 02 03 04 00 00', results('failed-segment-details', 255)],
  ])('%s', (hex, command) => {
    expect(decodeCopyCommand(bytesOf(hex))).toEqual(command);
    expect(hexOf(encodeCopyCommand(command))).toBe(hexOf(bytesOf(hex)));
  });

  it.each([
    ['LID4 of EXTENDED COPY', `83 01 ${'00'.repeat(14)}`, sense('05', '2000', 'c00001')],
    ['an unknown service action', `84 02 ${'00'.repeat(14)}`, sense('05', '2400', 'c00001')],
    ['another command', `a3 0c ${'00'.repeat(14)}`, sense('05', '2000', 'c00000')],
    ['a short CDB', `83 00 ${'00'.repeat(13)}`, sense('05', '2000', 'c00000')],
    ['a long CDB', `83 00 ${'00'.repeat(15)}`, sense('05', '2000', 'c00000')],
    ['a list that is too long', `83 ${'00'.repeat(9)} 00020011 0000`, sense('05', '1a00')],
  ])('%s is refused', (_what, hex, expected) => {
    expect(senseOf(() => decodeCopyCommand(bytesOf(hex)))).toBe(expected);
  });

  it('a list identifier nobody knows is an invalid field', () => {
    const ask = () => {
      throw unknownListIdentifier();
    };
    expect(senseOf(ask)).toBe(sense('05', '2400', 'c00002'));
  });
});
