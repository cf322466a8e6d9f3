/** What the tables say of ports, load, port groups, hosts, LUNs and devices. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ArrayFixture } from '../array/array-fixture.js';
import { runOn } from './run-command.js';
import { tableNamed } from './table-named.js';

let fixture: ArrayFixture;
const text = (name: string) => tableNamed(name).text(fixture.array).split('\n').slice(0, -1);
const json = (name: string) => JSON.parse(tableNamed(name).json(fixture.array));
const cells = (line: string | undefined) => (line ?? '').split(/ {2,}/);

beforeEach(async () => {
  fixture = await ArrayFixture.open();
  await fixture.create(1, 'db', 'log');
  for (const [name, line] of [
    ['portgroup', 'g1 targets=CL1-A,CL2-A initiators=CL2-C,CL1-C'],
    ['host', 'alpha uids=7,8'],
    ['device', 'tape0 kind=tape path=/srv/tapes ports=CL1-C'],
    ['port', 'CL1-B usage=online state=down'],
    ['lun', 'db ports=CL1-A,CL2-A'],
    ['lun', 'db ports=CL1-A host=alpha lun=5'],
  ] as const) {
    expect(await runOn(fixture.array, name, line)).not.toMatch(/Error/);
  }
});

describe('the table', () => {
  it('of ports has role, usage, state, name and tasks of each', async () => {
    const { tasks } = fixture.array.san;
    tasks.proceed(tasks.begin('CL1-C', 'initiator', 'tape0', 5));
    for (const host of ['a', 'b', 'c', 'd']) tasks.begin('CL1-A', 'target', host, 6);
    await runOn(fixture.array, 'controller', 'CL2 state=down');
    const serial = fixture.array.identity.serial;
    expect(text('ports').map(cells).slice(0, 6)).toEqual([
      ['PORT', 'ROLE', 'USAGE', 'STATE', 'WWN', 'DEVICES', 'TASKS'],
      [
        ...['CL1-A', 'target', 'both', 'up', `3${serial}01a`, '-'],
        'target a (login), target b (login), target c (login), and 1 more',
      ],
      ['CL1-B', 'target', 'online', 'down', `3${serial}01b`, '-', '-'],
      [
        ...['CL1-C', 'initiator', 'both', 'up', `3${serial}01c`, 'tape0'],
        'initiator tape0 (transfer)',
      ],
      ['CL1-D', 'initiator', 'both', 'up', `3${serial}01d`, '-', '-'],
      ['CL2-A', 'target', 'both', 'controller-down', `3${serial}02a`, '-', '-'],
    ]);
    expect(json('ports')[2]).toEqual({
      port: 'CL1-C',
      role: 'initiator',
      usage: 'both',
      state: 'up',
      wwn: `3${serial}01c`,
      devices: ['tape0'],
      tasks: [{ number: 1, kind: 'initiator', peer: 'tape0', step: 'transfer', startedMs: 5 }],
      controller: 'CL1',
      stateSet: 'up',
    });
  });

  it('of load has controllers with the sums of their ports', async () => {
    const { san } = fixture.array;
    const request = { volume: 1, offset: 0, length: 4096, isDuplexed: true };
    const nowMs = fixture.clock.monotonicMs();
    san.loadCounters.record('CL1-A', { ...request, operation: 'write' }, nowMs);
    san.loadCounters.record('CL1-B', { ...request, operation: 'read' }, nowMs);
    san.tasks.begin('CL1-C', 'initiator', 'tape0', 5);
    await san.queues.of('CL1-C').backup(2 ** 18);
    await fixture.clock.advance(1_000);
    expect(text('load').map(cells).slice(0, 4)).toEqual([
      ['NAME', 'STATE', 'IOS', 'TRANSFER', 'ACCESS', 'BACKUPS', 'BACKUP-RATE'],
      ['CL1', 'up', '2', '20K', '-', '1', '256K/s'],
      ['CL1-A', 'up', '1', '16K', 'random', '0', '-'],
      ['CL1-B', 'down', '1', '4K', 'random', '0', '-'],
    ]);
    expect(json('load')).toHaveLength(10);
    expect(json('load')[5]).toEqual({
      name: 'CL2',
      state: 'up',
      ios: 0,
      transferBytes: 0,
      access: null,
      backups: 0,
      backupBytesPerSecond: 0,
      kind: 'controller',
      periodMs: 1_000,
    });
  });

  it('of priority has the shares and rates of the array, and of ports that both use', async () => {
    const { array } = fixture;
    const { queues } = array.san;
    await runOn(array, 'priority', 'online=40ms backup=1M');
    await runOn(array, 'port', 'CL1-B role=both');
    const leave = queues.attend();
    const image = array.openImage(array.volume('db'), { write: true });
    await image.write(0, Buffer.alloc(4096));
    void queues.array.backup(2 ** 18);
    await fixture.clock.advance(1_000);
    expect(text('priority').map(cells)).toEqual([
      ['NAME', 'RATIO', 'ONLINE', 'BACKUP', 'ONLINE-RATE', 'BACKUP-RATE', 'WHO-GOES'],
      ['array', '-', '40 ms', '1024 KiB', '4K/s', '256K/s', 'no host request for 5 ms'],
      ['CL1-B', '-', '40 ms', '1024 KiB', '-', '-', '-'],
    ]);
    leave();
    await image.write(0, Buffer.alloc(4096));
    await fixture.clock.advance(1_000);
    expect(json('priority')[0]).toEqual({
      name: 'array',
      ratio: null,
      online: { unit: 'ms', value: 40 },
      backup: { unit: 'bytes', value: 2 ** 20 },
      onlineBytesPerSecond: 0,
      backupBytesPerSecond: 0,
      reason: null,
    });
  });

  it('of port groups, hosts and LUNs has what was set', () => {
    expect(text('portgroups').map(cells)).toEqual([
      ['NUMBER', 'NAME', 'TARGETS', 'INITIATORS'],
      ['', '1', 'g1', 'CL1-A CL2-A', 'CL2-C CL1-C'],
    ]);
    expect(json('portgroups')[0].initiators).toEqual(['CL2-C', 'CL1-C']);
    expect(json('hosts')).toEqual([
      { number: 1, name: 'local', uids: [0] },
      { number: 2, name: 'alpha', uids: [7, 8] },
    ]);
    expect(text('luns').map((line) => line.trim().split(/ +/))).toEqual([
      ['PORT', 'LUN', 'HOST', 'NUMBER', 'NAME'],
      ['CL1-A', '0', 'any', '1', 'db'],
      ['CL1-A', '5', 'alpha', '1', 'db'],
      ['CL2-A', '0', 'any', '1', 'db'],
    ]);
  });

  it('of devices has the state that the last searches found', () => {
    const { san } = fixture.array;
    const state = () => cells(text('devices')[1])[2];
    expect(state()).toBe('unknown');
    san.noteSearch('tape0', { port: 'CL1-C', reason: 'found' });
    expect(state()).toBe('available');
    san.noteSearch('tape0', { port: 'CL1-C', reason: 'busy' });
    expect(state()).toBe('busy');
    expect(json('devices')[0]).toMatchObject({
      name: 'tape0',
      kind: 'tape',
      state: 'busy',
      searchedMs: fixture.clock.nowMs(),
      ports: ['CL1-C'],
      wwn: `3${fixture.array.identity.serial}801`,
      path: '/srv/tapes',
      searches: [{ port: 'CL1-C', reason: 'busy' }],
    });
  });

  it('of faults has what is left of each', () => {
    const { faults } = fixture.array.san;
    const target = { kind: 'volume', name: 'db' } as const;
    faults.add({ target, kind: 'EIO', count: 3, range: { start: 0, end: 512 } });
    faults.add({ target, kind: 'delay', delayMs: 50 });
    faults.add({
      target: { kind: 'device', name: 'tape0' },
      kind: 'sense',
      sense: { key: 3, asc: 17, ascq: 0 },
    });
    faults.hits(target, { start: 0, end: 1 });
    expect(text('faults').map((line) => line.trim().split(/ +/))).toEqual([
      ['NUMBER', 'TARGET', 'FAULT', 'LEFT', 'HITS', 'RANGE', 'DELAY', 'SENSE'],
      ['1', 'volume:db', 'EIO', '2', '1', '0-512', '-', '-'],
      ['2', 'volume:db', 'delay', '-', '1', '-', '50', '-'],
      ['3', 'device:tape0', 'sense', '-', '0', '-', '-', '03/11/00'],
    ]);
    expect(json('faults')[0]).toEqual({
      number: 1,
      target: 'volume:db',
      fault: 'EIO',
      left: 2,
      hits: 1,
      range: [0, 512],
      delayMs: null,
      sense: null,
    });
  });

  it('of volumes says where hosts reach each', () => {
    const [db, log] = json('volumes');
    expect(db).toMatchObject({
      interface: 'CL1-A',
      portAddress: `3${fixture.array.identity.serial}01a`,
      lun: 0,
      luns: [
        { port: 'CL1-A', lun: 0, host: 'any' },
        { port: 'CL1-A', lun: 5, host: 'alpha' },
        { port: 'CL2-A', lun: 0, host: 'any' },
      ],
    });
    expect(log).toMatchObject({ interface: null, portAddress: null, lun: null, luns: [] });
    expect(text('volumes')[1]).toContain('CL1-A +2');
  });
});
