/** Online and backup in turns, by the text on [002] fig. 11; a simulated port that lives by them. */
import { describe, expect, it } from 'vitest';
import type { ArrayError } from '../../src/base/errors.js';
import { TURN_BYTES_MAX, TURN_MS_MAX } from '../../src/base/limits.js';
import {
  parseShare,
  QUIET_MS,
  ratioRule,
  ratioText,
  type Share,
  type TurnKind,
  type TurnRule,
  Turns,
} from '../../src/san/turns.js';

const KIB = 1024;
const bytes = (value: number) => ({ unit: 'bytes', value }) as const;
const ms = (value: number) => ({ unit: 'ms', value }) as const;
const BOTH = { online: 1, backup: 1 };

interface Service {
  readonly ms: number;
  readonly bytes: number;
}
/** What one request and one chunk take at the port. */
const REQUEST: Service = { ms: 0.5, bytes: 4 * KIB };
const CHUNK: Service = { ms: 1, bytes: 256 * KIB };

/** One queue, both always waiting: the order in which they go, for `count` steps. */
function served(turns: Turns, count: number, waiting = BOTH): string {
  let nowMs = 0;
  let order = '';
  for (let step = 0; step < count; step += 1) {
    const { next } = turns.next(waiting, nowMs);
    if (next === 'none') throw new Error('something waits');
    const service = next === 'online' ? REQUEST : CHUNK;
    nowMs += service.ms;
    if (next === 'online') turns.onlineDone(service.bytes, nowMs);
    else turns.backupDone(service.bytes, nowMs);
    order += next === 'online' ? 'o' : 'B';
  }
  return order;
}

describe('turns', () => {
  it.each<[string, TurnRule, string]>([
    [
      'backup has priority: its amount, then what online has waiting, and again',
      { online: bytes(1), backup: bytes(3 * CHUNK.bytes) },
      'oBBBoBBBoBBB',
    ],
    [
      'online has priority: a time for online alone, then an amount of backup',
      { online: ms(4), backup: bytes(CHUNK.bytes) },
      'ooooooooBooooooooB',
    ],
    [
      'the longer the time of online, the higher its priority',
      { online: ms(2), backup: bytes(1) },
      'ooooBooooB',
    ],
    [
      'the larger the amount of backup, the higher its priority',
      { online: ms(2), backup: bytes(2 * CHUNK.bytes) },
      'ooooBBooooBB',
    ],
    ['equal times', { online: ms(2), backup: ms(2) }, 'ooooBBooooBB'],
  ])('%s ([002] fig. 11)', (_rule, rule, order) => {
    expect(served(new Turns(rule, 0), order.length)).toBe(order);
  });

  it.each([
    ['1:1', 64],
    ['10:1', 640],
    ['1:10', 64],
  ])('give %s as %i requests of 4 KiB for each turn of backup', (ratio, requests) => {
    const order = served(new Turns(ratioRule(ratio, 'bytes'), 0), 3_000);
    const turns = order.split(/B+/).slice(0, -1);
    expect(new Set(turns.map(({ length }) => length))).toEqual(new Set([requests]));
  });

  it.each([
    ['1:1', 1],
    ['10:1', 10],
    ['1:3', 1 / 3],
  ])('give %s of the time', (ratio, expected) => {
    const order = served(new Turns(ratioRule(ratio, 'ms'), 0), 20_000);
    const onlineMs = order.replaceAll('B', '').length * REQUEST.ms;
    const backupMs = order.replaceAll('o', '').length * CHUNK.ms;
    expect(onlineMs / backupMs / expected).toBeCloseTo(1, 1);
  });

  it('change while they run', () => {
    const turns = new Turns(ratioRule('1:1', 'ms'), 0);
    expect(served(turns, 12)).toBe('ooooooooBBBB');
    turns.setRule(ratioRule('1:2', 'ms'), 0);
    expect(served(turns, 16)).toBe('ooooooooBBBBBBBB');
    expect(turns.rule.backup).toEqual(ms(8));
  });

  it('let backup go on where no host asks, and host requests where no backup waits', () => {
    const turns = new Turns(ratioRule('10:1', 'bytes'), 0);
    expect(served(turns, 5, { online: 0, backup: 1 })).toBe('BBBBB');
    expect(served(turns, 5, { online: 1, backup: 0 })).toBe('ooooo');
    expect(turns.next({ online: 0, backup: 0 }, 100).next).toBe('none');
  });

  it('keep the gap between two requests of a host free, until the host is quiet', () => {
    const turns = new Turns(ratioRule('10:1', 'bytes'), 0);
    turns.onlineDone(4 * KIB, 10);
    const waiting = { online: 0, backup: 1 };
    expect(turns.next(waiting, 10.5)).toMatchObject({ next: 'none', againMs: QUIET_MS - 0.5 });
    expect(turns.next(waiting, 9.9 + QUIET_MS).next).toBe('none');
    expect(turns.next(waiting, 10 + QUIET_MS).next).toBe('backup');
  });

  it('end the time of online in such a gap too', () => {
    const turns = new Turns({ online: ms(4), backup: bytes(CHUNK.bytes) }, 0);
    turns.onlineDone(4 * KIB, 3.5);
    expect(turns.next({ online: 0, backup: 1 }, 3.5)).toMatchObject({ next: 'none', againMs: 0.5 });
    expect(turns.next({ online: 0, backup: 1 }, 4).next).toBe('backup');
  });

  it('do not count what backup moves in a gap against its turn', () => {
    const turns = new Turns({ online: bytes(4 * KIB), backup: bytes(2 * CHUNK.bytes) }, 0);
    turns.onlineDone(4 * KIB, 0);
    expect(turns.next(BOTH, 0).next).toBe('backup');
    for (const nowMs of [50, 51, 52]) {
      expect(turns.next({ online: 0, backup: 1 }, nowMs).next).toBe('backup');
      turns.backupDone(CHUNK.bytes, nowMs);
    }
    const order = [60, 61, 62].map((nowMs) => {
      const { next } = turns.next(BOTH, nowMs);
      if (next === 'backup') turns.backupDone(CHUNK.bytes, nowMs);
      return next;
    });
    expect(order).toEqual(['backup', 'backup', 'online']);
  });

  it('do not count host requests that pass in the turn of backup', () => {
    const turns = new Turns({ online: bytes(1), backup: bytes(CHUNK.bytes) }, 0);
    turns.onlineDone(1, 0);
    expect(turns.next(BOTH, 0).next).toBe('backup');
    turns.onlineDone(2 * CHUNK.bytes, 0.1);
    expect(turns.next(BOTH, 0.2).next).toBe('backup');
  });

  it('say what is going on', () => {
    const turns = new Turns(ratioRule('2:1', 'bytes'), 0);
    turns.onlineDone(120 * KIB, 1);
    const reason = (online: number, backup: number, nowMs: number) =>
      turns.next({ online, backup }, nowMs).reason;
    expect(reason(1, 1, 1)).toBe('the turn of online: 120 KiB of 512 KiB');
    expect(reason(0, 1, 9)).toBe('no host request for 5 ms');
    expect(reason(1, 0, 9)).toBe('no backup waits');
    expect(reason(0, 0, 9)).toBe('nothing waits');
  });

  it('measure the rates of both in the last second', () => {
    const turns = new Turns(ratioRule('1:1', 'ms'), 0);
    turns.onlineDone(100, 10);
    turns.backupDone(700, 20);
    turns.backupDone(1, 1_000);
    expect(turns.rates(1_000)).toEqual({ online: 100, backup: 700 });
    expect(turns.rates(5_000)).toEqual({ online: 0, backup: 0 });
  });
});

