/**
 * The worked examples with tapes on an array, truncated at every byte and with every bit wrong, against a byte model: the right sense or a
 * correct copy, and never a block, record or mark that the list does not name. Targets have the forms that the examples have.
 */
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { lunNumber, type TargetDescriptor } from '../../src/ecopy/target-descriptor.js';
import { listOf } from '../ecopy/list-builder.js';
import { bytesOf, EXAMPLES } from '../ecopy/worked-examples.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { cleanScratch, makeMemoryScratch } from '../support/scratch-directory.js';
import { CopyFixture } from './copy-fixture.js';
import type { Medium } from './copy-model-sides.js';
import { ListOracle, writeTapes } from './list-oracle.js';
import { TapeModel } from './tape-model.js';

const KIB = 1024;
const SIZES = { db: 80 * KIB, db2: 49 * KIB, far: 160 * KIB, hidden: 16 * KIB };
const CARTRIDGE_BYTES = KIB * KIB;
/** What host `local` has at CL1-A, by LUN. */
const LUNS = ['db', 'db2', 'far'] as const;
/** The only ports that send to devices and may be asked for by their number; from 9 on there is none. */
const NO_INITIATORS = [1, 2, 5, 6];
const DEVICE_AT_TARGET_ID = 17;

let fixture: CopyFixture;
let volumes: Map<string, Buffer>;
let tapes: Map<string, TapeModel>;
let oracle: ListOracle;

afterAll(cleanScratch);

beforeEach(async () => {
  fixture = await CopyFixture.open(SIZES);
  const random = new RandomSource(2);
  volumes = new Map();
  for (const [name, size] of Object.entries(SIZES)) {
    volumes.set(name, Buffer.from(random.bytes(size)));
    await fixture.write(name, 0, volumes.get(name) as Buffer);
  }
  const library = fixture.addTape({ cartridgeBytes: CARTRIDGE_BYTES }, makeMemoryScratch());
  const records = [0, 1, 2, 3].map(() => Buffer.from(random.bytes(32 * KIB)));
  const few = [Buffer.from(random.bytes(700)), 'mark', Buffer.from(random.bytes(80))] as const;
  tapes = new Map([
    ['AFS001', new TapeModel([...records, 'mark'], CARTRIDGE_BYTES)],
    ['AFS002', new TapeModel([...few], CARTRIDGE_BYTES)],
    ['AFS003', new TapeModel([], CARTRIDGE_BYTES)],
  ]);
  const media = { volumes, tapes, library, mediumOf };
  writeTapes(media);
  oracle = new ListOracle(fixture, media);
});

const wwnOf = (who: string) => `3${fixture.array.identity.serial}${who}`;
/** World wide names end with the port, or with 800h and the number of the device. */
const PORT = '01a';
const DEVICE = '801';

/** What a descriptor means to host `local` at CL1-A. */
function mediumOf({ address, initiatorPort }: TargetDescriptor): Medium | undefined {
  if (address.kind === 'none') return 'none';
  if (address.kind === 'identification') {
    const isMeant =
      address.codeSet === 2 && address.identifierType === 1 && address.association === 0;
    const name = LUNS.find((known) => address.identifier === vendorDigits(known)) ?? '';
    return isMeant ? volumes.get(name) : undefined;
  }
  const lun = lunNumber(address.lun);
  if (lun === undefined) return undefined;
  const isWwn = (who: string) => 'wwn' in address && address.wwn === wwnOf(who);
  const means = { port: false, device: false };
  switch (address.kind) {
    case 'port-name':
      Object.assign(means, { port: isWwn(PORT), device: isWwn(DEVICE) });
      break;
    case 'n-port':
      Object.assign(means, {
        port: address.portId === 0x1010a,
        device: address.portId === 0x20001,
      });
      break;
    case 'n-port-checked':
      means.port = address.portId === 0x1010a && isWwn(PORT);
      means.device = address.portId === 0x20001 && isWwn(DEVICE);
      break;
    case 'parallel':
      Object.assign(means, {
        port: address.targetId === 1,
        device: address.targetId === DEVICE_AT_TARGET_ID,
      });
      break;
  }
  if (means.port) return volumes.get(LUNS[lun] ?? '');
  if (!means.device || NO_INITIATORS.includes(initiatorPort)) return undefined;
  return tapes.get(`AFS00${Math.max(1, lun)}`) ?? 'unloaded';
}

