/**
 * One pool of the array: its identity, its content, and the numbers it hands out.
 */
import type { Clock } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import type { BlockStore } from '../store/block-store.js';
import { recordKey } from '../store/keys.js';
import type { MountState } from '../store/member-records.js';
import {
  type AllocationRecord,
  type PoolIdentityRecord,
  packAllocation,
  unpackAllocation,
} from '../store/records.js';
import { PoolContent, type PoolContentOptions } from '../volume/pool-content.js';
import type { RecordSource } from '../volume/record-source.js';
import { NO_STATE } from './find-pools.js';
import type { PoolView } from './pool-contract.js';

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

/** What is shown of a pool that is missing. */
const NOTHING = {
  blockContainer: undefined,
  capacityBytes: 0,
  usedBytes: 0,
  freeBytes: 0,
  storedBlocks: 0,
  reclaimsPending: 0,
};

export type PoolOptions = Pick<
  PoolContentOptions,
  | 'clock'
  | 'slabs'
  | 'indexBudget'
  | 'readOnly'
  | 'onDamage'
  | 'onChange'
  | 'onFailure'
  | 'publishing'
>;

export class Pool {
  /** Why it is not there; undefined where it is. */
  missing: string | undefined;
  /** It is missing, and may come back as it was left: not damaged, and not changed elsewhere. */
  isUnseen = false;
  /** The state of the array in which it is or was left; several where it may be any of them. */
  states: readonly MountState[] = [NO_STATE];
  /** Of a missing pool: the last generation published in it that another knows of. */
  lastReached = 0;
  /** The other pools that are there: they keep a list of this one's volumes. */
  siblings: () => readonly Pool[] = () => [];

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

  /** The last generation published in it. */
  get reached(): number {
    return this.missing === undefined ? this.content.publishedSequence : this.lastReached;
  }

  /** Why the pool is not normal. */
  get failure(): ArrayError | undefined {
    if (this.missing === undefined) return this.content.failure;
    return new ArrayError('EIO', this.missing);
  }

  /** A full disk can become free again; any other failure is the disk's. */
  get isFailed(): boolean {
    return this.failure !== undefined && this.failure.code !== 'ENOSPC';
  }

  get state(): PoolView['state'] {
    if (this.missing !== undefined) return 'missing';
    if (this.isFailed) return 'failed';
    return this.problem === undefined ? 'normal' : 'degraded';
  }

  /** Neither failed nor full. */
  get takesWrites(): boolean {
    return this.failure === undefined && !this.content.isFull;
  }

  /** EIO where nothing in it may be changed now. */
  checkWritable(): void {
    if (this.isFailed) throw new ArrayError('EIO', this.refusal);
  }

  /** EIO where nothing of it can be read. */
  checkPresent(): void {
    if (this.missing !== undefined) throw new ArrayError('EIO', this.refusal);
  }

  /** Why what is asked of a failed pool is refused. */
  get refusal(): string {
    const what = this.missing === undefined ? 'has failed' : 'is missing';
    return `pool ${this.name} ${what}: ${this.failure?.reason}`;
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
    const { name, directory, state, problem } = this;
    const { space } = this.content;
    if (this.missing !== undefined) return { ...NOTHING, name, directory, state, problem };
    return {
      name,
      directory,
      state,
      problem,
      blockContainer: this.identity.blockContainer,
      capacityBytes: space.capacityBytes,
      usedBytes: space.usedBytes,
      freeBytes: this.content.freeBytes,
      storedBlocks: space.storedBlocks,
      reclaimsPending: this.content.reclaimsPending,
    };
  }
}
