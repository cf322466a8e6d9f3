/** The flow of bytes through segments: residual data (table 30), whole units, given ranges. */
import { describe, expect, it } from 'vitest';
import { decodeParameterList } from '../../src/ecopy/parameter-list.js';
import { checkSegment } from '../../src/ecopy/segment-check.js';
import {
  beginFlow,
  expectedWriteBytes,
  NO_RESIDUE,
  nextStep,
  type SegmentDemand,
  segmentDemand,
} from '../../src/ecopy/segment-flow.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { runFlow } from './flow-runner.js';
import { DISK, listOf, patched, TAPE } from './list-builder.js';
import { bytesOf, EXAMPLES } from './worked-examples.js';

const DEMAND: SegmentDemand = {
  ...{ rule: 'process', bytes: 0, readUnitBytes: 8, writeUnitBytes: 10, skipBytes: 0 },
  ...{ concatenate: false, sourcePad: false, destinationPad: false },
};

function demandsOf(list: Uint8Array) {
  const decoded = decodeParameterList(list);
  return decoded.segments.map((_segment, number) => segmentDemand(checkSegment(decoded, number)));
}

function demandOf(segment: string) {
  const big = patched(DISK, 28, '04001000');
  const fixed = patched(TAPE, 28, '05000400');
  return demandsOf(listOf({ targets: [DISK, big, TAPE, fixed], segments: [segment] }))[0];
}

describe('what a segment moves', () => {
  const block = { readUnitBytes: 512, writeUnitBytes: 4096, destinationPad: true };
  it.each<[string, string, object | undefined]>([
    [
      '02h counts source blocks',
      `02000018 0000 0001 0000 0003 ${'00'.repeat(16)}`,
      { ...DEMAND, ...block, bytes: 1536 },
    ],
    [
      '02h with DC counts destination blocks',
      `02030018 0000 0001 0000 0003 ${'00'.repeat(16)}`,
      { ...DEMAND, ...block, rule: 'produce', bytes: 12288, concatenate: true },
    ],
    [
      '00h to fixed blocks',
      `00000014 0000 0003 00 000002 0000 0003 ${'00'.repeat(8)}`,
      { ...DEMAND, bytes: 1536, readUnitBytes: 512, writeUnitBytes: 2048, destinationPad: true },
    ],
    [
      '01h from variable blocks',
      `01000014 0002 0001 00 000020 0000 0003 ${'00'.repeat(8)}`,
      { ...DEMAND, ...block, rule: 'produce', bytes: 12288, readUnitBytes: 32 },
    ],
    [
      '03h with two lengths',
      '03000010 0002 0003 00 000020 00 000001 00000021',
      { ...DEMAND, bytes: 33, readUnitBytes: 32, writeUnitBytes: 1024, destinationPad: true },
    ],
    [
      '05h has its own data',
      '05000010 0000 0003 00 000001 0003 0000 41424300',
      {
        ...{ ...DEMAND, rule: 'append', bytes: 3 },
        ...{ readUnitBytes: 0, writeUnitBytes: 1024, destinationPad: true },
      },
    ],
    [
      '06h has no destination',
      '0600000c 0003 0000 00 000001 00000005',
      {
        ...{ ...DEMAND, rule: 'discard', bytes: 5, readUnitBytes: 1024 },
        ...{ writeUnitBytes: 0, sourcePad: true },
      },
    ],
    [
      '08h skips the offset',
      `08000018 0000 0002 00 000020 00000040 ${'00'.repeat(8)} 0000 0011`,
      { ...DEMAND, bytes: 64, readUnitBytes: 512, writeUnitBytes: 32, skipBytes: 17 },
    ],
    [
      '09h writes any range',
      `09000018 0002 0001 00 000020 00000040 ${'00'.repeat(8)} 0000 0011`,
      {
        ...{ ...DEMAND, rule: 'produce', bytes: 64, readUnitBytes: 32 },
        ...{ writeUnitBytes: 1, destinationPad: true },
      },
    ],
    [
      '0Ah does both',
      `0a00001c 0000 0000 00000040 ${'00'.repeat(16)} 0011 0012`,
      {
        ...{ ...DEMAND, rule: 'produce', bytes: 64, readUnitBytes: 512 },
        ...{ writeUnitBytes: 1, skipBytes: 17 },
      },
    ],
    ['07h nothing', '07000008 0000 0000 00000000', undefined],
    ['10h nothing', '10000008 0000 0002 00000001', undefined],
  ])('%s', (_what, segment, expected) => {
    expect(demandOf(segment)).toEqual(expected);
  });
});

