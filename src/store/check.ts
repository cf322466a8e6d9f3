/**
 * Checking a pool that is not mounted: every map entry against its tag, every block against its
 * checksum.
 */

import { crc32 } from 'node:zlib';
import { BLOCK_BYTES } from '../base/sizes.js';
import type { StoreReader } from './block-store.js';
import { recordKey, recordKeyEnd } from './keys.js';
import { LmdbEnvironment } from './lmdb-environment.js';
import { loadIdentity } from './pool-files.js';
import { type PoolIdentityRecord, unpackVolume } from './records.js';
import { isStored } from './resolve.js';
import { loadCounters } from './store-task.js';
import { allVersions, damageOf } from './verify.js';

export interface CheckFinding {
  readonly kind: string;
  readonly pool: string;
  /** Volumes and snapshots concerned, as VOLUME or VOLUME@SNAPSHOT; '-' where there is none. */
  readonly subject: string;
  readonly detail: string;
  readonly repaired: boolean;
}

export interface CheckReport {
  readonly findings: readonly CheckFinding[];
  readonly blocksChecked: number;
  readonly bytesChecked: number;
  readonly volumes: number;
  readonly snapshots: number;
}

export interface CheckOptions {
  readonly repair: boolean;
  /** Blocks read, of blocks stored. */
  readonly onProgress: (done: number, total: number) => void;
}

/** Checks the pool in `directory`, which nothing has mounted. */
export async function checkPool(directory: string, options: CheckOptions): Promise<CheckReport> {
  const identity = loadIdentity(directory);
  const { capacityBytes } = identity;
  const environment = new LmdbEnvironment(directory, { capacityBytes });
  try {
    return checkStore(environment, identity, options);
  } finally {
    await environment.close();
  }
}

export function checkStore(
  reader: StoreReader,
  identity: PoolIdentityRecord,
  options: CheckOptions,
): CheckReport {
  const findings: CheckFinding[] = [];
  const names = new Map<number, string>();
  let volumes = 0;
  for (const { value } of reader.range('records', recordKey('volume'), recordKeyEnd('volume'))) {
    const volume = unpackVolume(value);
    names.set(volume.lineage, volume.name);
    volumes += 1;
  }
  let snapshots = 0;
  for (const _ of reader.range('records', recordKey('snapshot'), recordKeyEnd('snapshot'))) {
    snapshots += 1;
  }
  const total = loadCounters(reader).storedBlocks;
  let blocksChecked = 0;
  const from = { lineage: 0, block: 0, epoch: 0xffff_ffff };
  for (const version of allVersions(reader, crc32(identity.poolUuid), from)) {
    const kind = damageOf(reader, version.location);
    if (isStored(version.location.id)) blocksChecked += 1;
    options.onProgress(Math.min(blocksChecked, total), total);
    if (kind === undefined) continue;
    const subject = names.get(version.lineage) ?? '-';
    const detail = `byte ${version.block * BLOCK_BYTES}`;
    findings.push({ kind, pool: identity.poolName, subject, detail, repaired: false });
  }
  return {
    findings,
    blocksChecked,
    bytesChecked: blocksChecked * BLOCK_BYTES,
    volumes,
    snapshots,
  };
}
