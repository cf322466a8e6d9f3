/**
 * When a backup sends what ([002] figs. 7, 9 and 10): at which time it begins, and how far it may go while the volume is still being
 * duplexed. A track is sent when it is not pending any more, in order, so the backup never passes the copy pointer.
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

/** Milliseconds until the time to begin; 0 where it has come, or none was set. Of the clock on the wall. */
export function waitBeforeStart(startMs: number | undefined, nowMs: number): number {
  return startMs === undefined ? 0 : Math.max(0, startMs - nowMs);
}
