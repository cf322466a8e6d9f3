/** The commands on pairs over the array itself: what is answered, shown and remembered while it copies. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { StorageArray } from '../../src/array/array.js';
import { ArrayTree } from '../../src/fuse/array-tree.js';
import { codeOf, contentOf, TreeAccess } from '../fuse/tree-access.js';
import { ManualClock } from '../support/manual-clock.js';
import { newMemoryStore, openMemoryArray } from '../support/memory-array.js';

let clock: ManualClock;
let array: StorageArray;
let mount: TreeAccess;

beforeEach(async () => {
  clock = new ManualClock();
  array = await openMemoryArray(newMemoryStore(clock), clock);
  mount = new TreeAccess(new ArrayTree(array));
  for (const name of ['db', 'db-copy', 'log', 'log-copy']) await echo('create', `${name} 1M`);
  const image = await mount.open('/volumes/db', { read: true, write: true, truncate: false });
  await image.write(0, Buffer.alloc(300_000, 7));
  await image.close();
});

/** Writes to ctl/NAME and lets time go on until it answers. */
async function echo(name: string, line: string): Promise<string> {
  await clock.drive(mount.echo(`/ctl/${name}`, line));
  return (await mount.text(`/ctl/${name}`)).trimEnd().split('\n').at(-1) ?? '';
}

const state = (pair: string) => array.pair(pair).secondaryState;

async function until(pair: string, wished: string): Promise<void> {
  for (let turn = 0; state(pair) !== wished; turn += 1) {
    if (turn > 1_000) throw new Error(`${pair} stays ${state(pair)}`);
    await clock.advance(100);
  }
}

describe('pairs of an array', () => {
  it('are made, split at one instant, resynced and deleted by control files', async () => {
    expect(await echo('paircreate', 'db db-copy pace=fast')).toBe(
      'last result: ok db:db-copy is duplex-pending now',
    );
    await echo('paircreate', 'log log-copy pace=fast');
    await until('db:db-copy', 'duplex');
    await until('log:log-copy', 'duplex');
    expect(await echo('split', 'db:db-copy log:log-copy')).toBe(
      'last result: ok db:db-copy is split-pending now; log:log-copy is split-pending now',
    );
    await until('db:db-copy', 'split');
    const copy = await mount.open('/volumes/db-copy');
    expect((await contentOf(copy)).subarray(0, 300_001)).toEqual(
      Buffer.concat([Buffer.alloc(300_000, 7), Buffer.alloc(1)]),
    );
    await copy.close();
    expect(await echo('resync', 'db:db-copy direction=reverse')).toMatch(/is reverse-resync now$/);
    await until('db:db-copy', 'duplex');
    await echo('pairdelete', 'db:db-copy log:log-copy now');
    expect(mount.names('/pairs')).toEqual([]);
  });

  it('tell how far they are, and wake whoever reads their files', async () => {
    await echo('paircreate', 'db db-copy pace=slow');
    const file = await mount.open('/pairs/db:db-copy.json');
    const before = JSON.parse((await contentOf(file)).toString());
    expect(before).toMatchObject({ trackCount: 16, secondaryState: 'duplex-pending' });
    await until('db:db-copy', 'duplex');
    expect(file.isReadable?.()).toBe(true);
    const after = JSON.parse((await contentOf(file)).toString());
    expect(after).toMatchObject({ pendingTracks: 0, copiedPercent: 100, copyPointer: null });
    expect(await mount.text('/status/pairs')).toMatch(
      / db +db-copy +duplex +duplex +100% +0 +slow /,
    );
    expect(JSON.parse(await mount.text('/status/pairusage.json'))).toMatchObject({
      ...{ pairs: 1, primaries: 1, reserved: 1, reservedFree: 0 },
    });
    expect(await mount.text('/status/volumes')).toMatch(/ secondary of db /);
  });

  it('are written down in events, with their names as subject', async () => {
    await echo('paircreate', 'db db-copy');
    await echo('pairpace', 'db:db-copy pace=fast');
    await until('db:db-copy', 'duplex');
    await echo('suspend', 'db:db-copy');
    await echo('pairdelete', 'db:db-copy');
    await echo('unreserve', 'db-copy');
    const lines = (await mount.text('/events'))
      .split('\n')
      .map((line) => line.split(' ').slice(1, 3));
    expect(lines.filter(([code = '']) => /PAIR|RESERVED/.test(code)).map(String)).toEqual([
      'PAIR-CREATED,db:db-copy',
      'PAIR-PACE,db:db-copy',
      'PAIR-COPIED,db:db-copy',
      'PAIR-SUSPENDED,db:db-copy',
      'PAIR-DELETED,db:db-copy',
      'UNRESERVED,db-copy',
    ]);
  });

  it('are split when their time has come, unless the job is cancelled before', async () => {
    await echo('paircreate', 'db db-copy pace=fast');
    await until('db:db-copy', 'duplex');
    expect(await echo('split', 'db:db-copy at=+1h')).toMatch(
      /^last result: ok job 1 split db:db-copy at 2026-01-01T01:/,
    );
    expect(await echo('cancel', '1')).toBe('last result: ok job 1 cancelled');
    await clock.advance(2 * 3_600_000);
    expect(state('db:db-copy')).toBe('duplex');
    await echo('split', 'db:db-copy at=+1h');
    await clock.advance(3_590_000);
    expect(state('db:db-copy')).toBe('duplex');
    await clock.advance(20_000);
    expect(state('db:db-copy')).toBe('split');
    expect(await mount.text('/jobs/2')).toMatch(/^result +db:db-copy is split-pending now$/m);
  });

  it('refuse and say why', async () => {
    await echo('paircreate', 'db db-copy');
    expect(await codeOf(() => mount.echo('/ctl/paircreate', 'log db-copy'))).toBe('EBUSY');
    expect(await codeOf(() => mount.echo('/ctl/unreserve', 'db-copy'))).toBe('EBUSY');
    expect(await codeOf(() => mount.echo('/ctl/split', 'db:log'))).toBe('ENOENT');
    expect(await codeOf(() => mount.echo('/ctl/copy', 'db:db-copy'))).toBe('EINVAL');
    expect(await codeOf(() => mount.remove('/volumes/db'))).toBe('EBUSY');
    await echo('reserve', 'log');
    const write = { read: true, write: true, truncate: false };
    expect(await codeOf(() => mount.open('/volumes/log', write))).toBe('EROFS');
  });

  it('take reserved volumes by auto', async () => {
    await echo('reserve', 'log-copy');
    expect(await echo('paircreate', 'log auto')).toBe(
      'last result: ok log:log-copy is duplex-pending now',
    );
  });
});
