/** What is read out of fio's JSON. */
import { describe, expect, it } from 'vitest';
import { type FioReport, fioResult } from '../../../scripts/benchmark/fio.js';

const NONE = { io_bytes: 0, total_ios: 0, runtime: 0, clat_ns: {} };
const latency = (us: number) => ({ percentile: { '50.000000': us * 500, '99.000000': us * 1000 } });
const direction = (ios: number, runtime: number, us: number) => ({
  ...{ io_bytes: ios * 4096, total_ios: ios, runtime, clat_ns: latency(us) },
});
const report = (changes: object, error = 0): FioReport => ({
  jobs: [{ error, read: NONE, write: NONE, sync: { lat_ns: { N: 0 } }, ...changes }],
});

describe('fioResult', () => {
  it('gives rates over the whole runtime, with the sync at its end', () => {
    expect(fioResult(report({ write: direction(1000, 500, 70) }))).toEqual({
      ...{ operationsPerSecond: 2000, bytesPerSecond: 2000 * 4096, p50Us: 35, p99Us: 70 },
    });
  });

  it('adds reads and writes, and takes the latency of reads', () => {
    const mixed = report({ read: direction(700, 1000, 20), write: direction(300, 1000, 900) });
    expect(fioResult(mixed)).toMatchObject({ operationsPerSecond: 1000, p99Us: 20 });
  });

  it('takes the latency of the sync where each write is synced', () => {
    const sync = { lat_ns: { N: 100, ...latency(400) } };
    expect(fioResult(report({ write: direction(100, 1000, 5), sync })).p99Us).toBe(400);
  });

  it('takes the latency of writes where only the end is synced', () => {
    const sync = { lat_ns: { N: 16, ...latency(400_000) } };
    expect(fioResult(report({ write: direction(1000, 1000, 5), sync })).p99Us).toBe(5);
  });

  it.each([
    ['an error', report({ write: direction(1, 1, 1) }, 5)],
    ['nothing done', report({})],
    ['no job', { jobs: [] }],
  ])('fails on %s', (_what, content) => {
    expect(() => fioResult(content)).toThrow(/^fio/);
  });
});
