/** Ports, hosts, LUNs and devices of an array: what is set is there after the next mount, and goes with its volumes. */
import { describe, expect, it } from 'vitest';
import { initialSan } from '../../src/san/configuration.js';
import { newMemoryPool, openMemoryStores } from '../support/memory-array.js';
import { ArrayFixture } from './array-fixture.js';

const TARGETS = ['CL1-A', 'CL2-A'] as const;
const INITIATORS = ['CL1-C', 'CL2-C'] as const;

async function configured(): Promise<ArrayFixture> {
  const fixture = await ArrayFixture.open();
  const { san } = fixture.array;
  await fixture.create(1, 'db', 'log');
  await fixture.array.takeSnapshots(['db'], { name: 'monday' });
  await san.setHost('alpha', [1000]);
  await san.setGroup({ name: 'g1', targets: TARGETS, initiators: INITIATORS });
  await san.changePorts(['CL1-D', 'CL2-D'], { usage: 'backup' });
  await san.changeController('CL2', 'down');
  await san.mapLun('db', { ports: TARGETS, host: 'alpha' });
  await san.mapLun('db@monday', { ports: TARGETS, host: 'any' });
  await san.addDevice({ name: 'tape0', kind: 'tape', path: '/srv/tapes', ports: INITIATORS });
  return fixture;
}

describe('the configuration of an array', () => {
  it('is that of a new array at first: one host, who mounted it', async () => {
    const { array } = await ArrayFixture.open();
    expect(array.san.configuration).toEqual(initialSan(0));
  });

  it.each(['stopped', 'killed'] as const)('is there again after it was %s', async (how) => {
    const fixture = await configured();
    const { configuration } = fixture.array.san;
    await fixture.remount(how);
    const mappings = expect.arrayContaining([...configuration.mappings]);
    expect(fixture.array.san.configuration).toEqual({ ...configuration, mappings });
    expect(fixture.array.san.luns()).toMatchObject([
      { copyName: 'db', port: 'CL1-A', lun: 0 },
      { copyName: 'db@monday', port: 'CL1-A', lun: 1 },
      { copyName: 'db', port: 'CL2-A', lun: 0 },
      { copyName: 'db@monday', port: 'CL2-A', lun: 1 },
    ]);
  });

  it('has no first host again that was deleted by the first command', async () => {
    const fixture = await ArrayFixture.open();
    await fixture.array.san.deleteHost('local');
    await fixture.remount('killed');
    expect(fixture.array.san.hosts()).toEqual([]);
  });

  it('loses the LUNs of what is deleted, for good', async () => {
    const fixture = await configured();
    await fixture.array.deleteSnapshot('db', 'monday', { force: false });
    expect(fixture.array.san.luns().map(({ copyName }) => copyName)).toEqual(['db', 'db']);
    await fixture.array.deleteVolume('db', { snapshots: true });
    await fixture.remount('killed');
    expect(fixture.array.san.luns()).toEqual([]);
  });

  it('moves with the home of the array', async () => {
    const fixture = await ArrayFixture.open();
    const second = newMemoryPool(fixture.store, 'second', fixture.clock);
    await fixture.drive(fixture.array.close());
    const stores = [fixture.store.crash(), second];
    const array = await openMemoryStores(stores, fixture.clock);
    await fixture.drive(array.san.setHost('alpha', [7]));
    const removed = await fixture.drive(array.removePool('main', { force: false }));
    await fixture.drive(array.san.setHost('beta', [8]));
    expect(removed.state).toBe('normal');
    const names = array.san.hosts().map(({ name }) => name);
    await fixture.drive(array.close());
    const again = await openMemoryStores([second.crash()], fixture.clock);
    expect(names).toEqual(['local', 'alpha', 'beta']);
    expect(again.san.hosts().map(({ name }) => name)).toEqual(names);
    await fixture.drive(again.close());
  });

  it('names a lost volume by its number alone', async () => {
    const fixture = await configured();
    const { san } = fixture.array;
    const lost = san.configuration.mappings.map((mapping) => ({ ...mapping, volume: 99 }));
    san.configuration = { ...san.configuration, mappings: lost };
    expect(san.luns()[0]?.copyName).toBeUndefined();
    expect(await san.unmapLuns('#99', { ports: ['CL1-A'] })).toBe(2);
    expect(await fixture.refusal(() => san.unmapLuns('#99', { lun: 7 }))).toBe('ENOENT');
  });
});