function vendorDigits(name: string): string {
  const number = String(fixture.array.volume(name).number).padStart(5, '0');
  return Buffer.from(`ARRAYFS VOL${number}`).toString('hex');
}

const NO_LUN = '00'.repeat(8);
const TAIL = '00'.repeat(8);
const wwnDisk = () => `e0000000 ${NO_LUN} ${wwnOf(PORT)} ${TAIL} 00000200`;
const wwnTape = () => `e0010000 ${NO_LUN} ${wwnOf(DEVICE)} ${TAIL} 00000000`;

/** Replaces bytes of an example, by their places. */
function ours(example: Uint8Array, changes: Readonly<Record<number, string>>): Uint8Array {
  const list = new Uint8Array(example);
  for (const [at, hex] of Object.entries(changes)) list.set(bytesOf(hex), Number(at));
  return list;
}

/** The examples with names and addresses that there are here. */
const CASES: Readonly<Record<string, () => Uint8Array>> = {
  '2, disk to tape': () =>
    ours(EXAMPLES.diskToTape, { 16: wwnDisk(), 48: wwnTape(), 96: '0000000000000010' }),
  '3, tape to disk': () =>
    ours(EXAMPLES.tapeToDisk, {
      16: `e1010000 ${NO_LUN} ${TAIL} 00020001 00000000 01008000`,
      48: `e3000000 0002${'00'.repeat(6)} 0001${'00'.repeat(14)} 00000200`,
      96: '0000000000000003',
    }),
  '4, label, marks and data': () =>
    ours(EXAMPLES.labelledTape, {
      24: vendorDigits('db'),
      48: `e2010000 ${NO_LUN} ${wwnOf(DEVICE)} 00020001 00000000 00000000`,
    }),
  '6, the Legato form': () =>
    ours(EXAMPLES.legato, { 12: wwnDisk(), 44: wwnTape(), 92: '0000000000000010' }),
};

describe('worked example', () => {
  it.each(Object.entries(CASES))('%s is carried out', async (_name, list) => {
    expect(await oracle.run([list()])).toEqual(new Set(['good']));
  });

  it.each(Object.entries(CASES))('%s truncated at any byte copies nothing', async (_name, list) => {
    const all = list();
    const lists = [...all.keys()].slice(1).map((size) => all.subarray(0, size));
    expect(await oracle.run(lists)).toEqual(new Set(['05 1a 00']));
    expect(fixture.array.jobs()).toEqual([]);
  });

  it.each(Object.entries(CASES))('%s with any bit wrong ends rightly', async (_name, list) => {
    const all = list();
    const flipped = Array.from({ length: all.length * 8 }, (_unused, bit) => {
      const bytes = Buffer.from(all);
      bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (0x80 >> (bit & 7)), bit >> 3);
      return bytes;
    });
    const often = ['good', '05 1a 00', '05 26 07', '05 26 09', '0a 0d 01', '0a 0d 02', '0a 08 04'];
    expect([...(await oracle.run(flipped))]).toEqual(expect.arrayContaining(often));
  });
});

describe('random lists with tapes', () => {
  it('copy what they say', async () => {
    const random = new RandomSource(0x7a9e);
    const count = repeat(200);
    const lists = function* () {
      for (let made = 0; made < count; made += 1) yield randomList(random);
    };
    const often = ['good', '0a 00 00', '0a 26 0a', '0a 0d 01', '0a 0d 05', '0a 26 0c'];
    expect([...(await oracle.run(lists()))]).toEqual(expect.arrayContaining(often));
  });
});

