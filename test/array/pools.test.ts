/** Arrays of two pools that are both there: numbers, instants, and a disk that fails. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { CACHE_BYTES_MIN } from '../../src/base/limits.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { PoolsFixture } from './pools-fixture.js';

let fixture: PoolsFixture;

beforeEach(async () => {
  fixture = await PoolsFixture.open();
});

describe('an array of two pools', () => {
  it('makes volumes in the first pool unless another is named', async () => {
    await fixture.array.createVolume({ name: 'db', sizeBytes: BLOCK_BYTES });
    await fixture.create('mirror', 'copy');
    expect(fixture.array.volumes().map(({ name, poolName }) => [name, poolName])).toEqual([
      ['db', 'main'],
      ['copy', 'mirror'],
    ]);
    await expect(fixture.create('nowhere', 'x')).rejects.toThrow('ENOENT: no pool nowhere');
  });

  it('finds all volumes and their content after a clean stop and after a kill', async () => {
    await fixture.create('main', 'db');
    await fixture.create('mirror', 'copy');
    await fixture.fill('db', 1);
    await fixture.fill('copy', 2);
    await fixture.remount();
    await fixture.fill('copy', 3);
    await fixture.kill();
    expect([fixture.byte('db'), fixture.byte('copy')]).toEqual([1, 3]);
  });

  it('gives every volume a number no other pool has', async () => {
    await fixture.create('main', 'a');
    await fixture.create('mirror', 'b');
    await fixture.create('main', 'c');
    await fixture.kill();
    await fixture.create('mirror', 'd');
    expect(fixture.array.volumes().map(({ name, number }) => `${name} ${number}`)).toEqual([
      'a 1',
      'c 3',
      'b 2',
      'd 4',
    ]);
  });

  it('shares one write cache, also with a pool that is added later', async () => {
    const limit = () => fixture.array.cache().limitBytes;
    await fixture.remount('main', { cacheBytes: 8 * CACHE_BYTES_MIN });
    await fixture.add('third');
    expect(limit()).toBe(8 * CACHE_BYTES_MIN);
    await fixture.clock.drive(fixture.array.removePool('mirror', { force: false }));
    await fixture.remount('main', { cacheBytes: CACHE_BYTES_MIN });
    expect(limit()).toBe(2 * CACHE_BYTES_MIN);
  });

  it('has a clone where its snapshot is', async () => {
    await fixture.create('mirror', 'copy');
    await fixture.array.takeSnapshots(['copy'], { name: 's' });
    const clone = await fixture.array.clone('copy', 's', 'new', {});
    expect(clone.poolName).toBe('mirror');
  });

  it('does not share blocks between pools', async () => {
    await fixture.create('main', 'db');
    await fixture.create('mirror', 'copy');
    const source = fixture.array.openImage(fixture.array.volume('db'), { write: false });
    const target = fixture.array.openImage(fixture.array.volume('copy'), { write: true });
    await expect(source.copyTo(0, target, 0, BLOCK_BYTES)).rejects.toThrow('EXDEV');
  });

  it('verifies all pools in one scrub', async () => {
    await fixture.create('main', 'db');
    await fixture.create('mirror', 'copy');
    await fixture.fill('db', 1);
    await fixture.fill('copy', 2);
    const job = await fixture.array.scrub('all');
    await fixture.clock.drive(fixture.array.sync());
    for (let turn = 0; turn < 50; turn += 1) await fixture.clock.advance(100);
    expect(fixture.array.job(job.id)).toMatchObject({
      state: 'done',
      done: 8 * BLOCK_BYTES,
      message: 'no damage found',
    });
  });
});

describe('a group snapshot over two pools', () => {
  it('is of one instant, also where the daemon is killed right after its answer', async () => {
    await fixture.create('main', 'db');
    await fixture.create('mirror', 'log');
    await fixture.fill('db', 1);
    await fixture.fill('log', 1);
    const taken = fixture.array.takeSnapshots(['db', 'log'], { name: 's' });
    await fixture.fill('db', 2);
    await fixture.fill('log', 2);
    await fixture.clock.drive(taken);
    await fixture.kill();
    expect(['db', 'log', 'db@s', 'log@s'].map((name) => fixture.byte(name))).toEqual([2, 2, 1, 1]);
  });
});

describe('a pool whose disk fails while mounted', () => {
  beforeEach(async () => {
    await fixture.create('main', 'db');
    await fixture.create('mirror', 'copy');
    await fixture.fill('db', 1);
    await fixture.fill('copy', 1);
  });

  it.each([
    ['main', 'db', 'mirror', 'copy'],
    ['mirror', 'copy', 'main', 'db'],
  ] as const)('%s: its volumes fail, the others work on', async (failed, lost, working, kept) => {
    fixture[failed].failTransactionAfter(0, new ArrayError('EIO', 'injected failure'));
    expect(await fixture.refusal(() => fixture.fill(lost, 2))).toBe('EIO');
    expect([fixture.state(failed), fixture.state(working)]).toEqual(['failed', 'normal']);
    expect(fixture.array.volumes().map(({ name, state }) => [name, state])).toEqual([
      ['db', lost === 'db' ? 'failed' : 'normal'],
      ['copy', lost === 'copy' ? 'failed' : 'normal'],
    ]);
    await fixture.fill(kept, 3);
    await fixture.create(working, 'new');
    await fixture.array.takeSnapshots([kept], { name: 's' });
    expect(await fixture.refusal(() => fixture.array.takeSnapshots(['db', 'copy'], {}))).toBe(
      'EIO',
    );
    expect(await fixture.refusal(() => fixture.array.renameVolume(lost, 'other'))).toBe('EIO');
    expect(await fixture.refusal(() => fixture.create(failed, 'other'))).toBe('EIO');
    expect(fixture.byte(`${kept}@s`)).toBe(3);
    const codes = fixture.array.recentEvents(100).map(({ code, subject }) => `${code} ${subject}`);
    expect(codes).toContain(`POOL-FAILED ${failed}`);
    expect(codes).not.toContain(`POOL-FAILED ${working}`);
  });

  it('leaves the others their reserve of the cache, whatever waits for its disk', async () => {
    const length = 4 * CACHE_BYTES_MIN;
    const pieceBytes = 64 * BLOCK_BYTES;
    const open = async (name: string, poolName: string) => {
      await fixture.clock.drive(fixture.array.createVolume({ name, sizeBytes: length, poolName }));
      return fixture.array.openImage(fixture.array.volume(name), { write: true });
    };
    const [stuck, other] = [await open('stuck', 'mirror'), await open('other', 'main')];
    const write = async (image: typeof stuck) => {
      for (let offset = 0; offset < length; offset += pieceBytes) {
        await image.write(offset, new Uint8Array(pieceBytes).fill(7));
      }
    };
    fixture.mirror.failTransactionAfter(0, new ArrayError('ENOSPC', 'injected failure'));
    const waiting = write(stuck);
    await fixture.clock.advance(10);
    expect(fixture.array.cache().writersWaiting).toBe(1);
    const written = write(other);
    for (let turn = 0; turn < 20; turn += 1) await fixture.clock.advance(10);
    expect(fixture.array.cache().writersWaiting).toBe(1);
    await written;
    expect(fixture.byte('other')).toBe(7);
    fixture.mirror.failTransactionAfter(undefined);
    await fixture.clock.drive(waiting);
    stuck.close();
    other.close();
    expect(fixture.byte('stuck')).toBe(7);
  });

  it('is answered for by a command that began before', async () => {
    const { array } = fixture;
    const confirm = (...names: ('main' | 'mirror')[]) => {
      const pools = names.map((name) => ({ pool: array.poolList.named(name) }));
      return fixture.refusal(() => array.durable(...pools));
    };
    fixture.main.failTransactionAfter(0, new ArrayError('EIO', 'injected failure'));
    expect(await fixture.refusal(() => fixture.fill('db', 2))).toBe('EIO');
    expect([await confirm('main'), await confirm('mirror'), await confirm()]).toEqual([
      'EIO',
      'accepted',
      'accepted',
    ]);
    fixture.mirror.failTransactionAfter(0, new ArrayError('EIO', 'injected failure'));
    expect(await fixture.refusal(() => fixture.fill('copy', 2))).toBe('EIO');
    expect([await confirm('mirror'), await confirm()]).toEqual(['EIO', 'EIO']);
  });

  it('works again when its disk does', async () => {
    fixture.main.failTransactionAfter(0, new ArrayError('EIO', 'injected failure'));
    expect(await fixture.refusal(() => fixture.fill('db', 2))).toBe('EIO');
    fixture.main.failTransactionAfter(undefined);
    for (let turn = 0; turn < 5; turn += 1) await fixture.clock.advance(1_000);
    // Writes succeed again; its intent log is out of use until the next mount.
    expect(fixture.state('main')).toBe('degraded');
    await fixture.fill('db', 4);
    await fixture.kill();
    expect([fixture.byte('db'), fixture.state('main')]).toEqual([4, 'normal']);
  });
});
