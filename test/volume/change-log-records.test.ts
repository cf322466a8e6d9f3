/** Which records go into the intent log, when, and which writes they take along. */
import { beforeEach, describe, expect, it } from 'vitest';
import { EPOCH_MAX, recordKey } from '../../src/store/keys.js';
import type { ChangeLog } from '../../src/volume/change-log.js';
import type { Lineage } from '../../src/volume/lineage.js';
import type { WriteCache } from '../../src/volume/write-cache.js';
import { LoggedCache, source } from './change-log-fixture.js';
import { cutAndStore, newLineage, sectors } from './write-cache-fixture.js';

let logged: LoggedCache;
let cache: WriteCache;
let lineage: Lineage;
let changes: ChangeLog;
beforeEach(async () => {
  logged = await LoggedCache.open();
  ({ cache, lineage, changes } = logged);
});

describe('ChangeLog.append of records', () => {
  it('logs all that commands changed, once, as it is now', async () => {
    let byte = 1;
    const touched = { recordKey: recordKey('job', 1), packRecord: () => Uint8Array.of(byte) };
    cache.active.touch(touched, 'command');
    cache.active.change(recordKey('job', 2), undefined);
    const usage = {
      kind: 'usage',
      lineage: 4,
      epoch: EPOCH_MAX,
      toLineage: 4,
      toEpoch: 1,
    } as const;
    cache.active.addUsage({ ...usage, order: cache.takeOrder() });
    byte = 2;
    await changes.append(undefined);
    await changes.append(undefined);
    expect(logged.batches()).toEqual([
      [
        {
          kind: 'record',
          sequence: 1,
          change: { key: new Uint8Array(recordKey('job', 2)), value: undefined },
        },
        {
          kind: 'record',
          sequence: 1,
          change: { key: new Uint8Array(recordKey('job', 1)), value: Uint8Array.of(2) },
        },
        { kind: 'usage', sequence: 1, order: 1, step: usage },
      ],
    ]);
  });

  it('logs what changed in passing with its volume only', async () => {
    const record = source(7);
    cache.active.touch(record, 'write');
    cache.active.touch(source(8), 'write');
    await changes.append(undefined);
    expect(logged.lines()).toEqual([]);
    await changes.append(logged.volume(lineage, record));
    await changes.append(logged.volume(lineage, record));
    expect(logged.lines()).toEqual([['record 7']]);
  });

  it('logs what changed in passing with the writes it tells of, whoever has them logged', async () => {
    const child = newLineage(3, lineage, 1);
    cache.write(lineage, 0, 0, sectors(1));
    cache.active.touch({ ...source(7), dependsOn: { lineage, sequence: 1 } }, 'write');
    await changes.append(logged.volume(child));
    await changes.append(logged.volume(child));
    expect(logged.lines()).toEqual([['record 7', 'layer 1@1 0/1']]);
  });

  it('logs a shrink only with its volume', async () => {
    lineage.epoch += 1;
    cache.active.addClip({
      kind: 'clip',
      order: cache.takeOrder(),
      lineage,
      clip: { epoch: lineage.epoch, block: 0, published: false },
      replaces: [],
      reclaim: { key: recordKey('job', 5), value: Uint8Array.of(5) },
      logged: false,
    });
    await changes.append(undefined);
    expect(logged.lines()).toEqual([]);
    await changes.append(logged.volume());
    expect(logged.lines()).toEqual([['record 5', 'clip 1@2']]);
    cache.cut();
    expect(cache.closed[0]?.records).toEqual([
      { key: recordKey('job', 5), value: Uint8Array.of(5) },
    ]);
  });

  it('logs them with an fsync, too, in the order of the generations', async () => {
    cache.active.touch(source(1), 'command');
    cache.cut();
    cache.active.touch(source(2), 'command');
    cache.write(lineage, 0, 0, sectors(1));
    await changes.append(logged.volume());
    expect(logged.lines()).toEqual([['record 1', 'record 2', 'layer 1@1 0/1']]);
    expect(logged.batches()[0]?.map(({ sequence }) => sequence)).toEqual([1, 2, 2]);
  });

  it('takes the writes along that a record tells of', async () => {
    cache.write(lineage, 0, 0, sectors(1));
    cache.active.touch({ ...source(1), dependsOn: { lineage, sequence: 1 } }, 'command');
    await changes.append(undefined);
    expect(logged.lines()).toEqual([['record 1', 'layer 1@1 0/1']]);
  });

  it('leaves them where what it tells of is published', async () => {
    logged.published = 1;
    cache.retire(cutOf(() => cache.write(lineage, 0, 0, sectors(1))));
    cache.write(lineage, 1, 0, sectors(1));
    cache.active.touch({ ...source(1), dependsOn: { lineage, sequence: 1 } }, 'command');
    await changes.append(undefined);
    expect(logged.lines()).toEqual([['record 1']]);
  });

  function cutOf(write: () => void) {
    write();
    return cutAndStore(cache, 20);
  }
});
