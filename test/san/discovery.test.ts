/** Which ports a request may use, the bitmap table, and what is said when none finds the device. */
import { describe, expect, it } from 'vitest';
import type { ArrayError } from '../../src/base/errors.js';
import { initialSan, type SanConfiguration } from '../../src/san/configuration.js';
import {
  bitmapTable,
  nextPort,
  type PathRequest,
  tableRows,
  usablePorts,
} from '../../src/san/discovery.js';
import { microprocessorMask, microprocessorsOf } from '../../src/san/microprocessors.js';
import { setGroup } from '../../src/san/port-groups.js';
import { PORT_IDS } from '../../src/san/port-id.js';
import { changeController, changePort } from '../../src/san/ports.js';
import {
  describeResult,
  reasonNumber,
  reasonOfNumber,
  SEARCH_REASONS,
  type SearchReason,
  searchError,
} from '../../src/san/search-reasons.js';

const plain = initialSan(0);
const grouped = setGroup(plain, {
  name: 'g1',
  targets: ['CL1-A', 'CL2-A'],
  initiators: ['CL2-C', 'CL1-C'],
});
const four = microprocessorsOf(2);

describe('the ports of a request', () => {
  it.each<[string, SanConfiguration, PathRequest, string[], string[]]>([
    [
      'without a group every initiator port in series',
      plain,
      {},
      ['CL1-C', 'CL1-D', 'CL2-C', 'CL2-D'],
      [],
    ],
    ['of a group in its order', grouped, { group: 'g1' }, ['CL2-C', 'CL1-C'], []],
    [
      'of the group of the port it came through',
      grouped,
      { arrivedAt: 'CL2-A' },
      ['CL2-C', 'CL1-C'],
      [],
    ],
    [
      'a port in no group',
      grouped,
      { arrivedAt: 'CL1-B' },
      ['CL1-C', 'CL1-D', 'CL2-C', 'CL2-D'],
      [],
    ],
    ["the user's port", grouped, { group: 'g1', port: 'CL1-C' }, ['CL1-C'], ['CL2-C not-chosen']],
    [
      'without those that are down',
      changePort(grouped, 'CL2-C', { state: 'down' }, false),
      { group: 'g1' },
      ['CL1-C'],
      ['CL2-C port-down'],
    ],
    [
      'without those of a controller that is down',
      changeController(plain, 'CL1', 'down'),
      {},
      ['CL2-C', 'CL2-D'],
      ['CL1-C controller-down', 'CL1-D controller-down'],
    ],
    [
      'without those for online only',
      changePort(plain, 'CL1-C', { role: 'both', usage: 'online' }, false),
      {},
      ['CL1-D', 'CL2-C', 'CL2-D'],
      ['CL1-C wrong-usage'],
    ],
    [
      'with a target port that is an initiator too',
      changePort(plain, 'CL1-A', { role: 'both' }, false),
      {},
      ['CL1-A', 'CL1-C', 'CL1-D', 'CL2-C', 'CL2-D'],
      [],
    ],
    [
      "the user's port that is no initiator",
      plain,
      { port: 'CL1-A' },
      [],
      [
        'CL1-A wrong-role',
        ...['CL1-C', 'CL1-D', 'CL2-C', 'CL2-D'].map((port) => `${port} not-chosen`),
      ],
    ],
  ])('%s', (_what, san, request, ports, refused) => {
    const usable = usablePorts(san, request);
    expect(usable.ports).toEqual(ports);
    expect(usable.refused.map(({ port, reason }) => `${port} ${reason}`)).toEqual(refused);
  });

  it.each<[PathRequest, string]>([
    [{ group: 'g2' }, 'ENOENT'],
    [{ group: 'g1', port: 'CL1-D' }, 'EINVAL'],
    [{ group: 'g1', arrivedAt: 'CL1-B' }, 'EACCES'],
  ])('%j is %s', (request, code) => {
    expect(() => usablePorts(grouped, request)).toThrow(new RegExp(`^${code}: `));
  });
});

