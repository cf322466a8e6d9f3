/** Keys: byte order is the order of the fields, and parsing gives back what was packed. */
import { describe, expect, it } from 'vitest';
import {
  BLOCK_INDEX_MAX,
  blockKey,
  bornKey,
  EPOCH_MAX,
  keyOfText,
  keyText,
  mapKey,
  parseBlockKey,
  parseBornKey,
  parseMapKey,
  parseRecordKey,
  RECORD_KIND,
  recordKey,
  recordKeyEnd,
} from '../../src/store/keys.js';

function hex(key: Uint8Array): string {
  return Buffer.from(key).toString('hex');
}

/** Every key is before the next one, as bytes. */
function expectAscending(keys: readonly Uint8Array[]): void {
  for (let index = 1; index < keys.length; index += 1) {
    const order = Buffer.compare(keys[index - 1] as Uint8Array, keys[index] as Uint8Array);
    expect(order, `key ${index - 1} before key ${index}`).toBe(-1);
  }
}

describe('mapKey', () => {
  it('is lineage, block and the complement of the epoch', () => {
    expect(hex(mapKey(0x01020304, 0x05_0607_0809, 0x0a0b0c0d))).toBe('010203040506070809f5f4f3f2');
  });

  it('orders by lineage, then block, then newest epoch first', () => {
    expectAscending([
      mapKey(1, 0, EPOCH_MAX),
      mapKey(1, 0, 256),
      mapKey(1, 0, 255),
      mapKey(1, 0, 0),
      mapKey(1, 1, EPOCH_MAX),
      mapKey(1, 256, 0),
      mapKey(1, 2 ** 32, 5),
      mapKey(1, BLOCK_INDEX_MAX, 0),
      mapKey(2, 0, EPOCH_MAX),
      mapKey(256, 0, 0),
      mapKey(EPOCH_MAX, 0, 0),
    ]);
  });

  it.each([
    { lineage: 1, block: 0, epoch: 0 },
    { lineage: EPOCH_MAX, block: BLOCK_INDEX_MAX, epoch: EPOCH_MAX },
    { lineage: 7, block: 2 ** 32 + 3, epoch: 12 },
  ])('comes back from $lineage/$block/$epoch', (fields) => {
    expect(parseMapKey(mapKey(fields.lineage, fields.block, fields.epoch))).toEqual(fields);
  });

  it('refuses to parse a key of another size', () => {
    expect(() => parseMapKey(new Uint8Array(12))).toThrow(/assertion failed/);
  });
});

describe('bornKey', () => {
  it('orders by lineage, epoch and chunk, oldest first', () => {
    expectAscending([
      bornKey(1, 0, 9),
      bornKey(1, 1, 0),
      bornKey(1, 1, 255),
      bornKey(1, 1, 256),
      bornKey(1, 256, 0),
      bornKey(2, 0, 0),
    ]);
  });

  it('comes back', () => {
    expect(parseBornKey(bornKey(3, 4, 5))).toEqual({ lineage: 3, epoch: 4, chunk: 5 });
  });
});

describe('blockKey', () => {
  it('orders by id', () => {
    expectAscending([
      blockKey(1),
      blockKey(255),
      blockKey(256),
      blockKey(2 ** 32),
      blockKey(2 ** 47),
    ]);
  });

  it('comes back', () => {
    expect(parseBlockKey(blockKey(2 ** 48 - 1))).toBe(2 ** 48 - 1);
  });
});

describe('recordKey', () => {
  it('is kind, first and second', () => {
    expect(hex(recordKey('volume', 0x010203, 7))).toBe('1000000001020300000007');
  });

  it('orders by kind, first and second', () => {
    expectAscending([
      recordKey('identity'),
      recordKey('counters'),
      recordKey('volume', 1),
      recordKey('volume', 1, 1),
      recordKey('volume', 256),
      recordKey('snapshot', 0),
      recordKey('event', 2 ** 40),
    ]);
  });

  it('comes back', () => {
    expect(parseRecordKey(recordKey('clip', 2 ** 40, EPOCH_MAX))).toEqual({
      kind: RECORD_KIND.clip,
      first: 2 ** 40,
      second: EPOCH_MAX,
    });
  });

  it('has a number of its own for every kind', () => {
    const numbers = Object.values(RECORD_KIND);
    expect(new Set(numbers).size).toBe(numbers.length);
  });
});

describe('recordKeyEnd', () => {
  it('comes after every record of the kind and before the next kind', () => {
    expectAscending([
      recordKey('volume', 2 ** 48 - 1, EPOCH_MAX),
      recordKeyEnd('volume'),
      recordKey('snapshot', 0, 1),
    ]);
  });

  it('comes after every record of a first number and not after the next number', () => {
    expectAscending([recordKey('clip', 5, EPOCH_MAX), recordKeyEnd('clip', 5)]);
    expect(hex(recordKeyEnd('clip', 5))).toBe(hex(recordKey('clip', 6, 0)));
  });
});

describe('keyText', () => {
  it('of keys compares as the keys do, and gives the key back', () => {
    const keys = [blockKey(0x7f), blockKey(0x80), blockKey(0xff), blockKey(0x100)];
    const texts = keys.map(keyText);
    expect([...texts].sort((a, b) => (a < b ? -1 : 1))).toEqual(texts);
    expect(texts.map((text) => hex(keyOfText(text)))).toEqual(keys.map(hex));
  });
});
