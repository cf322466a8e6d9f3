/**
 * One pool of the array: its identity, its content, and the numbers it hands out.
 */
import type { Clock } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import type { BlockStore } from '../store/block-store.js';
import { recordKey } from '../store/keys.js';
import {
  type AllocationRecord,
  type PoolIdentityRecord,
  packAllocation,
  unpackAllocation,
} from '../store/records.js';
import { PoolContent, type PoolContentOptions } from '../volume/pool-content.js';
import type { RecordSource } from '../volume/record-source.js';
import type { PoolView } from './disk-array.js';

/** Numbers the pool hands out next; stored with whatever used one. */
export class Allocation implements RecordSource {
  readonly recordKey = recordKey('allocation');
  private next: { -readonly [Key in keyof AllocationRecord]: AllocationRecord[Key] };
  private touch: (source: RecordSource) => void = () => {};

  constructor(stored: Uint8Array | undefined) {
    this.next = stored
      ? { ...unpackAllocation(stored) }
      : { nextLineage: 1, nextNumber: 1, nextJob: 1, nextEvent: 1 };
  }

  connect(touch: (source: RecordSource) => void): void {
    this.touch = touch;
  }

  peek(kind: keyof AllocationRecord): number {
    return this.next[kind];
  }

  take(kind: keyof AllocationRecord): number {
    const number = this.next[kind];
    this.raise(kind, number + 1);
    return number;
  }

  /** What is handed out next is at least `number`. */
  raise(kind: keyof AllocationRecord, number: number): void {
    if (this.next[kind] >= number) return;
    this.next[kind] = number;
    this.touch(this);
  }

  packRecord(): Uint8Array {
    return packAllocation(this.next);
  }
}

export type PoolOptions = Pick<
  PoolContentOptions,
  'clock' | 'cacheBytes' | 'indexBudget' | 'readOnly' | 'onDamage' | 'onChange' | 'onFailure'
>;

export class Pool {
  private constructor(
    readonly directory: string,
    readonly identity: PoolIdentityRecord,
    readonly store: BlockStore,
    readonly allocation: Allocation,
    readonly content: PoolContent,
    readonly clock: Clock,
  ) {}

  static async open(
    directory: string,
    identity: PoolIdentityRecord,
    store: BlockStore,
    options: PoolOptions,
  ): Promise<Pool> {
    const content = await PoolContent.open({
      ...options,
      store,
      tagSeed: identity.tagSeed,
      capacityBytes: identity.capacityBytes,
      takeLineageId: () => numbers.take('nextLineage'),
    });
    // Only now: opening replays the intent log, which may hold a newer record.
    const numbers = new Allocation(store.get('records', recordKey('allocation')));
    numbers.connect((source) => content.touch(source));
    return new Pool(directory, identity, store, numbers, content, options.clock);
  }

  get name(): string {
    return this.identity.poolName;
  }

  /** Why the pool is not normal. */
  get failure(): ArrayError | undefined {
    return this.content.failure;
  }

  /** A full disk can become free again; any other failure is the disk's. */
  get isFailed(): boolean {
    return this.failure !== undefined && this.failure.code !== 'ENOSPC';
  }

  get state(): PoolView['state'] {
    if (this.isFailed) return 'failed';
    return this.problem === undefined ? 'normal' : 'degraded';
  }

  /** EIO where nothing in it may be changed now. */
  checkWritable(): void {
    if (!this.isFailed) return;
    throw new ArrayError('EIO', `pool ${this.name} has failed: ${this.failure?.reason}`);
  }

  /** Why it is not normal, or that it is full. */
  private get problem(): string | undefined {
    const { content, failure } = this;
    if (failure !== undefined) return failure.reason;
    if (content.log.failure !== undefined) {
      return `the intent log is out of use until the next mount: ${content.log.failure.reason}`;
    }
    return content.isFull ? content.space.fullReason() : undefined;
  }

  view(): PoolView {
    const { space } = this.content;
    return {
      name: this.name,
      directory: this.directory,
      state: this.state,
      problem: this.problem,
      blockContainer: this.identity.blockContainer,
      capacityBytes: space.capacityBytes,
      usedBytes: space.usedBytes,
      freeBytes: this.content.freeBytes,
      storedBlocks: space.storedBlocks,
      reclaimsPending: this.content.reclaimsPending,
    };
  }
}
