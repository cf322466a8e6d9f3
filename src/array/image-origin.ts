/**
 * The image that is to be copied, from the moment the copy begins; of a pair that of its secondary, split in the same turn where that is
 * wanted. What the secondary does not have yet then is always read as of the split; the policy says what the copy waits for ([001] figs. 3 to 11):
 *
 *    merge        nothing: uncopied tracks come from the instant of the pair, the others from the secondary
 *    wait         until the pair has copied all
 *    copy-first   for the tracks of each range that is read: they are copied out of turn
 *    parallel     for the copy pointer to pass what is read; what the pair reads to copy it serves the copy, too
 *
 * The timings of [002] fig. 9, copy then backup and both in parallel, are wait and parallel while a pair is being duplexed.
 */
import { ArrayError } from '../base/errors.js';
import type { BackupBase } from '../device/backup-manifest.js';
import type { CopyTiming } from '../san/backup-timing.js';
import type { ArrayContext } from './array-context.js';
import { type AnyCopy, copyName } from './copies.js';
import { CopySource } from './copy-source.js';
import type { ImageCopyRequest } from './ecopy-contract.js';
import { baseOf, baseOfIncrement, ImageChanges } from './image-changes.js';
import type { Job } from './jobs.js';
import type { Pair } from './pair.js';
import { PairCopying } from './pair-copying.js';
import type { Pairs } from './pairs.js';

type CopyPolicy = NonNullable<ImageCopyRequest['policy']>;
export type OriginHost = ArrayContext & { readonly pairing: Pairs };

const TIMINGS: Readonly<Record<CopyPolicy, CopyTiming>> = {
  merge: 'backup-only',
  'copy-first': 'backup-only',
  wait: 'copy-then-backup',
  parallel: 'parallel',
};

/** Between two looks at a pair that copies. */
const LOOK_MS = 200;

export class ImageOrigin {
  private constructor(
    private readonly host: OriginHost,
    readonly copy: AnyCopy,
    private readonly pair: Pair | undefined,
    private readonly isToBeSplit: boolean,
    private readonly policy: CopyPolicy,
    private readonly since: string | undefined,
  ) {}

  /** ENOENT where it is not there, EINVAL where it makes no sense. */
  static of(
    host: OriginHost,
    {
      source,
      split = false,
      policy = 'merge',
      since,
    }: Pick<ImageCopyRequest, 'source' | 'split' | 'policy' | 'since'>,
  ): ImageOrigin {
    const named = source.includes(':') ? host.pairing.pair(source) : undefined;
    if (split && named === undefined) {
      throw new ArrayError('EINVAL', 'split= is for a pair: write PRIMARY:SECONDARY');
    }
    const copy = named?.secondarySide.volume ?? host.copies.copy(source);
    const pair = named ?? pairCopiedTo(host, copy);
    if (since !== undefined) baseOfIncrement(host, copy, since);
    return new ImageOrigin(host, copy, pair, split, policy, since);
  }

  /** What the image is based on, where only changed blocks are to move; looked for anew, as a copy may begin later. */
  get increment(): ReturnType<typeof baseOfIncrement> | undefined {
    const { host, copy, since } = this;
    return since === undefined ? undefined : baseOfIncrement(host, copy, since);
  }

  /** Of the increment. */
  get base(): BackupBase | undefined {
    const { increment } = this;
    return increment && baseOf(increment.base);
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
    const copying = this.noteCopying(source);
    let changes: ImageChanges | undefined;
    try {
      const { increment } = this;
      changes = increment && ImageChanges.open(this.host, increment.image, increment.base);
      if (split) await split;
      await source.settle();
      const isToBeCopied = () => this.policy === 'wait' && !copying.isSendable(source.sizeBytes);
      while (isToBeCopied() && !job.cancelled) await job.pause(this.host.clock, LOOK_MS);
      const stop = new AbortController();
      job.whenCancelled(() => stop.abort());
      return await work({
        source,
        before: (offset, length, signal = stop.signal) =>
          this.before(copying, offset, length, signal),
        copying,
        ...(changes !== undefined && { changes }),
      });
    } finally {
      changes?.close();
      copying.end();
      source.close(job.isLeft);
    }
  }

  /** What the pair copies at the moment of the image. */
  private noteCopying(source: CopySource): PairCopying {
    const copying = new PairCopying(this.host, this.pair, TIMINGS[this.policy]);
    if (this.policy === 'parallel') source.serveFrom((offset, data) => copying.take(offset, data));
    return copying;
  }

  private before(
    copying: PairCopying,
    offset: number,
    length: number,
    signal: AbortSignal,
  ): Promise<void> | undefined {
    if (this.policy === 'parallel') return copying.untilSendable(offset + length, signal);
    if (this.policy !== 'copy-first' || copying.pointer === undefined) return undefined;
    const { overlay } = this.copy;
    return overlay?.isPending(offset, length) ? overlay.fill(offset, length) : undefined;
  }
}

export interface OpenOrigin {
  readonly source: CopySource;
  /** To be waited for before the range is read; nothing is waited for after `signal`, or a cancel of the job. */
  before(offset: number, length: number, signal?: AbortSignal): Promise<void> | undefined;
  /** How far the pair has copied of this image. */
  readonly copying: Pick<PairCopying, 'pointer' | 'sharedBytes'>;
  /** Where only what has changed is to be copied. */
  readonly changes?: ImageChanges;
}

function pairCopiedTo({ pairing }: OriginHost, copy: AnyCopy): Pair | undefined {
  return pairing.pairs().find(({ secondarySide }) => secondarySide.volume === copy);
}
