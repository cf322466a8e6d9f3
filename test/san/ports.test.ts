/** Ports, controllers, zones and port groups: what each may carry, and commands with their errors. */
import { describe, expect, it } from 'vitest';
import { PORT_GROUPS_MAX } from '../../src/base/limits.js';
import { initialSan, portOf, type SanConfiguration } from '../../src/san/configuration.js';
import { deleteGroup, groupOfTarget, setGroup } from '../../src/san/port-groups.js';
import {
  arrayWwn,
  deviceWwn,
  PORT_IDS,
  type PortId,
  parseController,
  parsePort,
  parsePorts,
  portNumber,
  portOfNumber,
  portOfWwn,
  portWwn,
} from '../../src/san/port-id.js';
import {
  changeController,
  changePort,
  checkPort,
  type PortChange,
  portProblem,
  reaches,
  setReach,
} from '../../src/san/ports.js';
import { codeOf } from '../support/code-of.js';

const SERIAL = '0123456789ab';
const san = initialSan(1000);
const group = (name: string, targets: PortId[], initiators: PortId[]) => ({
  name,
  targets,
  initiators,
});
const g1 = setGroup(san, group('g1', ['CL1-A', 'CL2-A'], ['CL1-C', 'CL2-C']));

describe('names of ports', () => {
  it('gives every port a world wide name of the array serial, NAA 3h', () => {
    expect(arrayWwn(SERIAL)).toBe('30123456789ab000');
    expect(portWwn(SERIAL, 'CL1-A')).toBe('30123456789ab01a');
    expect(portWwn(SERIAL, 'CL2-D')).toBe('30123456789ab02d');
    expect(deviceWwn(SERIAL, 0)).toBe('30123456789ab800');
    expect(deviceWwn(SERIAL, 2047)).toBe('30123456789abfff');
  });

  it('finds the port of a name, and none for names of others', () => {
    for (const port of PORT_IDS) expect(portOfWwn(SERIAL, portWwn(SERIAL, port))).toBe(port);
    expect(portOfWwn(SERIAL, portWwn(SERIAL, 'CL1-B').toUpperCase())).toBe('CL1-B');
    expect(portOfWwn(SERIAL, portWwn('000000000000', 'CL1-A'))).toBeUndefined();
    expect(portOfWwn(SERIAL, deviceWwn(SERIAL, 0x1a))).toBeUndefined();
  });

  it('numbers the ports from 1', () => {
    expect(PORT_IDS.map(portNumber)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect([portOfNumber(8), portOfNumber(0), portOfNumber(9)]).toEqual([
      'CL2-D',
      undefined,
      undefined,
    ]);
  });

  it.each([
    [() => parsePort('CL3-A'), 'ENOENT'],
    [() => parsePort('cl1-a'), 'ENOENT'],
    [() => parsePorts('CL1-A,CL1-A'), 'EINVAL'],
    [() => parsePorts('CL1-A,'), 'ENOENT'],
    [() => parsePorts('CL1-A,CL2-C'), 'ok'],
    [() => parseController('CL1-A'), 'ENOENT'],
  ])('%s is %s', (action, code) => {
    expect(codeOf(action)).toBe(code);
  });
});

describe('what a port carries', () => {
  const changed = (id: PortId, change: PortChange) => changePort(san, id, change, false);
  it.each<[string, SanConfiguration, PortId, 'online' | 'commands' | 'backup', string | undefined]>(
    [
      ['a target port serves hosts', san, 'CL1-A', 'online', undefined],
      ['and copy commands', san, 'CL1-A', 'commands', undefined],
      ['and no backup', san, 'CL1-A', 'backup', 'wrong-role'],
      ['an initiator port the other way round', san, 'CL1-C', 'backup', undefined],
      ['it has no LUNs', san, 'CL1-C', 'online', 'wrong-role'],
      ['both is both', changed('CL1-A', { role: 'both' }), 'CL1-A', 'backup', undefined],
      ['backup only', changed('CL1-A', { usage: 'backup' }), 'CL1-A', 'online', 'wrong-usage'],
      ['takes commands', changed('CL1-A', { usage: 'backup' }), 'CL1-A', 'commands', undefined],
      ['down', changed('CL1-A', { state: 'down' }), 'CL1-A', 'commands', 'port-down'],
      [
        'online only',
        changed('CL1-A', { role: 'both', usage: 'online' }),
        'CL1-A',
        'backup',
        'wrong-usage',
      ],
      ['controller', changeController(san, 'CL1', 'down'), 'CL1-A', 'online', 'controller-down'],
      ['the other one', changeController(san, 'CL1', 'down'), 'CL2-A', 'online', undefined],
    ],
  )('%s', (_what, configuration, port, service, problem) => {
    expect(portProblem(configuration, port, service)).toBe(problem);
    expect(codeOf(() => checkPort(configuration, port, service))).toBe(
      problem === undefined ? 'ok' : problem === 'wrong-usage' ? 'EACCES' : 'ENXIO',
    );
  });
});

describe('changing ports', () => {
  it.each<[string, SanConfiguration, PortId, PortChange, boolean, string]>([
    ['an initiator for online only', san, 'CL1-C', { usage: 'online' }, false, 'EINVAL'],
    ['an online port made initiator', san, 'CL1-A', { role: 'initiator' }, false, 'ok'],
    ['the role of a busy port', san, 'CL1-C', { role: 'both' }, true, 'EBUSY'],
    ['pulling a busy port', san, 'CL1-C', { state: 'down' }, true, 'ok'],
    ['the same role of a busy port', san, 'CL1-C', { role: 'initiator' }, true, 'ok'],
    ['a target of a group', g1, 'CL1-A', { role: 'initiator' }, false, 'EBUSY'],
    ['an initiator of a group', g1, 'CL1-C', { role: 'target' }, false, 'EBUSY'],
    ['one that stays what it was', g1, 'CL1-C', { role: 'both' }, false, 'ok'],
  ])('%s is answered as it should', (_what, configuration, port, change, isBusy, code) => {
    expect(codeOf(() => changePort(configuration, port, change, isBusy))).toBe(code);
  });

  it('leaves everything else the same objects', () => {
    const next = changePort(g1, 'CL1-D', { usage: 'backup' }, false);
    expect(portOf(next, 'CL1-D').usage).toBe('backup');
    expect(portOf(g1, 'CL1-D').usage).toBe('both');
    expect(next.ports.filter((port) => g1.ports.includes(port))).toHaveLength(7);
    expect(changePort(g1, 'CL1-D', { usage: 'both' }, false)).toBe(g1);
  });

  it('has a port change as of [000] fig. 12: CH A(CL2) from target to initiator', () => {
    const next = changePort(san, 'CL2-A', { role: 'initiator' }, false);
    expect(portOf(next, 'CL2-A').role).toBe('initiator');
    expect(portProblem(next, 'CL2-A', 'backup')).toBeUndefined();
  });

  it('keeps zones: a device is reached by the ports that were said last', () => {
    const once = setReach(san, 'tape0', ['CL1-C', 'CL2-C']);
    const twice = setReach(setReach(once, 'disk0', ['CL1-C']), 'tape0', ['CL1-D', 'CL1-C']);
    expect(PORT_IDS.filter((port) => reaches(twice, port, 'tape0'))).toEqual(['CL1-C', 'CL1-D']);
    expect(portOf(twice, 'CL1-C').devices).toEqual(['disk0', 'tape0']);
    expect(PORT_IDS.some((port) => reaches(setReach(twice, 'tape0', []), port, 'tape0'))).toBe(
      false,
    );
    expect(codeOf(() => setReach(san, '../x', []))).toBe('EINVAL');
  });
});

describe('port groups', () => {
  it.each<[string, SanConfiguration, ReturnType<typeof group>, string]>([
    ['a group', san, group('g1', ['CL1-A'], ['CL1-C']), 'ok'],
    ['an initiator in two groups', g1, group('g2', ['CL1-B'], ['CL1-C']), 'ok'],
    ['a target in two groups', g1, group('g2', ['CL1-A'], ['CL1-C']), 'EBUSY'],
    ['new ports for a group', g1, group('g1', ['CL1-A'], ['CL1-D']), 'ok'],
    ['no target', san, group('g1', [], ['CL1-C']), 'EINVAL'],
    ['no initiator', san, group('g1', ['CL1-A'], []), 'EINVAL'],
    ['a port twice', san, group('g1', ['CL1-A'], ['CL1-C', 'CL1-C']), 'EINVAL'],
    ['a wrong role', san, group('g1', ['CL1-C'], ['CL1-C']), 'EINVAL'],
    ['a bad name', san, group('any', ['CL1-A'], ['CL1-C']), 'EINVAL'],
  ])('%s is answered as it should', (_what, configuration, change, code) => {
    expect(codeOf(() => setGroup(configuration, change))).toBe(code);
  });

  it('has one port as target and initiator, if that is its role', () => {
    const both = changePort(san, 'CL1-A', { role: 'both' }, false);
    expect(setGroup(both, group('one', ['CL1-A'], ['CL1-A'])).groups).toHaveLength(1);
  });

  it('adds and deletes ports as of [000] fig. 13, and keeps the number of the group', () => {
    const wider = setGroup(g1, group('g1', ['CL1-A', 'CL2-A', 'CL1-B'], ['CL2-C']));
    expect(wider.groups).toEqual([
      { number: 1, name: 'g1', targets: ['CL1-A', 'CL2-A', 'CL1-B'], initiators: ['CL2-C'] },
    ]);
    expect(groupOfTarget(wider, 'CL1-B')?.name).toBe('g1');
    expect(groupOfTarget(wider, 'CL2-C')).toBeUndefined();
  });

  it('has the groups of [000] fig. 8 side by side, each with its own way', () => {
    const two = setGroup(
      setGroup(san, group('group1', ['CL1-A', 'CL1-B'], ['CL1-C'])),
      group('group2', ['CL2-A'], ['CL2-C', 'CL2-D']),
    );
    expect(groupOfTarget(two, 'CL1-B')?.initiators).toEqual(['CL1-C']);
    expect(groupOfTarget(two, 'CL2-A')?.initiators).toEqual(['CL2-C', 'CL2-D']);
  });

  it('goes only when no job uses it, and leaves its number to the next', () => {
    expect(codeOf(() => deleteGroup(g1, 'g1', true))).toBe('EBUSY');
    expect(codeOf(() => deleteGroup(g1, 'g2', false))).toBe('ENOENT');
    const next = setGroup(deleteGroup(g1, 'g1', false), group('other', ['CL1-A'], ['CL1-C']));
    expect(next.groups.map(({ number }) => number)).toEqual([1]);
  });

  it('has a limit', () => {
    const groups = Array.from({ length: PORT_GROUPS_MAX }, (_unused, index) => ({
      ...group(`g${index}`, [], []),
      number: index + 1,
    }));
    expect(codeOf(() => setGroup({ ...san, groups }, group('one', ['CL1-A'], ['CL1-C'])))).toBe(
      'ENOSPC',
    );
  });
});
