/**
 * A backup device for tests with threads, in shared memory: it notes which chunk of which request it was given in which
 * order, how many searched at one time, and makes a search hang. Words:
 *
 *    0 searching now   1 most at one time   2 searches   3 hanging searches   4 never changes: who hangs sleeps on it
 *    8.. for each request: writes noted, then the numbers that were written
 */
const WORD = { inside: 0, mostInside: 1, searches: 2, hanging: 3, never: 4, logs: 8 } as const;
const LOG_WORDS = 2_048;

export class SimulatedDevice {
  private readonly words: Int32Array;

  constructor(readonly buffer = new SharedArrayBuffer((WORD.logs + 16 * LOG_WORDS) * 4)) {
    this.words = new Int32Array(buffer);
  }

  /** A search, under what should be exclusive control. */
  search(action: () => void): void {
    const inside = Atomics.add(this.words, WORD.inside, 1) + 1;
    if (inside > Atomics.load(this.words, WORD.mostInside)) {
      Atomics.store(this.words, WORD.mostInside, inside);
    }
    Atomics.add(this.words, WORD.searches, 1);
    action();
    Atomics.sub(this.words, WORD.inside, 1);
  }

  /** Never returns; ends with its thread. */
  hang(): void {
    Atomics.add(this.words, WORD.hanging, 1);
    Atomics.wait(this.words, WORD.never, 0);
  }

  write(request: number, number: number): void {
    const log = WORD.logs + request * LOG_WORDS;
    const count = Atomics.load(this.words, log);
    Atomics.store(this.words, log + 1 + count, number);
    Atomics.store(this.words, log, count + 1);
  }

  get hanging(): number {
    return Atomics.load(this.words, WORD.hanging);
  }

  get searches(): number {
    return Atomics.load(this.words, WORD.searches);
  }

  get mostInside(): number {
    return Atomics.load(this.words, WORD.mostInside);
  }

  /** What was written for a request, in order. */
  written(request: number): number[] {
    const log = WORD.logs + request * LOG_WORDS;
    const count = Atomics.load(this.words, log);
    return [...this.words.subarray(log + 1, log + 1 + count)];
  }
}
