/** What an exception of LMDB is called, and the bits of a born bitmap. */
import { describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { packBorn, setBits, unpackBorn } from '../../src/store/born-bitmaps.js';
import { CHUNK_BITMAP_BYTES } from '../../src/store/keys.js';
import { storeError } from '../../src/store/lmdb-environment.js';

describe('storeError', () => {
  it.each<[string, unknown, string]>([
    ['the errno of a full disk', Object.assign(new Error('x'), { code: 28 }), 'ENOSPC'],
    ['the name of that errno', Object.assign(new Error('x'), { code: 'ENOSPC' }), 'ENOSPC'],
    ['a full map', Object.assign(new Error('MDB_MAP_FULL'), { code: -30792 }), 'ENOSPC'],
    ['the words of a full disk', new Error('write: No space left on device'), 'ENOSPC'],
    ['another errno', Object.assign(new Error('x'), { code: 5 }), 'EIO'],
    ['a page that is damaged', Object.assign(new Error('MDB_CORRUPTED'), { code: -30796 }), 'EIO'],
    ['no error at all', 'x', 'EIO'],
  ])('makes of %s', (_what, error, code) => {
    expect(storeError(error).code).toBe(code);
  });

  it('takes any failure on a disk without room for a full disk', () => {
    const error = Object.assign(new Error('x'), { code: 5 });
    expect([storeError(error, 0).code, storeError(error, 2 ** 40).code]).toEqual(['ENOSPC', 'EIO']);
  });

  it('leaves an ArrayError as it is', () => {
    const error = new ArrayError('EINVAL', 'a record');
    expect(storeError(error)).toBe(error);
  });
});

describe('born bitmaps', () => {
  const bitmap = new Uint8Array(CHUNK_BITMAP_BYTES);
  for (const bit of [0, 7, 8, 4_095])
    bitmap[bit >> 3] = (bitmap[bit >> 3] as number) | (1 << (bit & 7));

  it('have the lowest bit of a byte first', () => {
    expect([bitmap[0], bitmap[1], bitmap[511]]).toEqual([0x81, 0x01, 0x80]);
    expect([...setBits(bitmap)]).toEqual([0, 7, 8, 4_095]);
  });

  it.each<[number, number[]]>([
    [1, [7, 8, 4_095]],
    [8, [8, 4_095]],
    [9, [4_095]],
    [4_096, []],
  ])('list their bits from bit %d on', (from, bits) => {
    expect([...setBits(bitmap, from)]).toEqual(bits);
  });

  it('are a version byte and 512 bytes', () => {
    const value = packBorn(bitmap);
    expect([value.length, value[0]]).toEqual([513, 1]);
    expect(unpackBorn(value)).toEqual(bitmap);
  });

  it.each([new Uint8Array(512), new Uint8Array(514).fill(1), new Uint8Array(513).fill(2)])(
    'are not read from another size or version',
    (value) => {
      expect(unpackBorn(value)).toBeUndefined();
    },
  );
});
