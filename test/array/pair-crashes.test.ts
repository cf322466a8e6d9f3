/**
 * The daemon is killed, or the power cut, in the middle of everything a pair does: each side then shows what it may, the pair
 * comes to its end, both are equal, and no difference is forgotten.
 */
import { describe, expect, it } from 'vitest';
import { checkStore } from '../../src/store/check.js';
import type { BlockContainerKind } from '../../src/store/container-kind.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { PAIR, PairsFixture } from './pairs-fixture.js';

const ALL = [0, 1, 2, 3, 4, 5, 6, 7];
/** Turns of microtasks in one turn of the event loop that are told apart. */
const MICROTASKS = 25;
/** Crashes tried in each flow. */
const CRASHES = repeat(6);

interface Flow {
  /** What the array is before; all of it is durable. */
  readonly before: (fixture: PairsFixture) => Promise<void>;
  /** What is going on when the daemon is killed. */
  readonly during: (fixture: PairsFixture) => Promise<unknown>;
  /** First bytes of the tracks that each volume may show after the mount, by the state of the pair. */
  readonly allowed: (state: string) => { readonly db: number[][]; readonly copy: number[][] };
  /** Turns of the event loop that it takes, about. */
  readonly turns: number;
}

const ONE = ALL.map(() => 1);
const CHANGED = [1, 2, 1, 1, 1, 2, 1, 1];
const COPY_CHANGED = [1, 1, 3, 1, 1, 3, 1, 1];
const ZERO = ALL.map(() => 0);
const TWO = ALL.map(() => 2);

async function synced(fixture: PairsFixture): Promise<void> {
  await fixture.drive(fixture.array.sync());
}

async function duplex(fixture: PairsFixture): Promise<void> {
  await fixture.write('db', 1, ALL);
  await fixture.create();
  await fixture.until('duplex');
  await synced(fixture);
}

/** Split, with changes on both sides. */
async function split(fixture: PairsFixture): Promise<void> {
  await duplex(fixture);
  await fixture.do('split');
  await fixture.until('split');
  await fixture.write('db', 2, [1, 5]);
  await fixture.write('copy', 3, [2, 5]);
  await synced(fixture);
}

async function pending(fixture: PairsFixture): Promise<void> {
  await fixture.write('db', 1, ALL);
  await fixture.create({ pace: 'slow' });
  await synced(fixture);
}

const FLOWS: Record<string, Flow> = {
  'the first copy': {
    before: async (fixture) => {
      await fixture.write('db', 1, ALL);
      await synced(fixture);
    },
    during: (fixture) => fixture.giveCreate(),
    allowed: (state) => ({ db: [ONE], copy: state === 'simplex' ? [ZERO] : [ONE] }),
    turns: 14,
  },
  'an update': {
    before: duplex,
    during: (fixture) => fixture.write('db', 2, [1, 5]),
    allowed: () => {
      const moments = [ONE, [1, 2, 1, 1, 1, 1, 1, 1], CHANGED];
      return { db: moments, copy: moments };
    },
    turns: 20,
  },
  'a split': {
    before: duplex,
    during: async (fixture) => {
      await fixture.write('db', 2, [1, 5]);
      await fixture.sync('db');
      await fixture.do('split');
      await fixture.write('copy', 3, [2, 5]);
      await fixture.sync('copy');
    },
    allowed: (state) => {
      const moments = [ONE, [1, 2, 1, 1, 1, 1, 1, 1], CHANGED];
      const written = [
        [1, 2, 3, 1, 1, 2, 1, 1],
        [1, 2, 3, 1, 1, 3, 1, 1],
      ];
      return { db: moments, copy: state.startsWith('split') ? [CHANGED, ...written] : moments };
    },
    turns: 24,
  },
  'a new pace of a split': {
    before: async (fixture) => {
      await split(fixture);
      await fixture.write('db', 2, ALL);
      await fixture.sync('db');
      await fixture.drive(fixture.pairing.setPairPace([PAIR], 'slow'));
      await fixture.do('resync');
      await fixture.do('split');
      await fixture.write('copy', 3, [7]);
      await fixture.sync('copy');
    },
    during: (fixture) => fixture.drive(fixture.pairing.setPairPace([PAIR], 'fast')),
    allowed: () => ({ db: [TWO], copy: [[2, 2, 2, 2, 2, 2, 2, 3]] }),
    turns: 10,
  },
  'a resync': {
    before: split,
    during: (fixture) => fixture.do('resync'),
    allowed: (state) => ({ db: [CHANGED], copy: [state === 'split' ? COPY_CHANGED : CHANGED] }),
    turns: 14,
  },
  'a reverse resync': {
    before: split,
    during: (fixture) => fixture.do('reverse'),
    allowed: (state) => ({
      db: [state === 'split' ? CHANGED : COPY_CHANGED],
      copy: [COPY_CHANGED],
    }),
    turns: 14,
  },
  'a deletion that copies first': {
    before: pending,
    during: (fixture) => fixture.do('delete'),
    allowed: () => ({ db: [ONE], copy: [ONE] }),
    turns: 30,
  },
  'a deletion at once': {
    before: pending,
    during: async (fixture) => {
      await fixture.clock.advance(20);
      await fixture.do('now');
    },
    allowed: () => ({ db: [ONE], copy: [ONE] }),
    turns: 12,
  },
  'a copy on demand': {
    before: async (fixture) => {
      await fixture.write('db', 1, ALL);
      await fixture.create({ mode: 'on-demand' });
      await fixture.do('copy');
      await fixture.until('split');
      await fixture.do('resync');
      await fixture.write('db', 2, [1, 5]);
      await synced(fixture);
    },
    during: (fixture) => fixture.do('copy'),
    allowed: (state) => ({ db: [CHANGED], copy: [state === 'defined' ? ONE : CHANGED] }),
    turns: 16,
  },
};

