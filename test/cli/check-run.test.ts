/** How the end of the checking process becomes an outcome, whatever end it is. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckReport } from '../../src/cli/check.js';
import { reportText } from '../../src/cli/check-command.js';
import { runCheck } from '../../src/cli/check-run.js';

const CLEAN: CheckReport = {
  findings: [],
  blocksChecked: 2,
  bytesChecked: 32_768,
  volumes: 1,
  snapshots: 3,
  logBatches: 0,
};

let directory = '';

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'arrayfs-check-'));
});

afterAll(() => rmSync(directory, { recursive: true }));

/** Runs a checking process with this program text. */
function runChild(program: string, progress: number[] = []): Promise<CheckReport> {
  const path = join(directory, 'child.mjs');
  writeFileSync(path, program);
  return runCheck('/srv/a', true, (done) => progress.push(done), path);
}

describe('runCheck', () => {
  it('returns the report, and progress on the way', async () => {
    const progress: number[] = [];
    const messages = [
      { kind: 'progress', done: 5, total: 10 },
      { kind: 'report', report: CLEAN },
    ];
    const report = await runChild(
      `for (const m of ${JSON.stringify(messages)}) process.send(m);
       process.send({ kind: 'progress', done: 6, total: 10 }, () => process.exit(0));`,
      progress,
    );
    expect(report).toEqual(CLEAN);
    expect(progress).toEqual([5, 6]);
  });

  it('passes directory and mode on', async () => {
    const report = await runChild(
      `process.send({ kind: 'error', code: 'EINVAL', reason: process.argv.slice(2).join(' ') });
       process.disconnect();`,
    ).catch((error: unknown) => error);
    expect(report).toMatchObject({ code: 'EINVAL', reason: '/srv/a repair' });
  });

  it.each(['SIGSEGV', 'SIGBUS', 'SIGABRT'])('makes a finding of a crash by %s', async (signal) => {
    const report = await runChild(
      `process.kill(process.pid, '${signal}'); setTimeout(() => {}, 9e5);`,
    );
    expect(report.findings).toHaveLength(1);
    expect(report.findings[0]).toMatchObject({
      kind: 'unreadable',
      pool: '/srv/a',
      repaired: false,
    });
    expect(report.findings[0]?.detail).toContain(signal);
  });

  it.each([
    [
      'another signal',
      "process.kill(process.pid, 'SIGTERM'); setTimeout(() => {}, 9e5);",
      'SIGTERM',
    ],
    ['an end without a report', 'process.exit(3);', 'status 3'],
  ])('fails on %s', async (_what, program, reason) => {
    await expect(runChild(program)).rejects.toThrow(reason);
  });
});

describe('reportText', () => {
  it('is one line for a clean store', () => {
    expect(reportText(CLEAN)).toBe('clean: 1 volumes, 3 snapshots, 2 blocks (32K) checked');
  });

  it('has a line for each finding, and says which were repaired', () => {
    const finding = { pool: 'main', subject: 'db block 7', detail: 'wrong checksum' };
    const report = {
      ...CLEAN,
      findings: [
        { ...finding, kind: 'damaged-block', repaired: false },
        { ...finding, kind: 'wrong-count', repaired: true },
      ],
    };
    expect(reportText(report).split('\n')).toEqual([
      'damaged-block main db block 7: wrong checksum',
      'wrong-count main db block 7: wrong checksum (repaired)',
      '2 found, 1 repaired: 1 volumes, 3 snapshots, 2 blocks (32K) checked',
    ]);
  });
});
