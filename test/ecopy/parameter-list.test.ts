/** Parameter lists: the worked examples of the specification, decoded field by field and encoded. */
import { describe, expect, it } from 'vitest';
import {
  decodeParameterList,
  encodeParameterList,
  targetOffset,
} from '../../src/ecopy/parameter-list.js';
import { SenseError } from '../../src/ecopy/sense.js';
import { SENSE } from '../../src/ecopy/sense-codes.js';
import { bytesOf, EXAMPLES, hexOf } from './worked-examples.js';

const disk = (blockBytes: number) => ({
  deviceType: 0,
  initiatorPort: 0,
  parameters: { class: 'block', pad: false, blockBytes },
});
const tape = (blockBytes: number) => ({
  deviceType: 1,
  initiatorPort: 0,
  parameters: { class: 'tape', pad: false, fixed: blockBytes > 0, blockBytes },
});
const naa = (identifier: string) => ({
  ...{ kind: 'identification', codeSet: 1, association: 0, identifierType: 3, identifier },
});
const toTape = { kind: 'block-to-stream', hold: false, concatenate: false, source: 0 };
const NO_INLINE = new Uint8Array();

describe('parameter list', () => {
  it('example 1: one disk, block to block', () => {
    expect(decodeParameterList(EXAMPLES.diskToDisk)).toEqual({
      form: 'standard',
      options: { listIdentifier: 1, striped: false, listIdUsage: 'hold', priority: 1 },
      targets: [{ ...disk(512), address: naa('6589cfc000000c441122334455667788') }],
      segments: [
        {
          ...{ kind: 'block-to-block', hold: false, concatenate: false, destinationCount: false },
          ...{ source: 0, destination: 0, blockCount: 16 },
          ...{ sourceLba: 0x100n, destinationLba: 0x2000n },
        },
      ],
      inlineData: NO_INLINE,
    });
  });

  it('example 2: disk to tape, by port names', () => {
    const list = decodeParameterList(EXAMPLES.diskToTape);
    expect(list.options.priority).toBe(3);
    expect(list.targets).toEqual([
      {
        ...disk(512),
        address: { kind: 'port-name', lun: '0005000000000000', wwn: '5000aa0000000010' },
      },
      {
        ...tape(0),
        address: { kind: 'port-name', lun: '0000000000000000', wwn: '5000aa0000000020' },
      },
    ]);
    expect(list.segments).toEqual([
      { ...toTape, destination: 1, transferLength: 65536, blockCount: 128, lba: 0x12345678n },
    ]);
  });

  it('example 3: tape with fixed blocks to disk, by N_Port and parallel address', () => {
    const list = decodeParameterList(EXAMPLES.tapeToDisk);
    expect(list.targets).toEqual([
      {
        ...tape(32768),
        address: { kind: 'n-port', lun: '0000000000000000', portId: 0x010203 },
      },
      { ...disk(512), address: { kind: 'parallel', lun: '0002000000000000', targetId: 4 } },
    ]);
    expect(list.segments).toEqual([
      {
        ...{ kind: 'stream-to-block', hold: false, concatenate: false, source: 0, destination: 1 },
        ...{ transferLength: 2, blockCount: 256, lba: 0x100000000n },
      },
    ]);
  });

  it('example 4: label, filemarks and inline data', () => {
    const list = decodeParameterList(EXAMPLES.labelledTape);
    expect(list.options).toEqual({
      ...{ listIdentifier: 0x24, striped: true, listIdUsage: 'discard', priority: 1 },
    });
    const identifier = hexOf(Buffer.from('ARRAYFS VOL00007'));
    expect(list.targets.map((target) => target.address)).toEqual([
      { kind: 'identification', codeSet: 2, association: 0, identifierType: 1, identifier },
      {
        ...{ kind: 'n-port-checked', lun: '0000000000000000' },
        ...{ wwn: '5000aa0000000020', portId: 0xef },
      },
    ]);
    const filemarks = { kind: 'write-filemarks', hold: false, destination: 1 };
    const plain = { setmarks: false, immediate: false };
    expect(list.segments).toEqual([
      {
        ...{ kind: 'inline-to-stream', hold: false, concatenate: false, destination: 1 },
        ...{ transferLength: 80, inlineOffset: 0, byteCount: 80 },
      },
      { ...filemarks, ...plain, count: 1 },
      { ...toTape, destination: 1, transferLength: 65536, blockCount: 128, lba: 0n },
      { ...filemarks, ...plain, count: 2 },
    ]);
    expect(Buffer.from(list.inlineData).toString()).toBe(
      `VOL1AFS001              ARRAYFS      BACKUP ${' '.repeat(35)}4`,
    );
  });

  it('example 5: residual data over two segments', () => {
    const list = decodeParameterList(EXAMPLES.residualData);
    expect(list.targets.map((target) => target.parameters)).toEqual([
      { class: 'block', pad: false, blockBytes: 512 },
      { class: 'block', pad: false, blockBytes: 4096 },
    ]);
    const between = { kind: 'block-to-block', hold: false, source: 0, destination: 1 };
    expect(list.segments).toEqual([
      {
        ...{ ...between, concatenate: true, destinationCount: false, blockCount: 10 },
        ...{ sourceLba: 0n, destinationLba: 0n },
      },
      {
        ...{ ...between, concatenate: false, destinationCount: true, blockCount: 1 },
        ...{ sourceLba: 10n, destinationLba: 1n },
      },
    ]);
  });

  it('example 6: the form with its first target at byte 12', () => {
    const list = decodeParameterList(EXAMPLES.legato);
    expect(list.form).toBe('legato');
    expect(list.targets.map((target) => target.address)).toEqual([
      { kind: 'port-name', lun: '0003000000000000', wwn: '5000aa0000000010' },
      { kind: 'port-name', lun: '0000000000000000', wwn: '5000aa0000000020' },
    ]);
    expect(list.segments).toEqual([
      { ...toTape, destination: 1, transferLength: 16384, blockCount: 32, lba: 64n },
    ]);
    expect(list.inlineData).toEqual(NO_INLINE);
    expect([targetOffset(list, 0), targetOffset(list, 1)]).toEqual([0x0c, 0x2c]);
  });

  it('example 7: a list that is cut off is refused as a whole', () => {
    expect(() => decodeParameterList(EXAMPLES.truncated)).toThrow(
      new SenseError({ code: SENSE.listLength }),
    );
  });

  it('example 8: a wrong index is no error of the list', () => {
    const list = decodeParameterList(EXAMPLES.badIndex);
    expect(list.segments.map((segment) => 'destination' in segment && segment.destination)).toEqual(
      [1, 5],
    );
  });

  const { truncated: _, ...whole } = EXAMPLES;
  it.each(Object.entries(whole))('%s is encoded to the very bytes', (_name, bytes) => {
    expect(hexOf(encodeParameterList(decodeParameterList(bytes)))).toBe(hexOf(bytes));
  });

  it('takes what follows the segments of a legato list as inline data', () => {
    const bytes = bytesOf(`${hexOf(EXAMPLES.legato)} 0102 03`);
    const list = decodeParameterList(bytes);
    expect(list.inlineData).toEqual(new Uint8Array([1, 2, 3]));
    expect(hexOf(encodeParameterList(list))).toBe(hexOf(bytes));
  });

  it('tells the form of SPC-2 revision 15 by the length at byte 4', () => {
    const legato = hexOf(EXAMPLES.legato);
    const bytes = bytesOf(`0701 0040 00000018 00000002 ${legato.slice(24)} abcd`);
    const list = decodeParameterList(bytes);
    expect(list.form).toBe('spc2-r15');
    expect(list.segments).toEqual(decodeParameterList(EXAMPLES.legato).segments);
    expect(list.inlineData).toEqual(new Uint8Array([0xab, 0xcd]));
    expect(hexOf(encodeParameterList(list))).toBe(hexOf(bytes));
  });

  it('knows SPC-3 lists without an identifier', () => {
    const bytes = bytesOf('0018 0000 00000000 00000000 00000000');
    expect(decodeParameterList(bytes).options).toEqual({
      ...{ listIdentifier: 0, striped: false, listIdUsage: 'none', priority: 0 },
    });
  });

  it('has nothing to do with bytes after a standard list, nor with reserved ones', () => {
    const bytes = bytesOf('09c0 0000 ffffffff 00000000 00000000 ffff');
    expect(decodeParameterList(bytes)).toEqual({
      form: 'standard',
      options: { listIdentifier: 9, striped: false, listIdUsage: 'hold', priority: 0 },
      ...{ targets: [], segments: [], inlineData: NO_INLINE },
    });
  });

  it('keeps no view of the bytes it was given', () => {
    const bytes = EXAMPLES.labelledTape.slice();
    const list = decodeParameterList(bytes);
    bytes.fill(0);
    expect(hexOf(encodeParameterList(list))).toBe(hexOf(EXAMPLES.labelledTape));
  });
});
