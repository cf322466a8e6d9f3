/**
 * Tasks: everything that changes a pool, as plain data that can cross a thread border, and what their
 * functions answer. execute-task.ts maps each to its function.
 */
import type { Locations } from './locations.js';
import type { CountersRecord, Location } from './records.js';

export interface Clip {
  readonly epoch: number;
  /** First block hidden. */
  readonly block: number;
}

export interface Level {
  readonly lineage: number;
  readonly epoch: number;
  /** Clips of the lineage not after `epoch`. */
  readonly clips: readonly Clip[];
}

/** A base that asks the writer to look it up in the store. */
export const UNKNOWN_BASE: Location = { id: -1, crc: 0, sectors: 0 };

/** Cached blocks of one lineage as of one epoch, to be stored; ascending by block, of one length. */
export interface BlocksToStore {
  /** The chain under the blocks, to look up the bases of partial ones. */
  readonly levels: readonly Level[];
  readonly blocks: Float64Array;
  /** First page of the content's cache memory. */
  readonly pages: Int32Array;
  /** 1 where the content is a single page, 0 where it is a whole block. */
  readonly single: Uint8Array;
  /** Sectors of the block that the memory holds; the rest comes from the base. */
  readonly sectors: Uint32Array;
  /** What lies under a partial block, as far as the store cannot know it: else UNKNOWN_BASE. */
  readonly bases: Locations;
}

/** Stores blocks under fresh ids. Nothing refers to them before they are published. */
export interface StoreBlocksTask {
  readonly kind: 'storeBlocks';
  readonly parts: readonly BlocksToStore[];
}

export interface StoreBlocksResult {
  /** One for each part, in order. */
  readonly parts: readonly Locations[];
}

/** Stored blocks written in one epoch of one lineage; ascending by block, arrays of one length. */
export interface LayerStep {
  readonly kind: 'layer';
  readonly lineage: number;
  readonly epoch: number;
  /** Newest view before `epoch`, -1 for none: what was written in between is replaced for good. */
  readonly previousView: number;
  /** The chain of the lineage as of `epoch`. */
  readonly levels: readonly Level[];
  readonly blocks: Float64Array;
  readonly locations: Locations;
  /** 1 where the block is one more reference to a block that others refer to, too. */
  readonly shared: Uint8Array;
}

/** A shrink: nothing older than `epoch` is visible at `block` and above. */
export interface ClipStep {
  readonly kind: 'clip';
  readonly lineage: number;
  readonly epoch: number;
  readonly block: number;
  /** Epochs of clips this one makes superfluous. */
  readonly replaces: readonly number[];
}

/** The usage count of `lineage` as of this point, kept for a snapshot or a new lineage. */
export interface UsageStep {
  readonly kind: 'usage';
  readonly lineage: number;
  /** EPOCH_MAX: the head's count. */
  readonly epoch: number;
  readonly toLineage: number;
  readonly toEpoch: number;
}

export type PublishStep = LayerStep | ClipStep | UsageStep;

export interface PublishTask {
  readonly kind: 'publish';
  readonly sequence: number;
  readonly steps: readonly PublishStep[];
  readonly records: readonly RecordChange[];
  /** The container was flushed since the last block was stored. */
  readonly blocksAreDurable: boolean;
  /** Blocks stored for this generation that were overwritten before it was published. */
  readonly discards: readonly number[];
}

export interface PublishResult {
  readonly usage: readonly { lineage: number; epoch: number; count: number }[];
  readonly counters: CountersRecord;
}

/** Where the next slice goes on. */
export interface ReclaimCursor {
  readonly epoch: number;
  readonly chunk: number;
  readonly bit: number;
}

export interface ReclaimTask {
  readonly kind: 'reclaim';
  readonly lineage: number;
  /** Newest view before the gap, -1 where there is none. */
  readonly previous: number;
  /** Oldest view after the gap, undefined where there is none. */
  readonly next: number | undefined;
  readonly cursor: ReclaimCursor | undefined;
  /** Versions looked at in this slice. */
  readonly limit: number;
  /** Applied with the last slice: removes the reclaim record, and what goes with the lineage. */
  readonly finish: readonly RecordChange[];
}

export interface ReclaimResult {
  /** Undefined when the work is finished. */
  readonly cursor: ReclaimCursor | undefined;
  readonly freedBlocks: number;
  readonly counters: CountersRecord;
}

export interface MergeTask {
  readonly kind: 'merge';
  readonly lineage: number;
  /** First block of this slice. */
  readonly fromBlock: number;
  /** Oldest view of the lineage: what none of its views shows is not taken over. */
  readonly firstView: number;
  /** Versions looked at in this slice. */
  readonly limit: number;
  /** Applied with the last slice: the reclaim record of the parent's view. */
  readonly finish: readonly RecordChange[];
}

export interface MergeResult {
  /** Undefined when the lineage has its grandparent as parent. */
  readonly nextBlock: number | undefined;
  readonly parent: number;
  readonly parentEpoch: number;
  /** First block of the lineage's clip of epoch 0, where it got one. */
  readonly clip: number | undefined;
}

/** Verifies what a chain shows, or without levels every version of the pool. */
export interface VerifyTask {
  readonly kind: 'verify';
  readonly levels: readonly Level[] | undefined;
  /** Where to begin; a chain's cursor has only a block. */
  readonly from: { readonly lineage: number; readonly block: number; readonly epoch: number };
  /** First block that is no longer looked at, for a chain. */
  readonly endBlock: number;
  /** Versions of one slice. */
  readonly limit: number;
}

export interface Damage {
  readonly lineage: number;
  readonly block: number;
  readonly epoch: number;
  readonly kind: DamageKind;
}

export type DamageKind = 'damaged map entry' | 'missing block' | 'wrong checksum' | 'lost sectors';

export interface VerifyResult {
  readonly damages: readonly Damage[];
  readonly versions: number;
  readonly bytes: number;
  /** Undefined at the end. */
  readonly next: VerifyTask['from'] | undefined;
}

/** A record to put, or to remove where the value is undefined. */
export interface RecordChange {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

/** Frees what a crash left of an unpublished generation; the first task after opening. */
export interface RecoverTask {
  readonly kind: 'recover';
}

/** Frees the blocks that published generations replaced. */
export interface TrimTask {
  readonly kind: 'trim';
}

export type StoreTask =
  | StoreBlocksTask
  | PublishTask
  | ReclaimTask
  | MergeTask
  | VerifyTask
  | RecoverTask
  | TrimTask;

export type StoreTaskResult<T extends StoreTask> = T extends StoreBlocksTask
  ? StoreBlocksResult
  : T extends PublishTask
    ? PublishResult
    : T extends ReclaimTask
      ? ReclaimResult
      : T extends MergeTask
        ? MergeResult
        : T extends VerifyTask
          ? VerifyResult
          : CountersRecord;

/** What the writer remembers between tasks; changed only after a commit. */
export interface WriterState {
  counters: CountersRecord;
  /** Stored, not yet published: ids from the counters' next id up to this one are taken. */
  nextId: number;
  /** CRC-32 of the pool's UUID, the seed of map tags. */
  readonly poolSeed: number;
}
