/** Which pools are taken for the array's: the table of find-pools.ts, and what is refused. */
import { describe, expect, it } from 'vitest';
import { findPools } from '../../src/array/find-pools.js';
import type { MembersRecord, MountState } from '../../src/store/member-records.js';
import type { StoredPool } from '../../src/store/pool-files.js';
import type { PoolIdentityRecord } from '../../src/store/records.js';

/** `3a` is the third generation with nonce a. */
function state(text: string): MountState {
  const nonce = new Uint8Array(8).fill(text.charCodeAt(1));
  return { generation: Number(text[0]), nonce };
}

const uuidOf = (name: string) => new Uint8Array(16).fill(name.charCodeAt(0));

/** `a+2x`: pool a takes part, left in state 2x; `b-1x/2x`: pool b does not, left in one of two. */
function record(at: string, members: string): MembersRecord {
  return {
    state: state(at),
    members: members.split(' ').flatMap((text) => {
      const [name = '', sign, states = ''] = text.split(/([+-])/);
      if (name === '') return [];
      const directory = `/${name}`;
      return [
        {
          uuid: uuidOf(name),
          name,
          directory,
          isPresent: sign === '+',
          states: states.split('/').map(state),
        },
      ];
    }),
  };
}

/** `b5`: it knows that generation 5 of pool b was published. */
function pool(
  name: string,
  members: MembersRecord | undefined,
  directory = `/${name}`,
  publishedSequence = 9,
  known: readonly string[] = [],
): StoredPool {
  const identity: PoolIdentityRecord = {
    layoutVersion: 3,
    arrayUuid: uuidOf('X'),
    arraySerial: '0123456789ab',
    arrayLabel: '',
    poolUuid: uuidOf(name),
    tagSeed: 1,
    poolName: name,
    createdMs: 0,
    capacityBytes: 2 ** 30,
    blockContainer: 'lmdb',
  };
  const reached = known.map((text) => ({ uuid: uuidOf(text), sequence: Number(text.slice(1)) }));
  return { directory, identity, members, publishedSequence, reached };
}

/** What comes of it: `a`, or `b: PROBLEM`; the authority. */
function find(
  given: StoredPool,
  others: readonly StoredPool[],
  options: { named?: readonly StoredPool[]; without?: readonly string[] } = {},
) {
  const found = findPools({
    given,
    named: options.named ?? [],
    without: options.without ?? [],
    look: ({ directory }) => {
      const there = others.find((other) => other.directory === directory);
      if (there === undefined) throw new Error(`${directory} does not exist`);
      return there;
    },
  });
  const pools = found.pools.map((entry) => {
    return 'problem' in entry ? `${entry.member.name}: ${entry.problem}` : entry.member.name;
  });
  return { pools, authority: found.authority.identity.poolName };
}

const GIVEN_IS_OLDER = 'b: it goes on from a newer state of pool a than that in /a (in /b)';
const ELSEWHERE = 'b: it was changed elsewhere (in /b)';

