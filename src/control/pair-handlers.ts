/**
 * The handlers of the commands on pairs. Each answers per pair what was done: a command that makes no
 * sense in the state of a pair says so and does nothing.
 */
import type { DiskArray } from '../array/disk-array.js';
import type {
  CreatePairOptions,
  PairOutcome,
  PairView,
  SplitOptions,
} from '../array/pair-contract.js';
import { isoTime } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import { given, type Handler } from './command-handler.js';
import type { ParsedCommand } from './command-parser.js';
import { parseTime } from './command-time.js';
import { parseSectors } from './command-values.js';
import type { PAIR_COMMAND_ROWS } from './pair-command-rows.js';

type PairCommandName = (typeof PAIR_COMMAND_ROWS)[number]['name'];
type Pace = CreatePairOptions['pace'];

/** Of the subject of a job that waits for its time; a command may name a thousand pairs. */
const SUBJECT_CHARACTERS_MAX = 200;

export const PAIR_HANDLERS: Readonly<Record<PairCommandName, Handler>> = {
  async paircreate(array, { words: [primary = '', secondary = ''], options }) {
    const outcome = await array.createPair(primary, secondary, {
      // The parser lets only the modes and paces of the row pass.
      mode: (options.get('mode') ?? 'mirror') as CreatePairOptions['mode'],
      pace: (options.get('pace') ?? 'medium') as Pace,
      sync: options.has('sync'),
      force: options.has('force'),
    });
    return outcomeText([outcome]);
  },

  async pairdelete(array, { words, options }) {
    const isLastNow = words.at(-1) === 'now';
    const pairs = isLastNow ? words.slice(0, -1) : words;
    if (pairs.length === 0) throw new ArrayError('EINVAL', 'missing PAIR before now');
    if (pairs.includes('now')) throw new ArrayError('EINVAL', 'now stands after the pairs');
    return outcomeText(await array.deletePairs(pairs, { now: isLastNow || options.has('now') }));
  },

  async split(array, command) {
    const { words, options } = command;
    const rotated = options.get('rotate');
    if ((rotated === undefined) === (words.length === 0)) {
      throw new ArrayError('EINVAL', 'give either pairs or rotate=VOLUME');
    }
    const how = splitOptions(options);
    if (rotated === undefined) {
      const split = async () => outcomeText(await array.splitPairs(words, how));
      return nowOrLater(array, command, split);
    }
    return nowOrLater(array, command, async () => {
      return outcomeText([await array.rotateSplit(rotated, how)]);
    });
  },

  async copy(array, command) {
    const { words, options } = command;
    const how = splitOptions(options);
    return nowOrLater(array, command, async () => outcomeText(await array.copyPairs(words, how)));
  },

  async resync(array, { words, options }) {
    const outcomes = await array.resyncPairs(words, {
      direction: options.get('direction') === 'reverse' ? 'reverse' : 'forward',
      ...given('pace', options.get('pace') as Pace | undefined),
      force: options.has('force'),
    });
    return outcomeText(outcomes);
  },

  async suspend(array, { words }) {
    return outcomeText(await array.suspendPairs(words));
  },

  async pairpace(array, { words, options }) {
    return outcomeText(await array.setPairPace(words, options.get('pace') as Pace));
  },

  async reserve(array, { words }) {
    await array.reserveVolumes(words);
    return `reserved ${words.join(' ')}`;
  },

  async unreserve(array, { words }) {
    await array.unreserveVolumes(words);
    return `unreserved ${words.join(' ')}`;
  },
};

function splitOptions(options: ParsedCommand['options']): SplitOptions {
  const info = options.get('info');
  return {
    ...given('pace', options.get('pace') as Pace | undefined),
    ...given('info', info === undefined ? undefined : parseSectors(info)),
  };
}

/** Does `work` now or, with `at=`, in a job; what the command names must be there in both cases. */
async function nowOrLater(
  array: DiskArray,
  { command, words, options }: ParsedCommand,
  work: () => Promise<string>,
): Promise<string> {
  const at = options.get('at');
  if (at === undefined) return work();
  const isCopy = command.name === 'copy';
  for (const word of words) checkMode(array.pair(word), isCopy);
  const rotated = options.get('rotate');
  if (rotated !== undefined) checkIsPrimary(array, rotated);
  const atMs = parseTime(at, array.nowMs());
  const named = rotated === undefined ? words.join(' ') : `rotate=${rotated}`;
  const subject = `${shortened(named)} at ${isoTime(atMs).slice(0, 19)}Z`;
  const job = await array.startLater({ kind: command.name, subject, atMs }, work);
  return `job ${job.id} ${command.name} ${subject}`;
}

/** A pair's mode does not change: what it can never do is not put off. */
function checkMode({ name, mode }: PairView, isCopy: boolean): void {
  if (isCopy === (mode === 'on-demand')) return;
  throw new ArrayError(
    'EINVAL',
    `${name} is ${isCopy ? 'a mirror: split it' : 'on demand: copy it'}`,
  );
}

function checkIsPrimary(array: DiskArray, reference: string): void {
  const { name } = array.volume(reference);
  if (array.pairs().some(({ primary }) => primary === name)) return;
  throw new ArrayError('ENOENT', `volume ${name} is the primary of no pair`);
}

function shortened(text: string): string {
  if (text.length <= SUBJECT_CHARACTERS_MAX) return text;
  return `${text.slice(0, SUBJECT_CHARACTERS_MAX)}...`;
}

function outcomeText(outcomes: readonly PairOutcome[]): string {
  return outcomes
    .map(({ pair, isPerformed, text }) => `${pair} ${text}${isPerformed ? '' : ', nothing done'}`)
    .join('; ');
}
