/** Records: expected bytes built by hand, damage found, newer layouts refused. */

import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  type CopyRecord,
  packSnapshot,
  packVolume,
  unpackSnapshot,
  unpackVolume,
} from '../../src/store/copy-records.js';
import { packEvent, packJob, unpackEvent, unpackJob } from '../../src/store/history-records.js';
import {
  ALL_SECTORS,
  LAYOUT_VERSION,
  mapTag,
  packAllocation,
  packCount,
  packCounters,
  packIdentity,
  packIds,
  packLineage,
  packMapEntry,
  unpackAllocation,
  unpackCount,
  unpackCounters,
  unpackIdentity,
  unpackIds,
  unpackLineage,
  unpackMapEntry,
} from '../../src/store/records.js';

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Bytes from hex with the CRC-32 of all of them behind. */
function sealed(body: string): Uint8Array {
  const bytes = Buffer.from(body.replace(/\s/g, ''), 'hex');
  const end = Buffer.alloc(4);
  end.writeUInt32BE(crc32(bytes));
  return Buffer.concat([bytes, end]);
}

function utf8(text: string): string {
  const bytes = Buffer.from(text);
  return bytes.length.toString(16).padStart(4, '0') + bytes.toString('hex');
}

const IDENTITY = {
  layoutVersion: 1,
  arrayUuid: new Uint8Array(16).fill(0xa1),
  arraySerial: '0123456789ab',
  arrayLabel: 'Lager ä',
  poolUuid: new Uint8Array(16).fill(0xb2),
  tagSeed: 0x01020304,
  poolName: 'main',
  createdMs: 0x0123456789ab,
  capacityBytes: 2 ** 40,
  blockContainer: 'lmdb' as const,
};

const IDENTITY_BODY = `
  01 0001 ${'a1'.repeat(16)} ${utf8('0123456789ab')} ${utf8('Lager ä')}
  ${'b2'.repeat(16)} 01020304 ${utf8('main')} 00000123456789ab 0000010000000000 ${utf8('lmdb')}`;

const COPY: CopyRecord = {
  number: 7,
  uuid: new Uint8Array(16).fill(0xc3),
  name: 'db',
  label: 'the database',
  sizeBytes: 2 ** 44,
  lineage: 3,
  epoch: 0xffff_fffe,
  mode: 0o640,
  uid: 1000,
  gid: 0xffff_ffff,
  createdMs: 1,
  accessedMs: 2,
  modifiedMs: 3,
  changedMs: 4,
  infoModified: true,
  info: new Uint8Array(512).fill(5),
};

describe('map entry', () => {
  const location = { id: 0x0102_0304_0506, crc: 0x0708090a, sectors: 0xf000000f };

  it('is version, id, checksum, sectors and tag', () => {
    expect(hex(packMapEntry(location, 0x0b0c0d0e))).toBe(
      '01010203040506' + '0708090af000000f0b0c0d0e',
    );
  });

  it('comes back', () => {
    expect(unpackMapEntry(packMapEntry(location, 9))).toEqual({ ...location, tag: 9 });
  });

  it('has a tag over pool, lineage, block, epoch, id, checksum and sectors', () => {
    const bytes = Buffer.from(
      '00000001' + '0000000002' + '00000003' + '010203040506' + '0708090af000000f',
      'hex',
    );
    expect(mapTag(0x11, 1, 2, 3, location)).toBe(crc32(bytes, 0x11));
  });

  it('has another tag wherever one field is another', () => {
    const tags = [
      mapTag(0, 1, 2, 3, location),
      mapTag(1, 1, 2, 3, location),
      mapTag(0, 2, 2, 3, location),
      mapTag(0, 1, 3, 3, location),
      mapTag(0, 1, 2, 4, location),
      mapTag(0, 1, 2, 3, { ...location, id: 1 }),
      mapTag(0, 1, 2, 3, { ...location, crc: 1 }),
      mapTag(0, 1, 2, 3, { ...location, sectors: ALL_SECTORS }),
    ];
    expect(new Set(tags).size).toBe(tags.length);
  });

  it.each([
    ['a byte short', new Uint8Array(18).fill(1)],
    ['a byte long', new Uint8Array(20).fill(1)],
    ['of another version', new Uint8Array(19).fill(2)],
    ['empty', new Uint8Array(0)],
  ])('is EIO where it is %s', (_what, value) => {
    expect(() => unpackMapEntry(value)).toThrow(/^EIO: map entry/);
  });
});

