/** Waits for a state of a pair, with a progress bar on a terminal. */
import { sleep, systemClock } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import { TRACK_BYTES } from '../base/sizes.js';
import type { ArrayClient } from '../client/array-client.js';
import { copyRows, findCopy } from './list-commands.js';
import { print, printJson } from './output.js';
import { pairName } from './pair-name.js';
import { ProgressBar } from './progress-bar.js';

/** States as the secondary shows them, and `equal`: no track differs. */
export const PAIR_WAIT_STATES = [
  'simplex',
  'defined',
  'duplex-pending',
  'duplex',
  'split-pending',
  'split',
  'resync',
  'suspended',
  'equal',
] as const;

/** What the command line reads of pairs/PAIR.json. */
interface PairRecord {
  readonly name: string;
  readonly secondaryState: string;
  readonly reason: string;
  readonly trackCount: number;
  readonly pendingTracks: number;
  readonly unequalTracks: number;
}

export interface PairWish {
  readonly state: string;
  /** Seconds. */
  readonly timeout?: number;
  readonly json: boolean;
}

/** Between two looks at a pair; the first ones are quicker, for states that are reached at once. */
const POLL_MS = 250;
const FIRST_POLL_MS = 20;

/** Resolves when the pair is in the state; throws where that takes too long or cannot come. */
export async function waitForPair(
  client: ArrayClient,
  reference: string,
  wish: PairWish,
): Promise<void> {
  const name = await pairName(client, reference);
  if (wish.state === 'simplex') await checkVolumes(client, name);
  const pair = await whenReached(client, name, wish);
  if (wish.json) printJson(pair ?? { name, secondaryState: 'simplex' });
  else print(`${name} is ${wish.state}`);
}

/** The pair in that state; undefined where it is gone and that was waited for. */
async function whenReached(
  client: ArrayClient,
  name: string,
  wish: PairWish,
): Promise<PairRecord | undefined> {
  const endMs = systemClock.monotonicMs() + (wish.timeout ?? Number.POSITIVE_INFINITY) * 1_000;
  const bar = new ProgressBar(name, systemClock);
  try {
    for (let delayMs = FIRST_POLL_MS; ; delayMs *= 2) {
      const pair = await readPair(client, name);
      if (isReached(pair, wish.state)) return pair;
      checkComing(name, pair, wish.state);
      const leftMs = endMs - systemClock.monotonicMs();
      if (leftMs <= 0) {
        throw new ArrayError('EBUSY', `${name} is still ${stillText(pair, wish.state)}`);
      }
      bar.update(progressOf(pair));
      await sleep(Math.min(delayMs, POLL_MS, leftMs));
    }
  } finally {
    bar.end();
  }
}

function isReached(pair: PairRecord | undefined, state: string): boolean {
  if (state === 'equal') return pair?.unequalTracks === 0;
  return (pair?.secondaryState ?? 'simplex') === state;
}

/** Without another command nothing happens to a pair that is gone or suspended, and no split one becomes equal. */
function checkComing(
  name: string,
  pair: PairRecord | undefined,
  state: string,
): asserts pair is PairRecord {
  if (pair === undefined) throw new ArrayError('ENOENT', `no pair ${name}`);
  const { secondaryState, reason } = pair;
  const isAtRest = state === 'equal' && ['split', 'defined'].includes(secondaryState);
  if (secondaryState !== 'suspended' && !isAtRest) return;
  const why = reason === '' ? '' : `: ${reason}`;
  throw new ArrayError('EBUSY', `${name} is ${secondaryState}${why}`);
}

/** No pair is simplex also where none ever was: a slip of the pen would be success. */
async function checkVolumes(client: ArrayClient, name: string): Promise<void> {
  const volumes = await copyRows(client, 'volumes');
  for (const side of name.split(':')) findCopy(volumes, side, 'volume');
}

function stillText({ secondaryState, unequalTracks }: PairRecord, state: string): string {
  return state === 'equal' ? `${secondaryState}, ${unequalTracks} tracks differ` : secondaryState;
}

function progressOf({ trackCount, pendingTracks }: PairRecord) {
  return {
    done: (trackCount - pendingTracks) * TRACK_BYTES,
    total: trackCount * TRACK_BYTES,
    unit: 'bytes',
  } as const;
}

/** Undefined where there is no such pair. */
async function readPair(client: ArrayClient, name: string): Promise<PairRecord | undefined> {
  try {
    const value = await client.pairJson(name);
    if (isPair(value)) return value;
    throw new ArrayError('EIO', `pairs/${name}.json does not hold a pair`);
  } catch (error) {
    if (error instanceof ArrayError && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function isPair(value: unknown): value is PairRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { secondaryState, trackCount, pendingTracks, unequalTracks } = value as Partial<PairRecord>;
  const counts = [trackCount, pendingTracks, unequalTracks];
  return typeof secondaryState === 'string' && counts.every(Number.isFinite);
}
