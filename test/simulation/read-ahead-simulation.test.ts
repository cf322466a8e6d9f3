/**
 * Sequential readers with read-ahead beside everything that changes images: whatever happens between
 * two reads, in the cache or published, each read is what the model shows.
 */
import { describe, expect, it, vi } from 'vitest';
import type { StorageArray } from '../../src/array/array.js';
import type { ImageHandle } from '../../src/array/disk-array.js';
import type { BlockContainerKind } from '../../src/store/container-kind.js';
import { AheadBytes } from '../../src/volume/ahead-bytes.js';
import { repeat } from '../support/factor.js';
import { ManualClock } from '../support/manual-clock.js';
import { newMemoryStore, openMemoryArray } from '../support/memory-array.js';
import { RandomSource } from '../support/random-source.js';
import { type ArrayModel, applyOperation, describe as text } from './array-model.js';
import { MountedOperations } from './mounted-operations.js';
import { OperationChooser } from './operation-chooser.js';

const STEPS = repeat(1_500);
const READERS = 6;
const PIECE_BYTES = [32_768, 40_000, 65_536, 131_072];

/** An image that stays open: of a volume, also one that is deleted later, or of a snapshot. */
interface Reader {
  readonly image: ImageHandle;
  readonly content: () => Uint8Array;
  readonly pieceBytes: number;
  offset: number;
}

class ReadersBesideChanges {
  private readonly random: RandomSource;
  private readonly chooser: OperationChooser;
  private readonly model: ArrayModel = new Map();
  private readonly mounted: MountedOperations;
  private readonly readers: Reader[] = [];
  private last = '';

  constructor(
    seed: number,
    private readonly array: StorageArray,
    private readonly clock: ManualClock,
  ) {
    this.random = new RandomSource(seed);
    this.chooser = new OperationChooser(this.random);
    this.mounted = new MountedOperations(array);
  }

  async run(): Promise<void> {
    for (let step = 0; step < STEPS; step += 1) {
      const dice = this.random.next();
      if (dice < 0.12) await this.change();
      else if (dice < 0.18) await this.clock.drive(this.array.sync());
      else if (dice < 0.2) await this.clock.advance(this.random.integer(1, 3_000));
      else if (dice < 0.6) this.array.readAhead.readSlice();
      else this.read();
    }
    for (const { image } of this.readers) image.close();
    this.mounted.closeAll();
  }

  private async change(): Promise<void> {
    const operation = this.chooser.choose(this.model);
    this.last = text(operation);
    // A snapshot that is open would keep its volume.
    if (operation.kind === 'delete') this.closeSnapshots();
    applyOperation(this.model, operation);
    await this.clock.drive(this.mounted.perform(operation));
  }

  private closeSnapshots(): void {
    for (const reader of [...this.readers]) {
      if (reader.image.copy.kind === 'volume') continue;
      reader.image.close();
      this.readers.splice(this.readers.indexOf(reader), 1);
    }
  }

  private read(): void {
    if (this.readers.length < READERS || this.random.chance(0.01)) this.open();
    if (this.readers.length === 0) return;
    const reader = this.random.pick(this.readers);
    const target = new Uint8Array(reader.pieceBytes).fill(0xee);
    const size = reader.image.read(reader.offset, target) as number;
    const expected = reader.content().subarray(reader.offset, reader.offset + target.length);
    const isEqual = Buffer.compare(target.subarray(0, size), expected) === 0;
    expect(isEqual, `${reader.image.copy.name} at ${reader.offset}, after ${this.last}`).toBe(true);
    reader.offset = size < target.length ? 0 : reader.offset + size;
  }

  /** In the place of the oldest, where there are enough. */
  private open(): void {
    if (this.model.size === 0) return;
    const name = this.random.pick([...this.model.keys()]);
    const volume = this.model.get(name);
    if (volume === undefined) return;
    const [snapshot, frozen] = this.random.pick([[undefined, undefined], ...volume.snapshots]);
    const copy = this.array.copy(snapshot === undefined ? name : `${name}@${snapshot}`);
    const image = this.array.openImage(copy, { write: false });
    const content = () => frozen ?? volume.bytes;
    this.readers.push({ image, content, pieceBytes: this.random.pick(PIECE_BYTES), offset: 0 });
    if (this.readers.length > READERS) this.readers.shift()?.image.close();
  }
}

describe('readers with read-ahead', () => {
  it.each([
    ['lmdb', 1],
    ['file', 2],
    ['file', 3],
  ] as [BlockContainerKind, number][])(
    'see every change at once, blocks in %s (seed %i)',
    async (blocks, seed) => {
      const given = vi.spyOn(AheadBytes.prototype, 'copyTo');
      const clock = new ManualClock(new RandomSource(seed));
      const store = newMemoryStore(clock, 2 ** 40, blocks);
      const array = await clock.drive(openMemoryArray(store, clock));
      await new ReadersBesideChanges(seed, array, clock).run();
      await clock.drive(array.close());
      const hits = given.mock.results.filter(({ value }) => value > 0).length;
      given.mockRestore();
      expect(hits).toBeGreaterThan(STEPS / 20);
    },
  );
});
