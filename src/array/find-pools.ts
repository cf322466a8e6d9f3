/**
 * Which pools make up the array that is being mounted, from what each of them remembers: every pool has a
 * record of all members and of the state in which each was last there. The newest that knows the state of
 * the given pool is the authority; who is as it remembers belongs to the array, wherever it was meanwhile.
 *
 *   a pool found, against what the authority's record says of it   it is
 *   a state in which it was left                                   there, as it was then
 *   the same, but another pool knows that it had published more    an older copy: left out, not touched
 *   no state: its record was given up by a repair                  the same
 *   any other state, or the record does not name it                changed elsewhere, or older: left out, not touched
 *   whatever it is, but it has seen the authority in later states  it goes on from a newer state of that: left out,
 *   only, or knows that it had published more                      not touched
 *   newer, and its record has the authority's state                the authority from now on
 *
 * While a mount tells the pools of its state, each may have been left in the old or in the new one.
 */
import { ArrayError, type ErrorCode } from '../base/errors.js';
import { uuidText } from '../base/uuid.js';
import type { Member, MountState } from '../store/member-records.js';
import type { StoredPool } from '../store/pool-files.js';

export interface PresentPool {
  readonly member: Member;
  readonly stored: StoredPool;
}

interface Absence {
  /** Why, as the end of a sentence. */
  readonly problem: string;
  /** Nothing was found of it, or it was not looked for: for all that is known it is as it was left. */
  readonly isUnseen: boolean;
}

/** A member that the array is mounted without. */
export interface MissingPool extends Absence {
  readonly member: Member;
}

export interface FoundPools {
  /** What it remembers is the truth about those that are missing. */
  readonly authority: StoredPool;
  /** In the array's order. */
  readonly pools: readonly (PresentPool | MissingPool)[];
}

export interface PoolSearch {
  readonly given: StoredPool;
  /** Pools in directories that were named as well. */
  readonly named: readonly StoredPool[];
  /** Names of pools to be left out, which are not even looked at. */
  readonly without: readonly string[];
  /** The pool in a member's directory; throws where it is not there or cannot be read. */
  look(member: Member): StoredPool;
}

/** What says that no pool is in a directory; anything else is damage. */
const NOT_THERE: readonly ErrorCode[] = ['ENOENT', 'ENOTDIR', 'EINVAL', 'EACCES'];

export const NO_STATE: MountState = { generation: 0, nonce: new Uint8Array(8) };

/** EINVAL where what the caller names does not belong to the given pool's array. */
export function findPools(search: PoolSearch): FoundPools {
  const { given, named, without } = search;
  if (given.members?.members.length === 0) {
    const reason = `pool ${given.identity.poolName} in ${given.directory} was removed from its array`;
    throw new ArrayError('EINVAL', reason);
  }
  if (without.includes(given.identity.poolName)) {
    const reason = `${given.directory} is pool ${given.identity.poolName}: name another pool's directory`;
    throw new ArrayError('EINVAL', reason);
  }
  const seen = new Map<string, StoredPool | Absence>();
  const chosen = named.filter(({ identity }) => !without.includes(identity.poolName));
  for (const pool of [given, ...chosen]) seen.set(uuidText(pool.identity.poolUuid), pool);
  let authority = given;
  for (;;) {
    for (const member of membersOf(authority)) {
      const uuid = uuidText(member.uuid);
      if (!seen.has(uuid)) seen.set(uuid, lookAt(member, search));
    }
    const newer = newerThan(authority, [...seen.values()]);
    if (newer === undefined) break;
    authority = newer;
  }
  const members = membersOf(authority);
  checkNames(search, members);
  const judged = members.map((member) => judge(authority, member, seen));
  const there = judged.filter((pool) => 'stored' in pool).map(({ stored }) => stored);
  const pools = judged.map((pool) => {
    const isOlder = 'stored' in pool && there.some((knower) => isBehind(pool.stored, knower));
    return isOlder ? unfit(pool.member, olderCopy(pool.stored)) : pool;
  });
  return { authority, pools };
}

/** A pool without a record is the only one of its array. */
function membersOf({ directory, identity, members }: StoredPool): readonly Member[] {
  const { poolUuid: uuid, poolName: name } = identity;
  return members?.members ?? [{ uuid, name, directory, isPresent: true, states: [NO_STATE] }];
}