describe('a ratio', () => {
  it.each(['1:0', '0:1', '1', '1:1:1', 'a:b', '1001:1', '-1:1', '1.5:1', '', '99999:1'])(
    'is not %j',
    (text) => {
      let code = '';
      try {
        ratioRule(text, 'ms');
      } catch (error) {
        code = (error as ArrayError).code;
      }
      expect(code).toBe('EINVAL');
    },
  );

  it('has a chunk, or four milliseconds, for 1', () => {
    const share = (kind: TurnKind, unit: 'bytes' | 'ms') => ratioRule('3:2', unit)[kind].value;
    expect([share('online', 'ms'), share('backup', 'ms')]).toEqual([12, 8]);
    expect([share('online', 'bytes'), share('backup', 'bytes')]).toEqual([768 * KIB, 512 * KIB]);
  });

  it.each<[string, string, 'bytes' | 'ms']>([
    ['10:1', '10:1', 'ms'],
    ['2:2', '1:1', 'bytes'],
    ['600:1000', '3:5', 'ms'],
  ])('of %s is told as %s', (text, told, unit) => {
    expect(ratioText(ratioRule(text, unit))).toBe(told);
  });

  it('is none between a time and an amount', () => {
    expect(ratioText({ online: ms(40), backup: bytes(40) })).toBeUndefined();
  });
});

describe('a share', () => {
  it.each<[string, Share]>([
    ['256K', bytes(256 * KIB)],
    ['1', bytes(1)],
    ['1G', bytes(TURN_BYTES_MAX)],
    ['40ms', ms(40)],
    ['60s', ms(TURN_MS_MAX)],
  ])('of %s is what it says', (text, share) => {
    expect(parseShare(text)).toEqual(share);
  });

  it.each(['', '0', '0ms', '1.5G', '61s', '9999999ms', '-1ms', 'ms', '4 ms'])(
    'is not %j',
    (text) => {
      expect(() => parseShare(text)).toThrow(/^EINVAL/);
    },
  );
});
