/** Faults as data: what may be set where, what a request meets, and how they are used up. */
import { beforeEach, describe, expect, it } from 'vitest';
import { FAULTS_MAX } from '../../src/base/limits.js';
import {
  describeFault,
  parseDelay,
  parseFaultRange,
  parseFaultSense,
  senseText,
} from '../../src/san/fault-text.js';
import {
  FAULT_KINDS,
  type FaultKind,
  FaultList,
  type FaultRange,
  type FaultSetting,
  parseFaultTarget,
} from '../../src/san/faults.js';
import { codeOf } from '../support/code-of.js';

const db = parseFaultTarget('volume:db');
const tape = parseFaultTarget('device:tape0');
const sense = { key: 3, asc: 0x11, ascq: 0 };
const range = (start: number, end: number): FaultRange => ({ start, end });
let faults: FaultList;

beforeEach(() => {
  faults = new FaultList();
});

describe('setting faults', () => {
  it.each([
    ['volume:db', 'ok'],
    ['pool:main', 'ok'],
    ['port:CL1-A', 'ok'],
    ['controller:CL2', 'ok'],
    ['microprocessor:CL1-M0', 'ok'],
    ['device:tape0', 'ok'],
    ['port:CL9-A', 'ENOENT'],
    ['controller:CL1-A', 'ENOENT'],
    ['volume:', 'EINVAL'],
    ['volume:../x', 'EINVAL'],
    ['disk:db', 'EINVAL'],
    ['db', 'EINVAL'],
    ['constructor:x', 'EINVAL'],
  ])('the target %s is %s', (text, code) => {
    expect(codeOf(() => parseFaultTarget(text))).toBe(code);
  });

  it.each<[string, FaultKind[]]>([
    ['volume:db', ['EIO', 'delay', 'hang', 'damaged']],
    ['pool:main', ['EIO', 'delay', 'hang', 'damaged']],
    ['port:CL1-A', ['EIO', 'delay', 'hang', 'down']],
    ['controller:CL1', ['delay', 'hang', 'killed', 'down']],
    ['microprocessor:CL1-M0', ['delay', 'hang', 'killed', 'down']],
    ['device:tape0', ['EIO', 'delay', 'hang', 'sense', 'damaged', 'down']],
  ])('%s can have %j', (target, kinds) => {
    const extra = { delay: { delayMs: 1 }, sense: { sense } } as Record<string, object>;
    const taken = FAULT_KINDS.filter((kind) => {
      const setting = { target: parseFaultTarget(target), kind, ...extra[kind] };
      return codeOf(() => new FaultList().add(setting)) === 'ok';
    });
    expect(taken).toEqual(kinds);
  });

  it.each<[string, FaultKind, string]>([
    ['controller:CL1', 'EIO', 'it is an answer of a volume, pool, port or device'],
    ['microprocessor:CL1-M0', 'EIO', 'it is an answer of a volume, pool, port or device'],
    ['volume:db', 'sense', 'only devices answer with sense data'],
    ['port:CL1-A', 'sense', 'only devices answer with sense data'],
    ['port:CL1-A', 'damaged', 'only volumes, pools and devices have blocks'],
    ['device:tape0', 'killed', 'only microprocessors are killed, one of them or all of a'],
    ['pool:main', 'killed', 'only microprocessors are killed, one of them or all of a'],
    ['pool:main', 'down', 'volumes and pools are neither up nor down; EIO fails all of them'],
  ])('%s is told why it has no %s', (target, kind, reason) => {
    const extra = kind === 'sense' ? { sense } : {};
    const setting = { target: parseFaultTarget(target), kind, ...extra };
    expect(() => faults.add(setting)).toThrow(`has no fault ${kind}: ${reason}`);
  });

  it.each([
    ['port:CL1-A', 'EINVAL'],
    ['controller:CL1', 'EINVAL'],
    ['microprocessor:CL1-M0', 'EINVAL'],
    ['device:tape0', 'ok'],
  ])('that %s is down so many times, or in a range, is %s', (target, code) => {
    const setting = { target: parseFaultTarget(target), kind: 'down' } as const;
    expect(codeOf(() => faults.add({ ...setting, count: 2 }))).toBe(code);
    expect(codeOf(() => faults.add({ ...setting, range: range(0, 512) }))).toBe(code);
  });

  it.each<[string, Partial<FaultSetting>]>([
    ['no time at all', { count: 0 }],
    ['half a time', { count: 0.5 }],
    ['an empty range', { range: range(5, 5) }],
    ['a range before 0', { range: range(-1, 5) }],
    ['a delay that is none', { delayMs: 5 }],
    ['no delay', { kind: 'delay' }],
    ['a delay of nothing', { kind: 'delay', delayMs: 0 }],
    ['sense without the fault', { target: tape, sense }],
    ['no sense', { target: tape, kind: 'sense' }],
  ])('%s is refused', (_what, change) => {
    expect(codeOf(() => faults.add({ target: db, kind: 'EIO', ...change }))).toBe('EINVAL');
    expect(faults.list).toEqual([]);
  });

  it('has a limit', () => {
    for (let count = 0; count < FAULTS_MAX; count += 1) faults.add({ target: db, kind: 'EIO' });
    expect(codeOf(() => faults.add({ target: db, kind: 'EIO' }))).toBe('ENOSPC');
  });
});

