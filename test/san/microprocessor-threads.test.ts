/** Real threads over the shared memory: one at a time searches, and whoever is terminated leaves nothing locked. */
import { afterEach, describe, expect, it } from 'vitest';
import { controlOwner } from '../../src/san/exclusive-control.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { tableOf } from './memory-fixture.js';
import { ManyThreads } from './threads-fixture.js';

const INITIATORS = ['CL1-C', 'CL2-C'] as const;
let threads: ManyThreads | undefined;

afterEach(async () => {
  await threads?.close();
  threads = undefined;
});

const upTo = (count: number) => Array.from({ length: count }, (_unused, number) => number);
/** The numbers without those that repeat the one before. */
const once = (numbers: readonly number[]) =>
  numbers.filter((number, index) => number !== numbers[index - 1]);

describe('microprocessors as threads', () => {
  it('copy a request each, every chunk once and in order', async () => {
    const many = new ManyThreads({ 'CL1-C': 'found', 'CL2-C': 'found' });
    threads = many;
    many.start();
    const slots = upTo(6).map((number) => many.place(100, [INITIATORS[number % 2] ?? 'CL1-C']));
    await many.until(() => many.allHaveEnded);
    expect(slots.map((slot) => many.board.outcome(slot))).toEqual(slots.map(() => 'done'));
    for (const request of slots.keys()) expect(many.device.written(request)).toEqual(upTo(100));
    expect(many.device.mostInside).toBe(1);
  });

  it('search one at a time, and each port of each request once', async () => {
    const many = new ManyThreads({ 'CL1-C': 'no-path', 'CL2-C': 'busy', 'CL1-D': 'missing' });
    threads = many;
    many.start();
    const requests = repeat(50);
    for (let done = 0; done < requests; done += 1) {
      const slot = many.place(0, ['CL1-C', 'CL2-C', 'CL1-D']);
      await many.until(() => many.hasEnded(slot));
      expect(slot.results().map(({ reason }) => reason)).toEqual(['no-path', 'busy', 'missing']);
      await many.until(() => many.board.free(slot));
    }
    expect([many.device.searches, many.device.mostInside]).toEqual([3 * requests, 1]);
    expect(controlOwner(many.memory)).toBeUndefined();
  });

  it('never leave the memory locked when one is terminated that has control', async () => {
    const many = new ManyThreads({ 'CL1-C': 'hang', 'CL2-C': 'found' });
    threads = many;
    many.start([0]);
    const slot = many.place(20, INITIATORS);
    await many.until(() => many.device.hanging === 1);
    expect([controlOwner(many.memory), slot.status().state]).toEqual([1, 'searching']);
    await many.kill(0);
    expect([controlOwner(many.memory), slot.status().state]).toEqual([undefined, 'placed']);
    many.board.withdraw(1);
    many.start([2]);
    await many.until(() => many.hasEnded(slot));
    expect([many.board.outcome(slot), many.device.written(0)]).toEqual(['done', upTo(20)]);
  });

  it('take control from one that hangs when its lease is over', async () => {
    const many = new ManyThreads({ 'CL1-C': 'hang', 'CL2-C': 'found' });
    threads = many;
    many.start([0, 2]);
    const slot = many.place(20, INITIATORS);
    await many.until(() => many.hasEnded(slot));
    expect(slot.results()).toEqual([
      { port: 'CL1-C', reason: 'no-answer' },
      { port: 'CL2-C', reason: 'found' },
    ]);
    expect(many.device.written(0)).toEqual(upTo(20));
    expect(many.board.free(slot)).toBe(false);
    await many.kill(0);
    expect(many.board.free(slot)).toBe(true);
  });

  it('go on at the progress pointer when a whole controller is killed', async () => {
    const many = new ManyThreads({ 'CL1-C': 'found', 'CL2-C': 'found' });
    threads = many;
    many.start();
    const slot = many.place(1_000, INITIATORS);
    await many.until(() => many.device.written(0).length >= 300);
    expect(slot.port).toBe('CL1-C');
    await many.kill(0);
    await many.kill(1);
    await many.until(() => many.hasEnded(slot));
    expect([many.board.outcome(slot), slot.port]).toEqual(['done', 'CL2-C']);
    const written = many.device.written(0);
    expect(once(written)).toEqual(upTo(1_000));
    expect(written.length).toBeLessThanOrEqual(1_002);
  });

  it('hand over to another port while they write, and back', async () => {
    const many = new ManyThreads({ 'CL1-C': 'found', 'CL2-C': 'found' });
    threads = many;
    many.start();
    const slot = many.place(900, INITIATORS);
    const used: unknown[] = [];
    for (const at of [200, 400, 600]) {
      await many.until(() => many.device.written(0).length >= at);
      used.push(slot.port);
      const [other, same] = slot.port === 'CL1-C' ? (['CL2-C', 'CL1-C'] as const) : INITIATORS;
      expect(many.board.handOver(slot, tableOf([other, same]))).toBe(true);
      await many.until(() => slot.status().state === 'transferring' && slot.port === other);
    }
    await many.until(() => many.hasEnded(slot));
    expect(used).toEqual(['CL1-C', 'CL2-C', 'CL1-C']);
    expect(many.device.written(0)).toEqual(upTo(900));
  });

  it('lose no chunk and write none wrong when killed at any time (seeds 1 to 5, more with --long)', async () => {
    for (let seed = 1; seed <= repeat(5); seed += 1) {
      const many = new ManyThreads({ 'CL1-C': 'found', 'CL2-C': 'found' });
      threads = many;
      const kills = await killAtRandom(many, new RandomSource(seed));
      for (const request of [0, 1, 2]) {
        const written = many.device.written(request);
        expect(once(written), `seed ${seed}`).toEqual(upTo(150));
        expect(written.length - 150, `seed ${seed}`).toBeLessThanOrEqual(kills);
      }
      expect(controlOwner(many.memory), `seed ${seed}`).toBeUndefined();
      await many.close();
    }
  });
});

/** Three requests; one worker after the other is terminated and started again. Tells how many. */
async function killAtRandom(many: ManyThreads, random: RandomSource): Promise<number> {
  many.start();
  const slots = [0, 1, 2].map((number) => {
    return many.place(150, number === 1 ? ['CL2-C', 'CL1-C'] : INITIATORS);
  });
  const written = () => [0, 1, 2].reduce((sum, slot) => sum + many.device.written(slot).length, 0);
  let kills = 0;
  while (!many.allHaveEnded) {
    const target = written() + random.integer(0, 100);
    await many.until(() => many.allHaveEnded || written() >= target);
    const index = random.integer(0, 3);
    await many.kill(index);
    kills += 1;
    await many.restart(index, tableOf(random.chance(0.5) ? INITIATORS : ['CL2-C', 'CL1-C']));
  }
  expect(slots.map((slot) => many.board.outcome(slot))).toEqual(['done', 'done', 'done']);
  return kills;
}