describe('residual data, table 30', () => {
  /** Ends with 5 bytes of source data and 7 of destination data. */
  const settle = (changed: Partial<SegmentDemand>) =>
    nextStep(beginFlow({ ...DEMAND, ...changed }, { sourceBytes: 5, destinationBytes: 7 }));
  const end = (padBytes: number, sourceBytes: number, destinationBytes: number) => ({
    ...{ kind: 'end', padBytes, residue: { sourceBytes, destinationBytes } },
  });
  const inexact = { kind: 'inexact' };

  it.each<[number, number, number, object, object]>([
    // CAT, PAD of source and destination; as a count of source; as a given range
    [1, 0, 0, end(0, 5, 7), end(0, 5, 7)],
    [1, 1, 1, end(0, 5, 7), end(0, 5, 7)],
    [0, 1, 1, end(3, 0, 0), inexact],
    [0, 0, 1, end(3, 5, 0), inexact],
    [0, 1, 0, end(0, 0, 0), end(0, 0, 0)],
    [0, 0, 0, inexact, inexact],
  ])('CAT %d, PAD %d and %d', (cat, source, destination, processed, produced) => {
    const flags = {
      ...{ concatenate: cat === 1, sourcePad: source === 1, destinationPad: destination === 1 },
    };
    expect(settle(flags)).toEqual(processed);
    expect(settle({ ...flags, rule: 'produce' })).toEqual(produced);
  });

  it('one kind of residue alone is inexact too', () => {
    const only = (sourceBytes: number, destinationBytes: number) =>
      nextStep(beginFlow(DEMAND, { sourceBytes, destinationBytes }));
    expect([only(5, 0), only(0, 7), only(0, 0)]).toEqual([inexact, inexact, end(0, 0, 0)]);
  });

  it('what cannot be padded to a length is inexact', () => {
    expect(settle({ writeUnitBytes: 0, destinationPad: true })).toEqual(inexact);
  });

  it('a segment that discards all residues without moving anything', () => {
    const flow = runFlow(demandOf('0600000c 0003 0000 00 000000 00000000'), {
      ...{ sourceData: bytesOf('0102'), destinationData: bytesOf('0304') },
    });
    expect(flow).toMatchObject({ written: bytesOf(''), reads: [], inexact: false });
    expect([flow.sourceData.length, flow.destinationData.length]).toEqual([0, 0]);
  });

  it('a count of zero still writes what was left in whole blocks', () => {
    const flow = runFlow(DEMAND, { destinationData: new Uint8Array(20).fill(7) });
    expect(flow.writes).toEqual([20]);
    expect(flow.written).toEqual(new Uint8Array(20).fill(7));
  });
});

describe('example 5', () => {
  const source = new Uint8Array(16 * 512).map((_byte, index) => index >> 5);
  const [first, second] = demandsOf(EXAMPLES.residualData);

  it('keeps 1,024 bytes and reads six blocks for the second segment', () => {
    const one = runFlow(first, { input: source });
    expect(one).toMatchObject({ writes: [4096], inexact: false });
    expect(one.written).toEqual(source.subarray(0, 4096));
    expect(one.destinationData).toEqual(source.subarray(4096, 5120));
    const two = runFlow(second, { input: source.subarray(5120), ...one });
    expect(two).toMatchObject({ reads: [6], writes: [4096], inexact: false });
    expect(two.written).toEqual(source.subarray(4096, 8192));
    expect([two.sourceData.length, two.destinationData.length]).toEqual([0, 0]);
  });

  it('is inexact without CAT', () => {
    if (first === undefined) throw new Error('segment 0 moves data');
    expect(runFlow({ ...first, concatenate: false }, { input: source }).inexact).toBe(true);
  });
});

describe('any segment', () => {
  it('moves bytes in order, in whole units, and loses none', () => {
    const random = new RandomSource(0x30);
    for (let round = 0; round < repeat(3_000); round += 1) {
      const demand = randomDemand(random);
      const before = {
        sourceData: random.bytes(random.integer(0, 12)),
        destinationData: random.bytes(random.integer(0, 12)),
      };
      const input = random.bytes(300);
      const own = random.bytes(demand.bytes);
      const flow = runFlow(demand, { ...before, input, own, shortReads: random });

      const { rule, bytes, writeUnitBytes, skipBytes } = demand;
      const append = rule === 'append';
      const available = [...before.sourceData, ...input.subarray(skipBytes)];
      const stream = append ? [...own] : available;
      const count = rule === 'produce' ? bytes - before.destinationData.length : bytes;
      const processed = rule === 'discard' ? [] : stream.slice(0, Math.max(0, count));
      expect([...flow.written, ...flow.destinationData]).toEqual([
        ...[...before.destinationData, ...processed],
      ]);
      expect(flow.written.length).toBe(
        expectedWriteBytes(demand, {
          sourceBytes: before.sourceData.length,
          destinationBytes: before.destinationData.length,
        }),
      );
      for (const write of flow.writes) expect(write % writeUnitBytes).toBe(0);
      const used = append ? 0 : Math.max(0, count);
      const left = available.slice(used, used + flow.sourceData.length);
      expect([...flow.sourceData]).toEqual(left);
    }
  });

  it('begins without a residue where there is none', () => {
    expect(beginFlow(DEMAND, NO_RESIDUE)).toMatchObject({ sourceBytes: 0, destinationBytes: 0 });
  });
});

/** CAT is set, so that what is left over can be looked at. */
function randomDemand(random: RandomSource): SegmentDemand {
  const rule = random.pick(['process', 'produce', 'append', 'discard'] as const);
  const writeUnitBytes = rule === 'discard' ? 0 : random.integer(1, 9);
  const units = random.integer(0, 10);
  return {
    ...DEMAND,
    rule,
    writeUnitBytes,
    bytes: rule === 'produce' ? units * writeUnitBytes : random.integer(0, 60),
    readUnitBytes: random.integer(1, 9),
    skipBytes: random.integer(0, 5),
    concatenate: true,
  };
}
