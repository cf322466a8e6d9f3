/** The history: one text whose offsets stay true while mounted, shortened only when it is opened. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ArrayFixture } from './array-fixture.js';

/** A hundred thousand events would be slow to make; ten show the same. */
const KEPT = 10;
vi.mock('../../src/base/limits.js', async (original) => {
  return { ...(await original<object>()), EVENTS_MAX: 10 };
});

let fixture: ArrayFixture;
beforeEach(async () => {
  fixture = await ArrayFixture.open();
});

function record(count: number, message = 'm'): void {
  for (let index = 0; index < count; index += 1) {
    fixture.array.recordEvent('TEST', `s${index}`, message);
  }
}

function text(offset = 0, size = 1e6): string {
  const target = Buffer.alloc(size);
  return target.subarray(0, fixture.array.events.read(offset, target)).toString();
}

describe('the text of events', () => {
  it('is a line for each: time, code, subject, message', async () => {
    expect([text(), fixture.array.events.sizeBytes]).toEqual(['', 0]);
    fixture.array.recordEvent('TEST', 'db', 'one');
    await fixture.clock.advance(1_500);
    fixture.array.recordEvent('TEST', '-', 'two');
    expect(text()).toBe(
      '2026-01-01T00:00:00.000Z TEST db one\n2026-01-01T00:00:01.500Z TEST - two\n',
    );
    expect(fixture.array.events.sizeBytes).toBe(text().length);
  });

  it('counts bytes, not characters', () => {
    record(2, 'ä€');
    expect(fixture.array.events.sizeBytes).toBe(Buffer.byteLength(text()));
  });

  it.each([1, 7, 40, 1_000])('is the same when read in pieces of %d bytes', (size) => {
    record(8, 'a message ä');
    const whole = Buffer.from(text());
    const pieces: Buffer[] = [];
    for (let offset = 0; offset < whole.length; offset += size) {
      const piece = Buffer.alloc(size);
      pieces.push(piece.subarray(0, fixture.array.events.read(offset, piece)));
    }
    expect(Buffer.concat(pieces).equals(whole)).toBe(true);
  });

  it('ends at its end', () => {
    record(2);
    const { sizeBytes } = fixture.array.events;
    expect([text(sizeBytes), text(sizeBytes + 5), text(sizeBytes - 2, 10)]).toEqual([
      '',
      '',
      'm\n',
    ]);
  });

  it('keeps what was read at an offset while events are added', async () => {
    record(3);
    const before = text();
    await fixture.array.sync();
    record(3 * KEPT);
    expect(text(0, before.length)).toBe(before);
    expect(text().startsWith(before)).toBe(true);
  });

  it('is one line whatever the message holds', () => {
    fixture.array.recordEvent('TEST', 'db', 'two\nlines\0');
    expect(text()).toMatch(/TEST db two\\x0alines\\x00\n$/);
  });

  it('cuts a message that is too long', () => {
    record(1, 'x'.repeat(5_000));
    expect(fixture.array.recentEvents(1)[0]?.message).toHaveLength(1_024);
  });

  it('is read the same from the store as from memory', async () => {
    record(9_000, 'message');
    const before = text();
    await fixture.array.sync();
    record(1);
    expect(text().startsWith(before)).toBe(true);
    expect(text(before.length)).toMatch(/TEST s0 m\n$/);
  });
});

describe('events after a remount', () => {
  it('are there after a clean stop', async () => {
    record(3);
    const before = text();
    await fixture.remount();
    expect(text()).toBe(before);
    record(1);
    expect(text().split('s0 m\n')).toHaveLength(3);
  });

  it('are there after a kill as far as they were durable', async () => {
    record(3);
    await fixture.array.sync();
    const before = text();
    record(3);
    await fixture.remount('killed');
    expect(text()).toBe(before);
  });

  it('are the newest, and begin at offset 0', async () => {
    record(3 * KEPT);
    const before = text();
    await fixture.remount();
    const lines = before.trimEnd().split('\n');
    expect(text()).toBe(`${lines.slice(-KEPT).join('\n')}\n`);
    expect(fixture.array.events.sizeBytes).toBe(text().length);
  });

  it('are dropped for good', async () => {
    record(3 * KEPT);
    await fixture.remount();
    await fixture.remount();
    expect(text().trimEnd().split('\n')).toHaveLength(KEPT);
    expect(fixture.array.recentEvents(100)).toHaveLength(KEPT);
  });

  it('are read at the right offsets when older ones are gone', async () => {
    record(3 * KEPT, 'a longer message');
    await fixture.remount();
    record(2, 'and a new one');
    const whole = text();
    for (let offset = 0; offset < whole.length; offset += 13) {
      expect(text(offset, 20)).toBe(whole.slice(offset, offset + 20));
    }
  });

  it('have numbers that go on', async () => {
    record(2);
    await fixture.remount();
    record(1);
    expect(fixture.array.recentEvents(9).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });
});

describe('recentEvents', () => {
  it('are the newest, oldest first', () => {
    record(5);
    expect(fixture.array.recentEvents(2).map(({ subject }) => subject)).toEqual(['s3', 's4']);
    expect(fixture.array.recentEvents(0)).toEqual([]);
  });
});
