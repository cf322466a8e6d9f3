/**
 * What was still with the other side of a pair at one moment ([001]: backup right after a split), to be read for as long as it
 * is needed: the copying of the pair goes on meanwhile, and gives its instant up when it is done.
 */
import type { ArrayError } from '../base/errors.js';
import { TRACK_BYTES } from '../base/sizes.js';
import { TrackBits } from '../pair/track-bits.js';
import type { PoolContent } from '../volume/pool-content.js';
import type { View } from '../volume/view.js';
import type { FrozenContent } from './volume-role.js';

/** A frozen state of a volume, to be read or copied from. */
export interface Instant {
  readonly content: PoolContent;
  readonly view: View;
}

/** The pair, as who reads its instant sees it. */
interface SourceOwner {
  /** Why nothing can be read where there is no source. */
  lost(): ArrayError;
  /** What faults do to a read of the source. */
  passSource(offset: number, length: number): Promise<void> | undefined;
}

export class FrozenOverlay implements FrozenContent {
  private readonly pending: TrackBits;
  private source: Instant | undefined;
  private take = (_offset: number, _target: Uint8Array) => false;

  constructor(
    pending: TrackBits,
    source: Instant | undefined,
    private readonly owner: SourceOwner,
  ) {
    this.pending = new TrackBits(pending.trackCount);
    this.pending.add(pending);
    this.source = source;
    source?.content.lineages.pinOpen(source.view.lineage, source.view.epoch);
  }

  runAt(offset: number): { readonly isElsewhere: boolean; readonly end: number } {
    const track = Math.floor(offset / TRACK_BYTES);
    const run = this.pending.firstRun(track);
    const isElsewhere = run?.track === track;
    const end = isElsewhere ? track + run.count : (run?.track ?? Number.POSITIVE_INFINITY);
    return { isElsewhere, end: end * TRACK_BYTES };
  }

  async read(offset: number, target: Uint8Array): Promise<void> {
    const { source } = this;
    if (source === undefined) throw this.owner.lost();
    if (this.take(offset, target)) return;
    await this.owner.passSource(offset, target.length);
    await source.content.map.fetch(source.view, offset, target.length);
    source.content.read(source.view, offset, target);
  }

  serveFrom(take: (offset: number, target: Uint8Array) => boolean): void {
    this.take = take;
  }

  release(): void {
    const { source } = this;
    this.source = undefined;
    source?.content.lineages.unpinOpen(source.view.lineage, source.view.epoch);
  }
}