describe('a request', () => {
  it('meets what is set at its target and within its range', () => {
    faults.add({ target: db, kind: 'EIO', range: range(100, 200) });
    const met = (asked?: FaultRange) => faults.hits(db, asked).length;
    expect(
      [range(0, 100), range(99, 101), range(150, 151), range(199, 300), range(200, 300)].map(met),
    ).toEqual([0, 1, 1, 1, 0]);
    expect(met()).toBe(0);
    expect(faults.hits(parseFaultTarget('volume:db2'), range(100, 200))).toEqual([]);
    expect(faults.hits(parseFaultTarget('pool:db'), range(100, 200))).toEqual([]);
  });

  it('uses a fault up', () => {
    faults.add({ target: db, kind: 'EIO', count: 2 });
    const kinds = () => faults.hits(db, range(0, 1)).map(({ kind }) => kind);
    expect([kinds(), faults.list[0]?.count, kinds(), kinds()]).toEqual([['EIO'], 1, ['EIO'], []]);
    expect(faults.list).toEqual([]);
  });

  it('uses only those up that it meets, and meets several in the order they were set', () => {
    faults.add({ target: db, kind: 'delay', delayMs: 50, count: 1 });
    faults.add({ target: db, kind: 'EIO', range: range(0, 10), count: 1 });
    faults.add({ target: db, kind: 'EIO', range: range(90, 99), count: 1 });
    expect(faults.hits(db, range(5, 6)).map(({ kind }) => kind)).toEqual(['delay', 'EIO']);
    expect(faults.list.map(({ number, hits }) => [number, hits])).toEqual([[3, 0]]);
  });

  it('meets only those of the kinds that the request can have', () => {
    faults.add({ target: db, kind: 'damaged', count: 1 });
    expect(faults.hits(db, range(0, 1), ['EIO', 'delay'])).toEqual([]);
    expect(faults.hits(db, range(0, 1), ['damaged'])).toHaveLength(1);
  });

  it('keeps a hang that has happened often enough until it is cleared, and meets it no more', () => {
    const { number } = faults.add({ target: db, kind: 'hang', count: 1 });
    expect(faults.hits(db)).toHaveLength(1);
    expect(faults.hits(db)).toEqual([]);
    expect(faults.list).toMatchObject([{ number, count: 0, hits: 1 }]);
    faults.clear(number);
    expect(faults.list).toEqual([]);
  });

  it('meets one without a count until it is cleared, and is counted', () => {
    const { number } = faults.add({ target: tape, kind: 'sense', sense });
    for (let time = 0; time < 3; time += 1) expect(faults.hits(tape)).toHaveLength(1);
    expect(faults.list[0]?.hits).toBe(3);
    faults.clear(number);
    expect(faults.hits(tape)).toEqual([]);
    expect(codeOf(() => faults.clear(number))).toBe('ENOENT');
  });
});

describe('what users write', () => {
  it.each([
    ['16K-32K', { start: 16_384, end: 32_768 }],
    ['0-512', { start: 0, end: 512 }],
    ['512', 'EINVAL'],
    ['a-b', 'EINVAL'],
    ['1-2-3', 'EINVAL'],
  ])('the range %s', (text, meant) => {
    if (typeof meant === 'string') expect(codeOf(() => parseFaultRange(text))).toBe(meant);
    else expect(parseFaultRange(text)).toEqual(meant);
  });

  it.each([
    ['50', 50],
    ['50ms', 50],
    ['2s', 2_000],
    ['2m', 'EINVAL'],
    ['-1', 'EINVAL'],
    ['', 'EINVAL'],
  ])('the delay %j', (text, meant) => {
    if (typeof meant === 'string') expect(codeOf(() => parseDelay(text))).toBe(meant);
    else expect(parseDelay(text)).toBe(meant);
  });

  it.each([
    ['3/11/0', '03/11/00'],
    ['0B/4b/FF', '0b/4b/ff'],
    ['10/11/00', 'EINVAL'],
    ['3/11', 'EINVAL'],
    ['3/111/0', 'EINVAL'],
  ])('the sense %s', (text, meant) => {
    if (meant === 'EINVAL') expect(codeOf(() => parseFaultSense(text))).toBe(meant);
    else expect(senseText(parseFaultSense(text))).toBe(meant);
  });
});

describe('the list', () => {
  it('is cleared as a whole or for a target', () => {
    faults.add({ target: db, kind: 'EIO' });
    faults.add({ target: tape, kind: 'down' });
    faults.add({ target: db, kind: 'hang' });
    expect(faults.has(tape, 'down')).toBe(true);
    expect(faults.has(db, 'down')).toBe(false);
    expect([faults.clearAll(db), faults.list.length]).toEqual([2, 1]);
    expect([faults.clearAll(), faults.list.length]).toEqual([1, 0]);
    expect(faults.add({ target: db, kind: 'EIO' }).number).toBe(4);
  });

  it.each<[FaultSetting, string]>([
    [{ target: db, kind: 'EIO' }, 'EIO at volume:db'],
    [{ target: db, kind: 'damaged', count: 1 }, 'damaged at volume:db, 1 time'],
    [
      { target: db, kind: 'delay', delayMs: 50, count: 2, range: range(0, 4096) },
      'delay of 50 ms at volume:db, 2 times, in 0-4096',
    ],
    [{ target: tape, kind: 'sense', sense }, 'sense 03/11/00 at device:tape0'],
  ])('reads %#', (setting, text) => {
    expect(describeFault(faults.add(setting))).toBe(text);
  });
});