/** Lets `work` go on for so many turns of microtasks; time goes on by 10 ms with each turn of the event loop. */
async function goOn(fixture: PairsFixture, turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) {
    if (turn % MICROTASKS === MICROTASKS - 1) await fixture.clock.advance(10);
    else await Promise.resolve();
  }
}

/** What both sides show, and the end of it all. */
async function judge(fixture: PairsFixture, flow: Flow): Promise<string> {
  const state = fixture.pairing.findPair(PAIR)?.state ?? 'simplex';
  const { db, copy } = flow.allowed(state);
  const isFailed = fixture.array.volume('copy').failure !== undefined;
  expect(db).toContainEqual(await fixture.bytes('db'));
  if (!isFailed) expect(copy).toContainEqual(await fixture.bytes('copy'));
  expect(isFailed && state !== 'simplex', 'a paired volume is whole').toBe(false);
  const shown = isFailed ? 'failed' : (await fixture.bytes('copy')).join('');
  await becomesEqual(fixture);
  return `${state} ${shown}`;
}

async function becomesEqual(fixture: PairsFixture): Promise<void> {
  const pair = fixture.pairing.findPair(PAIR);
  if (pair?.state === 'finishing') await fixture.untilGone();
  if (fixture.pairing.findPair(PAIR) === undefined) await fixture.create();
  else if (pair?.mode === 'on-demand') {
    if (pair.state === 'split-pending') await fixture.until('split');
    if (pair.state === 'split') await fixture.do('resync');
    await fixture.do('copy');
    await fixture.until('split');
  } else if (pair?.state === 'reverse-resync') await fixture.until('duplex');
  else if (pair?.state.startsWith('split')) await fixture.do('resync');
  if (fixture.pair.mode === 'mirror') {
    await fixture.until('duplex');
    await fixture.quiet();
  }
  expect((await fixture.content('copy')).equals(await fixture.content('db'))).toBe(true);
  await fixture.drive(fixture.array.sync());
  for (const store of fixture.stores) {
    const report = await checkStore(store.crash(), { repair: false, onProgress: () => {} });
    expect(report.findings).toEqual([]);
  }
}

interface Crash {
  readonly lost?: (slot: number) => boolean;
  readonly isNew?: (position: number) => boolean;
}

async function crashInside(
  flow: Flow,
  pools: 1 | 2,
  random: RandomSource,
  blocks: BlockContainerKind,
  crash: Crash,
): Promise<string> {
  const fixture = await PairsFixture.open(pools, ALL.length, blocks);
  await flow.before(fixture);
  for (const store of fixture.stores) {
    store.log.pause = () => goOn(fixture, 3);
  }
  flow.during(fixture).catch(() => undefined);
  // Mostly early: that is where commands become durable.
  const late = random.integer(0, 99) / 100;
  await goOn(fixture, Math.floor(late ** 3 * flow.turns * MICROTASKS));
  return judge(await fixture.killed(crash.lost, crash.isNew), flow);
}

describe.each([1, 2] as const)('a pair in %i pools, killed in the middle of', (pools) => {
  it.each(Object.keys(FLOWS))('%s', async (name) => {
    const flow = FLOWS[name] as Flow;
    const states = new Map<string, number>();
    for (let seed = 0; seed < CRASHES; seed += 1) {
      try {
        const state = await crashInside(flow, pools, new RandomSource(seed), 'lmdb', {});
        states.set(state, (states.get(state) ?? 0) + 1);
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
    expect(states.size).toBeGreaterThan(1);
  });

  it.each(Object.keys(FLOWS))(
    '%s, by a power cut that loses slots and tears writes',
    async (name) => {
      const flow = FLOWS[name] as Flow;
      for (let seed = 0; seed < CRASHES / 2; seed += 1) {
        const random = new RandomSource(1_000 + seed);
        const crash = {
          lost: () => random.integer(0, 1) === 0,
          isNew: () => random.integer(0, 1) === 0,
        };
        try {
          await crashInside(flow, pools, random, 'file', crash);
        } catch (error) {
          throw new Error(`seed ${seed}`, { cause: error });
        }
      }
    },
  );
});
