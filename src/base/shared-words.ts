/** Waiting for a word of shared memory without stopping the event loop. */

type WaitResult =
  | { readonly async: false; readonly value: 'not-equal' | 'timed-out' }
  | { readonly async: true; readonly value: Promise<'ok' | 'timed-out'> };

/** In V8 since Node 16; its type only comes with a later language level. */
const { waitAsync } = Atomics as unknown as {
  waitAsync(words: Int32Array, index: number, value: number): WaitResult;
};

/** Resolves when the word is notified after it was `value`; undefined where it is not any more. */
export function wordChanged(
  words: Int32Array,
  index: number,
  value: number,
): Promise<unknown> | undefined {
  const wait = waitAsync(words, index, value);
  return wait.async ? wait.value : undefined;
}

/** Counts one more in a word that others sleep on, and wakes them all. */
export function signalWord(words: Int32Array, index: number): void {
  Atomics.add(words, index, 1);
  Atomics.notify(words, index);
}
