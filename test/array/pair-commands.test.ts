/**
 * The table of pair commands through the array: in every state of every mode, reached for real, each command does
 * what the table says, and what it refuses changes nothing.
 */
import { describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { afterCommand } from '../../src/pair/pair-state.js';
import { type PairMode, type PairState, statesOf } from '../../src/pair/pair-states.js';
import { PAIR_COMMANDS, type PairCommand } from '../../src/pair/pair-table.js';
import { PAIR, PairsFixture } from './pairs-fixture.js';

const FAILURE = new ArrayError('EIO', 'the disk is gone');

/** A pair whose secondary has had its first copy, and both sides changes since then. */
async function split(fixture: PairsFixture, mode: PairMode): Promise<void> {
  if (mode === 'mirror') {
    await fixture.until('duplex');
    await fixture.do('split');
  } else await fixture.do('copy');
  await fixture.until('split');
  await fixture.drive(fixture.pairing.setPairPace([PAIR], 'slow'));
  await fixture.write('db', 2, [0, 1, 2, 3]);
  await fixture.write('copy', 3, [2, 3, 4, 5]);
}

/** Leads a pair that was just made, at pace slow, into a state; the pair's pools are two. */
const WAYS: Record<
  Exclude<PairState, 'simplex'>,
  (fixture: PairsFixture, mode: PairMode) => Promise<unknown>
> = {
  defined: async () => {},
  'duplex-pending': async () => {},
  duplex: (fixture) => fixture.until('duplex'),
  'split-pending': (fixture, mode) => fixture.do(mode === 'mirror' ? 'split' : 'copy'),
  split,
  resync: async (fixture, mode) => {
    await split(fixture, mode);
    await fixture.do('resync');
  },
  'reverse-resync': async (fixture, mode) => {
    await split(fixture, mode);
    await fixture.do('reverse');
  },
  finishing: async (fixture, mode) => {
    await fixture.do(mode === 'mirror' ? 'split' : 'copy');
    await fixture.do('delete');
  },
  'reverse-finishing': async (fixture, mode) => {
    await split(fixture, mode);
    await fixture.do('reverse');
    await fixture.do('delete');
  },
  suspended: async (fixture, mode) => {
    await split(fixture, mode);
    await lose(fixture, 'mirror');
  },
  'suspended-partial': async (fixture, mode) => {
    await fixture.do(mode === 'mirror' ? 'split' : 'copy');
    await lose(fixture, 'mirror');
  },
  'suspended-partial-primary': async (fixture, mode) => {
    await split(fixture, mode);
    await fixture.do('reverse');
    await lose(fixture, 'main');
  },
};

/** The disk of a pool fails, is noticed, and works again. */
async function lose(fixture: PairsFixture, pool: 'main' | 'mirror'): Promise<void> {
  fixture[pool].failTransactionAfter(0, FAILURE);
  const name = pool === 'main' ? 'db' : 'copy';
  // Some of it fails already: whatever is changed lets the failure be noticed.
  await fixture.refusal(() => fixture.write(name, 7, [7]));
  for (let turn = 0; !fixture.pair.state.startsWith('suspended'); turn += 1) {
    expect(turn).toBeLessThan(1_000);
    await fixture.clock.advance(10);
  }
  fixture[pool].failTransactionAfter(undefined);
  while (fixture.array.poolList.named(pool).failure !== undefined) await fixture.clock.advance(100);
}

function give(fixture: PairsFixture, command: PairCommand, mode: PairMode): Promise<unknown> {
  const { pairing } = fixture;
  switch (command) {
    case 'paircreate':
      return fixture.giveCreate({ mode });
    case 'pace':
      return pairing.setPairPace([PAIR], 'medium');
    case 'resync-reverse':
      return fixture.give('reverse');
    case 'pairdelete':
      return fixture.give('delete');
    case 'pairdelete-now':
      return fixture.give('now');
    default:
      return fixture.give(command);
  }
}

/** All of a pair that a user sees, but for the time that copying takes. */
async function seen(fixture: PairsFixture): Promise<unknown> {
  const { pair } = fixture;
  const { db, copy } = {
    db: fixture.array.volume('db'),
    copy: fixture.array.volume('copy'),
  };
  return {
    pair: [pair.state, pair.pace, pair.mode, pair.reason, pair.number, pair.splitMs],
    tracks: [pair.pendingTracks, pair.primaryChangedTracks, pair.secondaryChangedTracks],
    refusals: [db.writeRefusal, copy.writeRefusal, copy.failure, copy.reserved],
    snapshots: fixture.array.copies.hiddenSnapshots().map(({ number }) => number),
    contents: [await fixture.bytes('db'), await fixture.bytes('copy')],
  };
}

const CASES = (['mirror', 'on-demand'] as const).flatMap((mode) =>
  statesOf(mode)
    .filter((state): state is keyof typeof WAYS => state !== 'simplex')
    .map((state) => ({ mode, state })),
);

async function inState(state: keyof typeof WAYS, mode: PairMode): Promise<PairsFixture> {
  const fixture = await PairsFixture.open(2);
  await fixture.write('db', 1, [0, 1, 2, 3, 4, 5, 6, 7]);
  await fixture.create({ mode, pace: 'slow' });
  await WAYS[state](fixture, mode);
  expect([fixture.pair.mode, fixture.pair.state]).toEqual([mode, state]);
  return fixture;
}

describe.each(CASES)('a pair $mode that is $state', ({ mode, state }) => {
  it.each(PAIR_COMMANDS)('does what the table says at %s', async (command) => {
    const fixture = await inState(state, mode);
    const cell = afterCommand(mode, state, command);
    const before = await seen(fixture);
    const [outcome, refusal] = await fixture.drive(
      give(fixture, command, mode).then(
        (done) => [[done].flat()[0] as { isPerformed: boolean; text: string }],
        (error: unknown) => [undefined, error as ArrayError],
      ),
    );
    if (cell.kind === 'rejected') {
      expect([refusal?.code, refusal?.reason]).toEqual([cell.code, `${PAIR} ${cell.reason}`]);
      expect(await seen(fixture)).toEqual(before);
    } else if (command === 'pace') {
      expect([outcome?.isPerformed, fixture.pair.pace, fixture.pair.state]).toEqual([
        true,
        'medium',
        state,
      ]);
    } else if (cell.kind === 'accepted') {
      expect(outcome).toMatchObject({ isPerformed: false, text: cell.reason });
      expect(await seen(fixture)).toEqual(before);
    } else {
      expect(outcome).toMatchObject({ isPerformed: true, text: `is ${cell.to} now` });
    }
  });
});

describe('a command on pairs', () => {
  it.each(PAIR_COMMANDS.filter((command) => command !== 'paircreate'))(
    'is ENOENT at %s where there is no such pair',
    async (command) => {
      const fixture = await PairsFixture.open(1);
      const cell = afterCommand('mirror', 'simplex', command);
      expect(cell).toMatchObject({ kind: 'rejected', code: 'ENOENT' });
      expect(await fixture.refusal(() => give(fixture, command, 'mirror'))).toMatch(/^ENOENT/);
    },
  );

  it('changes no pair where it is rejected for one of them', async () => {
    const fixture = await PairsFixture.open(2);
    await fixture.duplex();
    await fixture.volume('other');
    await fixture.create({ secondary: 'other', mode: 'on-demand' });
    const refusal = await fixture.refusal(() => fixture.give('split', PAIR, 'db:other'));
    expect(refusal).toMatch(/^EINVAL: db:other is copied on demand/);
    expect(fixture.pair.state).toBe('duplex');
  });

  it('names unequal sizes so that they differ', async () => {
    const fixture = await PairsFixture.open(1);
    await fixture.volume('other', 8 + 2 ** -7);
    const making = () => fixture.giveCreate({ secondary: 'other' });
    expect(await fixture.refusal(making)).toBe(
      'EINVAL: the volumes of a pair are of one size, not 524288 and 524800 bytes',
    );
  });

  it('offers no force= where the command has none', async () => {
    const fixture = await PairsFixture.open(1);
    await fixture.duplex();
    await fixture.do('split');
    await fixture.until('split');
    const image = fixture.array.openImage(fixture.array.volume('copy'), { write: true });
    const open = 'volume copy is open for writing and cannot be overwritten';
    const rotating = () => fixture.pairing.rotateSplit('db', {});
    expect(await fixture.refusal(rotating)).toBe(`EBUSY: ${open} (unmount it first)`);
    expect(await fixture.refusal(() => fixture.give('resync'))).toBe(
      `EBUSY: ${open} (unmount it first, or force=yes)`,
    );
    image.close();
  });

  it('changes no pace where it has no effect', async () => {
    const fixture = await inState('split-pending', 'mirror');
    const [outcome] = await fixture.drive(fixture.pairing.splitPairs([PAIR], { pace: 'fast' }));
    expect([outcome?.isPerformed, fixture.pair.pace]).toEqual([false, 'slow']);
  });

  it.each([
    ['names no pair', [], 'EINVAL'],
    ['names a pair twice', [PAIR, PAIR], 'EINVAL'],
    ['names a pair that is not there', [PAIR, 'db:nothing'], 'ENOENT'],
  ])('is refused where it %s', async (_what, names, code) => {
    const fixture = await PairsFixture.open(1);
    await fixture.duplex();
    const refusal = await fixture.refusal(() => fixture.pairing.splitPairs(names, {}));
    expect([refusal.slice(0, 6), fixture.pair.state]).toEqual([code, 'duplex']);
  });
});
