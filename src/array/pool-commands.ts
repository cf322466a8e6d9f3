/** What happens to the pools as a whole: at mount, and by the commands that add and remove them. */
import { isAbsolute, relative } from 'node:path';
import { ArrayError } from '../base/errors.js';
import { POOLS_MAX } from '../base/limits.js';
import { checkName } from '../base/names.js';
import { formatSize } from '../base/sizes.js';
import { HOME_KINDS, recordKey, recordKeyEnd } from '../store/keys.js';
import type { MembersRecord } from '../store/member-records.js';
import type { ArrayContext } from './array-context.js';
import type { Volume } from './copies.js';
import type { Events } from './events.js';
import type { Membership } from './membership.js';
import type { Pool } from './pool.js';
import type { AddPoolOptions, PoolView } from './pool-contract.js';
import type { PoolOpener } from './pool-opener.js';
import { checkNotPaired } from './rules.js';
import { dropSnapshot } from './snapshot-commands.js';
import { finishGroups } from './snapshot-groups.js';

export interface PoolContext extends ArrayContext {
  readonly membership: Membership;
  readonly opener: PoolOpener;
  readonly events: Events;
}

/** Once the array is put together; `before` is what the newest pool remembers of the last mount. */
export async function beginMount(
  context: PoolContext,
  before: MembersRecord | undefined,
): Promise<void> {
  const { poolList, membership, readOnly } = context;
  let isNewlyMissing = false;
  for (const pool of poolList.all) {
    const { poolUuid } = pool.identity;
    const member = before?.members.find(({ uuid }) => Buffer.compare(uuid, poolUuid) === 0);
    if (pool.missing !== undefined) {
      isNewlyMissing ||= member?.isPresent === true;
      const count = volumesOf(context, pool).length;
      const message = `${pool.missing}; its ${count} volumes are failed`;
      context.recordEvent('POOL-MISSING', pool.name, message);
    } else if (member?.isPresent === false) {
      context.recordEvent('POOL-RETURNED', pool.name, `it is there again, in ${pool.directory}`);
    }
  }
  if (!readOnly) finishGroups(context, (snapshot) => dropSnapshot(context, snapshot));
  // A pool that has never had another beside it remembers nothing.
  const isAlone = before === undefined && poolList.all.length === 1;
  if (!readOnly && !isAlone) await membership.begin(isNewlyMissing);
}

/** In a new or empty directory. */
export async function addPool(context: PoolContext, options: AddPoolOptions): Promise<PoolView> {
  context.checkWritable();
  const { poolList, membership, opener } = context;
  const { name, directory, blocks } = options;
  checkName(name);
  if (!isAbsolute(directory)) {
    throw new ArrayError('EINVAL', `name the directory of a pool from / on, not ${directory}`);
  }
  return membership.alone(async () => {
    checkNewPool(poolList.all, name, directory);
    if (poolList.all.length >= POOLS_MAX) {
      throw new ArrayError('ENOSPC', `the array has ${POOLS_MAX} pools, which is the limit`);
    }
    for (const pool of poolList.all) checkApart(directory, pool);
    const { identity } = poolList.home;
    const { capacityBytes = identity.capacityBytes } = options;
    const made = { capacityBytes, poolName: name, ...(blocks === undefined ? {} : { blocks }) };
    const pool = await opener.open(opener.places.create(directory, made, identity));
    poolList.add(pool);
    pool.content.start();
    membership.listVolumes(pool);
    const message = `${formatSize(capacityBytes)} in ${directory}`;
    context.recordEvent('POOL-ADDED', name, message);
    await membership.renew();
    await context.durable({ pool });
    return pool.view();
  });
}

/** EEXIST for the name or directory of a pool of the array: one that is lost is not taken in while mounted. */
function checkNewPool(pools: readonly Pool[], name: string, directory: string): void {
  const pool = pools.find((other) => other.name === name || other.directory === directory);
  if (pool === undefined) return;
  if (!pool.isFailed) throw new ArrayError('EEXIST', `pool ${pool.name} exists`);
  const place = pool.directory === directory ? '' : `, with --pool ${directory}`;
  throw new ArrayError('EEXIST', `${pool.refusal}; it is taken in at the next mount${place}`);
}

