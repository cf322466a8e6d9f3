/** The commands that add pools and take them out. */
import { beforeEach, describe, expect, it } from 'vitest';
import { POOLS_MAX } from '../../src/base/limits.js';
import { PoolsFixture } from './pools-fixture.js';

let fixture: PoolsFixture;

beforeEach(async () => {
  fixture = await PoolsFixture.open();
});

const names = () => fixture.array.pools().map(({ name }) => name);
const remove = (name: string, force = false) => {
  return fixture.clock.drive(fixture.array.removePool(name, { force }));
};

describe('pooladd', () => {
  it('makes a pool like the first that is there after a kill', async () => {
    await fixture.create('mirror', 'copy');
    await fixture.kill();
    expect(names()).toEqual(['main', 'mirror']);
    const [main, mirror] = fixture.array.pools();
    expect(mirror?.capacityBytes).toBe(main?.capacityBytes);
    expect(fixture.volumes()).toEqual(['copy normal']);
    expect(fixture.events()).toContain('POOL-ADDED mirror');
  });

  it('takes a capacity and a container of its own', async () => {
    const pool = await fixture.clock.drive(
      fixture.array.addPool({ name: 'x', directory: '/x', capacityBytes: 2 ** 30, blocks: 'file' }),
    );
    expect(pool).toMatchObject({ capacityBytes: 2 ** 30, blockContainer: 'file', state: 'normal' });
    await fixture.create('x', 'db');
    await fixture.fill('db', 4);
    await fixture.kill('x');
    expect([names(), fixture.byte('db')]).toEqual([['main', 'mirror', 'x'], 4]);
  });

  it.each([
    ['EEXIST', { name: 'main', directory: '/other' }],
    ['EEXIST', { name: 'other', directory: '/main' }],
    ['EINVAL', { name: 'other', directory: 'relative/path' }],
    ['EINVAL', { name: 'other', directory: '/main/inside' }],
    ['EINVAL', { name: 'other', directory: '/' }],
    ['EINVAL', { name: '.other', directory: '/other' }],
    ['EINVAL', { name: 'other', directory: '/other', capacityBytes: 512 }],
  ])('is refused with %s: %o', async (code, options) => {
    expect(await fixture.refusal(() => fixture.array.addPool(options))).toBe(code);
    expect(names()).toEqual(['main', 'mirror']);
  });

  it('of a member that is lost says that the next mount takes it in', async () => {
    const add = (name: string, directory: string) => {
      return fixture.clock.drive(fixture.array.addPool({ name, directory }));
    };
    fixture.mirror.failTransactionAfter(0);
    await fixture.create('mirror', 'copy').catch(() => undefined);
    await expect(add('mirror', '/mirror')).rejects.toThrow(
      'EEXIST: pool mirror has failed: injected failure; it is taken in at the next mount',
    );
    fixture.crash();
    const mirror = fixture.lose('mirror');
    await fixture.mount();
    const missing = 'EEXIST: pool mirror is missing: /mirror does not exist; it is taken in at the';
    await expect(add('mirror', '/mirror')).rejects.toThrow(new RegExp(`^${missing} next mount$`));
    await expect(add('mirror', '/moved')).rejects.toThrow(
      `${missing} next mount, with --pool /mov`,
    );
    // A new pool in its place would keep it from coming back.
    await expect(add('other', '/mirror')).rejects.toThrow(missing);
    fixture.putBack('mirror', mirror);
    await fixture.remount();
    expect(fixture.state('mirror')).toBe('normal');
  });

  it('is refused beyond the limit', async () => {
    for (let count = 2; count < POOLS_MAX; count += 1) await fixture.add(`p${count}`);
    expect(await fixture.refusal(() => fixture.add('more'))).toBe('ENOSPC');
    await fixture.kill('p9');
    expect(names().length).toBe(POOLS_MAX);
  });

  it('makes one of two pools that are to have the same name', async () => {
    const twice = ['/x', '/y'].map((directory) => {
      return fixture.refusal(() => fixture.array.addPool({ name: 'x', directory }));
    });
    expect((await Promise.all(twice)).sort()).toEqual(['EEXIST', 'accepted']);
  });
});

describe('poolremove', () => {
  it('takes out a pool without volumes, which is of no array then', async () => {
    await fixture.create('mirror', 'copy');
    await expect(remove('mirror')).rejects.toThrow('EBUSY: pool mirror has 1 volumes');
    await fixture.clock.drive(fixture.array.deleteVolume('copy', { snapshots: false }));
    await remove('mirror');
    expect([names(), fixture.events()]).toEqual([
      ['main'],
      expect.arrayContaining(['POOL-REMOVED mirror']),
    ]);
    await fixture.kill();
    expect(names()).toEqual(['main']);
    await expect(fixture.mount('mirror')).rejects.toThrow('was removed from its array');
  });

  it('waits until files of deleted volumes are closed', async () => {
    await fixture.create('mirror', 'copy');
    const image = fixture.array.openImage(fixture.array.volume('copy'), { write: false });
    await fixture.clock.drive(fixture.array.deleteVolume('copy', { snapshots: false }));
    await expect(remove('mirror')).rejects.toThrow('EBUSY: files of deleted volumes');
    image.close();
    await remove('mirror');
    expect(names()).toEqual(['main']);
  });

  it('takes events and jobs along where the first pool goes', async () => {
    await fixture.create('main', 'db');
    const job = await fixture.array.scrub('all');
    for (let turn = 0; turn < 20; turn += 1) await fixture.clock.advance(100);
    await fixture.clock.drive(fixture.array.deleteVolume('db', { snapshots: false }));
    const before = fixture.events();
    await remove('main');
    const text = Buffer.alloc(fixture.array.events.sizeBytes);
    expect(fixture.array.events.read(0, text)).toBe(text.length);
    expect(fixture.events()).toEqual([...before, 'POOL-REMOVED main']);
    await fixture.create('mirror', 'next');
    await fixture.kill('mirror');
    expect(fixture.events()).toEqual([...before, 'POOL-REMOVED main', 'CREATED next']);
    const again = Buffer.alloc(fixture.array.events.sizeBytes);
    expect(fixture.array.events.read(0, again)).toBe(again.length);
    expect(again.subarray(0, text.length)).toEqual(text);
    expect(fixture.array.job(job.id).state).toBe('done');
    expect(fixture.array.volume('next').number).toBe(2);
  });

  it('never takes the last pool', async () => {
    await remove('mirror');
    await expect(remove('main')).rejects.toThrow('EBUSY: pool main is the last');
    await expect(remove('nowhere')).rejects.toThrow('ENOENT: no pool nowhere');
  });

  it('gives a missing pool up, with its volumes, only by force', async () => {
    await fixture.create('mirror', 'copy');
    fixture.crash();
    const mirror = fixture.lose('mirror');
    await fixture.mount('main');
    await expect(remove('mirror')).rejects.toThrow('EBUSY: pool mirror is missing');
    await remove('mirror', true);
    expect([names(), fixture.volumes()]).toEqual([['main'], []]);
    await fixture.create('main', 'copy');
    await fixture.stop();
    fixture.putBack('mirror', mirror);
    await fixture.mount('main');
    expect([names(), fixture.volumes()]).toEqual([['main'], ['copy normal']]);
    expect(await fixture.findings()).toEqual([]);
  });
});