function lookAt(member: Member, { without, given, look }: PoolSearch): StoredPool | Absence {
  if (without.includes(member.name)) return { problem: 'left out by --without', isUnseen: true };
  try {
    const pool = look(member);
    const { poolUuid, arrayUuid } = pool.identity;
    const isIt = isSame(poolUuid, member.uuid) && isSame(arrayUuid, given.identity.arrayUuid);
    return isIt ? pool : { problem: `${pool.directory} holds another pool`, isUnseen: true };
  } catch (error) {
    if (error instanceof ArrayError) {
      return { problem: error.reason, isUnseen: NOT_THERE.includes(error.code) };
    }
    return { problem: error instanceof Error ? error.message : String(error), isUnseen: false };
  }
}

function unfit(member: Member, problem: string): MissingPool {
  return { member, problem, isUnseen: false };
}

/** The newest of the pools found that knows the authority as it is now. */
function newerThan(
  authority: StoredPool,
  found: readonly (StoredPool | Absence)[],
): StoredPool | undefined {
  let newest: StoredPool | undefined;
  for (const pool of found) {
    if ('problem' in pool || pool === authority || pool.members === undefined) continue;
    const least = newest?.members ?? authority.members;
    if (pool.members.state.generation <= (least?.state.generation ?? 0)) continue;
    if (remembers(pool, authority)) newest = pool;
  }
  return newest;
}

/** The mount of the knower's record, or one before it, has left the pool as it is now. */
function remembers(knower: StoredPool, pool: StoredPool): boolean {
  const { poolUuid } = pool.identity;
  const member = knower.members?.members.find(({ uuid }) => isSame(uuid, poolUuid));
  if (member === undefined) return false;
  return isLeftIn(member, pool.members?.state) && !isBehind(pool, knower);
}

function isLeftIn(member: Member, state: MountState | undefined): boolean {
  return state === undefined || member.states.some((left) => isSameState(left, state));
}

/** The knower was told that more was published in the pool: this is a copy made before. */
function isBehind({ identity, members, publishedSequence }: StoredPool, knower: StoredPool) {
  const known = knower.reached.find(({ uuid }) => isSame(uuid, identity.poolUuid));
  // A repair that gives up the record may have counted anew.
  return members !== undefined && known !== undefined && publishedSequence < known.sequence;
}

/** The knower has seen the pool in later mounts only: this is a copy made before them. */
function isOutdated({ identity, members }: StoredPool, knower: StoredPool): boolean {
  const known = knower.members?.members.find(({ uuid }) => isSame(uuid, identity.poolUuid));
  const generation = members?.state.generation ?? 0;
  return known?.states.every((left) => left.generation > generation) ?? false;
}

function judge(
  authority: StoredPool,
  member: Member,
  seen: ReadonlyMap<string, StoredPool | Absence>,
): PresentPool | MissingPool {
  const pool = seen.get(uuidText(member.uuid)) ?? { problem: 'not looked for', isUnseen: true };
  if ('problem' in pool) return { member, ...pool };
  if (pool === authority) return { member, stored: pool };
  const isLeftSo = remembers(authority, pool);
  if (isLeftSo && !isBehind(authority, pool)) return { member, stored: pool };
  if (isBehind(authority, pool) || isOutdated(authority, pool)) {
    const { identity, directory } = authority;
    const what = `goes on from a newer state of pool ${identity.poolName} than that in ${directory}`;
    return unfit(member, `it ${what} (in ${pool.directory})`);
  }
  const state = pool.members?.state;
  const isOlder =
    isLeftIn(member, state) ||
    (state !== undefined && member.states.every((left) => state.generation < left.generation));
  return unfit(
    member,
    isOlder ? olderCopy(pool) : `it was changed elsewhere (in ${pool.directory})`,
  );
}

function olderCopy({ directory }: StoredPool): string {
  return `it is an older copy (in ${directory})`;
}

function checkNames({ named, without }: PoolSearch, members: readonly Member[]): void {
  for (const name of without) {
    if (members.some((member) => member.name === name)) continue;
    throw new ArrayError('EINVAL', `the array has no pool ${name} to leave out`);
  }
  for (const { directory, identity } of named) {
    if (members.some((member) => isSame(member.uuid, identity.poolUuid))) continue;
    const reason = `${directory} holds pool ${identity.poolName}, which is not of this array`;
    throw new ArrayError('EINVAL', reason);
  }
}

function isSameState(one: MountState, other: MountState): boolean {
  return one.generation === other.generation && isSame(one.nonce, other.nonce);
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
