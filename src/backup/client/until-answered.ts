/**
 * Waiting for a server that is away, or has no space for what it is told: asked again, less and less often, until it answers
 * or the client stops.
 */
import type { Clock } from '../../base/clock.js';
import { ArrayError } from '../../base/errors.js';
import { ServerAwayError } from '../http-client.js';

const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 2_000;

export interface Waiting {
  readonly clock: Clock;
  /** Ends the waiting with EINTR. */
  readonly signal: AbortSignal;
  /** Called at each attempt in vain. */
  onAway?(error: ArrayError): void;
}

/** `ask` may be carried out several times by the server: an answer that is lost looks like none. */
export async function untilAnswered<T>(ask: () => Promise<T>, waiting: Waiting): Promise<T> {
  for (let delayMs = RETRY_MS_MIN; ; delayMs = Math.min(2 * delayMs, RETRY_MS_MAX)) {
    try {
      return await ask();
    } catch (error) {
      if (!isPassing(error)) throw error;
      waiting.onAway?.(error);
    }
    await pauseUnlessAborted(waiting.clock, delayMs, waiting.signal);
    if (waiting.signal.aborted) throw new ArrayError('EINTR', 'given up');
  }
}

function isPassing(error: unknown): error is ArrayError {
  return (
    error instanceof ServerAwayError || (error instanceof ArrayError && error.code === 'ENOSPC')
  );
}

/** Resolves after `delayMs`, or at once when the signal is aborted. */
export function pauseUnlessAborted(
  clock: Clock,
  delayMs: number,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      timer.cancel();
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = clock.after(delayMs, finish);
    signal.addEventListener('abort', finish);
  });
}
