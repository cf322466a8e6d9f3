/** The end of a growing text, in pieces. */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lastLines, linesSince } from '../../src/client/event-tail.js';

let directory = '';
let path = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'arrayfs-events-'));
  path = join(directory, 'events');
});

afterEach(() => rmSync(directory, { recursive: true }));

describe('lastLines', () => {
  it.each([
    [0, ''],
    [1, 'three\n'],
    [2, 'two\nthree\n'],
    [9, 'one\ntwo\nthree\n'],
  ])('returns %i lines', async (count, text) => {
    writeFileSync(path, 'one\ntwo\nthree\n');
    expect(await lastLines(path, count)).toEqual({ text, nextOffset: 14 });
  });

  it('finds lines that begin before the last 64 KiB, whole', async () => {
    const lines = Array.from({ length: 5_000 }, (_, index) => `${index} ${'x'.repeat(60)}\n`);
    writeFileSync(path, lines.join(''));
    const { text } = await lastLines(path, 3_000);
    expect(text).toBe(lines.slice(-3_000).join(''));
  });

  it('leaves a line that is still being written', async () => {
    writeFileSync(path, 'one\nhal');
    expect(await lastLines(path, 5)).toEqual({ text: 'one\n', nextOffset: 4 });
  });

  it('returns nothing of an empty file', async () => {
    writeFileSync(path, '');
    expect(await lastLines(path, 5)).toEqual({ text: '', nextOffset: 0 });
  });
});

describe('linesSince', () => {
  it('returns what was appended, each line once', async () => {
    writeFileSync(path, 'one\n');
    const first = await lastLines(path, 0);
    appendFileSync(path, 'two\nthr');
    const second = await linesSince(path, first.nextOffset);
    appendFileSync(path, 'ee\n');
    const third = await linesSince(path, second.nextOffset);
    expect([second.text, third.text]).toEqual(['two\n', 'three\n']);
    expect((await linesSince(path, third.nextOffset)).text).toBe('');
  });

  it('begins again with the file of a new mount', async () => {
    writeFileSync(path, 'new\n');
    expect((await linesSince(path, 1_000)).text).toBe('new\n');
  });
});
