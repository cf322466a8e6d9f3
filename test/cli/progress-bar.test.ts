/** What a bar shows, and that it shows nothing where there is no terminal. */
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/base/clock.js';
import { barLine, ProgressBar } from '../../src/cli/progress-bar.js';

const GIB = 2 ** 30;

function clockAt(times: number[]): Clock {
  return { monotonicMs: () => times.shift() ?? 0 } as unknown as Clock;
}

describe('barLine', () => {
  it.each([
    [0, 0, 'job [............................]   0% 0 of 2G'],
    [GIB, GIB / 2, 'job [##############..............]  50% 1G of 2G  512M/s  0:02 left'],
    [2 * GIB, GIB, 'job [############################] 100% 2G of 2G  1G/s'],
  ])('shows %i bytes at %i/s', (done, rate, line) => {
    expect(barLine('job', { done, total: 2 * GIB, unit: 'bytes' }, rate)).toBe(line);
  });

  it('shows only what is done while the total is unknown', () => {
    expect(barLine('job', { done: 30, total: 0, unit: 'blocks' }, 10)).toBe('job 30  10/s');
  });

  it('shows the label alone where nothing is counted', () => {
    expect(barLine('thaw', { done: 0, total: 0, unit: 'pieces' }, 0)).toBe('thaw');
  });

  it('never claims more than all', () => {
    expect(barLine('job', { done: 3, total: 2, unit: 'blocks' }, 0)).toContain('100%');
  });
});

describe('ProgressBar', () => {
  function streamOf(isTTY: boolean) {
    const written: string[] = [];
    return { isTTY, columns: 40, written, write: (text: string) => written.push(text) };
  }

  it('draws nothing where it is not a terminal', () => {
    const stream = streamOf(false);
    const bar = new ProgressBar('job', clockAt([0, 1_000]), stream);
    bar.update({ done: 1, total: 2, unit: 'blocks' });
    bar.end();
    expect(stream.written).toEqual([]);
  });

  it('draws over itself, within the width, and removes itself', () => {
    const stream = streamOf(true);
    const bar = new ProgressBar('job', clockAt([0, 1_000]), stream);
    bar.update({ done: 1, total: 200, unit: 'blocks' });
    bar.update({ done: 101, total: 200, unit: 'blocks' });
    bar.end();
    expect(stream.written).toHaveLength(3);
    expect(stream.written.every((text) => text.startsWith('\r\u001b[K') && text.length <= 44)).toBe(
      true,
    );
  });
});
