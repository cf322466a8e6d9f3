/**
 * Requests on their way from the pump, which reads them, to the event loop, which answers them: slots
 * in memory that both threads share. A slot is free, or with the pump, or in the queue, or with the
 * event loop until it is released, in any order. The queue has room for all slots, so only slots
 * can run out; then the pump waits, and the kernel keeps the requests.
 *
 * Words of the control memory:
 *   0 signal: counts publications and the end; the event loop sleeps on it
 *   1 released: counts releases; the pump sleeps on it
 *   2 end: an EndReason once the pump has ended      3 stop: 1 once the pump shall end
 *   4 published: requests ever put into the queue    5.. queue, then lengths, then states, by slot
 */
import { signalWord, wordChanged } from '../base/shared-words.js';

/** Pages of the largest request are only taken from the machine once they are used. */
export const SLOT_COUNT = 64;
const WORD = { signal: 0, released: 1, end: 2, stop: 3, published: 4 } as const;
const WORDS_FIXED = 5;
const STATE = { free: 0, used: 1 } as const;

/** `over`: the kernel has ended the connection. */
export type EndReason = 'over' | 'stopped' | 'failed';
const END_REASONS: readonly (EndReason | undefined)[] = [undefined, 'over', 'stopped', 'failed'];

export interface RingMemory {
  readonly control: SharedArrayBuffer;
  readonly slots: SharedArrayBuffer;
  readonly slotCount: number;
  readonly slotBytes: number;
}

export function allocateRing(slotBytes: number, slotCount = SLOT_COUNT): RingMemory {
  return {
    control: new SharedArrayBuffer((WORDS_FIXED + 3 * slotCount) * Int32Array.BYTES_PER_ELEMENT),
    slots: new SharedArrayBuffer(slotBytes * slotCount),
    slotCount,
    slotBytes,
  };
}

/** What both ends know: where a word is. */
class RingWords {
  protected readonly words: Int32Array;
  protected readonly slotCount: number;

  constructor(readonly memory: RingMemory) {
    this.words = new Int32Array(memory.control);
    this.slotCount = memory.slotCount;
  }

  /** Place of the queue that the `count`-th publication uses. */
  protected queueWord(count: number): number {
    // Counts wrap around at 2^32 and become negative in a 32-bit word.
    return WORDS_FIXED + ((count >>> 0) % this.slotCount);
  }

  protected lengthWord(slot: number): number {
    return WORDS_FIXED + this.slotCount + slot;
  }

  protected stateWord(slot: number): number {
    return WORDS_FIXED + 2 * this.slotCount + slot;
  }
}

/** The pump's end. */
export class RingProducer extends RingWords {
  /** A free slot, the lowest, whose memory is warm; waits for one. Undefined when it shall stop. */
  take(): number | undefined {
    for (;;) {
      if (this.mustStop()) return undefined;
      const released = Atomics.load(this.words, WORD.released);
      for (let slot = 0; slot < this.slotCount; slot += 1) {
        if (Atomics.load(this.words, this.stateWord(slot)) === STATE.free) return slot;
      }
      Atomics.wait(this.words, WORD.released, released);
    }
  }

  publish(slot: number, length: number): void {
    const published = this.words[WORD.published] as number;
    this.words[this.lengthWord(slot)] = length;
    this.words[this.queueWord(published)] = slot;
    Atomics.store(this.words, this.stateWord(slot), STATE.used);
    Atomics.add(this.words, WORD.published, 1);
    this.signal();
  }

  end(reason: EndReason): void {
    Atomics.store(this.words, WORD.end, END_REASONS.indexOf(reason));
    this.signal();
  }

  mustStop(): boolean {
    return Atomics.load(this.words, WORD.stop) !== 0;
  }

  private signal(): void {
    signalWord(this.words, WORD.signal);
  }
}

export interface RingItem {
  readonly slot: number;
  readonly length: number;
}

/** The event loop's end. */
export class RingConsumer extends RingWords {
  private taken = 0;
  private usedCount = 0;

  /** Slots that are neither queued nor with the event loop. */
  get freeCount(): number {
    return this.slotCount - this.usedCount - this.queued();
  }

  /** The memory of a slot, made once by who keeps it. */
  slotBytes(slot: number): Buffer {
    const { slots, slotBytes } = this.memory;
    return Buffer.from(slots, slot * slotBytes, slotBytes);
  }

  next(): RingItem | undefined {
    if (this.queued() === 0) return undefined;
    const slot = this.words[this.queueWord(this.taken)] as number;
    this.taken = (this.taken + 1) | 0;
    this.usedCount += 1;
    return { slot, length: this.words[this.lengthWord(slot)] as number };
  }

  release(slot: number): void {
    this.usedCount -= 1;
    Atomics.store(this.words, this.stateWord(slot), STATE.free);
    signalWord(this.words, WORD.released);
  }

  /** Why the pump has ended; everything it read is in the queue by then. */
  endReason(): EndReason | undefined {
    return END_REASONS[Atomics.load(this.words, WORD.end)];
  }

  /** The pump is gone; where it said no word of its end, it failed. */
  endBroken(): void {
    if (this.endReason() !== undefined) return;
    Atomics.store(this.words, WORD.end, END_REASONS.indexOf('failed'));
    signalWord(this.words, WORD.signal);
  }

  /** To be read before looking whether there is anything to do, and then given to `changed`. */
  signalCount(): number {
    return Atomics.load(this.words, WORD.signal);
  }

  /** Resolves when something came after `signalCount` was read; undefined where it has. */
  changed(signalCount: number): Promise<unknown> | undefined {
    return wordChanged(this.words, WORD.signal, signalCount);
  }

  /** The pump ends when it next has no request in hand. */
  stop(): void {
    Atomics.store(this.words, WORD.stop, 1);
    signalWord(this.words, WORD.released);
  }

  private queued(): number {
    return (Atomics.load(this.words, WORD.published) - this.taken) | 0;
  }
}