describe('a command on the configuration', () => {
  it('answers when it is told in events', async () => {
    const fixture = await configured();
    await fixture.array.san.unmapLuns('db', { ports: ['CL1-A'] });
    await fixture.array.san.deleteDevice('tape0');
    await fixture.array.san.deleteGroup('g1');
    expect(fixture.events().slice(3)).toEqual([
      'HOST-SET alpha users 1000',
      'GROUP-SET g1 targets CL1-A CL2-A, initiators CL1-C CL2-C',
      'PORT-CHANGED CL1-D usage backup',
      'PORT-CHANGED CL2-D usage backup',
      'CONTROLLER-DOWN CL2 set by command',
      'LUN-MAPPED db LUN 0 at CL1-A, CL2-A for alpha',
      'LUN-MAPPED db@monday LUN 1 at CL1-A, CL2-A for any',
      'DEVICE-ADDED tape0 tape /srv/tapes',
      'LUN-UNMAPPED db LUN 0 at CL1-A for alpha',
      'DEVICE-DELETED tape0 what is in it stays',
      'GROUP-DELETED g1 port group deleted',
    ]);
  });

  it('changes all that it names, or nothing', async () => {
    const fixture = await configured();
    const { san } = fixture.array;
    const before = san.configuration;
    const change = () => san.changePorts(['CL1-B', 'CL1-A'], { role: 'initiator' });
    expect(await fixture.refusal(change)).toBe('EBUSY');
    const map = () => san.mapLun('log', { ports: ['CL1-B', 'CL1-A'], lun: 0, host: 'alpha' });
    expect(await fixture.refusal(map)).toBe('EEXIST');
    expect(san.configuration).toBe(before);
  });

  it('that changes nothing tells nothing', async () => {
    const fixture = await configured();
    const count = fixture.events().length;
    await fixture.array.san.changeController('CL2', 'down');
    await fixture.array.san.changePorts(['CL1-D'], { usage: 'backup' });
    expect(fixture.events().length).toBe(count);
  });

  it('leaves what tasks and jobs use', async () => {
    const fixture = await configured();
    const { san } = fixture.array;
    const task = san.tasks.begin('CL1-C', 'initiator', 'tape0', 0);
    san.isGroupInUse = (name) => name === 'g1';
    expect(await fixture.refusal(() => san.deleteDevice('tape0'))).toBe('EBUSY');
    expect(await fixture.refusal(() => san.deleteGroup('g1'))).toBe('EBUSY');
    const role = { role: 'both' as const };
    expect(await fixture.refusal(() => san.changePorts(['CL1-C'], role))).toBe('EBUSY');
    san.tasks.end(task);
    expect(await fixture.refusal(() => san.changePorts(['CL1-C'], role))).toBe('accepted');
    expect(await fixture.refusal(() => san.deleteDevice('tape0'))).toBe('accepted');
  });
});

describe('what is so now', () => {
  it('has ports and controllers down that a fault has put down, as long as it is set', async () => {
    const { array } = await ArrayFixture.open();
    const { san } = array;
    const port = san.faults.add({ target: { kind: 'port', name: 'CL1-B' }, kind: 'down' });
    const controller = san.faults.add({
      target: { kind: 'controller', name: 'CL2' },
      kind: 'down',
    });
    const conditions = () => san.ports().map(({ condition }) => condition);
    expect(conditions()).toEqual([
      ...['up', 'down', 'up', 'up'],
      ...['controller-down', 'controller-down', 'controller-down', 'controller-down'],
    ]);
    expect(san.controllers().map(({ state, condition }) => [state, condition])).toEqual([
      ['up', 'up'],
      ['up', 'down'],
    ]);
    san.faults.clear(port.number);
    san.faults.clear(controller.number);
    expect(san.inEffect).toBe(san.configuration);
    expect(new Set(conditions())).toEqual(new Set(['up']));
  });

  it('shows the last search of a device through each port', async () => {
    const fixture = await configured();
    const { san } = fixture.array;
    san.noteSearch('tape0', { port: 'CL1-C', reason: 'busy' });
    san.noteSearch('tape0', { port: 'CL2-C', reason: 'no-path' });
    await fixture.clock.advance(5);
    san.noteSearch('tape0', { port: 'CL1-C', reason: 'found' });
    const [device] = san.devices();
    expect(device?.ports).toEqual(INITIATORS);
    expect(device?.searches.map(({ port, reason }) => [port, reason])).toEqual([
      ['CL2-C', 'no-path'],
      ['CL1-C', 'found'],
    ]);
  });
});
