/** The intent log: group commit, failures, and the ring against a model. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { IntentLog } from '../../src/store/intent-log.js';
import { type LogDevice, MemoryLog } from '../../src/store/log-device.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { begunLog, bytesOf, PAGE, RECORD, readTexts, SEED } from './log-fixture.js';

let device: MemoryLog;
let log: IntentLog;
beforeEach(async () => {
  ({ device, log } = await begunLog());
});

function read(from: LogDevice = device, record = RECORD): string[] {
  return readTexts(from, record);
}

describe('IntentLog.append', () => {
  it('is read again in order', async () => {
    for (const text of ['one', '', 'x'.repeat(2 * PAGE), 'four'])
      await log.append(bytesOf(text), 1);
    expect(read()).toEqual(['one', '', 'x'.repeat(2 * PAGE), 'four']);
  });

  it('is durable when it resolves, and not before', async () => {
    const done = log.append(bytesOf('one'), 1);
    expect(read(device.copy())).toEqual([]);
    await done;
    expect(read(device.copy())).toEqual(['one']);
  });

  it('shares the next batch with those who come while one is written', async () => {
    const first = log.append(bytesOf('a'), 1);
    const others = ['b', 'c', 'd'].map((text) => log.append(bytesOf(text), 1));
    expect(log.durable()).toBe(others[2]);
    await Promise.all([first, ...others]);
    expect(read()).toEqual(['a', 'bcd']);
    await log.durable();
  });

  it('rejects all who wait when the disk fails, and all who come later', async () => {
    device.failure = new ArrayError('ENOSPC', 'the disk is full');
    const waiting = [log.append(bytesOf('a'), 1), log.append(bytesOf('b'), 1)];
    for (const done of waiting) await expect(done).rejects.toMatchObject({ code: 'ENOSPC' });
    device.failure = undefined;
    expect([log.failure?.code, log.hasRoom(1)]).toEqual(['ENOSPC', false]);
    await expect(log.append(bytesOf('c'), 1)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(read()).toEqual([]);
  });

  it('ends for good with fail', async () => {
    log.fail(new ArrayError('EIO', 'damaged'));
    expect(log.hasRoom(1)).toBe(false);
    await expect(log.append(bytesOf('a'), 1)).rejects.toMatchObject({ code: 'EIO' });
  });

  it('is waited for by close', async () => {
    const done = log.append(bytesOf('a'), 1);
    await log.close();
    await done;
    expect(read()).toEqual(['a']);
  });
});

describe('the ring of the intent log', () => {
  it('has room for what fits before its end, and says how much it uses', async () => {
    expect([log.usedBytes, log.hasRoom(14 * PAGE - 14), log.hasRoom(14 * PAGE - 13)]).toEqual([
      0,
      true,
      false,
    ]);
    await log.append(new Uint8Array(7 * PAGE), 1);
    expect([log.usedBytes, log.isFilling]).toEqual([8 * PAGE, true]);
    expect([log.hasRoom(6 * PAGE - 14), log.hasRoom(6 * PAGE - 13)]).toEqual([true, false]);
  });

  it('counts what is waiting as taken', () => {
    void log.append(new Uint8Array(PAGE), 1);
    void log.append(new Uint8Array(8 * PAGE), 1);
    expect([log.hasRoom(4 * PAGE - 14), log.hasRoom(4 * PAGE - 13)]).toEqual([true, false]);
  });

  it('goes on at its start where published batches left room', async () => {
    await log.append(bytesOf('a'.repeat(5 * PAGE)), 1);
    await log.append(bytesOf('b'.repeat(5 * PAGE)), 2);
    expect(log.hasRoom(4 * PAGE)).toBe(false);
    const record = log.recordAt(1);
    expect(record).toEqual({ ...RECORD, position: 8 * PAGE, batch: 2 });
    log.published(1);
    expect(log.hasRoom(5 * PAGE - 14)).toBe(true);
    await log.append(bytesOf('c'.repeat(4 * PAGE)), 3);
    expect(read(device, record).map((payload) => payload[0])).toEqual(['b', 'c']);
    expect(log.hasRoom(1)).toBe(false);
    expect(log.recordAt(2)).toEqual({ ...RECORD, position: 2 * PAGE, batch: 3 });
  });

  it('begins behind the newest batch when everything is published', async () => {
    await log.append(bytesOf('a'), 1);
    expect(log.recordAt(1)).toEqual({ ...RECORD, position: 3 * PAGE, batch: 2 });
    log.published(1);
    expect([log.usedBytes, read(device, log.recordAt(1))]).toEqual([0, []]);
  });

  it('keeps an older batch that a newer generation shares', async () => {
    await log.append(bytesOf('both'), 2);
    await log.append(bytesOf('next'), 2);
    log.published(1);
    expect(read(device, log.recordAt(1))).toEqual(['both', 'next']);
  });

  it.each(Array.from({ length: repeat(30) }, (_, index) => 8_000 + index))(
    'holds what is not published after a crash at any time, seed %d',
    async (seed) => {
      const random = new RandomSource(seed);
      const pages = random.pick([6, 9, 16, 40]);
      const ring = new MemoryLog(pages * PAGE);
      const writer = new IntentLog(ring, RECORD);
      await writer.begin(SEED);
      let stored = RECORD;
      let sequence = 1;
      let kept: { text: string; sequence: number }[] = [];
      for (let turn = 0; turn < 150; turn += 1) {
        const text = `${turn}:`.padEnd(random.pick([1, 10, 5_000, 20_000]), 'x');
        if (writer.hasRoom(text.length)) {
          await writer.append(bytesOf(text), sequence);
          kept.push({ text, sequence });
        } else {
          stored = writer.recordAt(sequence);
          writer.published(sequence);
          kept = [];
        }
        if (random.chance(0.2)) sequence += 1;
        if (random.chance(0.1)) {
          const published = random.integer(Math.max(0, sequence - 3), sequence);
          stored = writer.recordAt(published);
          writer.published(published);
          kept = dropPublished(kept, published);
        }
        expect(read(ring.copy(), stored)).toEqual(kept.map((batch) => batch.text));
      }
    },
  );
});

/** The space of batches is free up to the first one that is still needed. */
function dropPublished<T extends { sequence: number }>(kept: readonly T[], published: number): T[] {
  const first = kept.findIndex(({ sequence }) => sequence > published);
  return first < 0 ? [] : kept.slice(first);
}
