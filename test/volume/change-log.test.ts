/** What fsync and commands put into the intent log, and what they leave to a publish. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { LOGGED_BYTES_MAX } from '../../src/base/limits.js';
import { BLOCK_BYTES, PAGE_BYTES, SECTOR_BYTES } from '../../src/base/sizes.js';
import { recordKey } from '../../src/store/keys.js';
import { ALL_SECTORS } from '../../src/store/records.js';
import { ZEROS } from '../../src/store/resolve.js';
import type { ChangeLog } from '../../src/volume/change-log.js';
import type { Lineage } from '../../src/volume/lineage.js';
import type { WriteCache } from '../../src/volume/write-cache.js';
import { LoggedCache, source } from './change-log-fixture.js';
import { cutAndStore, full, location, newLineage, sectors } from './write-cache-fixture.js';

let logged: LoggedCache;
let cache: WriteCache;
let lineage: Lineage;
let changes: ChangeLog;
beforeEach(async () => {
  logged = await LoggedCache.open();
  ({ cache, lineage, changes } = logged);
});

describe('ChangeLog.append of a volume', () => {
  it('logs the sectors written, with what is needed to apply them', async () => {
    cache.write(lineage, 5, PAGE_BYTES, sectors(7));
    await changes.append(logged.volume());
    expect(logged.batches()).toEqual([
      [
        {
          kind: 'layer',
          sequence: 1,
          order: 1,
          place: { lineage: 1, epoch: 1, previousView: 3 },
          blocks: [{ block: 5, sectors: 0x100, bytes: sectors(7) }],
        },
      ],
    ]);
  });

  it('logs nothing twice', async () => {
    cache.write(lineage, 0, 0, sectors(1));
    await changes.append(logged.volume());
    await changes.append(logged.volume());
    cache.write(lineage, 0, SECTOR_BYTES, sectors(2));
    cache.write(lineage, 1, 0, sectors(2));
    await changes.append(logged.volume());
    expect(logged.lines()).toEqual([['layer 1@1 0/1'], ['layer 1@1 0/2 1/1']]);
  });

  it('logs a sector again that was written again', async () => {
    for (const byte of [1, 2]) {
      cache.write(lineage, 0, 0, sectors(byte));
      await changes.append(logged.volume());
    }
    expect(logged.lines()).toEqual([['layer 1@1 0/1'], ['layer 1@1 0/1']]);
  });

  it('leaves the writes of other volumes', async () => {
    const other = newLineage(2);
    cache.write(other, 0, 0, sectors(1));
    cache.write(lineage, 0, 0, sectors(1));
    await changes.append(logged.volume());
    expect(logged.lines()).toEqual([['layer 1@1 0/1']]);
    await changes.append(logged.volume(other));
    expect(logged.lines()[1]).toEqual(['layer 2@1 0/1']);
  });

  it('logs what lies below a clone, too, in the order of the steps', async () => {
    const parent = newLineage(2);
    const child = newLineage(3, parent, 1);
    cache.write(child, 0, 0, sectors(1));
    cache.write(parent, 0, 0, sectors(2));
    await changes.append(logged.volume(child));
    expect(logged.lines()).toEqual([['layer 3@1 0/1', 'layer 2@1 0/1']]);
  });

  it('logs all generations that are not published, with the clips between them and what they give back', async () => {
    cache.write(lineage, 0, 0, sectors(1));
    cache.cut();
    lineage.epoch += 1;
    const clip = { epoch: lineage.epoch, block: 9, published: false };
    cache.active.addClip({
      kind: 'clip',
      order: cache.takeOrder(),
      lineage,
      clip,
      replaces: [{ epoch: 1, block: 12, published: true }],
      reclaim: { key: recordKey('job', 5), value: Uint8Array.of(5) },
      logged: false,
    });
    cache.write(lineage, 1, 0, sectors(1));
    await changes.append(logged.volume());
    expect(logged.lines()).toEqual([['layer 1@1 0/1', 'record 5', 'clip 1@2', 'layer 1@2 1/1']]);
    expect(logged.batches()[0]?.[2]).toMatchObject({
      sequence: 2,
      order: 2,
      step: { block: 9, replaces: [1] },
    });
    await changes.append(logged.volume());
    expect(logged.lines()).toHaveLength(1);
  });

  it('logs what was stored meanwhile out of the container', async () => {
    cache.write(lineage, 0, 0, sectors(1));
    cache.write(lineage, 1, 0, full(2));
    cache.zeroBlock(lineage, 2);
    cache.shareBlock(lineage, 3, location(99));
    cutAndStore(cache, 50);
    await changes.append(logged.volume());
    const [entry] = logged.batches()[0] ?? [];
    expect(entry?.kind === 'layer' && entry.blocks).toEqual([
      { block: 0, sectors: 1, bytes: sectors(50) },
      { block: 1, sectors: ALL_SECTORS, bytes: full(51) },
      { block: 2, sectors: ALL_SECTORS },
      { block: 3, sectors: ALL_SECTORS, location: location(99) },
    ]);
  });

  it('logs a block that was stored as zeros as zeros', async () => {
    cache.write(lineage, 0, 0, sectors(0));
    const generation = cache.cut();
    const entry = lineage.layers[0]?.blocks.get(0);
    if (generation === undefined || entry === undefined) throw new Error('nothing was cut');
    cache.setStored(generation, entry, ZEROS);
    await changes.append(logged.volume());
    expect(logged.lines()).toEqual([[`layer 1@1 0/${ALL_SECTORS.toString(16)}`]]);
  });

  it('gives the log up where a stored block is damaged', async () => {
    cache.write(lineage, 0, 0, sectors(1));
    cutAndStore(cache, 50);
    logged.damaged.add(50);
    expect(changes.append(logged.volume())).toBeUndefined();
    expect([logged.log.failure?.code, logged.batches()]).toEqual(['EIO', []]);
    cache.write(lineage, 1, 0, sectors(1));
    expect(changes.append(logged.volume())).toBeUndefined();
  });
});

describe('ChangeLog.append of much', () => {
  /** Writes whole blocks until an append must hold `sizeBytes` of them. */
  function writeBytes(sizeBytes: number): void {
    for (let block = 0; block < sizeBytes / BLOCK_BYTES; block += 1) {
      cache.write(lineage, block, 0, full(1));
    }
  }

  it('takes nearly as much as the limit', async () => {
    writeBytes(LOGGED_BYTES_MAX - 2 * BLOCK_BYTES);
    await changes.append(logged.volume());
    expect(logged.batches()).toHaveLength(1);
  });

  it('leaves more to a publish, and logs all of it in the end', async () => {
    writeBytes(LOGGED_BYTES_MAX);
    cache.active.touch(source(1), 'command');
    expect(changes.append(logged.volume())).toBeUndefined();
    expect([logged.batches(), lineage.layers[0]?.unlogged.size]).toEqual([[], 256]);
    await changes.append(undefined);
    expect(logged.lines()).toEqual([['record 1']]);
  });

  it('leaves to a publish what the log has no room for', async () => {
    for (let count = 0; count < 2; count += 1) {
      writeBytes(3 * 2 ** 20);
      await changes.append(logged.volume());
    }
    writeBytes(3 * 2 ** 20);
    expect(changes.append(logged.volume())).toBeUndefined();
    expect(logged.batches()).toHaveLength(2);
    logged.log.published(1);
    await changes.append(logged.volume());
    expect(logged.log.usedBytes).toBeGreaterThan(3 * 2 ** 20);
  });

  it('counts a block that is one more reference as little', async () => {
    for (let block = 0; block < 10_000; block += 1) {
      cache.shareBlock(lineage, block, location(9));
    }
    await changes.append(logged.volume());
    expect(logged.batches()).toHaveLength(1);
  });
});

describe('ChangeLog.append over a log that fails', () => {
  it('rejects, and leaves everything to publishes from then on', async () => {
    cache.write(lineage, 0, 0, sectors(1));
    logged.device.failure = new ArrayError('ENOSPC', 'full');
    await expect(changes.append(logged.volume())).rejects.toMatchObject({ code: 'ENOSPC' });
    logged.device.failure = undefined;
    expect(changes.append(logged.volume())).toBeUndefined();
  });
});
