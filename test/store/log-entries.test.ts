/** Entries of the intent log: bytes written by hand, round trips, and input that is cut or wrong. */
import { describe, expect, it } from 'vitest';
import { SECTOR_BYTES } from '../../src/base/sizes.js';
import {
  type LogEntry,
  type LoggedBlock,
  packEntries,
  unpackEntries,
} from '../../src/store/log-entries.js';
import { sectorCount } from '../../src/store/sector-runs.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';

const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(/\s+/g, ''), 'hex'));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

const sector = new Uint8Array(SECTOR_BYTES).fill(0xab);
const usage = { kind: 'usage', lineage: 3, epoch: 0xffff_ffff, toLineage: 4, toEpoch: 5 } as const;
const place = { lineage: 9, epoch: 10, previousView: -1 };

const CASES: readonly [string, LogEntry, string][] = [
  [
    'a record',
    {
      kind: 'record',
      sequence: 0x0102_0304_0506,
      change: { key: hex('0a0b'), value: hex('ff') },
    },
    '01 010203040506 02 0a0b 01 00000001 ff',
  ],
  [
    'a removed record',
    { kind: 'record', sequence: 7, change: { key: hex('0a'), value: undefined } },
    '01 000000000007 01 0a 00',
  ],
  [
    'a usage count',
    { kind: 'usage', sequence: 7, order: 8, step: usage },
    '02 000000000007 000000000008 00000003 ffffffff 00000004 00000005',
  ],
  [
    'a clip',
    {
      kind: 'clip',
      sequence: 7,
      order: 8,
      step: { kind: 'clip', lineage: 3, epoch: 4, block: 0x01_0000_0002, replaces: [1, 2] },
    },
    '03 000000000007 000000000008 00000003 00000004 0100000002 00000002 00000001 00000002',
  ],
  [
    'a layer without blocks',
    { kind: 'layer', sequence: 7, order: 8, place, blocks: [] },
    '04 000000000007 000000000008 00000009 0000000a 0000000000 00000000',
  ],
  [
    'a layer',
    {
      kind: 'layer',
      sequence: 7,
      order: 8,
      place: { ...place, previousView: 6 },
      blocks: [
        { block: 1, sectors: 0xffff_ffff },
        { block: 2, sectors: 0x8000_0000, bytes: sector },
        { block: 3, sectors: 0xffff_ffff, location: { id: 11, crc: 12, sectors: 13 } },
      ],
    },
    `04 000000000007 000000000008 00000009 0000000a 0000000007 00000003
     0000000001 ffffffff 00
     0000000002 80000000 01 ${'ab'.repeat(SECTOR_BYTES)}
     0000000003 ffffffff 02 00000000000b 0000000c 0000000d`,
  ],
];

describe('log entries', () => {
  it.each(CASES)('%s has these bytes', (_what, entry, bytes) => {
    expect(text(packEntries([entry], 16))).toBe(text(hex(bytes)));
    expect(unpackEntries(hex(bytes))).toEqual([entry]);
  });

  it('follow each other', () => {
    const entries = CASES.map(([, entry]) => entry);
    expect(unpackEntries(packEntries(entries, 1))).toEqual(entries);
    expect(unpackEntries(new Uint8Array(0))).toEqual([]);
  });

  it.each(CASES)('%s that is cut short is EIO', (_what, entry) => {
    const bytes = packEntries([entry], 64);
    for (let end = 1; end < bytes.length; end += 1) {
      expect(() => unpackEntries(bytes.subarray(0, end))).toThrow(/^EIO: record is cut short/);
    }
  });

  it.each([0, 5, 255])('of kind %d are EIO', (kind) => {
    const bytes = new Uint8Array(64);
    bytes[0] = kind;
    expect(() => unpackEntries(bytes)).toThrow(`EIO: the intent log has an entry of kind ${kind}`);
  });

  it.each(Array.from({ length: repeat(20) }, (_, index) => 7_000 + index))(
    'come back as they went, and damaged ones never do more than EIO, seed %d',
    (seed) => {
      const random = new RandomSource(seed);
      const entries = Array.from({ length: random.integer(1, 12) }, () => randomEntry(random));
      const bytes = packEntries(entries, random.integer(1, 4_096));
      expect(unpackEntries(bytes)).toEqual(entries);
      for (let turn = 0; turn < 50; turn += 1) {
        const damaged = new Uint8Array(bytes);
        damaged[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
        expectEntriesOrEio(damaged.subarray(0, random.integer(0, damaged.length)));
      }
    },
  );
});

function expectEntriesOrEio(bytes: Uint8Array): void {
  try {
    unpackEntries(bytes);
  } catch (error) {
    expect(error).toMatchObject({ name: 'ArrayError', code: 'EIO' });
  }
}

function randomEntry(random: RandomSource): LogEntry {
  const sequence = random.integer(1, 2 ** 40);
  const order = random.integer(1, 2 ** 40);
  const u32 = () => random.integer(0, 2 ** 32 - 1);
  const kind = random.pick(['record', 'usage', 'clip', 'layer'] as const);
  if (kind === 'record') {
    const value = random.chance(0.3) ? undefined : random.bytes(random.integer(0, 300));
    return { kind, sequence, change: { key: random.bytes(11), value } };
  }
  const [lineage, epoch] = [u32(), u32()];
  if (kind === 'usage') {
    return {
      kind,
      sequence,
      order,
      step: { kind, lineage, epoch, toLineage: u32(), toEpoch: u32() },
    };
  }
  if (kind === 'clip') {
    const replaces = Array.from({ length: random.integer(0, 4) }, u32);
    const block = random.integer(0, 2 ** 40 - 1);
    return { kind, sequence, order, step: { kind, lineage, epoch, block, replaces } };
  }
  const previousView = random.chance(0.5) ? -1 : u32();
  const blocks = Array.from({ length: random.integer(0, 6) }, () => randomBlock(random));
  return { kind, sequence, order, place: { lineage, epoch, previousView }, blocks };
}

function randomBlock(random: RandomSource): LoggedBlock {
  const block = random.integer(0, 2 ** 40 - 1);
  const sectors = random.integer(1, 2 ** 32 - 1);
  const content = random.pick(['zeros', 'bytes', 'reference']);
  if (content === 'zeros') return { block, sectors };
  if (content === 'bytes') {
    return { block, sectors, bytes: random.bytes(sectorCount(sectors) * SECTOR_BYTES) };
  }
  const location = { id: random.integer(1, 2 ** 48 - 1), crc: 5, sectors: 0xffff_ffff };
  return { block, sectors, location };
}
