/** A flipped byte in the data file: EIO on that block alone, found by check and by scrub. */
import { closeSync, existsSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { canMount, codeOf, MountedArray } from '../support/mounted-array.js';
import { ARRAYFS, run, until } from '../support/programs.js';
import { RandomSource } from '../support/random-source.js';
import { cleanScratch } from '../support/scratch-directory.js';

const BLOCKS = 8;
const DAMAGED = 5;
const ADDRESS = DAMAGED * BLOCK_BYTES;

interface Finding {
  readonly kind: string;
  readonly pool: string;
  readonly subject: string;
  readonly detail: string;
}

describe.skipIf(!canMount)('a flipped byte in the data file', () => {
  let array: MountedArray;
  const content = Buffer.from(new RandomSource(11).bytes(BLOCKS * BLOCK_BYTES));

  const block = (number: number) =>
    content.subarray(number * BLOCK_BYTES, (number + 1) * BLOCK_BYTES);

  /** Where the block lies in the data file, which is found by its content. */
  function flipByte(): void {
    const slots = join(array.store, 'blocks.dat');
    const path = existsSync(slots) ? slots : join(array.store, 'data.mdb');
    const at = readFileSync(path).indexOf(block(DAMAGED));
    expect(at).toBeGreaterThanOrEqual(0);
    const file = openSync(path, 'r+');
    const position = at + 1_234;
    const byte = Buffer.alloc(1);
    readSync(file, byte, 0, 1, position);
    byte[0] = (byte[0] ?? 0) ^ 0x10;
    writeSync(file, byte, 0, 1, position);
    closeSync(file);
  }

  function readBlock(path: string, number: number): Buffer | string | undefined {
    const found = Buffer.alloc(BLOCK_BYTES);
    const file = openSync(path, 'r');
    const code = codeOf(() => readSync(file, found, 0, BLOCK_BYTES, number * BLOCK_BYTES));
    closeSync(file);
    return code ?? found;
  }

  beforeAll(async () => {
    array = MountedArray.create();
    array.ok('create', `db ${content.length}`);
    array.ok('create', 'sound 1M');
    for (const name of ['db', 'sound']) {
      const file = openSync(array.volume(name), 'r+');
      writeSync(file, name === 'db' ? content : Buffer.alloc(BLOCK_BYTES, 1));
      closeSync(file);
    }
    array.ok('snapshot', 'db name=s');
    await array.umount();
    flipByte();
  });
  afterAll(cleanScratch);

  it('is named by check with volume, address and pool', () => {
    const { status, out } = run(ARRAYFS, 'check', array.store, '--json');
    expect(status).not.toBe(0);
    const { findings } = JSON.parse(out) as { findings: Finding[] };
    expect(findings).toHaveLength(1);
    expect(findings[0]?.pool).toBe('main');
    expect(findings[0]?.subject.split(' ').sort()).toEqual(['db', 'db@s']);
    expect(findings[0]?.detail).toContain(`${ADDRESS}`);
  });

  it('is EIO on that block and on no other, in the volume and its snapshot', () => {
    array.mountAgain();
    for (const path of [array.volume('db'), array.snapshot('db', 's')]) {
      for (let number = 0; number < BLOCKS; number += 1) {
        const expected = number === DAMAGED ? 'EIO' : block(number);
        expect(readBlock(path, number), `block ${number}`).toEqual(expected);
      }
    }
    expect(readBlock(array.volume('sound'), 0)).toEqual(Buffer.alloc(BLOCK_BYTES, 1));
  });

  it('is in the events with volume, address and pool', () => {
    expect(array.read('events')).toMatch(
      new RegExp(` DAMAGED .*\\bdb\\b.* byte ${ADDRESS} in pool main: `),
    );
  });

  it('is reported by a scrub', async () => {
    const [, id] = /job (\d+)/.exec(array.ok('scrub', 'db')) ?? [];
    const job = () => JSON.parse(array.read('jobs', `${id}.json`)) as Record<string, unknown>;
    await until(() => job().state !== 'running');
    expect(job()).toMatchObject({ message: '1 damaged blocks, see /events' });
    expect(array.read('events')).toMatch(
      new RegExp(` DAMAGED db db@s byte ${ADDRESS} in pool main: .*\\n$`),
    );
  });

  it('is over for the volume when the whole block is overwritten', () => {
    const file = openSync(array.volume('db'), 'r+');
    writeSync(file, block(0), 0, BLOCK_BYTES, ADDRESS);
    closeSync(file);
    array.ok('sync', '\n');
    expect(readBlock(array.volume('db'), DAMAGED)).toEqual(block(0));
    expect(readBlock(array.snapshot('db', 's'), DAMAGED)).toBe('EIO');
  });

  it('is gone with the snapshot that showed it', async () => {
    array.ok('delete', 'db@s');
    await array.reclaimed();
    await array.umount();
    expect(array.findings()).toBeUndefined();
  });
});
