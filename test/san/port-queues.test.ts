/** The queue of a port that carries requests of hosts and backup data, in simulated time. */
import { beforeEach, describe, expect, it } from 'vitest';
import { PortQueue, PortQueues } from '../../src/san/port-queues.js';
import { QUIET_MS, ratioRule } from '../../src/san/turns.js';
import { ManualClock } from '../support/manual-clock.js';

const REQUEST = 64 * 1024;
const CHUNK = 256 * 1024;

let clock: ManualClock;
let queue: PortQueue;
/** Who went, in order. */
let gone: string;

beforeEach(() => {
  clock = new ManualClock();
  queue = new PortQueue(clock, ratioRule('1:1', 'bytes'));
  gone = '';
});

const online = (name = 'o') => {
  void queue.online(REQUEST, () => {
    gone += name;
  });
};
const backup = (name = 'B') => {
  const turn = queue.backup(CHUNK);
  if (turn === undefined) gone += name;
  else
    void turn.then(() => {
      gone += name;
    });
};

describe('the queue of a port', () => {
  it('lets each of the two through at once where the other is not there', () => {
    expect(queue.online(REQUEST, () => 'begun')).toBe('begun');
    expect(new PortQueue(clock, queue.rule).backup(CHUNK)).toBeUndefined();
  });

  it('holds backup while requests come, until their share is used up, and then requests', async () => {
    for (let count = 0; count < 3; count += 1) online();
    backup();
    await clock.yield();
    expect(gone).toBe('ooo');
    // The fourth request fills the share of 256 KiB.
    online();
    await clock.yield();
    expect(gone).toBe('oooo');
    // With the next one the chunk goes, and fills that of backup.
    online();
    backup();
    await clock.yield();
    expect(gone).toBe('oooooB');
  });

  it('keeps the order of each kind', async () => {
    online();
    for (const name of ['1', '2', '3']) backup(name);
    await clock.yield();
    expect(gone).toBe('o');
    await clock.advance(QUIET_MS);
    expect(gone).toBe('o123');
  });

  it('begins what waits before what comes after it was let through', () => {
    const share = { unit: 'bytes', value: 1 } as const;
    queue.setRule({ online: share, backup: share });
    online('1');
    // The second chunk waits, and goes before the second request.
    backup();
    backup();
    for (const name of ['2', '3', '4']) online(name);
    expect(gone).toBe('1B234');
  });

  it('fails a request that waited with its own error', async () => {
    const share = { unit: 'bytes', value: 1 } as const;
    queue.setRule({ online: share, backup: share });
    for (const _ of [1, 2]) {
      online();
      backup();
    }
    const fail = () => {
      throw new TypeError('refused');
    };
    await expect(async () => queue.online(1, fail)).rejects.toThrow('refused');
    online('!');
    expect(gone).toMatch(/!$/);
  });

  it('lets backup go on by itself when the host is quiet', async () => {
    online();
    backup();
    await clock.advance(QUIET_MS - 1);
    expect(gone).toBe('o');
    await clock.advance(1);
    expect(gone).toBe('oB');
  });

  it('takes the end of a long request for its last sign of life', async () => {
    online();
    await clock.advance(10);
    queue.onlineDone();
    backup();
    await clock.yield();
    expect(gone).toBe('o');
    await clock.advance(QUIET_MS);
    expect(gone).toBe('oB');
  });

  it('goes by a new rule at once', async () => {
    online();
    backup();
    await clock.yield();
    queue.setRule(ratioRule('1:1000', 'bytes'));
    for (let count = 0; count < 4; count += 1) online();
    for (let count = 0; count < 20; count += 1) backup();
    await clock.yield();
    expect(gone).toMatch(/^oo*B{21}$/);
    expect(queue.rule).toEqual(ratioRule('1:1000', 'bytes'));
  });

  it('lets requests that are not held use up the share of online', async () => {
    queue.passed(REQUEST);
    backup();
    await clock.yield();
    expect(gone).toBe('');
    for (let count = 0; count < 3; count += 1) queue.passed(REQUEST);
    await clock.yield();
    expect(gone).toBe('B');
    expect(queue.reason).toMatch(/^the turn of backup/);
  });

  it('takes a host for there while its request is under way, but not for ever', async () => {
    let answer = () => {};
    queue.passed(
      1,
      new Promise<void>((resolve) => {
        answer = resolve;
      }),
    );
    backup();
    await clock.advance(500);
    expect(gone).toBe('');
    await clock.advance(500 + QUIET_MS);
    expect(gone).toBe('B');
    answer();
    await clock.yield();
    backup();
    expect(gone).toBe('B');
    await clock.advance(QUIET_MS);
    expect(gone).toBe('BB');
  });

  it('leaves nobody waiting, and no timer behind', async () => {
    for (let count = 0; count < 50; count += 1) {
      online();
      backup();
      await clock.advance(count % 3);
    }
    await clock.advance(QUIET_MS * 2);
    expect([...gone].sort().join('')).toBe('B'.repeat(50) + 'o'.repeat(50));
    expect(clock.timerCount).toBe(0);
  });

  it('tells the rates of both', async () => {
    online();
    await clock.advance(1_000);
    expect(queue.rates()).toEqual({ online: REQUEST, backup: 0 });
  });
});

describe('the queues of all ports', () => {
  it('are each its own, with one rule', () => {
    const queues = new PortQueues(clock);
    void queues.of('CL1-A').online(REQUEST, () => {});
    expect(queues.of('CL1-A').backup(CHUNK)).toBeInstanceOf(Promise);
    expect(queues.of('CL2-D').backup(CHUNK)).toBeUndefined();
    queues.setRule(ratioRule('2:3', 'ms'));
    for (const each of [queues.of('CL1-A'), queues.of('CL2-D'), queues.array]) {
      expect(each.rule).toEqual(ratioRule('2:3', 'ms'));
    }
  });

  it('count requests to images only while a backup is under way', async () => {
    const queues = new PortQueues(clock, ratioRule('1:1', 'bytes'));
    queues.requested(REQUEST, undefined);
    expect(queues.array.backup(CHUNK)).toBeUndefined();
    const ends = [queues.attend(), queues.attend()];
    ends[0]?.();
    queues.requested(REQUEST, undefined);
    expect(queues.array.backup(CHUNK)).toBeInstanceOf(Promise);
    ends[1]?.();
    await clock.advance(1_000);
    queues.requested(REQUEST, undefined);
    expect(queues.array.rates()).toEqual({ online: REQUEST, backup: 2 * CHUNK });
  });
});
