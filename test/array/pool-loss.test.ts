/** Pools that are missing at mount, that return, and that went on elsewhere. */
import { beforeEach, describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { PoolsFixture } from './pools-fixture.js';

let fixture: PoolsFixture;

beforeEach(async () => {
  fixture = await PoolsFixture.open();
  await fixture.create('main', 'db');
  await fixture.create('mirror', 'copy');
  await fixture.fill('db', 1);
  await fixture.fill('copy', 2);
});

describe.each([
  ['main', 'db', 'mirror', 'copy'],
  ['mirror', 'copy', 'main', 'db'],
] as const)('without pool %s', (lost, lostVolume, kept, keptVolume) => {
  beforeEach(async () => {
    fixture.crash();
    fixture.lose(lost);
    await fixture.mount(kept);
  });

  it('the array works on, and shows what it has not', async () => {
    expect(fixture.array.pools().find(({ name }) => name === lost)).toMatchObject({
      state: 'missing',
      problem: `/${lost} does not exist`,
      capacityBytes: 0,
    });
    expect(fixture.volumes().sort()).toEqual([
      `copy ${lostVolume === 'copy' ? 'failed' : 'normal'}`,
      `db ${lostVolume === 'db' ? 'failed' : 'normal'}`,
    ]);
    expect(fixture.array.volume(lostVolume)).toMatchObject({
      number: lost === 'main' ? 1 : 2,
      sizeBytes: 4 * BLOCK_BYTES,
      poolName: lost,
      mode: 0o600,
    });
    await fixture.fill(keptVolume, 5);
    expect(fixture.byte(keptVolume)).toBe(5);
    expect(fixture.events()).toContain(`POOL-MISSING ${lost}`);
  });

  it('refuses everything that is asked of its volumes', async () => {
    const { array } = fixture;
    const reason = `EIO: pool ${lost} is missing: /${lost} does not exist`;
    expect(() => array.openImage(array.volume(lostVolume), { write: false })).toThrow(reason);
    expect(() => array.openImage(array.volume(lostVolume), { write: true })).toThrow(reason);
    const commands: (() => unknown)[] = [
      () => array.resizeVolume(lostVolume, BLOCK_BYTES, { force: true }),
      () => array.renameVolume(lostVolume, 'other'),
      () => array.deleteVolume(lostVolume, { snapshots: true }),
      () => array.takeSnapshots([lostVolume], {}),
      () => array.takeSnapshots([keptVolume, lostVolume], {}),
      () => array.setLabel(array.volume(lostVolume), 'x'),
      () => array.setOwnership(array.volume(lostVolume), { mode: 0 }),
      () => array.setInfo(array.volume(lostVolume), undefined),
      () => array.createVolume({ name: 'new', sizeBytes: BLOCK_BYTES, poolName: lost }),
    ];
    for (const command of commands) expect(await fixture.refusal(command)).toBe('EIO');
    expect(array.volume(keptVolume).snapshots).toEqual([]);
  });

  it('keeps its names and numbers taken', async () => {
    const taken = () => fixture.create(kept, lostVolume);
    expect(await fixture.refusal(taken)).toBe('EEXIST');
    await fixture.create(kept, 'new');
    expect(fixture.array.volume('new').number).toBeGreaterThan(65_536);
  });

  it('still knows them after more mounts, and does not skip numbers again', async () => {
    await fixture.create(kept, 'one');
    await fixture.remount(kept);
    await fixture.create(kept, 'two');
    expect(fixture.volumes()).toContain(`${lostVolume} failed`);
    expect(fixture.array.volume('two').number).toBe(fixture.array.volume('one').number + 1);
  });

  it('leaves sound stores behind', async () => {
    await fixture.stop();
    expect(await fixture.findings()).toEqual([]);
  });
});

describe('a pool that returns', () => {
  it.each(['main', 'mirror'])('has its volumes as they were, with %s given', async (given) => {
    fixture.crash();
    const mirror = fixture.lose('mirror');
    await fixture.mount('main');
    await fixture.fill('db', 7);
    await fixture.create('main', 'new');
    await fixture.stop();
    fixture.putBack('mirror', mirror);
    await fixture.mount(given);
    expect(fixture.volumes()).toEqual(['db normal', 'new normal', 'copy normal']);
    expect(['db', 'copy'].map((name) => fixture.byte(name))).toEqual([7, 2]);
    expect(fixture.events()).toContain('POOL-RETURNED mirror');
    const { number } = fixture.array.volume('new');
    await fixture.create('mirror', 'next');
    expect(fixture.array.volume('next').number).toBe(number + 1);
  });

  it('is left out when it went on elsewhere, and is not touched', async () => {
    fixture.crash();
    const mirror = fixture.lose('mirror');
    await fixture.mount('main');
    await fixture.stop();
    const main = fixture.lose('main');
    fixture.putBack('mirror', mirror);
    await fixture.mount('mirror');
    await fixture.fill('copy', 9);
    await fixture.stop();
    fixture.putBack('main', main);
    await fixture.mount('main');
    expect(fixture.array.pools()[1]).toMatchObject({
      state: 'missing',
      problem: 'it was changed elsewhere (in /mirror)',
    });
    expect(fixture.volumes()).toEqual(['db normal', 'copy failed']);
    await fixture.stop();
    await fixture.mount('mirror');
    expect(fixture.volumes()).toEqual(['db failed', 'copy normal']);
    expect(fixture.byte('copy')).toBe(9);
  });

  it('gets another name for a volume whose name is taken', async () => {
    fixture.crash();
    const mirror = fixture.lose('mirror');
    await fixture.mount('main');
    await fixture.clock.drive(fixture.array.removePool('mirror', { force: true }));
    await fixture.create('main', 'copy');
    const taken = fixture.array.volume('copy').number;
    await fixture.stop();
    // The array was mounted from the other's directory before it had heard that it is given up.
    fixture.putBack('mirror', mirror);
    await fixture.mount('mirror');
    expect(fixture.volumes()).toEqual(['db failed', 'copy normal']);
    expect(fixture.array.volume('copy').number).not.toBe(taken);
  });
});

describe('a mount', () => {
  it('leaves a pool out on request, and takes it in the next time', async () => {
    await fixture.remount('main', { without: ['mirror'] });
    expect(fixture.array.pools()[1]).toMatchObject({ problem: 'left out by --without' });
    await fixture.remount('main');
    expect(fixture.volumes()).toEqual(['db normal', 'copy normal']);
  });

  it('that is read-only changes no pool', async () => {
    await fixture.stop();
    const before = ['main', 'mirror'].map((name) => fixture.places.store(`/${name}`));
    const records = () =>
      before.map((store) => store.get('records', new Uint8Array([6, ...new Uint8Array(10)])));
    const members = records();
    await fixture.mount('main', { readOnly: true, without: ['mirror'] });
    expect(fixture.volumes()).toEqual(['db normal', 'copy failed']);
    await fixture.stop();
    expect(records()).toEqual(members);
    await fixture.mount('mirror');
    expect(fixture.volumes()).toEqual(['db normal', 'copy normal']);
  });

  it('goes on without a pool that cannot be opened', async () => {
    await fixture.stop();
    fixture.mirror.failTransactionAfter(0);
    await fixture.mount('main');
    expect([fixture.state('main'), fixture.state('mirror')]).toEqual(['normal', 'missing']);
  });

  it.each(Array.from({ length: 8 }, (_, count) => count))(
    'that ends after %i transactions of the second pool can be done again from either',
    async (count) => {
      await fixture.stop();
      fixture.mirror.failTransactionAfter(count);
      await fixture.mount('main').catch(() => undefined);
      fixture.crash();
      fixture.main.failTransactionAfter(undefined);
      fixture.mirror.failTransactionAfter(undefined);
      await fixture.mount(count % 2 === 0 ? 'main' : 'mirror');
      expect(fixture.volumes()).toEqual(['db normal', 'copy normal']);
    },
  );

  it('puts the lists of volumes right that a crash has left behind', async () => {
    await fixture.create('main', 'late');
    // The other pool has heard of it, but not published it; its log is lost with its own crash only.
    fixture.crash();
    await fixture.mount('main');
    fixture.crash();
    fixture.lose('main');
    await fixture.mount('mirror');
    expect(fixture.volumes()).toEqual(['db failed', 'late failed', 'copy normal']);
  });
});

describe('a pair with a side in a missing pool', () => {
  const pair = () => fixture.array.pair('db:copy');

  beforeEach(async () => {
    const options = { mode: 'mirror', pace: 'fast', sync: false, force: false } as const;
    await fixture.clock.drive(fixture.array.createPair('db', 'copy', options));
    for (let turn = 0; turn < 20; turn += 1) await fixture.clock.advance(1_000);
    expect(pair().state).toBe('duplex');
    fixture.crash();
  });

  it('is suspended with the reason, and goes on with the differences when the pool returns', async () => {
    const mirror = fixture.lose('mirror');
    await fixture.mount('main');
    expect(pair()).toMatchObject({ state: 'suspended', reason: expect.stringContaining('mirror') });
    await fixture.fill('db', 8);
    await fixture.stop();
    fixture.putBack('mirror', mirror);
    await fixture.mount('main');
    const resync = { direction: 'forward', force: false } as const;
    await fixture.clock.drive(fixture.array.resyncPairs(['db:copy'], resync));
    for (let turn = 0; turn < 20; turn += 1) await fixture.clock.advance(1_000);
    expect([pair().state, fixture.byte('db')]).toEqual(['duplex', 8]);
    await fixture.clock.drive(fixture.array.splitPairs(['db:copy'], {}));
    expect(fixture.byte('copy')).toBe(8);
  });

  it('can be deleted, and the pool given up then', async () => {
    fixture.lose('mirror');
    await fixture.mount('main');
    const remove = () => fixture.array.removePool('mirror', { force: true });
    expect(await fixture.refusal(remove)).toBe('EBUSY');
    await fixture.clock.drive(fixture.array.deletePairs(['db:copy'], { now: true }));
    expect(await fixture.refusal(remove)).toBe('accepted');
    await fixture.kill('main');
    expect([fixture.volumes(), fixture.array.pairs()]).toEqual([['db normal'], []]);
  });

  it('loses its primary with the first pool, and its secondary can be used', async () => {
    fixture.lose('main');
    await fixture.mount('mirror');
    expect(pair().state).toMatch(/^suspended/);
    await fixture.clock.drive(fixture.array.deletePairs(['db:copy'], { now: true }));
    await fixture.clock.drive(fixture.array.unreserveVolumes(['copy']));
    await fixture.fill('copy', 4);
    expect(fixture.byte('copy')).toBe(4);
  });
});
