/** Waiting for what may never answer: a file system whose array hangs. */
import type { Clock } from '../base/clock.js';
import { ArrayError, asArrayError } from '../base/errors.js';

/** What does not answer for this long is given up. */
export const ANSWER_MS_MAX = 10_000;

/** ENXIO where `work` takes too long: it is left behind, waiting on a thread of its own. Other failures become ArrayErrors. */
export function withinTime<T>(clock: Clock, what: string, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(ANSWER_MS_MAX, () => {
      reject(new ArrayError('ENXIO', `${what} does not answer: its file system or array hangs`));
    });
    work
      .then(resolve, (error: unknown) => reject(asArrayError(error)))
      .finally(() => timer.cancel());
  });
}
