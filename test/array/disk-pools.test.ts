/** Which pools on disks are found by the directories that a mount names with --pool. */
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findDiskPools } from '../../src/array/disk-pools.js';
import { NO_STATE } from '../../src/array/find-pools.js';
import { systemClock } from '../../src/base/clock.js';
import { recordKey } from '../../src/store/keys.js';
import { packMembers } from '../../src/store/member-records.js';
import {
  createPool,
  createPoolFiles,
  loadIdentity,
  newIdentity,
  withEnvironment,
} from '../../src/store/pool-files.js';
import { cleanScratch, makeScratch } from '../support/scratch-directory.js';

const CAPACITY_BYTES = 2 ** 28;

describe('a directory that a mount names with --pool', () => {
  let scratch = '';

  /** Pool mirror was in `mirror`, and is in `moved` now. */
  beforeEach(() => {
    scratch = makeScratch();
    const [main, mirror] = [join(scratch, 'main'), join(scratch, 'mirror')];
    createPool(main, { capacityBytes: CAPACITY_BYTES });
    const first = loadIdentity(main);
    const options = { capacityBytes: CAPACITY_BYTES, poolName: 'mirror' };
    createPoolFiles(mirror, newIdentity(options, systemClock, first));
    const pools = [
      [main, first],
      [mirror, loadIdentity(mirror)],
    ] as const;
    const members = pools.map(([directory, { poolUuid: uuid, poolName: name }]) => {
      return { uuid, name, directory, isPresent: true, states: [NO_STATE] };
    });
    const record = packMembers({ state: NO_STATE, members });
    withEnvironment(main, (store) => {
      store.transaction((transaction) => transaction.put('records', recordKey('members'), record));
    });
    renameSync(mirror, join(scratch, 'moved'));
    mkdirSync(join(scratch, 'empty'));
  });

  afterEach(cleanScratch);

  function found(...names: string[]): string[] {
    const { pools, unread } = findDiskPools({
      storeDirectory: join(scratch, 'main'),
      poolDirectories: names.map((name) => join(scratch, name)),
      without: [],
      mountPoint: join(scratch, 'mnt'),
    });
    const states = pools.map((pool) => {
      return 'problem' in pool ? `${pool.member.name}: ${pool.problem}` : pool.member.name;
    });
    return [...states, ...unread].map((text) => text.replaceAll(`${scratch}/`, ''));
  }

  it('is where a pool has moved to', () => {
    expect(found('moved')).toEqual(['main', 'mirror']);
  });

  it('may be that of the first pool', () => {
    expect(found('main', 'moved')).toEqual(['main', 'mirror']);
  });

  it('and is not there, or holds no pool, is told of, and keeps nothing from being mounted', () => {
    expect(found('away', 'empty')).toEqual([
      'main',
      'mirror: mirror does not exist',
      'no pool is taken from away: away does not exist',
      'no pool is taken from empty: empty holds no array (make one with: arrayfs init)',
    ]);
  });

  it('is refused where it holds a pool of another array', () => {
    createPool(join(scratch, 'other'), { capacityBytes: CAPACITY_BYTES });
    expect(() => found('moved', 'other')).toThrow(
      /EINVAL: .*other holds pool .* not of this array/,
    );
  });
});
