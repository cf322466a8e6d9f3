/**
 * One bitmap of a side of a pair, kept in the pool of that side's volume. A bit changes in the generation
 * of the write it tells of, and goes into the intent log with it: after a crash both are there or neither.
 */
import { assert } from '../base/assert.js';
import { parseRecordKey, recordKey } from '../store/keys.js';
import { packPairBits, unpackPairBits } from '../store/pair-records.js';
import type { Lineage } from '../volume/lineage.js';
import type { PoolContent } from '../volume/pool-content.js';
import type { RecordSource } from '../volume/record-source.js';
import { TrackBits } from './track-bits.js';

/** The volume that the bits tell of: its lineage may become another one. */
export interface BitsOwner {
  readonly content: PoolContent;
  readonly lineage: Lineage;
}

export class StoredBits {
  readonly bits: TrackBits;
  private readonly chunks = new Map<number, ChunkRecord>();

  /** `first` is the first field of its records' keys (`pairBitsKey`). */
  constructor(
    private readonly owner: BitsOwner,
    readonly first: number,
    trackCount: number,
  ) {
    this.bits = new TrackBits(trackCount);
  }

  get count(): number {
    return this.bits.count;
  }

  /** In the turn of the write that it tells of, and before it: it may go into an earlier generation. */
  set(track: number, count: number): void {
    this.bits.set(track, count);
    this.touch('write');
  }

  /** In the turn of the write that it tells of, and after it. */
  clear(track: number, count: number): void {
    this.bits.clear(track, count);
    this.touch('write');
  }

  setAll(): void {
    this.bits.setAll();
    this.touch('command');
  }

  /** Goes into the log with the next writes of the volume: nothing waits for it. */
  clearAll(): void {
    this.bits.clearAll();
    this.touch('write');
  }

  add(other: TrackBits): void {
    this.bits.add(other);
    this.touch('command');
  }

  load(key: Uint8Array, value: Uint8Array): void {
    const { first, second } = parseRecordKey(key);
    assert(first === this.first, 'the chunk is of this bitmap');
    this.bits.load(second, unpackPairBits(value));
  }

  private touch(by: 'command' | 'write'): void {
    const { content, lineage } = this.owner;
    for (const index of this.bits.takeChanged()) {
      let chunk = this.chunks.get(index);
      if (chunk === undefined) {
        chunk = new ChunkRecord(this, index);
        this.chunks.set(index, chunk);
      }
      chunk.dependsOn = { lineage, sequence: content.sequence };
      content.touch(chunk, by);
    }
  }
}

class ChunkRecord implements RecordSource {
  dependsOn: RecordSource['dependsOn'];

  constructor(
    private readonly stored: StoredBits,
    private readonly index: number,
  ) {}

  get recordKey(): Uint8Array {
    return recordKey('pairBits', this.stored.first, this.index);
  }

  packRecord(): Uint8Array | undefined {
    const chunk = this.stored.bits.chunk(this.index);
    return chunk && packPairBits(chunk);
  }
}
