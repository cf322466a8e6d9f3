/** Random lives of pairs: what the tables say is enough to never lose a difference nor a content. */
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { PAIR_EVENTS } from '../../src/pair/pair-events.js';
import { type PairMode, type PairState, stateRow, statesOf } from '../../src/pair/pair-states.js';
import { PAIR_COMMANDS } from '../../src/pair/pair-table.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { ModelPair } from './model-pair.js';

const TRACKS = 12;
const GOES_ON = PAIR_COMMANDS.filter((command) => !command.startsWith('pairdelete'));

/** Tells the story where they differ; millions of comparisons are not worth an `expect` each. */
function same(story: string, found: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(found, expected)) expect([story, found]).toEqual([story, expected]);
}

function checkPair(pair: ModelPair, story: string): void {
  const { primary, secondary } = {
    primary: pair.read('primary'),
    secondary: pair.read('secondary'),
  };
  const differ = pair.bits.union();
  const wrong = primary.findIndex((own, track) => own !== secondary[track] && !differ.has(track));
  same(story, wrong, -1);
  if (pair.state === 'split' || pair.state === 'split-pending') {
    same(story, secondary, pair.expected);
  }
}

/** The end of a pair: each side that can be read shows what it did before, or what was promised. */
function checkEnd(pair: ModelPair, before: PairState, shown: Kept, story: string): void {
  const fails = {
    'suspended-partial': 'secondary',
    'suspended-partial-primary': 'primary',
  } as const;
  const failed = before in fails ? [fails[before as keyof typeof fails]] : [...pair.failed];
  same(story, [...pair.failed], failed);
  if (!pair.failed.has('primary')) {
    same(story, pair.read('primary'), shown.primary);
  }
  if (pair.failed.has('secondary')) return;
  const secondary = pair.read('secondary');
  if (before === 'split-pending' || before === 'split') {
    same(story, secondary, shown.secondary);
  }
  if (before === 'finishing') same(story, secondary, pair.expected);
  if (before === 'duplex') same(story, secondary, shown.primary);
}

/** What each side showed when it began to be overwritten, to which it must be able to go back. */
type Kept = { primary: readonly number[]; secondary: readonly number[] };

function checkMove(
  pair: ModelPair,
  before: PairState,
  shown: Kept,
  kept: Kept,
  story: string,
): void {
  const overwritten = stateRow(before).copiesTo;
  const wasKept = before === 'resync' || overwritten === 'primary';
  if (pair.state === 'suspended' && wasKept && overwritten !== undefined) {
    same(story, pair.read(overwritten), kept[overwritten]);
  }
  if (before === pair.state || before === 'suspended-partial-primary') return;
  // The primary shows the content of the secondary from the first moment.
  if (pair.state === 'reverse-resync') {
    same(story, pair.read('primary'), shown.secondary);
  }
  if (pair.state === 'reverse-resync' || pair.state === 'resync') Object.assign(kept, shown);
}

function live(mode: PairMode, random: RandomSource, visited: Set<PairState>): void {
  const pair = new ModelPair(mode, TRACKS);
  const story: string[] = [];
  const kept: Kept = { primary: [], secondary: [] };
  let value = 0;
  pair.command('paircreate');
  for (let step = 0; step < 60 && !pair.isOver; step += 1) {
    const before = pair.state;
    const shown = { primary: pair.read('primary'), secondary: pair.read('secondary') };
    const action = random.integer(0, 9);
    if (action <= 2) {
      const side = random.pick(['primary', 'secondary'] as const);
      const track = random.integer(0, TRACKS - 1);
      value += 1;
      if (pair.write(side, track, value)) story.push(`write ${side} ${track}`);
    } else if (action <= 6) {
      pair.copyTurn();
      story.push('copy');
    } else if (action <= 8) {
      const command = random.pick(random.chance(0.85) ? GOES_ON : PAIR_COMMANDS);
      pair.command(command);
      story.push(command);
    } else if (random.chance(0.6)) {
      const event = random.pick(PAIR_EVENTS.filter((name) => name !== 'copied'));
      pair.event(event);
      story.push(event);
    }
    visited.add(pair.state);
    const told = `${mode} seed ${random.seed}: ${story.join(', ')} -> ${pair.state}`;
    if (pair.isOver) checkEnd(pair, before, shown, told);
    else checkPair(pair, told);
    checkMove(pair, before, shown, kept, told);
  }
}

describe.each<PairMode>(['mirror', 'on-demand'])('random lives of pairs, %s', (mode) => {
  it('keep every difference and show every instant', () => {
    const visited = new Set<PairState>();
    for (let seed = 1; seed <= repeat(400); seed += 1) live(mode, new RandomSource(seed), visited);
    expect([...visited].sort()).toEqual(statesOf(mode).sort());
  });
});
