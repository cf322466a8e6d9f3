/** Random file operations on a volume through the mount, compared with an array of bytes. */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  truncateSync,
} from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { roundUpToSector } from '../../src/base/sizes.js';
import { repeat } from '../support/factor.js';
import { canMount, KIB, MountedArray, writeWhole } from '../support/mounted-array.js';
import { RandomSource } from '../support/random-source.js';
import { cleanScratch } from '../support/scratch-directory.js';

const SEED = Number(process.env.ARRAYFS_TEST_SEED ?? Date.now() % 1_000_000);
const OPERATIONS = repeat(1_500);
const SIZE_MAX = 1_500 * KIB;
const PIECE_MAX = 200 * KIB;
/** Operations between two comparisons of the whole image. */
const COMPARE_EVERY = 100;

/** The volume and what it must hold. */
class Model {
  private bytes = Buffer.alloc(SIZE_MAX);
  private size = 0;
  private file: number;
  /** The last operations, for the message of a failure. */
  readonly history: string[] = [];

  constructor(
    private readonly path: string,
    private readonly random: RandomSource,
  ) {
    this.file = openSync(path, 'w+');
  }

  step(): void {
    const chance = this.random.next();
    if (chance < 0.45) this.write(this.random.integer(1, 255));
    else if (chance < 0.55) this.write(0);
    else if (chance < 0.8) this.readPiece();
    else if (chance < 0.9) this.truncate();
    else if (chance < 0.95) fsyncSync(this.file);
    else this.reopen();
  }

  /** The offset of the first wrong byte from `start` on, undefined where all are right. */
  compare(start = 0, length = SIZE_MAX): string | undefined {
    if (fstatSync(this.file).size !== this.size) {
      return `size ${fstatSync(this.file).size}, not ${this.size}`;
    }
    const expected = this.bytes.subarray(start, Math.min(this.size, start + length));
    const found = Buffer.alloc(length);
    const count = readSync(this.file, found, 0, length, start);
    if (count !== Math.max(0, expected.length)) return `${count} bytes, not ${expected.length}`;
    if (found.subarray(0, count).equals(expected)) return undefined;
    const wrong = expected.findIndex((byte, index) => found[index] !== byte);
    return `byte ${start + wrong} is ${found[wrong]}, not ${expected[wrong]}`;
  }

  close(): void {
    closeSync(this.file);
  }

  private note(text: string): void {
    this.history.push(text);
    if (this.history.length > 30) this.history.shift();
  }

  private write(byte: number): void {
    const offset = this.random.integer(0, SIZE_MAX - PIECE_MAX);
    const length = this.length();
    this.note(`write ${byte} at ${offset} for ${length}`);
    writeWhole(this.file, Buffer.alloc(length, byte), offset);
    this.bytes.fill(byte, offset, offset + length);
    this.size = Math.max(this.size, roundUpToSector(offset + length));
  }

  private readPiece(): void {
    const start = this.random.integer(0, SIZE_MAX);
    const length = this.length();
    this.note(`read at ${start} for ${length}`);
    const problem = this.compare(start, length);
    if (problem !== undefined) throw new Error(problem);
  }

  private truncate(): void {
    const size = this.random.integer(0, SIZE_MAX);
    const open = this.random.chance(0.5);
    this.note(`truncate ${open ? 'open' : 'closed'} to ${size}`);
    if (open) ftruncateSync(this.file, size);
    else this.closedFor(() => truncateSync(this.path, size));
    const rounded = roundUpToSector(size);
    if (rounded < this.size) this.bytes.fill(0, rounded);
    this.size = rounded;
  }

  private reopen(): void {
    this.note('reopen');
    this.closedFor(() => undefined);
  }

  /** A volume that somebody writes to is not shrunk by name. */
  private closedFor(action: () => void): void {
    closeSync(this.file);
    action();
    this.file = openSync(this.path, 'r+');
  }

  /** Small, a block or so, or large. */
  private length(): number {
    const most = this.random.pick([600, 20 * KIB, PIECE_MAX]);
    return this.random.integer(1, most);
  }
}

describe.skipIf(!canMount)('random file operations', () => {
  let array: MountedArray;

  beforeAll(() => {
    array = MountedArray.create({ mountWords: ['--write-cache', '4M'] });
  });
  afterAll(cleanScratch);

  it(`leave what an array of bytes holds (${OPERATIONS} operations, seed ${SEED})`, () => {
    const random = new RandomSource(SEED);
    const model = new Model(array.volume('v'), random);
    for (let number = 1; number <= OPERATIONS; number += 1) {
      try {
        model.step();
        const problem = number % COMPARE_EVERY === 0 ? model.compare() : undefined;
        if (problem !== undefined) throw new Error(problem);
        if (random.chance(0.01)) array.ok('snapshot', `v name=s${number}`);
      } catch (error) {
        const last = model.history.join('\n');
        throw new Error(`seed ${SEED}, operation ${number}: ${error}\nafter:\n${last}`);
      }
    }
    expect(model.compare()).toBeUndefined();
    model.close();
  });

  it('leave an array that is clean', async () => {
    await array.umount();
    expect(array.findings()).toBeUndefined();
  });
});
