/**
 * The image that is to be copied, from the moment the copy begins; of a pair that of its secondary, split in the same turn where that is
 * wanted. What the secondary does not have yet then is always read as of the split; the policy says what the copy waits for ([001] figs. 3 to 11):
 *
 *    merge        nothing: uncopied tracks come from the instant of the pair, the others from the secondary
 *    wait         until the pair has copied all
 *    copy-first   for the tracks of each range that is read: they are copied out of turn
 */
import { ArrayError } from '../base/errors.js';
import type { ArrayContext } from './array-context.js';
import { type AnyCopy, copyName } from './copies.js';
import { CopySource } from './copy-source.js';
import type { ImageCopyRequest } from './ecopy-contract.js';
import type { Job } from './jobs.js';
import type { Pair } from './pair.js';
import type { Pairs } from './pairs.js';

type CopyPolicy = NonNullable<ImageCopyRequest['policy']>;
export type OriginHost = ArrayContext & { readonly pairing: Pairs };

/** Between two looks at a pair that copies. */
const LOOK_MS = 200;

export class ImageOrigin {
  private constructor(
    private readonly host: OriginHost,
    readonly copy: AnyCopy,
    private readonly pair: Pair | undefined,
    private readonly isToBeSplit: boolean,
    private readonly policy: CopyPolicy,
  ) {}

  /** ENOENT where it is not there, EINVAL where it makes no sense. */
  static of(
    host: OriginHost,
    {
      source,
      split = false,
      policy = 'merge',
    }: Pick<ImageCopyRequest, 'source' | 'split' | 'policy'>,
  ): ImageOrigin {
    const named = source.includes(':') ? host.pairing.pair(source) : undefined;
    if (split && named === undefined) {
      throw new ArrayError('EINVAL', 'split= is for a pair: write PRIMARY:SECONDARY');
    }
    const copy = named?.secondarySide.volume ?? host.copies.copy(source);
    const pair = named ?? pairCopiedTo(host, copy);
    return new ImageOrigin(host, copy, pair, split, policy);
  }

  /** Freezes it in the turn of the call, and runs `work`; nothing of it is left then. */
  async use<T>(job: Job, work: (image: OpenOrigin) => Promise<T>): Promise<T> {
    const split = this.isToBeSplit && this.host.pairing.splitPairs([this.pair?.name ?? ''], {});
    if (split) {
      job.begun = split;
      // Rejections are told below, too.
      split.catch(() => undefined);
    }
    const [source] = CopySource.freezeAll(this.host, [this.copy]);
    if (source === undefined) throw new ArrayError('ENOENT', `${copyName(this.copy)} is gone`);
    try {
      if (split) await split;
      while (this.policy === 'wait' && this.isCopying && !job.cancelled) {
        await job.pause(this.host.clock, LOOK_MS);
      }
      return await work({ source, before: (offset, length) => this.before(offset, length) });
    } finally {
      source.close(job.isLeft);
    }
  }

  private before(offset: number, length: number): Promise<void> | undefined {
    if (this.policy !== 'copy-first' || !this.isCopying) return undefined;
    const { overlay } = this.copy;
    return overlay?.isPending(offset, length) ? overlay.fill(offset, length) : undefined;
  }

  /** The secondary still lacks what the primary had at the split. */
  private get isCopying(): boolean {
    return this.pair?.state === 'split-pending';
  }
}

export interface OpenOrigin {
  readonly source: CopySource;
  /** To be waited for before the range is read. */
  before(offset: number, length: number): Promise<void> | undefined;
}

function pairCopiedTo({ pairing }: OriginHost, copy: AnyCopy): Pair | undefined {
  return pairing.pairs().find(({ secondarySide }) => secondarySide.volume === copy);
}
