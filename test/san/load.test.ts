/** Load of ports and controllers, by the text on [002] figs. 5 and 6. */
import { beforeEach, describe, expect, it } from 'vitest';
import { type HostRequest, LoadCounters, type PortLoad } from '../../src/san/load.js';
import type { PortId } from '../../src/san/port-id.js';

const START = 5_000;
let counters: LoadCounters;

beforeEach(() => {
  counters = new LoadCounters(START);
});

const read = (offset: number, length = 4096, volume = 1): HostRequest => ({
  operation: 'read',
  volume,
  offset,
  length,
  isDuplexed: false,
});
const write = (isDuplexed: boolean): HostRequest => ({
  ...read(0, 1000),
  operation: 'write',
  isDuplexed,
});

/** The load of a port in the period that began at START. */
function loadOf(port: PortId): PortLoad {
  const load = counters.table(START + 1_000).ports.find((row) => row.port === port);
  if (load === undefined) throw new Error(`no load of ${port}`);
  return load;
}

function send(port: PortId, ...requests: HostRequest[]): void {
  for (const request of requests) counters.record(port, request, START + 1);
}

describe('load counters', () => {
  it('count a read once and a write four times while the volume is duplexed ([002] fig. 5)', () => {
    send('CL1-A', read(0, 1000), write(true), write(false));
    expect(loadOf('CL1-A')).toMatchObject({ ios: 3, transfer: 1000 + 4000 + 1000 });
  });

  it('count at the port that the request passed, and nowhere else', () => {
    send('CL1-B', read(0));
    expect(loadOf('CL1-B').ios).toBe(1);
    const { ports } = counters.table(START + 1_000);
    expect(ports.filter(({ ios }) => ios > 0).map(({ port }) => port)).toEqual(['CL1-B']);
  });

  it('have the sums of its ports for a controller ([002] fig. 6)', () => {
    send('CL1-A', read(0, 100));
    send('CL1-B', read(0, 30), write(true));
    send('CL2-A', read(0, 7));
    expect(counters.table(START + 1_000).controllers).toEqual([
      { controller: 'CL1', ios: 3, transfer: 4130 },
      { controller: 'CL2', ios: 1, transfer: 7 },
    ]);
  });

  it.each<[string, HostRequest[], string]>([
    ['nothing', [], 'none'],
    ['one request', [read(0)], 'random'],
    ['a stream', [read(0), read(4096), read(8192), read(12_288)], 'sequential'],
    ['jumps', [read(0), read(40_960), read(8192), read(409_600)], 'random'],
    [
      'streams in two volumes',
      [0, 1, 2, 3].flatMap((n) => [read(n * 4096, 4096, 1), read(n * 4096, 4096, 2)]),
      'sequential',
    ],
    ['the same place in another volume', [read(0), read(4096, 4096, 2)], 'random'],
    [
      'parts of a stream out of order',
      [0, 2, 1, 3, 5, 4, 6, 8, 7].map((n) => read(n * 4096)),
      'sequential',
    ],
    ['what follows a request, again and again', [0, 1, 1, 1].map((n) => read(n * 4096)), 'random'],
    ['the same place again and again', [read(0), read(0), read(0), read(0)], 'random'],
  ])('take %s for %s', (_what, requests, access) => {
    send('CL2-A', ...requests);
    expect(loadOf('CL2-A').access).toBe(access);
  });

  it('forget a stream that nothing continued while eight others began', () => {
    send('CL1-A', read(0), ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => read(n * 2 ** 20)), read(4096));
    send('CL1-A', read(8192), read(12_288));
    expect(loadOf('CL1-A').access).toBe('random');
  });

  it('show the last whole period, and are cleared by time alone', () => {
    send('CL1-A', read(0));
    const iosAt = (nowMs: number) => counters.table(nowMs).ports[0]?.ios;
    expect(iosAt(START + 999)).toBe(0);
    expect(iosAt(START + 1_000)).toBe(1);
    counters.record('CL1-A', read(0), START + 1_500);
    counters.record('CL1-A', read(0), START + 1_999);
    expect(iosAt(START + 1_999)).toBe(1);
    expect(iosAt(START + 2_000)).toBe(2);
    expect(iosAt(START + 3_000)).toBe(0);
  });
});