describe('the pools of an array', () => {
  const bothAt3 = record('3x', 'a+3x b+3x');

  it.each<[string, MembersRecord | undefined, MembersRecord | undefined, string[], string]>([
    ['both are as the last mount left them', bothAt3, bothAt3, ['a', 'b'], 'a'],
    [
      'the other has not heard of a mount that ended early',
      record('3x', 'a+2x/3x b+2x/3x'),
      record('2x', 'a+2x b+2x'),
      ['a', 'b'],
      'a',
    ],
    [
      'the given one has not heard of it',
      record('2x', 'a+2x b+2x'),
      record('3x', 'a+2x/3x b+2x/3x'),
      ['a', 'b'],
      'b',
    ],
    [
      'the other was missing and is as it was',
      record('4x', 'a+4x b-2x'),
      record('2x', 'a+2x b+2x'),
      ['a', 'b'],
      'a',
    ],
    [
      'the given one was missing and is as it was',
      record('2x', 'a+2x b+2x'),
      record('4x', 'a-2x b+4x'),
      ['a', 'b'],
      'b',
    ],
    ['the record of the other was given up by a repair', bothAt3, undefined, ['a', 'b'], 'a'],
    [
      'the other is older than the last mount that had it',
      bothAt3,
      record('2x', 'a+2x b+2x'),
      ['a', 'b: it is an older copy (in /b)'],
      'a',
    ],
    [
      'the given one is older than the last mount that had both',
      record('2x', 'a+2x b+2x'),
      record('4x', 'a+4x b+4x'),
      ['a', GIVEN_IS_OLDER],
      'a',
    ],
    [
      'the other went on without the given one, which went on, too',
      record('4x', 'a+4x b-2x'),
      record('3y', 'a-2x b+3y'),
      ['a', ELSEWHERE],
      'a',
    ],
    [
      'the same, and the other is newer',
      record('4x', 'a+4x b-2x'),
      record('5y', 'a-2x b+5y'),
      ['a', ELSEWHERE],
      'a',
    ],
    [
      'both went on alone for one mount',
      record('3y', 'a+3y b-2x'),
      record('3z', 'a-2x b+3z'),
      ['a', ELSEWHERE],
      'a',
    ],
    [
      'the other has given the given one up',
      record('3x', 'a+3x b+3x'),
      record('4x', 'b+4x'),
      ['a', ELSEWHERE],
      'a',
    ],
    ['the given one has given the other up', record('4x', 'a+4x'), bothAt3, ['a'], 'a'],
    [
      'the other was added when the given one was missing',
      record('1x', 'a+1x'),
      undefined,
      ['a'],
      'a',
    ],
  ])('%s', (_case, a, b, pools, authority) => {
    expect(find(pool('a', a), [pool('b', b)])).toEqual({ pools, authority });
  });

  it.each<[string, number, string[], number, string[], string[]]>([
    ['each is as far as the other knows', 5, ['b7'], 7, ['a5'], ['a', 'b']],
    ['and further', 6, ['b7'], 8, ['a5'], ['a', 'b']],
    ['the other is not', 5, ['b7'], 6, ['a5'], ['a', 'b: it is an older copy (in /b)']],
    ['the given one is not', 5, ['b6'], 7, ['a6'], ['a', GIVEN_IS_OLDER]],
  ])('of one mount: %s', (_case, a, knownByA, b, knownByB, pools) => {
    const given = pool('a', bothAt3, '/a', a, knownByA);
    expect(find(given, [pool('b', bothAt3, '/b', b, knownByB)]).pools).toEqual(pools);
  });

  it('goes by what any of the others knows of a pool', () => {
    const allAt3 = record('3x', 'a+3x b+3x c+3x');
    const others = [pool('b', allAt3, '/b', 5), pool('c', allAt3, '/c', 5, ['b6'])];
    expect(find(pool('a', allAt3), others).pools).toEqual([
      'a',
      'b: it is an older copy (in /b)',
      'c',
    ]);
    // A repair that gave its record up may have begun to count anew.
    const repaired = [pool('b', undefined, '/b', 0), pool('c', allAt3, '/c', 5, ['b6'])];
    expect(find(pool('a', allAt3), repaired).pools).toEqual(['a', 'b', 'c']);
  });

  it('does not take a newer record for the truth about a pool that is older than it knows', () => {
    const newer = pool('b', record('4x', 'a-3x b+4x'), '/b', 9, ['a6']);
    expect(find(pool('a', bothAt3, '/a', 5), [newer])).toEqual({
      pools: ['a', GIVEN_IS_OLDER],
      authority: 'a',
    });
    expect(find(pool('a', bothAt3, '/a', 6), [newer])).toEqual({
      pools: ['a', 'b'],
      authority: 'b',
    });
  });

  it('looks for pools that only a newer one knows of', () => {
    const a = pool('a', record('2x', 'a+2x b+2x'));
    const newer = record('4x', 'a-2x b+4x c+4x');
    const found = find(a, [pool('b', newer), pool('c', newer)]);
    expect(found).toEqual({ pools: ['a', 'b', 'c'], authority: 'b' });
  });

  it('goes by the newest of several that know of each other', () => {
    const a = pool('a', record('2x', 'a+2x b+2x c+2x'));
    const b = pool('b', record('3x', 'a-2x b+3x c-2x'));
    const c = pool('c', record('4x', 'a-2x b+3x c+4x'));
    expect(find(a, [b, c]).authority).toBe('c');
    expect(find(a, [b, c]).pools).toEqual(['a', 'b', 'c']);
  });

  it('says why a pool is not there', () => {
    expect(find(pool('a', bothAt3), []).pools).toEqual(['a', 'b: /b does not exist']);
    const foreign = pool('c', bothAt3, '/b');
    expect(find(pool('a', bothAt3), [foreign]).pools).toEqual(['a', 'b: /b holds another pool']);
  });

  it('leaves a pool out without looking at it', () => {
    const found = find(pool('a', bothAt3), [pool('b', bothAt3)], { without: ['b'] });
    expect(found.pools).toEqual(['a', 'b: left out by --without']);
  });

  it('takes a pool that has moved where it is named', () => {
    const moved = pool('b', bothAt3, '/elsewhere');
    expect(find(pool('a', bothAt3), [], { named: [moved] }).pools).toEqual(['a', 'b']);
  });

  it('is one pool where no other was ever beside it', () => {
    expect(find(pool('a', undefined), [])).toEqual({ pools: ['a'], authority: 'a' });
  });

  it.each<[string, () => unknown, string]>([
    [
      'the given pool was removed',
      () => find(pool('a', record('5x', '')), []),
      'EINVAL: pool a in /a was removed from its array',
    ],
    [
      'the given pool is left out',
      () => find(pool('a', bothAt3), [], { without: ['a'] }),
      "EINVAL: /a is pool a: name another pool's directory",
    ],
    [
      'there is no pool to leave out',
      () => find(pool('a', bothAt3), [], { without: ['c'] }),
      'EINVAL: the array has no pool c to leave out',
    ],
    [
      'a foreign pool is named',
      () => find(pool('a', bothAt3), [], { named: [pool('z', undefined)] }),
      'EINVAL: /z holds pool z, which is not of this array',
    ],
  ])('is refused where %s', (_case, action, message) => {
    expect(action).toThrow(message);
  });
});