/** EINVAL where one directory lies in the other: who moves or removes one would take both. */
function checkApart(directory: string, pool: Pool): void {
  const steps = relative(pool.directory, directory);
  const isInside = (path: string) => path !== '' && !path.startsWith('..') && !isAbsolute(path);
  if (!isInside(steps) && !isInside(relative(directory, pool.directory))) return;
  throw new ArrayError('EINVAL', `${directory} and ${pool.directory} of pool ${pool.name} overlap`);
}

/** The files of the pool stay; of a missing one, which takes `force`, its volumes are forgotten. */
export async function removePool(
  context: PoolContext,
  name: string,
  force: boolean,
): Promise<PoolView> {
  context.checkWritable();
  return context.membership.alone(async () => {
    const pool = context.poolList.named(name);
    checkRemovable(context, pool, force);
    if (pool === context.poolList.home) {
      // All of it is in the store then, and nothing is added until it has moved.
      await pool.content.durable();
      checkRemovable(context, pool, force);
      moveHome(context, pool);
    }
    const volumes = volumesOf(context, pool);
    for (const volume of volumes) forget(context, volume);
    context.poolList.remove(pool);
    const message =
      pool.missing === undefined
        ? `its files stay in ${pool.directory}`
        : `given up, with its ${volumes.length} volumes`;
    context.recordEvent('POOL-REMOVED', name, message);
    await context.membership.renew();
    await context.durable();
    const view = pool.view();
    await dismiss(context, pool);
    return view;
  });
}

function checkRemovable({ poolList, copies }: PoolContext, pool: Pool, force: boolean): void {
  const { name } = pool;
  const count = copies.volumes().filter((volume) => volume.pool === pool).length;
  if (pool.missing !== undefined && !force) {
    const what = `give it up with force=yes, and its ${count} volumes are forgotten`;
    throw new ArrayError('EBUSY', `pool ${name} is missing: ${what}`);
  }
  for (const volume of copies.volumes()) {
    if (volume.pool === pool && force) checkNotPaired(volume, 'forgotten');
  }
  if (pool.missing !== undefined) return;
  if (count > 0) throw new ArrayError('EBUSY', `pool ${name} has ${count} volumes`);
  if (poolList.present.length === 1) {
    throw new ArrayError('EBUSY', `pool ${name} is the last pool of the array that is there`);
  }
  if (pool.content.lineages.isInUse) {
    throw new ArrayError('EBUSY', `files of deleted volumes of pool ${name} are still open`);
  }
}

/** Jobs, events and what else is the array's go to the next pool; all of it is in the store. */
function moveHome({ poolList, events }: PoolContext, from: Pool): void {
  const to = poolList.present.find((pool) => pool !== from) as Pool;
  to.checkWritable();
  for (const kind of HOME_KINDS) {
    const range = [recordKey(kind), recordKeyEnd(kind)] as const;
    // What it has is from a time when it was the home.
    for (const { key } of to.store.range('records', ...range)) {
      to.content.change(new Uint8Array(key), undefined);
    }
    for (const { key, value } of from.store.range('records', ...range)) {
      to.content.change(new Uint8Array(key), new Uint8Array(value));
    }
  }
  to.allocation.raise('nextEvent', from.allocation.peek('nextEvent'));
  events.moveTo(to);
}

function forget(context: PoolContext, volume: Volume): void {
  context.copies.removeVolume(volume);
  context.san.forgetCopy(volume.number);
  volume.deleted = true;
  volume.touch();
  context.watcher.attributesChanged(volume);
}

/** A pool that cannot be told so is none of the others' all the same. */
async function dismiss({ membership, opener }: PoolContext, pool: Pool): Promise<void> {
  try {
    if (pool.missing === undefined) await membership.dismiss(pool);
    await pool.content.close();
  } catch (error) {
    if (!(error instanceof ArrayError)) throw error;
  } finally {
    opener.places.release(pool.directory);
  }
}

function volumesOf({ copies }: ArrayContext, pool: Pool): readonly Volume[] {
  return copies.volumes().filter((volume) => volume.pool === pool);
}