describe('microprocessors', () => {
  it('are two for each port, also with four in a controller, as in [000] fig. 7', () => {
    for (const perController of [2, 4] as const) {
      const all = microprocessorsOf(perController);
      expect(all.map(({ index }) => index)).toEqual([...all.keys()]);
      for (const port of PORT_IDS) {
        const bits = microprocessorMask(all, port).toString(2).replaceAll('0', '');
        expect(bits).toBe('11');
      }
    }
    expect(
      microprocessorsOf(4)
        .slice(0, 4)
        .map(({ name, ports }) => [name, ...ports]),
    ).toEqual([
      ['CL1-M0', 'CL1-A', 'CL1-B'],
      ['CL1-M1', 'CL1-A', 'CL1-B'],
      ['CL1-M2', 'CL1-C', 'CL1-D'],
      ['CL1-M3', 'CL1-C', 'CL1-D'],
    ]);
  });
});

describe('the bitmap table', () => {
  it('has a row for each microprocessor and port, in the order of the search ([000] table 1)', () => {
    const { table } = bitmapTable(usablePorts(grouped, { group: 'g1' }), four);
    const rows = tableRows(table, { ...table.masks, 'CL2-C': 0b0100 }, four);
    expect(rows.map(Object.values)).toEqual([
      [1, 'CL2-M0', 'CL2-C', true],
      [2, 'CL2-M1', 'CL2-C', false],
      [3, 'CL1-M0', 'CL1-C', true],
      [4, 'CL1-M1', 'CL1-C', true],
    ]);
    expect(nextPort(table)).toBe('CL2-C');
    expect(nextPort({ ...table, masks: { ...table.masks, 'CL2-C': 0 } })).toBe('CL1-C');
  });

  it('leaves out ports whose microprocessors do not run, with the reason', () => {
    const running = four.filter(({ controller }) => controller === 'CL1');
    const { table, refused } = bitmapTable(usablePorts(grouped, { group: 'g1' }), running);
    expect(table.order).toEqual(['CL1-C']);
    expect(refused).toEqual([{ port: 'CL2-C', reason: 'no-microprocessor' }]);
    expect(nextPort(bitmapTable(usablePorts(grouped, {}), []).table)).toBeUndefined();
  });
});

describe('a search that finds nothing', () => {
  it('tells every port and why, with the code of the last answer', () => {
    const error = searchError('tape0', [
      { port: 'CL2-C', reason: 'port-down' },
      { port: 'CL1-C', reason: 'busy' },
      { port: 'CL1-D', reason: 'no-path' },
    ]);
    expect([error.code, error.reason]).toEqual([
      'EBUSY',
      'tape0 is not available: port CL2-C is down; port CL1-C finds it reserved; ' +
        'port CL1-D has no path to it',
    ]);
    const detail = 'no cartridge AFS009';
    const same = searchError('tape0', [
      { port: 'CL1-C', reason: 'missing', detail },
      { port: 'CL2-C', reason: 'port-down' },
      { port: 'CL1-D', reason: 'missing', detail },
      { port: 'CL2-D', reason: 'port-down' },
    ]);
    expect(same.reason).toBe(
      'tape0 is not available: ports CL1-C, CL1-D: no cartridge AFS009; ports CL2-C, CL2-D are down',
    );
    expect(searchError('tape0', []).message).toBe(
      'ENXIO: tape0 is not available: no port may be used',
    );
  });

  it.each<[SearchReason, ArrayError['code']]>([
    ['busy', 'EBUSY'],
    ['full', 'ENOSPC'],
    ['unloaded', 'ENODEV'],
    ['write-protected', 'EROFS'],
    ['missing', 'ENXIO'],
    ['refused', 'EACCES'],
    ['failed', 'EIO'],
  ])('is for a device that is %s a %s of its own', (reason, code) => {
    const error = searchError('tape0', [{ port: 'CL1-C', reason }]);
    expect(error.code).toBe(code);
    expect(error.reason).toContain(describeResult({ port: 'CL1-C', reason }));
  });

  it('has a number in shared memory and a text of its own for every reason', () => {
    const reasons = Object.keys(SEARCH_REASONS) as SearchReason[];
    expect(reasons.map((reason) => reasonOfNumber(reasonNumber(reason)))).toEqual(reasons);
    expect(reasonOfNumber(0)).toBeUndefined();
    const texts = Object.values(SEARCH_REASONS).map(({ text }) => text);
    expect(new Set(texts).size).toBe(texts.length);
  });
});
