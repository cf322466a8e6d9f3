/**
 * A generation: what the cache accepted between two cuts, the unit of durability. Its steps keep the
 * order of writes and commands; publishing it is one atomic change of the pool.
 *
 *   active -> closed (a cut) -> published, or retried after a failure
 */

import type { ArrayError } from '../base/errors.js';
import { BLOCK_BYTES } from '../base/sizes.js';
import { ALL_SECTORS } from '../store/records.js';
import { type RecordChange, type UsageStep, ZERO_SLOT } from '../store/tasks.js';

import type { CachedBlock, Layer, Lineage, LineageClip } from './lineage.js';

/** Something stored as one record, packed when its generation is closed. */
export interface RecordSource {
  readonly recordKey: Uint8Array;
  /** Undefined removes the record. */
  packRecord(): Uint8Array | undefined;
}

/** A shrink: `clip` hides what is older, `replaces` are superfluous once it is published. */
export interface ClipMark {
  readonly kind: 'clip';
  readonly lineage: Lineage;
  readonly clip: LineageClip;
  readonly replaces: readonly LineageClip[];
}

export type GenerationStep = Layer | ClipMark | UsageStep;

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: ArrayError) => void;
}

export const ZERO_BYTES = new Uint8Array(BLOCK_BYTES);

export function zeroCachedBlock(): CachedBlock {
  return { slot: ZERO_SLOT, bytes: ZERO_BYTES, sectors: ALL_SECTORS };
}

export class Generation {
  readonly steps: GenerationStep[] = [];
  /** Someone waits for it, or it is old: close it as soon as the writer is free. */
  flushRequested = false;
  /** Blocks with memory. */
  slotCount = 0;
  private readonly sources = new Set<RecordSource>();
  private readonly changes = new Map<string, RecordChange>();
  private waiters: Waiter[] = [];
  private packed: readonly RecordChange[] | undefined;

  constructor(readonly sequence: number) {}

  get isEmpty(): boolean {
    return this.steps.length === 0 && this.sources.size === 0 && this.changes.size === 0;
  }

  /** The record will be written as it stands when the generation is closed. */
  touch(source: RecordSource): void {
    this.sources.add(source);
  }

  /** Writes or removes a record, whatever earlier changes of it said. */
  change(key: Uint8Array, value: Uint8Array | undefined): void {
    this.changes.set(Buffer.from(key).toString('latin1'), { key, value });
  }

  /** The cut: records are packed now, and nothing is added afterwards. */
  close(): void {
    for (const source of this.sources) this.change(source.recordKey, source.packRecord());
    this.packed = [...this.changes.values()];
  }

  get records(): readonly RecordChange[] {
    return this.packed ?? [];
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
}
