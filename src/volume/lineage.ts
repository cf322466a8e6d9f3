/**
 * Lineages in memory: a line of versions of one image. A volume's head writes into its lineage's
 * newest epoch; a snapshot is an epoch that stays; clones and restores begin a lineage of their own
 * that branches off an epoch of its parent. A pin keeps an epoch visible: a snapshot, a child lineage
 * or an open image. An epoch without pins is reclaimed.
 */

import { assert } from '../base/assert.js';
import { EPOCH_MAX } from '../store/keys.js';
import type { Location } from '../store/records.js';
import type { Clip } from '../store/tasks.js';

import type { BlockIndex } from './block-index.js';
import type { CacheSpan } from './cache-slabs.js';

/** A cached block: in memory, or stored (zeros are stored nowhere) and not published yet. */
export interface CachedBlock {
  /** A whole block, or the page that holds its sectors; undefined once it is stored. */
  span: CacheSpan | undefined;
  /** Byte of the block that is the first of `span`. */
  start: number;
  /** Sectors that are newer than anything below; all of a stored block. */
  sectors: number;
  /** Where it is stored; id 0 for zeros. */
  location: Location | undefined;
  /** The stored block belongs to other versions, too. */
  shared: boolean;
  /** Sectors that are not in the intent log. */
  unlogged: number;
}

/** Writes of one lineage in one epoch within one generation. */
export interface Layer {
  readonly kind: 'layer';
  /** Position in the order of all steps. */
  readonly order: number;
  /** Of the generation. */
  readonly sequence: number;
  readonly lineage: Lineage;
  readonly epoch: number;
  readonly blocks: Map<number, CachedBlock>;
  /** Blocks with unlogged sectors; may also name some without. */
  readonly unlogged: Set<number>;
}

export interface LineageClip extends Clip {
  /** False until the generation that made it is published. */
  published: boolean;
}

interface Pins {
  /** By records: snapshots and child lineages. */
  stored: number;
  /** By open images. */
  open: number;
}

/** Makes an index of the stored state of `lineage` at `epoch` (EPOCH_MAX: the newest). */
export type IndexMaker = (lineage: Lineage, epoch: number) => BlockIndex;

export class Lineage {
  /** The newest epoch; writes go there. */
  epoch = 1;
  /** A volume writes here; its epoch is visible without a pin. */
  hasHead = true;
  readonly clips: LineageClip[] = [];
  /** What the head wrote to before a restore: its snapshots show what a later fsync has to keep. */
  left: Lineage | undefined;
  /** Cached layers not yet published, oldest first. */
  readonly layers: Layer[] = [];
  /** Indexes of older epochs in use, by epoch. */
  readonly views = new Map<number, BlockIndex>();
  /** Of the newest published state. */
  readonly index: BlockIndex;
  private readonly pins = new Map<number, Pins>();

  constructor(
    readonly id: number,
    public parent: Lineage | undefined,
    public parentEpoch: number,
    /** Generation its record is in. */
    readonly createdSequence: number,
    makeIndex: IndexMaker,
  ) {
    this.index = makeIndex(this, EPOCH_MAX);
  }

  /** Lineages below this one. */
  get depth(): number {
    let depth = 0;
    for (let next = this.parent; next !== undefined; next = next.parent) depth += 1;
    return depth;
  }

  pin(epoch: number, kind: keyof Pins): void {
    const pins = this.pins.get(epoch) ?? { stored: 0, open: 0 };
    pins[kind] += 1;
    this.pins.set(epoch, pins);
  }

  unpin(epoch: number, kind: keyof Pins): void {
    const pins = this.pins.get(epoch);
    assert(pins !== undefined && pins[kind] > 0, `epoch ${epoch} of lineage ${this.id} is pinned`);
    pins[kind] -= 1;
    if (pins.stored + pins.open === 0) {
      this.pins.delete(epoch);
      this.views.get(epoch)?.clear();
      this.views.delete(epoch);
    }
  }

  isPinned(epoch: number, kind?: keyof Pins): boolean {
    const pins = this.pins.get(epoch);
    if (pins === undefined) return false;
    return kind === undefined || pins[kind] > 0;
  }

  /** Epochs that something shows, in no order. */
  visibleEpochs(): number[] {
    return this.hasHead ? [...this.pins.keys(), this.epoch] : [...this.pins.keys()];
  }

  /** Some of it is not published yet. */
  get hasUnpublished(): boolean {
    return this.layers.length > 0 || this.clips.some((clip) => !clip.published);
  }

  /** A view at `epoch` shows what is not published yet, of this lineage or of one below. */
  hasUnpublishedUpTo(epoch: number): boolean {
    if (this.clips.some((clip) => !clip.published && clip.epoch <= epoch)) return true;
    if (this.layers.some((layer) => layer.epoch <= epoch)) return true;
    return this.hasUnpublishedBelow;
  }

  /** A view of it shows what some lineage below has not published yet. */
  get hasUnpublishedBelow(): boolean {
    return this.parent?.hasUnpublishedUpTo(this.parentEpoch) ?? false;
  }

  /** Some view is left between `from` (included) and `to` (not included). */
  isVisibleBetween(from: number, to: number): boolean {
    if (this.hasHead && this.epoch >= from && this.epoch < to) return true;
    for (const view of this.pins.keys()) if (view >= from && view < to) return true;
    return false;
  }

  /** Takes a lineage further down as its parent, after a merge; what is visible stays the same. */
  moveTo(parent: Lineage | undefined, parentEpoch: number, clipBlock: number | undefined): void {
    this.parent = parent;
    this.parentEpoch = parentEpoch;
    if (clipBlock === undefined) return;
    const old = this.clips.findIndex((clip) => clip.epoch === 0);
    if (old >= 0) this.clips.splice(old, 1);
    this.clips.unshift({ epoch: 0, block: clipBlock, published: true });
  }

  get isAbandoned(): boolean {
    return !this.hasHead && this.pins.size === 0;
  }
}
