/** What the array's commands share: its pool, its copies, and how a change is recorded and confirmed. */
import type { Clock } from '../base/clock.js';
import { ArrayError, asArrayError } from '../base/errors.js';
import { newUuid } from '../base/uuid.js';
import type { ArraySan } from './array-san.js';
import type { CopyFields } from './copies.js';
import type { CopyDirectory } from './copy-directory.js';
import type { ArrayWatcher, Owner } from './disk-array.js';
import type { ImageHost } from './images.js';
import type { Pool } from './pool.js';
import type { Pools } from './pools.js';

/** Until somebody watches. */
export const UNWATCHED: ArrayWatcher = {
  contentChanged() {},
  attributesChanged() {},
  infoChanged() {},
  eventRecorded() {},
  jobChanged() {},
  pairChanged() {},
};

export interface ArrayContext extends ImageHost {
  readonly clock: Clock;
  readonly watcher: ArrayWatcher;
  readonly poolList: Pools;
  readonly copies: CopyDirectory;
  readonly defaultOwner: Owner;
  readonly san: ArraySan;
  /** EROFS where nothing may be changed, EIO where a pool of these volumes or snapshots has failed. */
  checkWritable(...concerned: readonly { readonly pool: Pool }[]): void;
  /** EINVAL, EEXIST or ENOSPC where no volume may get this name. */
  checkNewName(name: string): void;
  recordEvent(code: string, subject: string, message: string): void;
  /**
   * Resolves when what commands have changed so far is durable in all pools that work. With `concerned`,
   * only failures of their pools are the caller's.
   */
  durable(...concerned: readonly { readonly pool: Pool }[]): Promise<void>;
}

/** A command that cannot be made durable says so; what it did in memory stays and is tried again. */
export function notDurableYet(error: unknown): ArrayError {
  const { code, reason } = asArrayError(error);
  return new ArrayError(code, `done, but not durable yet: ${reason}`);
}

/** Fields of a new volume; the number is taken here. */
export function newCopyFields(
  context: ArrayContext,
  name: string,
  label: string,
  sizeBytes: number,
  owner: Owner,
): CopyFields {
  const nowMs = context.clock.nowMs();
  return {
    number: context.poolList.takeNumber('nextNumber'),
    uuid: newUuid(context.clock),
    name,
    label,
    sizeBytes,
    lineage: 0,
    epoch: 0,
    mode: owner.mode,
    uid: owner.uid,
    gid: owner.gid,
    createdMs: nowMs,
    accessedMs: nowMs,
    modifiedMs: nowMs,
    changedMs: nowMs,
    infoModified: false,
    info: undefined,
  };
}