const hex = (value: number, bytes: number) => value.toString(16).padStart(bytes * 2, '0');

/** Segments of all kinds between disks (0, 1) and two cartridges (2, 3), most of which fit. */
function randomList(random: RandomSource): Uint8Array {
  const pad = () => random.pick(['00', '04']);
  const disk = () =>
    `e0000000 000${random.integer(0, 2)}${'00'.repeat(6)} ${wwnOf(PORT)} ${TAIL} ${pad()}${hex(random.pick([512, 1024, 1536]), 3)}`;
  const tape = (slots: readonly number[]) => {
    const lun = `000${random.chance(0.02) ? 9 : random.pick(slots)}${'00'.repeat(6)}`;
    const parameters = random.chance(0.3)
      ? `05${hex(random.integer(1, 700), 3)}`
      : `${pad()}000000`;
    return `e0010000 ${lun} ${wwnOf(DEVICE)} ${TAIL} ${parameters}`;
  };
  const targets = [disk(), disk(), tape([1, 2]), tape([3])];
  const segments = Array.from({ length: random.integer(1, 6) }, () => randomSegment(random));
  return listOf({ flags: '0018', targets, segments, inline: '5a'.repeat(900) });
}

function randomSegment(random: RandomSource): string {
  const index = (of: readonly number[]) =>
    hex(random.chance(0.02) ? random.integer(0, 4) : random.pick(of), 2);
  const [block, stream] = [() => index([0, 1]), () => index([2, 3])];
  const cat = `0${random.integer(0, 1)}`;
  const transfer = () => hex(random.pick([1, 2, 80, 512, 700, 2048, random.integer(1, 3000)]), 3);
  const bytes = () => hex(random.integer(0, random.pick([100, 5_000])), 4);
  const lba = () => hex(random.chance(0.02) ? 2 ** 40 : random.integer(0, 60), 8);
  const count = () => hex(random.integer(0, 12), 2);
  const offset = () => hex(random.pick([0, 1, 511, 700]), 2);
  const marks = () => hex(random.integer(0, 3), 3);
  const signed = () => random.pick(['000001', '000002', 'ffffff', 'fffffe', '000000']);
  return random.pick([
    () => `00${cat}0014 ${block()} ${stream()} 00 ${transfer()} 0000 ${count()} ${lba()}`,
    () => `01${cat}0014 ${stream()} ${block()} 00 ${transfer()} 0000 ${count()} ${lba()}`,
    () => `02${cat}0018 ${block()} ${block()} 0000 ${count()} ${lba()} ${lba()}`,
    () => `03${cat}0010 0002 0003 00 ${transfer()} 00 ${transfer()} ${bytes()}`,
    () =>
      `04${cat}0010 0000 ${stream()} 00 ${transfer()} ${offset()}${bytes()}`.replace(
        / (....)(........)$/,
        ' 0000$1$2',
      ),
    () => `05${cat}0010 0000 ${stream()} 00 ${transfer()} 0003 0000 61626300`,
    () => `06${cat}000c ${stream()} 0000 00 ${transfer()} ${bytes()}`,
    () =>
      `08${cat}0018 ${block()} ${stream()} 00 ${transfer()} ${bytes()} ${lba()} 0000 ${offset()}`,
    () =>
      `09${cat}0018 ${stream()} ${block()} 00 ${transfer()} ${bytes()} ${lba()} 0000 ${offset()}`,
    () => `10000008 0000 ${stream()} 00 ${marks()}`,
    () => `11000008 0000 ${stream()} 0${random.pick([0, 1, 3, 3])} ${signed()}`,
    () => `12000008 0000 ${stream()} ${hex(random.integer(0, 5), 4)}`,
    () => `07000008 ${stream()} 0000 01000000`,
  ])();
}
