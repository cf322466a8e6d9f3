/** Blocks of sparse data files: the bytes by hand, what fits, what is refused. */
import { describe, expect, it } from 'vitest';
import { DataBlockBuilder, decodeDataBlock } from '../../src/device/data-block.js';
import { RandomSource } from '../support/random-source.js';
import { BACKUP, dataBlock, sealed } from './backup-examples.js';
import { reasonOf } from './fault-of.js';

const EXTENTS = [
  { offset: 0, data: Buffer.alloc(1024, 0xa1) },
  { offset: 2 ** 33, data: Buffer.alloc(512, 0xa2) },
];
const WHOLE = { backup: BACKUP, number: 5, imageBytes: 2 ** 34, from: 0 };
const content = Buffer.alloc(65_536, 0x5a);

function built(number = 5, isLast = false): Buffer {
  const builder = new DataBlockBuilder(BACKUP);
  for (const { offset, data } of EXTENTS) expect(builder.add(offset, data)).toBe(data.length);
  return Buffer.from(builder.finish(number, isLast));
}

describe('a data block', () => {
  it('has the bytes of its layout', () => {
    const block = built();
    expect(block).toEqual(dataBlock(5, false, EXTENTS));
    expect(block.length).toBe(65_536);
    expect(block.toString('latin1', 0, 8)).toBe('AFSDATA1');
    expect(block.toString('hex', 8, 48)).toBe(
      [
        '1a2b3c4d001142238445566778899aab',
        '0000000000000005',
        '0000',
        '0002',
        '00'.repeat(12),
      ].join(''),
    );
    expect(block.toString('hex', 48, 80)).toBe(
      '0000000000000000' + '00000400' + '00000000' + '0000000200000000' + '00000200' + '00000000',
    );
    expect(built(5, true).readUInt16BE(32)).toBe(1);
  });

  it('is read back as it was built', () => {
    const { isLast, number, extents } = decodeDataBlock(built(5, true), WHOLE);
    expect([isLast, number]).toEqual([true, 5]);
    expect(extents.map(({ offset, data = [] }) => ({ offset, data: Buffer.from(data) }))).toEqual(
      EXTENTS,
    );
  });

  it('has zeros as extents without content, which take no room', () => {
    const builder = new DataBlockBuilder(BACKUP);
    expect(builder.addZeros(0, 1024)).toBe(1024);
    expect(builder.add(1024, Buffer.alloc(512, 0xa1))).toBe(512);
    expect(builder.addZeros(1536, 2 ** 32)).toBe(2 ** 31);
    expect(builder.addZeros(1536 + 2 ** 31, 512)).toBe(0);
    const block = Buffer.from(builder.finish(5, true));
    expect(block.toString('hex', 48, 96)).toBe(
      '0000000000000000' +
        '00000400' +
        '00000001' +
        '0000000000000400' +
        '00000200' +
        '00000000' +
        '0000000000000600' +
        '80000000' +
        '00000001',
    );
    expect(block[512]).toBe(0xa1);
    const { extents } = decodeDataBlock(block, WHOLE);
    expect(extents.map(({ offset, bytes, data }) => [offset, bytes, data?.length])).toEqual([
      [0, 1024, undefined],
      [1024, 512, 512],
      [1536, 2 ** 31, undefined],
    ]);
  });

  it('with an extent of an unknown kind is refused', () => {
    const block = built();
    block.writeUInt32BE(2, 48 + 12);
    expect(reasonOf(() => decodeDataBlock(sealed(block), WHOLE))).toContain(
      'extents that cannot be',
    );
  });

  it('takes 127 sectors of one extent, and 28 extents', () => {
    const builder = new DataBlockBuilder(BACKUP);
    expect(builder.add(0, content)).toBe(127 * 512);
    expect(builder.add(127 * 512, content)).toBe(0);
    builder.finish(0, false);
    const sector = content.subarray(0, 512);
    for (let index = 0; index < 28; index += 1) {
      expect(builder.add(index * 1024, sector)).toBe(512);
    }
    expect(builder.add(28 * 1024, sector)).toBe(0);
    const block = Buffer.from(builder.finish(1, false));
    const { extents } = decodeDataBlock(block, { ...WHOLE, number: 1 });
    expect(extents.map((extent) => extent.offset)).toEqual(
      Array.from({ length: 28 }, (_, index) => index * 1024),
    );
  });

  it('does not depend on the pieces in which an extent comes', () => {
    const builder = new DataBlockBuilder(BACKUP);
    builder.add(0, Buffer.alloc(512, 0xa1));
    builder.add(512, Buffer.alloc(512, 0xa1));
    builder.add(2 ** 33, Buffer.alloc(512, 0xa2));
    expect(Buffer.from(builder.finish(5, false))).toEqual(dataBlock(5, false, EXTENTS));
  });

  it('has nothing of the block before it', () => {
    const builder = new DataBlockBuilder(BACKUP);
    builder.add(0, content);
    builder.finish(4, false);
    for (const { offset, data } of EXTENTS) builder.add(offset, data);
    expect(Buffer.from(builder.finish(5, true))).toEqual(dataBlock(5, true, EXTENTS));
  });

  it('may have no extents', () => {
    const block = Buffer.from(new DataBlockBuilder(BACKUP).finish(0, true));
    expect(block).toEqual(dataBlock(0, true, []));
    expect(decodeDataBlock(block, { ...WHOLE, number: 0 })).toMatchObject({ extents: [] });
  });

  const sector = (offset: number, bytes = 512) => ({ offset, data: Buffer.alloc(bytes) });
  it.each<[string, Uint8Array, object, RegExp]>([
    ['of 512 bytes less', built().subarray(512), {}, /no block of a backup/],
    [
      'of another format',
      sealed(Buffer.concat([Buffer.from('AFSDATA2'), built().subarray(8)])),
      {},
      /no block/,
    ],
    [
      'of another backup',
      dataBlock(5, false, EXTENTS, Buffer.alloc(16, 1)),
      {},
      /of another backup/,
    ],
    ['of another number', built(6), {}, /it is block 6/],
    ['beyond the image', built(), { imageBytes: 2 ** 33 }, /extents that cannot be/],
    ['below what was read', built(), { from: 512 }, /extents that cannot be/],
    [
      'whose extents overlap',
      dataBlock(5, false, [sector(512, 1024), sector(1024)]),
      {},
      /cannot be/,
    ],
    ['whose extents descend', dataBlock(5, false, [sector(512), sector(0)]), {}, /cannot be/],
    ['with half sectors', dataBlock(5, false, [sector(0, 100)]), {}, /cannot be/],
    ['at half a sector', dataBlock(5, false, [sector(100)]), {}, /cannot be/],
    ['with an empty extent', dataBlock(5, false, [sector(0, 0)]), {}, /cannot be/],
  ])('%s is refused', (_what, block, expected, reason) => {
    expect(reasonOf(() => decodeDataBlock(block, { ...WHOLE, ...expected }))).toMatch(reason);
  });

  it('whose content is longer than it is refused', () => {
    const block = built();
    block.writeUInt32BE(65_536, 56);
    expect(reasonOf(() => decodeDataBlock(sealed(block), WHOLE))).toMatch(/cannot be/);
    block.writeUInt16BE(29, 34);
    expect(reasonOf(() => decodeDataBlock(sealed(block), WHOLE))).toMatch(/cannot be/);
  });

  it('with any bit wrong is refused', () => {
    const random = new RandomSource(0xb10c);
    const bits = Array.from({ length: 512 * 8 }, (_, bit) => bit);
    for (let count = 0; count < 2_000; count += 1) bits.push(random.integer(0, 65_536 * 8 - 1));
    for (const bit of bits) {
      const block = built();
      block[bit >> 3] = (block[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect([bit, reasonOf(() => decodeDataBlock(block, WHOLE))]).toEqual([
        bit,
        expect.stringMatching(/no block of a backup|wrong checksum/),
      ]);
    }
  });
});
