/**
 * Keeps what each pool remembers of the array: who its pools are and in which state each was last there
 * (find-pools.ts goes by it), and the volumes of the other pools. A new state begins at each mount that may
 * change the array, and whenever pools come or go, in two durable steps: all pools that work learn of it,
 * and then that all have learnt.
 */
import type { Clock } from '../base/clock.js';
import { keyOfText, keyText, recordKey, recordKeyEnd } from '../store/keys.js';
import { type Member, type MountState, NONCE_BYTES, packMembers } from '../store/member-records.js';
import type { CopyDirectory } from './copy-directory.js';
import type { Pool } from './pool.js';
import { allDone, type Pools } from './pools.js';
import { Reached } from './reached.js';

/**
 * Numbers that nobody gets where the array goes on without a pool that was there before: the lost one may
 * have given out some that the others had not heard of when they stopped.
 */
const NUMBERS_SKIPPED = 65_536;

/** States kept of a pool that fails again and again while the others go on. */
const STATES_MAX = 4;

export class Membership {
  readonly reached: Reached;
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly pools: Pools,
    private readonly copies: CopyDirectory,
    private readonly clock: Clock,
    /** The newest so far. */
    private state: MountState,
  ) {
    this.reached = new Reached(pools, clock);
  }

  /** Runs work that changes which pools there are, one after the other. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work);
    this.last = result.catch(() => undefined);
    return result;
  }

  /**
   * At mount: all pools know what any of them knows. `isNewlyMissing`: a pool that was there the last time is not
   * now.
   */
  async begin(isNewlyMissing: boolean): Promise<void> {
    const skipped = isNewlyMissing ? NUMBERS_SKIPPED : 0;
    for (const kind of ['nextNumber', 'nextJob'] as const) {
      this.pools.raiseNumber(kind, this.pools.nextNumber(kind) + skipped);
    }
    for (const pool of this.pools.working) this.listVolumes(pool);
    await this.renew();
  }

  /** All pools that work are in a new state, durably. */
  async renew(): Promise<void> {
    const { working } = this.pools;
    const generation = this.state.generation + 1;
    const state = { generation, nonce: this.clock.randomBytes(NONCE_BYTES) };
    for (const pool of working) pool.states = [...pool.states, state].slice(-STATES_MAX);
    await this.write(state, working, false);
    await this.write(state, working, true);
    this.state = state;
  }

  /** Who fails meanwhile may be in the old state or in the new one: the others go on. */
  private async write(
    state: MountState,
    taking: readonly Pool[],
    isSettled: boolean,
  ): Promise<void> {
    for (;;) {
      const working = taking.filter((pool) => !pool.isFailed);
      const members = this.members(taking, isSettled ? { state, pools: working } : undefined);
      const record = packMembers({ state, members });
      for (const { content } of working) content.change(recordKey('members'), record);
      try {
        await allDone(working.map(({ content }) => content.durable()));
        if (isSettled) for (const pool of working) pool.states = [state];
        return;
      } catch (error) {
        const left = working.filter((pool) => !pool.isFailed).length;
        if (left === 0 || left === working.length) throw error;
      }
    }
  }

  /** The pool is of no array any more. */
  async dismiss(pool: Pool): Promise<void> {
    const record = packMembers({ state: this.state, members: [] });
    pool.content.change(recordKey('members'), record);
    await pool.content.durable();
  }

  /** The pool's list of the volumes of the others becomes what it should be. */
  listVolumes(pool: Pool): void {
    const { store, content } = pool;
    const stored = new Map<string, Uint8Array>();
    const start = recordKey('foreignVolume');
    for (const { key, value } of store.range('records', start, recordKeyEnd('foreignVolume'))) {
      stored.set(keyText(key), new Uint8Array(value));
    }
    for (const volume of this.copies.volumes()) {
      if (volume.pool === pool) continue;
      const { recordKey: key } = volume.listing;
      const value = volume.listing.packRecord();
      const old = stored.get(keyText(key));
      stored.delete(keyText(key));
      if (value === undefined || (old !== undefined && Buffer.compare(old, value) === 0)) continue;
      content.change(key, value);
    }
    for (const name of stored.keys()) content.change(keyOfText(name), undefined);
  }

  private members(
    taking: readonly Pool[],
    settled: { readonly state: MountState; readonly pools: readonly Pool[] } | undefined,
  ): Member[] {
    return this.pools.all.map((pool) => ({
      uuid: pool.identity.poolUuid,
      name: pool.name,
      directory: pool.directory,
      isPresent: taking.includes(pool),
      states: settled?.pools.includes(pool) ? [settled.state] : pool.states,
    }));
  }
}
