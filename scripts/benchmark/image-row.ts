/** What a row that fio runs on one image file consists of, and the words it becomes for fio. */
import type { Row } from './row.js';
import type { Scale } from './scale.js';

/** Names of fields of the scale that hold seconds or bytes. */
type SecondsField = 'rowSeconds' | 'coldSeconds' | 'longSeconds';
type BytesField = 'burstBytes' | 'bulkBurstBytes';
type ImageBytesField = 'imageBytes' | 'largeBytes' | 'passBytes';

/**
 * How long: seconds over and over, seconds without meeting a block twice, a number of bytes over all
 * jobs, or the image once from end to end.
 */
export type Amount =
  | { readonly kind: 'seconds' | 'secondsOnce'; readonly field: SecondsField }
  | { readonly kind: 'bytes'; readonly field: BytesField }
  | { readonly kind: 'pass' };

export interface IoShape {
  readonly operation: 'read' | 'write' | 'randread' | 'randwrite' | 'mixed';
  readonly blockBytes: number;
  readonly jobs: number;
  /** Past the page cache of the mounted file; else through it, but with nothing of the file in it. */
  readonly direct: boolean;
  readonly amount: Amount;
  /** `fdatasync` after each write; `end`: an fsync at the end, whose time counts. */
  readonly sync?: 'fdatasync' | 'end';
}

/**
 * The image a row finds: `filled` once and used by all rounds; `fresh` and `empty` are made anew for each
 * measurement; `aged` is filled, and overwritten again and again with snapshots taken and deleted.
 */
export type ImageState = 'filled' | 'fresh' | 'empty' | 'aged' | 'large';

export interface ImageSetup {
  readonly bytes: ImageBytesField;
  readonly isFilled: boolean;
  readonly isRenewed: boolean;
}

export const IMAGE_SETUPS: Readonly<Record<ImageState, ImageSetup>> = {
  filled: { bytes: 'imageBytes', isFilled: true, isRenewed: false },
  fresh: { bytes: 'imageBytes', isFilled: true, isRenewed: true },
  empty: { bytes: 'passBytes', isFilled: false, isRenewed: true },
  aged: { bytes: 'imageBytes', isFilled: true, isRenewed: false },
  large: { bytes: 'largeBytes', isFilled: true, isRenewed: false },
};

export interface ImageRow extends Row {
  readonly image: ImageState;
  /**
   * `settled`: everything durable, nothing under way. `warm`: settled, then all of the image read once.
   * `cold`: settled, the target stopped, the host's caches dropped, the target started. `reread`: cold,
   * then all of the image read once, so as warm as the machine's memory allows, whatever ran before.
   */
  readonly before: 'settled' | 'warm' | 'cold' | 'reread';
  readonly io: IoShape;
  /** Runs at the same time on the same image, from before to after. */
  readonly load?: IoShape;
  /** What of fio's result is the value: a rate, or the 99th percentile. */
  readonly value: 'rate' | 'p99';
}

/** fio's words for `shape` on an image of `imageBytes`. */
export function fioWords(shape: IoShape, imageBytes: number, scale: Scale): string[] {
  const operation =
    shape.operation === 'mixed' ? ['--rw=randrw', '--rwmixread=70'] : [`--rw=${shape.operation}`];
  return [
    ...operation,
    `--bs=${shape.blockBytes}`,
    `--numjobs=${shape.jobs}`,
    `--size=${imageBytes}`,
    ...amountWords(shape, scale),
    ...(shape.sync === 'fdatasync' ? ['--fdatasync=1'] : []),
    ...(shape.sync === 'end' ? ['--end_fsync=1'] : []),
  ];
}

function amountWords({ amount, jobs }: IoShape, scale: Scale): string[] {
  switch (amount.kind) {
    case 'seconds':
      return ['--time_based', `--runtime=${scale[amount.field]}`];
    case 'secondsOnce':
      return [`--runtime=${scale[amount.field]}`];
    case 'bytes':
      return [`--io_size=${scale[amount.field] / jobs}`];
    case 'pass':
      return [];
  }
}
