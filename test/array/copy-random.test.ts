/**
 * Hostile and random parameter lists on an array, against a byte model: the right sense or a correct copy, and never a byte
 * outside the ranges that a list names.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import type { TargetDescriptor } from '../../src/ecopy/target-descriptor.js';
import { listOf } from '../ecopy/list-builder.js';
import { bytesOf, EXAMPLES } from '../ecopy/worked-examples.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { blocks, CopyFixture } from './copy-fixture.js';
import { ListOracle } from './list-oracle.js';

const KIB = 1024;
const SIZES = { db: 80 * KIB, db2: 49 * KIB, far: 64 * KIB, hidden: 16 * KIB };
const NAMES = Object.keys(SIZES) as (keyof typeof SIZES)[];
const SEEN = ['db', 'db2', 'far'];

let fixture: CopyFixture;
let oracle: ListOracle;

beforeEach(async () => {
  fixture = await CopyFixture.open(SIZES);
  const volumes = new Map<string, Buffer>();
  const random = new RandomSource(1);
  for (const name of NAMES) {
    const bytes = Buffer.from(random.bytes(SIZES[name]));
    volumes.set(name, bytes);
    await fixture.write(name, 0, bytes);
  }
  /** The bytes that a descriptor with a NAA identifier means. */
  const mediumOf = ({ address }: TargetDescriptor) => {
    if (address.kind === 'none') return 'none';
    if (address.kind !== 'identification') return undefined;
    const isMeant =
      address.codeSet === 1 && address.identifierType === 3 && address.association === 0;
    const name = SEEN.find((seen) => fixture.array.copy(seen).naa === address.identifier);
    return isMeant && name !== undefined ? volumes.get(name) : undefined;
  };
  oracle = new ListOracle(fixture, { volumes, mediumOf });
});

/** Examples with targets of this array. */
function examples(): Uint8Array[] {
  const ours = (example: Uint8Array, names: readonly string[], blockBytes: number[] = []) => {
    const list = Buffer.from(example);
    for (const [index, name] of names.entries()) {
      list.set(bytesOf(fixture.descriptor(name, blockBytes[index])), 16 + index * 32);
    }
    return list;
  };
  return [
    // LBAs that these volumes have.
    ours(EXAMPLES.residualData, ['db', 'db2'], [512, 4096]),
    ours(EXAMPLES.badIndex, ['db', 'far']),
    listOf({ targets: [fixture.descriptor('db')], segments: [blocks([0, 0], [16, 64], 16)] }),
  ];
}

describe('hostile parameter lists on an array', () => {
  it('end rightly however they are truncated', async () => {
    const lists = examples().flatMap((list) =>
      [...list.keys()].map((size) => list.subarray(0, size)),
    );
    expect(await oracle.run(lists.filter((list) => list.length > 0))).toEqual(
      new Set(['05 1a 00']),
    );
  });

  it('end rightly whichever bit is wrong', async () => {
    const flipped = examples().flatMap((list) =>
      Array.from({ length: list.length * 8 }, (_unused, bit) => {
        const bytes = Buffer.from(list);
        bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (0x80 >> (bit & 7)), bit >> 3);
        return bytes;
      }),
    );
    const often = ['good', '05 1a 00', '05 26 07', '05 26 09', '0a 0d 02', '0a 0d 03'];
    const others = ['0a 00 00', '0a 08 04', '0a 26 0a'];
    expect([...(await oracle.run(flipped))]).toEqual(expect.arrayContaining([...often, ...others]));
  });

  it('of random segments copy what they say', async () => {
    const random = new RandomSource(0x5c51);
    const count = repeat(5_000);
    const lists = function* () {
      for (let made = 0; made < count; made += 1) yield randomList(random);
    };
    const often = ['good', '0a 00 00', '0a 26 0a', '0a 0d 02', '0a 0d 03'];
    expect([...(await oracle.run(lists()))]).toEqual(expect.arrayContaining(often));
  });
});

/** Block segments of all kinds between the volumes, most of them inside these. */
function randomList(random: RandomSource): Uint8Array {
  const targets = Array.from({ length: random.integer(1, 4) }, () => {
    if (random.chance(0.02)) return `e4200000 ${'00'.repeat(24)} 00000200`;
    const name = random.chance(0.02) ? 'hidden' : random.pick(SEEN);
    const blockBytes = random.pick([
      0,
      512,
      512,
      512,
      1024,
      1536,
      4096,
      random.integer(1, 70) * 512,
    ]);
    return fixture.descriptor(name, random.chance(0.01) ? 500 : blockBytes, random.pick([0, 4]));
  });
  const segments = Array.from({ length: random.integer(1, 5) }, () => {
    const index = () => random.integer(0, targets.length - 1);
    const lba = () => (random.chance(0.02) ? 2 ** 50 : random.integer(0, random.pick([8, 40])));
    const flags = `0${random.integer(0, 3)}`;
    if (random.chance(0.6)) {
      return blocks([index(), index()], [lba(), lba()], random.integer(0, 40), flags);
    }
    const hex = (value: number, bytes: number) => value.toString(16).padStart(bytes * 2, '0');
    const offset = () => hex(random.pick([0, 1, 511, 700]), 2);
    const pair = `${hex(index(), 2)}${hex(index(), 2)}`;
    const places = `${hex(lba(), 8)}${hex(lba(), 8)}${offset()}${offset()}`;
    return `0a0${random.integer(0, 1)}001c${pair}${hex(random.integer(0, 20_000), 4)}${places}`;
  });
  return listOf({ flags: '0018', targets, segments });
}
