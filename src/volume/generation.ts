/**
 * A generation: what the cache accepted between two cuts. Its steps keep the order of writes and
 * commands; publishing it is one atomic change of the pool, and until then it is lost by a crash, but
 * for what the intent log holds of it.
 *
 *   active -> closed (a cut) -> stored (its blocks are in the container) -> published
 *                                  a large one: flushing (off the writer) -> flushed
 *
 * A stored generation absorbs the one after it, so that one publish serves many.
 */

import { assert } from '../base/assert.js';
import type { ArrayError } from '../base/errors.js';
import { keyText } from '../store/keys.js';
import type { RecordChange } from '../store/tasks.js';
import type { CachedBlock, Layer, Lineage, LineageClip } from './lineage.js';
import type { RecordSource } from './record-source.js';
import { UnloggedRecords, type UsageMark } from './unlogged-records.js';

/** A shrink: `clip` hides what is older, `replaces` are superfluous once it is published. */
export interface ClipMark {
  readonly kind: 'clip';
  /** Position in the order of all steps. */
  readonly order: number;
  readonly lineage: Lineage;
  readonly clip: LineageClip;
  readonly replaces: readonly LineageClip[];
  /** The record that has reclaim give back what the clip hides: true only once the clip is. */
  readonly reclaim: RecordChange | undefined;
  /** It is in the intent log. */
  logged: boolean;
}

export type GenerationStep = Layer | ClipMark | UsageMark;

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: ArrayError) => void;
}

export class Generation {
  readonly steps: GenerationStep[] = [];
  /** Someone waits for it, or it is old: publish it as soon as the writer is free. */
  flushRequested = false;
  /** Enough for a task: store its blocks as soon as the writer is free. */
  isFull = false;
  state: 'active' | 'closed' | 'stored' | 'flushing' | 'flushed' | 'publishing' = 'active';
  /** Its blocks are on disk for good. */
  blocksAreDurable = false;
  /** Bytes of cache memory. */
  memoryBytes = 0;
  /** Blocks it takes in the container, with those in `discards`. */
  dirtyBlocks = 0;
  /** Stored blocks that were overwritten before they were published. */
  readonly discards: number[] = [];
  /** Records to be logged with the next command. */
  readonly unlogged = new UnloggedRecords();
  private readonly sources = new Set<RecordSource>();
  private readonly changes = new Map<string, RecordChange>();
  private waiters: Waiter[] = [];

  constructor(public sequence: number) {}

  get isEmpty(): boolean {
    return this.steps.length === 0 && this.sources.size === 0 && this.changes.size === 0;
  }

  /** Cached blocks, with and without memory. */
  get blockCount(): number {
    let count = 0;
    for (const step of this.steps) if (step.kind === 'layer') count += step.blocks.size;
    return count;
  }

  /** The record will be written as it stands when the generation is closed. */
  touch(source: RecordSource, by: 'command' | 'write'): void {
    this.sources.add(source);
    const { sources, passing } = this.unlogged;
    (by === 'command' ? sources : passing).add(source);
  }

  /** Writes or removes a record, whatever earlier changes of it said. */
  change(key: Uint8Array, value: Uint8Array | undefined): void {
    const name = keyText(key);
    this.changes.set(name, { key, value });
    this.unlogged.changes.set(name, { key, value });
  }

  /** The clip's record is logged with it, not with the next command. */
  addClip(mark: ClipMark): void {
    this.steps.push(mark);
    const { reclaim } = mark;
    if (reclaim !== undefined) this.changes.set(keyText(reclaim.key), reclaim);
  }

  addUsage(mark: UsageMark): void {
    this.steps.push(mark);
    this.unlogged.usages.push(mark);
  }

  /** The cut: records are packed now, and nothing is added afterwards. */
  close(): void {
    for (const source of this.sources) {
      const key = source.recordKey;
      const name = keyText(key);
      this.changes.set(name, { key, value: source.packRecord() });
    }
    this.sources.clear();
    this.state = 'closed';
  }

  get records(): readonly RecordChange[] {
    assert(this.state !== 'active', 'records are packed when the generation is closed');
    return [...this.changes.values()];
  }

  /** Takes over what the next generation says, which then is none any more. */
  absorb(next: Generation): void {
    assert(this.state === 'stored' && next.state === 'stored', 'both are stored');
    for (const step of next.steps) {
      if (step.kind !== 'layer' || !this.absorbLayer(step)) this.steps.push(step);
    }
    for (const [name, change] of next.changes) this.changes.set(name, change);
    for (const id of next.discards) this.discards.push(id);
    this.unlogged.absorb(next.unlogged);
    this.dirtyBlocks += next.dirtyBlocks;
    this.flushRequested ||= next.flushRequested;
    this.waiters.push(...next.waiters);
    this.sequence = next.sequence;
  }

  /** Resolves when the generation is published, rejects when an attempt to publish it failed. */
  published(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiters.push({ resolve, reject });
    });
  }

  settle(error?: ArrayError): void {
    const waiters = this.waiters;
    this.waiters = [];
    for (const { resolve, reject } of waiters) {
      if (error === undefined) resolve();
      else reject(error);
    }
  }

  /** False where the layer is the first of its lineage and epoch. */
  private absorbLayer(layer: Layer): boolean {
    const { lineage, epoch } = layer;
    const target = this.steps.find((step): step is Layer => {
      return step.kind === 'layer' && step.lineage === lineage && step.epoch === epoch;
    });
    if (target === undefined) return false;
    for (const [block, entry] of layer.blocks) this.replace(target, block, entry);
    lineage.layers.splice(lineage.layers.indexOf(layer), 1);
    return true;
  }

  private replace(target: Layer, block: number, entry: CachedBlock): void {
    const old = target.blocks.get(block);
    if (old?.location !== undefined) {
      // A stored block is whole, so the new one holds what the log lacks of the old one, too.
      entry.unlogged = (entry.unlogged | old.unlogged) >>> 0;
      if (!old.shared && old.location.id !== 0) this.discards.push(old.location.id);
    }
    target.blocks.set(block, entry);
    if (entry.unlogged !== 0) target.unlogged.add(block);
  }
}
