/** The choice of controller and port from recorded load tables, by [002] figs. 5, 6, 8 and their text. */
import { describe, expect, it } from 'vitest';
import { initialSan, type PortUsage } from '../../src/san/configuration.js';
import { usablePorts } from '../../src/san/discovery.js';
import { type LoadTable, loadTable, type PortAccess } from '../../src/san/load.js';
import { choosePath, type PathDemand, reconsiderPath } from '../../src/san/path-choice.js';
import type { PortId } from '../../src/san/port-id.js';
import { changePort } from '../../src/san/ports.js';

const MIB = 2 ** 20;
type Row = [port: PortId, ios: number, mib: number, access: PortAccess];

function recorded(...rows: Row[]): LoadTable {
  return loadTable(
    rows.map(([port, ios, mib, access]) => ({ port, ios, transfer: mib * MIB, access })),
  );
}

/** Four ports, two in each controller, as in [002]: all carry both. */
const FOUR: PortId[] = ['CL1-A', 'CL1-B', 'CL2-A', 'CL2-B'];
const demand = (change: Partial<PathDemand> = {}): PathDemand => ({
  ports: FOUR,
  access: 'sequential',
  backups: new Map(),
  ...change,
});
const random = (change: Partial<PathDemand> = {}) => demand({ access: 'random', ...change });

describe('choice of a path', () => {
  it.each<[string, PathDemand, LoadTable, PortId, string]>([
    [
      'the controller with the larger transfer amount has the heavy load ([002] fig. 6)',
      demand({ ports: ['CL1-A', 'CL2-A'] }),
      recorded(['CL1-A', 100, 50, 'random'], ['CL2-A', 9_000, 20, 'random']),
      'CL2-A',
      'controller',
    ],
    [
      'transfer amounts that are not so large leave it to the number of I/Os',
      demand({ ports: ['CL1-A', 'CL2-A'] }),
      recorded(['CL1-A', 900, 2, 'random'], ['CL2-A', 300, 4, 'random']),
      'CL2-A',
      'controller',
    ],
    [
      'in one controller a sequential port has the heavy load ([002] fig. 5)',
      random({ ports: ['CL1-A', 'CL1-B'] }),
      recorded(['CL1-A', 100, 10, 'sequential'], ['CL1-B', 500, 90, 'random']),
      'CL1-B',
      'port',
    ],
    [
      'of two sequential ports the one with the smaller transfer amount',
      random({ ports: ['CL1-A', 'CL1-B'] }),
      recorded(['CL1-A', 100, 40, 'sequential'], ['CL1-B', 500, 30, 'sequential']),
      'CL1-B',
      'port',
    ],
    [
      'of two random ports the one with the smaller transfer amount',
      random({ ports: ['CL1-A', 'CL1-B'] }),
      recorded(['CL1-A', 100, 20, 'random'], ['CL1-B', 50, 30, 'random']),
      'CL1-A',
      'port',
    ],
    [
      'of four ports, three sequential, a sequential backup takes the random one',
      demand(),
      recorded(
        ['CL1-A', 100, 90, 'sequential'],
        ['CL1-B', 400, 60, 'random'],
        ['CL2-A', 50, 10, 'sequential'],
        ['CL2-B', 50, 10, 'sequential'],
      ),
      'CL1-B',
      'access',
    ],
    [
      'a random backup there takes the lighter controller',
      random(),
      recorded(
        ['CL1-A', 100, 90, 'sequential'],
        ['CL1-B', 400, 60, 'random'],
        ['CL2-A', 50, 10, 'sequential'],
        ['CL2-B', 50, 12, 'sequential'],
      ),
      'CL2-A',
      'port',
    ],
    [
      'initiator ports without hosts of their own are told apart by their controllers',
      demand({ ports: ['CL1-C', 'CL2-C'] }),
      recorded(['CL1-A', 20_000, 80, 'random']),
      'CL2-C',
      'controller',
    ],
    [
      'ports of one transfer amount by the number of I/Os',
      demand({ ports: ['CL1-A', 'CL1-B'] }),
      recorded(['CL1-A', 900, 9, 'random'], ['CL1-B', 800, 9, 'random']),
      'CL1-B',
      'ios',
    ],
    [
      'idle ports by the backups they have',
      demand({
        backups: new Map([
          ['CL1-A', 2],
          ['CL1-B', 1],
          ['CL2-A', 1],
          ['CL2-B', 0],
        ]),
      }),
      recorded(),
      'CL2-B',
      'spread',
    ],
    [
      'a light difference of load counts less than backups that are under way, as at night',
      demand({ ports: ['CL1-A', 'CL2-A'], backups: new Map([['CL1-A', 1]]) }),
      recorded(['CL2-A', 150, 7, 'random']),
      'CL2-A',
      'spread',
    ],
    [
      'backups under way count less than a controller that hosts are busy with',
      demand({ ports: ['CL1-A', 'CL2-A'], backups: new Map([['CL1-A', 3]]) }),
      recorded(['CL2-A', 150, 9, 'random']),
      'CL1-A',
      'controller',
    ],
    [
      'busy ports of one load by the backups they have',
      random({ ports: ['CL1-A', 'CL1-B'], backups: new Map([['CL1-A', 1]]) }),
      recorded(['CL1-A', 900, 9, 'random'], ['CL1-B', 900, 9, 'random']),
      'CL1-B',
      'backups',
    ],
    [
      'ports without any difference in the order of the group',
      demand({ ports: ['CL2-B', 'CL1-A'] }),
      recorded(),
      'CL2-B',
      'order',
    ],
    [
      "the user's port, whatever its load",
      demand({ forced: 'CL1-A' }),
      recorded(['CL1-A', 100, 900, 'sequential']),
      'CL1-A',
      'forced',
    ],
    [
      'the only port',
      demand({ ports: ['CL1-A'] }),
      recorded(['CL1-A', 9, 900, 'sequential']),
      'CL1-A',
      'only',
    ],
  ])('%s', (_rule, asked, table, port, rule) => {
    const choice = choosePath(asked, table);
    expect([choice.ranking[0], choice.rule]).toEqual([port, rule]);
    expect(choice.reason).not.toBe('');
  });

  it('ranks every port, the lightest first, for the search when the first is not to be had', () => {
    const table = recorded(
      ['CL1-A', 100, 90, 'sequential'],
      ['CL1-B', 400, 60, 'random'],
      ['CL2-A', 50, 10, 'random'],
      ['CL2-B', 50, 20, 'random'],
    );
    expect(choosePath(demand(), table).ranking).toEqual(['CL2-A', 'CL2-B', 'CL1-B', 'CL1-A']);
  });

  it('gives no port where none may be used, also not the one that was asked for', () => {
    expect(choosePath(demand({ ports: [] }), recorded()).ranking).toEqual([]);
    expect(choosePath(demand({ forced: 'CL1-C' }), recorded()).ranking).toEqual([]);
  });

  it('spreads backups over all ports while their load is light, as at night', () => {
    const night = recorded(['CL1-A', 10, 1, 'random'], ['CL2-A', 3, 0.5, 'random']);
    const backups = new Map<PortId, number>();
    const taken = FOUR.map(() => {
      const [port = 'CL1-D'] = choosePath(demand({ backups }), night).ranking;
      backups.set(port, (backups.get(port) ?? 0) + 1);
      return port;
    });
    expect(taken).toEqual(['CL2-B', 'CL2-A', 'CL1-B', 'CL1-A']);
  });

  it('does not spread them over a controller that hosts are busy with', () => {
    const day = recorded(['CL1-A', 5_000, 20, 'random'], ['CL2-A', 3, 0.5, 'random']);
    const backups = new Map<PortId, number>([
      ['CL2-B', 1],
      ['CL2-A', 1],
    ]);
    expect(choosePath(demand({ backups }), day).ranking[0]).toBe('CL2-B');
  });

  it.each<[PortUsage, PortId[]]>([
    ['online', ['CL2-C']],
    ['backup', ['CL1-C', 'CL2-C']],
    ['both', ['CL1-C', 'CL2-C']],
  ])('respects the usage %s of a port ([002] fig. 8)', (usage, ports) => {
    const san = changePort(initialSan(0), 'CL1-C', { role: 'both', usage }, false);
    const usable = usablePorts(san, {}).ports.filter((port) => port.endsWith('C'));
    expect(choosePath(demand({ ports: usable }), recorded()).ranking).toEqual(ports);
  });
});

