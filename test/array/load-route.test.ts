/** The port of a running errand by the load of ports: chosen at its beginning, looked at again at each period of the counters. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Errand } from '../../src/array/backup-path.js';
import { LoadRoute } from '../../src/array/load-route.js';
import type { UsablePorts } from '../../src/san/discovery.js';
import { LOAD_PERIOD_MS, type LoadTable, loadTable } from '../../src/san/load.js';
import type { PortId } from '../../src/san/port-id.js';
import { PortTasks } from '../../src/san/port-tasks.js';
import type { SearchReason } from '../../src/san/search-reasons.js';
import { ManualClock } from '../support/manual-clock.js';

const IDLE = loadTable([]);
/** A host that reads at random through a port. */
const busy = (port: PortId) =>
  loadTable([{ port, ios: 9_000, transfer: 40 * 2 ** 20, access: 'random' }]);

/** An errand that goes through the first port of its list, as long as the device is there. */
class Walk implements Pick<Errand, 'phase' | 'port' | 'handOver'> {
  phase: Errand['phase'] = 'waiting';
  port: PortId | undefined;
  readonly dead = new Set<PortId>();
  constructor(private readonly route: LoadRoute) {}

  handOver(): void {
    this.port = this.route.ports().ports.find((port) => !this.dead.has(port));
    this.phase = 'moving';
  }
}

let clock: ManualClock;
let table: LoadTable;
let usable: UsablePorts;
let tasks: PortTasks;
let moves: string[];
let searched: Map<PortId, SearchReason>;

beforeEach(() => {
  clock = new ManualClock();
  table = IDLE;
  usable = { ports: ['CL1-C', 'CL2-C'], refused: [] };
  tasks = new PortTasks();
  moves = [];
  searched = new Map();
});

function begin(forced?: PortId) {
  const route = new LoadRoute(
    { clock, san: { tasks, load: () => table } },
    {
      usable: () => usable,
      lastSearch: (port) => searched.get(port),
      forced,
      onMove: (from, to, reason) => moves.push(`${from} ${to}: ${reason}`),
    },
  );
  const errand = new Walk(route);
  route.follow(errand);
  errand.handOver();
  return { route, errand };
}

const period = () => clock.advance(LOAD_PERIOD_MS);

describe('an errand', () => {
  it('begins at the port of the lighter controller, and stays there', async () => {
    table = busy('CL1-A');
    const { route, errand } = begin();
    await period();
    expect([errand.port, moves]).toEqual(['CL2-C', []]);
    expect(route.reason).toBe(
      'CL2 has 0.0 MiB/s, 0 I/Os a second, CL1 40.0 MiB/s, 9000 I/Os a second',
    );
  });

  it('is handed over within a period when a host comes to its controller, and says why', async () => {
    const { route, errand } = begin();
    await period();
    expect(errand.port).toBe('CL1-C');
    table = busy('CL1-B');
    await period();
    expect(errand.port).toBe('CL2-C');
    expect(moves).toEqual([`CL1-C CL2-C: ${route.reason}`]);
    table = busy('CL2-B');
    await period();
    expect([errand.port, moves.length]).toEqual(['CL1-C', 2]);
  });

  it('stays at the port that the user has asked for', async () => {
    usable = { ports: ['CL1-C'], refused: [{ port: 'CL2-C', reason: 'not-chosen' }] };
    const { route, errand } = begin('CL1-C');
    table = busy('CL1-A');
    await period();
    expect([errand.port, moves, route.reason]).toEqual(['CL1-C', [], 'CL1-C was asked for']);
  });

  it('does not come back soon to a lighter port that has not reached the device', async () => {
    const { errand } = begin();
    errand.dead.add('CL2-C');
    table = busy('CL1-A');
    await clock.advance(20 * LOAD_PERIOD_MS);
    expect([errand.port, moves.length]).toEqual(['CL1-C', 1]);
    errand.dead.clear();
    await clock.advance(60_000);
    expect([errand.port, moves.length]).toEqual(['CL2-C', 2]);
  });

  it('tells why it is not at the lightest port', () => {
    const { route, errand } = begin();
    errand.port = 'CL2-C';
    expect(route.reason).toBe('the way through CL1-C was lost');
    searched.set('CL1-C', 'no-answer');
    expect(route.reason).toBe('port CL1-C got no answer in time');
    usable = { ports: ['CL2-C'], refused: [{ port: 'CL1-C', reason: 'port-down' }] };
    expect(route.reason).toBe('port CL1-C is down');
    errand.port = undefined;
    expect(route.reason).toBe('');
  });

  it('goes through the port with fewer backups, its own not counted', async () => {
    tasks.begin('CL1-C', 'initiator', 'tape0', 0);
    const { errand } = begin();
    tasks.begin('CL2-C', 'initiator', 'tape1', 0);
    await period();
    expect([errand.port, moves]).toEqual(['CL2-C', []]);
  });

  it('is looked at no more when it has ended', async () => {
    const { route, errand } = begin();
    errand.phase = 'ended';
    table = busy('CL1-A');
    await period();
    expect([moves, clock.timerCount]).toEqual([[], 0]);
    begin().route.end();
    route.end();
    expect(clock.timerCount).toBe(0);
  });
});
