/** When a backup sends what, by [002] figs. 7 and 9. */
import { describe, expect, it } from 'vitest';
import { type CopyPointer, type CopyTiming, sendableTracks } from '../../src/san/backup-timing.js';

describe('the timing of copy and backup', () => {
  it.each<[CopyTiming, CopyPointer, number]>([
    ['backup-only', 0, 100],
    ['backup-only', undefined, 100],
    ['copy-then-backup', 0, 0],
    ['copy-then-backup', 99, 0],
    ['copy-then-backup', undefined, 100],
    ['parallel', 0, 0],
    ['parallel', 42, 42],
    ['parallel', 99, 99],
    ['parallel', undefined, 100],
  ])(
    '%s with the copy pointer at %s lets %i of 100 tracks go ([002] fig. 9)',
    (timing, pointer, tracks) => {
      expect(sendableTracks(timing, pointer, 100)).toBe(tracks);
    },
  );

  it('never passes the copy pointer while both move ([002] fig. 7)', () => {
    let sent = 0;
    for (let pointer = 0; pointer <= 100; pointer += 7) {
      const limit = sendableTracks('parallel', pointer, 100);
      expect(limit).toBeLessThanOrEqual(pointer);
      expect(limit).toBeGreaterThanOrEqual(sent);
      sent = limit;
    }
    expect(sendableTracks('parallel', undefined, 100)).toBe(100);
  });
});