describe('a running backup', () => {
  const two = demand({ ports: ['CL1-C', 'CL2-C'] });
  it.each<[string, PortId, PathDemand, LoadTable, PortId | undefined]>([
    [
      'moves away from a host that comes to its controller',
      'CL1-C',
      two,
      recorded(['CL1-A', 20_000, 80, 'random']),
      'CL2-C',
    ],
    [
      'moves for many small requests too',
      'CL1-C',
      two,
      recorded(['CL1-A', 1_500, 6, 'random']),
      'CL2-C',
    ],
    [
      'stays where the host comes to the other',
      'CL2-C',
      two,
      recorded(['CL1-A', 20_000, 80, 'random']),
      undefined,
    ],
    [
      'stays for a small difference',
      'CL1-C',
      two,
      recorded(['CL1-A', 800, 84, 'random'], ['CL2-A', 800, 80, 'random']),
      undefined,
    ],
    ['stays for a few requests', 'CL1-C', two, recorded(['CL1-A', 100, 0.4, 'random']), undefined],
    [
      'moves from a port that becomes sequential',
      'CL1-A',
      demand(),
      recorded(['CL1-A', 50, 1, 'sequential'], ['CL2-A', 50, 3, 'random']),
      'CL1-B',
    ],
    [
      'moves from a port that may not be used any more',
      'CL1-C',
      demand({ ports: ['CL2-C'] }),
      recorded(),
      'CL2-C',
    ],
    [
      'does not move for the number of backups',
      'CL1-C',
      { ...two, backups: new Map([['CL1-C', 3]]) },
      recorded(),
      undefined,
    ],
    [
      "stays at the user's port",
      'CL1-C',
      { ...two, forced: 'CL1-C' },
      recorded(['CL1-A', 20_000, 80, 'random']),
      undefined,
    ],
    [
      'stays where there is no other port at all',
      'CL1-C',
      demand({ ports: [] }),
      recorded(),
      undefined,
    ],
  ])('%s', (_what, current, asked, table, moveTo) => {
    const { reason, ...decision } = reconsiderPath(current, asked, table);
    expect(decision).toEqual({ moveTo });
    expect(reason).not.toBe('');
  });

  it('says why it moves', () => {
    const table = recorded(['CL1-A', 20_000, 80, 'random'], ['CL2-A', 10, 1, 'random']);
    expect(reconsiderPath('CL1-C', two, table).reason).toBe(
      'CL2 has 1.0 MiB/s, 10 I/Os a second, CL1 80.0 MiB/s, 20000 I/Os a second',
    );
  });

  it('does not come back as long as the load stays as it is', () => {
    const table = recorded(['CL1-A', 20_000, 80, 'random'], ['CL2-A', 500, 60, 'random']);
    const moved = reconsiderPath('CL1-C', two, table).moveTo ?? 'CL1-C';
    expect([moved, reconsiderPath(moved, two, table).moveTo]).toEqual(['CL2-C', undefined]);
  });
});
