/**
 * The faults that a user has set, as microprocessors see them: they ask at every step, in their own threads, and count what
 * happened. The array core has the list (faults.ts), puts it here when it changes, and takes the counts. Words, then text:
 *
 *    0 version: odd while the array core writes     1 bytes of the text
 *    2 + 2i times that fault i may still happen, -1: until it is cleared     3 + 2i times it has happened since they were taken
 *    520 bytes from the beginning: the faults as JSON, `null` where there is none
 *
 * A fault keeps its place as long as it is set.
 */
import { assert } from '../base/assert.js';
import { FAULTS_MAX } from '../base/limits.js';
import {
  type Fault,
  type FaultRange,
  type FaultSetting,
  type FaultTarget,
  type FaultTargetKind,
  meetsFault,
} from './faults.js';

const HEAD_BYTES = 4 * (2 + 2 * FAULTS_MAX);
const TEXT_BYTES = 1_024 * FAULTS_MAX;
const UNLIMITED = -1;
/** What a microprocessor meets; the others are the array core's own. */
const KINDS: readonly FaultTargetKind[] = ['port', 'controller', 'microprocessor', 'device'];

/** The array core's end. */
export class FaultBoard {
  readonly buffer = new SharedArrayBuffer(HEAD_BYTES + TEXT_BYTES);
  private readonly words = new Int32Array(this.buffer);
  private places: (number | undefined)[] = Array.from({ length: FAULTS_MAX }, () => undefined);

  /** These are the faults from now on; counts have been taken before. */
  publish(faults: readonly Fault[]): void {
    const shown = faults.filter(({ target }) => KINDS.includes(target.kind));
    const numbers = shown.map(({ number }) => number);
    this.places = this.places.map((number) =>
      number !== undefined && numbers.includes(number) ? number : undefined,
    );
    for (const number of numbers) if (!this.places.includes(number)) this.give(number);
    const placed = this.places.map((number) => shown.find((fault) => fault.number === number));
    Atomics.add(this.words, 0, 1);
    const text = Buffer.from(JSON.stringify(placed.map((fault) => fault ?? null)));
    assert(text.length <= TEXT_BYTES, 'the faults fit their place');
    Buffer.from(this.buffer, HEAD_BYTES).set(text);
    Atomics.store(this.words, 1, text.length);
    for (const [place, fault] of placed.entries()) {
      Atomics.store(this.words, leftWord(place), fault === undefined ? 0 : timesLeft(fault));
    }
    Atomics.add(this.words, 0, 1);
  }

  private give(number: number): void {
    const place = this.places.indexOf(undefined);
    this.places[place] = number;
    Atomics.store(this.words, leftWord(place) + 1, 0);
  }

  /** What happened since the last call: numbers of faults and how often. */
  taken(): { readonly number: number; readonly times: number }[] {
    return this.places.flatMap((number, place) => {
      const times = number === undefined ? 0 : Atomics.exchange(this.words, leftWord(place) + 1, 0);
      return number === undefined || times === 0 ? [] : [{ number, times }];
    });
  }
}

/** A microprocessor's end. */
export class FaultView {
  private readonly words: Int32Array;
  private version = 0;
  private faults: readonly (Fault | null)[] = [];

  constructor(private readonly buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer);
  }

  /**
   * What happens at the target now; each counts as having happened once. As `FaultList.hits`, but only a device can be met
   * that is down: ports, controllers and microprocessors are not chosen then.
   */
  hits(target: FaultTarget, range?: FaultRange): Fault[] {
    this.refresh();
    return this.faults.flatMap((fault, place) => {
      const isMet = fault !== null && meetsFault(fault, target, range) && isForThreads(fault);
      return isMet && this.happens(place) ? [fault] : [];
    });
  }

  /** It has not been cleared yet. */
  isSet({ number }: Fault): boolean {
    this.refresh();
    return this.faults.some((fault) => fault?.number === number);
  }

  private happens(place: number): boolean {
    const word = leftWord(place);
    for (let left = Atomics.load(this.words, word); left !== 0; ) {
      const next = left === UNLIMITED ? left : left - 1;
      const found = Atomics.compareExchange(this.words, word, left, next);
      if (found === left) {
        Atomics.add(this.words, word + 1, 1);
        return true;
      }
      left = found;
    }
    return false;
  }

  /** Where the list is being written, the one before still counts. */
  private refresh(): void {
    const version = Atomics.load(this.words, 0);
    if (version === this.version || version % 2 !== 0) return;
    const length = Atomics.load(this.words, 1);
    const text = Buffer.from(this.buffer, HEAD_BYTES, length).toString();
    if (Atomics.load(this.words, 0) !== version) return;
    this.faults = JSON.parse(text) as (Fault | null)[];
    this.version = version;
  }
}

function isForThreads({ kind, target }: FaultSetting): boolean {
  return kind !== 'down' || target.kind === 'device';
}

function timesLeft({ count }: Fault): number {
  return Math.min(count ?? UNLIMITED, 2 ** 31 - 1);
}

function leftWord(place: number): number {
  return 2 + 2 * place;
}
