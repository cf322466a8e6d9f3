/**
 * When a backup sends what ([002] figs. 7 and 9): how far it may go while the volume is still being duplexed. A track is sent when it is not pending any more, in order, so the backup never passes the copy pointer.
 */

export const COPY_TIMINGS = [
  /** Duplexing is not looked at. */
  'backup-only',
  'copy-then-backup',
  'parallel',
] as const;
export type CopyTiming = (typeof COPY_TIMINGS)[number];

/** The lowest track still to be copied; undefined where none is. As pairs have it. */
export type CopyPointer = number | undefined;

/** Tracks from the first on that the backup may have sent by now. */
export function sendableTracks(
  timing: CopyTiming,
  pointer: CopyPointer,
  trackCount: number,
): number {
  const copied = Math.min(pointer ?? trackCount, trackCount);
  switch (timing) {
    case 'backup-only':
      return trackCount;
    case 'copy-then-backup':
      return copied === trackCount ? trackCount : 0;
    case 'parallel':
      return copied;
  }
}