describe('identity', () => {
  it('has the layout version behind the record version', () => {
    expect(hex(packIdentity(IDENTITY))).toBe(hex(sealed(IDENTITY_BODY)));
  });

  it('comes back from bytes made by hand', () => {
    expect(unpackIdentity(sealed(IDENTITY_BODY))).toEqual(IDENTITY);
  });

  it('of a newer layout is refused, whatever its fields and its record version', () => {
    const newer = sealed(`02 ${(LAYOUT_VERSION + 1).toString(16).padStart(4, '0')} ff`);
    expect(() => unpackIdentity(newer)).toThrow(
      new RegExp(`^EINVAL: .*layout version ${LAYOUT_VERSION + 1}.*newer arrayfs`),
    );
  });

  it('that is missing is EIO', () => {
    expect(() => unpackIdentity(new Uint8Array(0))).toThrow(/^EIO/);
  });
});

describe('sealed records', () => {
  it.each<[string, Uint8Array, string]>([
    [
      'counters',
      packCounters({ nextBlockId: 1, storedBlocks: 2, publishedSequence: 3 }),
      '01 000000000001 000000000002 000000000003',
    ],
    [
      'allocation',
      packAllocation({ nextLineage: 1, nextNumber: 2, nextJob: 3, nextEvent: 4 }),
      '01 00000001 00000002 00000003 000000000004',
    ],
    ['lineage', packLineage({ id: 2, parent: 1, parentEpoch: 9 }), '01 00000002 00000001 00000009'],
    ['count', packCount(2 ** 40), '01 010000000000'],
    ['ids', packIds([1, 2]), '01 00000002 000000000001 000000000002'],
  ])('%s is its fields in order and a checksum', (_what, value, body) => {
    expect(hex(value)).toBe(hex(sealed(body)));
  });

  it('come back as they were', () => {
    const counters = { nextBlockId: 2 ** 48 - 1, storedBlocks: 0, publishedSequence: 5 };
    const allocation = { nextLineage: 4, nextNumber: 3, nextJob: 2, nextEvent: 2 ** 48 - 1 };
    const lineage = { id: 2, parent: 0, parentEpoch: 0 };
    const job = {
      id: 1,
      kind: 'scrub',
      subject: 'all',
      state: 'done',
      startedMs: 1,
      endedMs: 0,
      done: 5,
      total: 6,
      unit: 'bytes',
      message: 'ä',
      memo: '{}',
    };
    const event = { timeMs: 1, textOffset: 2 ** 50, code: 'CREATED', subject: 'db', message: '' };
    expect(unpackCounters(packCounters(counters))).toEqual(counters);
    expect(unpackAllocation(packAllocation(allocation))).toEqual(allocation);
    expect(unpackLineage(packLineage(lineage))).toEqual(lineage);
    expect(unpackCount(packCount(0))).toBe(0);
    expect(unpackIds(packIds([]))).toEqual([]);
    expect(unpackJob(packJob(job))).toEqual(job);
    expect(unpackEvent(packEvent(event))).toEqual(event);
  });

  it('come back as they were, volumes with and without an information sector', () => {
    expect(unpackVolume(packVolume(COPY))).toEqual(COPY);
    const bare = { ...COPY, info: undefined, infoModified: false, label: '' };
    expect(unpackVolume(packVolume(bare))).toEqual(bare);
  });

  it('come back as they were, snapshots with the number of their volume', () => {
    const snapshot = { ...COPY, volumeNumber: 12 };
    expect(unpackSnapshot(packSnapshot(snapshot))).toEqual(snapshot);
  });
});

describe('a damaged record', () => {
  const value = packVolume(COPY);

  it('is EIO whichever byte was flipped', () => {
    for (let index = 0; index < value.length; index += 1) {
      const damaged = new Uint8Array(value);
      damaged[index] = (damaged[index] as number) ^ 0x10;
      expect(() => unpackVolume(damaged), `byte ${index}`).toThrow(
        'EIO: record has a wrong checksum',
      );
    }
  });

  it('is EIO at whatever length it was cut', () => {
    for (let size = 0; size < value.length; size += 1) {
      expect(() => unpackVolume(value.subarray(0, size)), `${size} bytes`).toThrow(/^EIO: record/);
    }
  });

  it('is EIO with bytes behind its fields', () => {
    expect(() => unpackCount(sealed('01 000000000001 00'))).toThrow(
      'EIO: record has 1 bytes too many',
    );
  });

  it('is EINVAL with a version this program does not know', () => {
    expect(() => unpackCount(sealed('02 000000000001'))).toThrow(/^EINVAL: record has version 2/);
  });
});
