/**
 * What a pair copies to its secondary from one instant, as a backup of the secondary sees it that may have to wait: the copy pointer,
 * and how far the backup may go by it ([002] figs. 7 and 9). It ends where nothing of the instant is pending any more, and also
 * where nobody copies it any more: the image has what is missing from the instant itself.
 */
import type { Clock } from '../base/clock.js';
import { TRACK_BYTES } from '../base/sizes.js';
import { stateRow } from '../pair/pair-states.js';
import { type CopyPointer, type CopyTiming, sendableTracks } from '../san/backup-timing.js';
import { CopiedBlocks } from './copied-blocks.js';
import type { Pair } from './pair.js';

/** Between two looks at a pair that tells nothing. */
const LOOK_MS = 200;

export class PairCopying {
  private readonly instant: Pair['instant'];
  private readonly blocks: CopiedBlocks | undefined;
  private readonly leave: () => void;

  /** In the turn in which the image is frozen. */
  constructor(
    private readonly host: { readonly clock: Clock },
    private readonly pair: Pair | undefined,
    private readonly timing: CopyTiming,
  ) {
    const instant = pair?.instant;
    this.instant = instant;
    if (timing === 'parallel' && instant !== undefined) this.blocks = new CopiedBlocks(instant);
    this.leave = (this.blocks && pair?.follow(this.blocks)) ?? (() => {});
  }

  end(): void {
    this.leave();
  }

  get pointer(): CopyPointer {
    const { pair, instant } = this;
    if (pair === undefined || instant === undefined || pair.instant !== instant) return undefined;
    return stateRow(pair.state).copiesTo === 'secondary' ? pair.copyPointer : undefined;
  }

  /** Bytes that were read once for the pair and the backup. */
  get sharedBytes(): number {
    return this.blocks?.sharedBytes ?? 0;
  }

  /** Of what the pair has read. */
  take(offset: number, target: Uint8Array): boolean {
    return this.blocks?.take(offset, target) ?? false;
  }

  /** The image may be sent up to this byte. */
  isSendable(end: number): boolean {
    const { pointer, pair, timing } = this;
    if (pointer === undefined || pair === undefined) return true;
    return sendableTracks(timing, pointer, pair.trackCount) * TRACK_BYTES >= end;
  }

  /** Undefined where it is so; resolves also when `signal` aborts. */
  untilSendable(end: number, signal: AbortSignal): Promise<void> | undefined {
    return this.isSendable(end) ? undefined : this.wait(end, signal);
  }

  private async wait(end: number, signal: AbortSignal): Promise<void> {
    while (!this.isSendable(end) && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const go = () => {
          timer.cancel();
          signal.removeEventListener('abort', go);
          resolve();
        };
        const timer = this.host.clock.after(LOOK_MS, go);
        this.blocks?.whenCopied(go);
        signal.addEventListener('abort', go, { once: true });
      });
    }
  }
}
