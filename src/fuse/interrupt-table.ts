/**
 * Requests that may wait for ever, by their id, so that a signal to the caller can end them: the kernel tells
 * of it with an INTERRUPT, which may also come for a request that is answered by now. All others are answered in
 * their turn: EINTR from an ordinary file is what no program expects.
 */
import type { Answer } from './file-tree.js';

export class InterruptTable {
  private readonly waiting = new Map<number, AbortController>();

  /** Runs `request` with a signal that is aborted when its caller is interrupted. */
  run<T>(unique: number, request: (interrupted: AbortSignal) => Answer<T>): Answer<T> {
    const controller = new AbortController();
    const answer = request(controller.signal);
    if (!(answer instanceof Promise)) return answer;
    this.waiting.set(unique, controller);
    return answer.finally(() => this.waiting.delete(unique));
  }

  interrupt(unique: number): void {
    this.waiting.get(unique)?.abort();
  }

  /** The mount is over: nobody waits any more. */
  interruptAll(): void {
    for (const controller of [...this.waiting.values()]) controller.abort();
  }
}
