/** The image of a backup, piece by piece: holes as zeros, and each place looked up once. */
import { beforeEach, describe, expect, it } from 'vitest';
import { CopySource } from '../../src/array/copy-source.js';
import { FrozenImageSource } from '../../src/array/image-source.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { ArrayFixture } from './array-fixture.js';

const PIECE_BLOCKS = 4;
/** With two runs of data, of 20 and 4 blocks. */
const BLOCKS = 40;
let fixture: ArrayFixture;
let source: CopySource;
let lookups: string[];

beforeEach(async () => {
  fixture = await ArrayFixture.open();
  await fixture.create(BLOCKS, 'db');
  const image = fixture.array.openImage(fixture.array.volume('db'), { write: true });
  for (let block = 0; block < 20; block += 1) {
    await image.write(block * BLOCK_BYTES, new Uint8Array(BLOCK_BYTES).fill(block + 1));
  }
  await image.write(30 * BLOCK_BYTES, new Uint8Array(4 * BLOCK_BYTES).fill(99));
  image.close();
  [source] = CopySource.freezeAll(fixture.array, [fixture.array.volume('db')]) as [CopySource];
  lookups = [];
  for (const name of ['nextData', 'nextHole'] as const) {
    const { image: frozen } = source.part(0, BLOCK_BYTES);
    if (frozen === undefined) throw new Error('the image is frozen');
    const inner = frozen[name].bind(frozen);
    Object.assign(frozen, {
      [name]: (offset: number, before?: number) => {
        lookups.push(`${name} ${offset / BLOCK_BYTES}`);
        return inner(offset, before);
      },
    });
  }
});

const reader = () => {
  const before = () => undefined;
  const copying = { pointer: undefined, sharedBytes: 0 };
  return new FrozenImageSource({ source, before, copying }, BLOCKS * BLOCK_BYTES);
};

/** `kind first-block blocks first-byte` of each piece, from a block on. */
async function pieces(of: FrozenImageSource, from = 0): Promise<string[]> {
  const found: string[] = [];
  const target = new Uint8Array(PIECE_BLOCKS * BLOCK_BYTES);
  for (let offset = from * BLOCK_BYTES; offset < BLOCKS * BLOCK_BYTES; ) {
    const { kind, length } = await of.read(offset, target);
    const first = kind === 'data' ? ` ${target[0]}` : '';
    found.push(`${kind} ${offset / BLOCK_BYTES} ${length / BLOCK_BYTES}${first}`);
    offset += length;
  }
  return found;
}

const ALL = [
  ...['data 0 4 1', 'data 4 4 5', 'data 8 4 9', 'data 12 4 13', 'data 16 4 17'],
  ...['zeros 20 10', 'data 30 4 99', 'zeros 34 6'],
];

describe('a frozen image', () => {
  it('is read in pieces, and its holes are pieces of zeros', async () => {
    expect(await pieces(reader())).toEqual(ALL);
  });

  it('is looked up once where data or a hole begins, not for each piece', async () => {
    await pieces(reader());
    expect(lookups).toEqual([
      ...['nextData 0', 'nextHole 0', 'nextData 20'],
      ...['nextData 30', 'nextHole 30', 'nextData 34'],
    ]);
  });

  it('can be read again from an earlier place', async () => {
    const again = reader();
    await pieces(again, 8);
    expect(await pieces(again, 4)).toEqual(ALL.slice(1));
  });
});
