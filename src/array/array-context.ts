/** What the array's commands share: its pool, its copies, and how a change is recorded and confirmed. */
import type { Clock } from '../base/clock.js';
import { newUuid } from '../base/uuid.js';
import type { CopyFields } from './copies.js';
import type { CopyDirectory } from './copy-directory.js';
import type { ArrayWatcher, Owner } from './disk-array.js';
import type { ImageHost } from './images.js';
import type { Pool } from './pool.js';

/** Until somebody watches. */
export const UNWATCHED: ArrayWatcher = {
  contentChanged() {},
  attributesChanged() {},
  infoChanged() {},
  eventRecorded() {},
  jobChanged() {},
};

export interface ArrayContext extends ImageHost {
  readonly clock: Clock;
  readonly watcher: ArrayWatcher;
  readonly pool: Pool;
  readonly copies: CopyDirectory;
  readonly defaultOwner: Owner;
  /** EROFS or EIO where nothing may be changed now. */
  checkWritable(): void;
  /** EINVAL, EEXIST or ENOSPC where no volume may get this name. */
  checkNewName(name: string): void;
  recordEvent(code: string, subject: string, message: string): void;
  /** Resolves when everything accepted so far is durable. */
  durable(): Promise<void>;
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
    number: context.pool.allocation.take('nextNumber'),
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
