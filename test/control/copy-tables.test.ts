/** What status/progress tells of copies that are under way. */
import { expect, it } from 'vitest';
import { ArrayFixture } from '../array/array-fixture.js';
import { tableNamed } from './table-named.js';

it('has how far, how fast and through which port a copy goes, and why', async () => {
  const { array, clock } = await ArrayFixture.open();
  const table = tableNamed('progress');
  let end = (_result: string) => {};
  const started = (subject: string) =>
    array.jobList.start('ecopy', subject, 'bytes', () => {
      return new Promise<string>((resolve) => {
        end = resolve;
      });
    });
  started('db db2');
  const job = started('db tape0/AFS001');
  job.progress(2 ** 20, 3 * 2 ** 20, clock.nowMs());
  job.copyProgress = () => ({
    ...{ phase: 'moving', port: 'CL2-C', microprocessor: 'CL2-M0', attempts: 2, moves: 1 },
    ...{ portReason: 'CL2 is idle', turn: 'no host request for 2 ms', bytesPerSecond: 2 ** 20 },
    ...{ copyPointerBytes: 2 ** 21, sharedBytes: 512 },
  });
  const lines = table.text(array).split('\n');
  expect(lines.map((line) => line.trim().split(/ {2,}/))).toEqual([
    [
      ...['JOB', 'SUBJECT', 'PHASE', 'POINTER', 'COPY-POINTER', 'TOTAL', 'RATE', 'LEFT'],
      ...['PORT', 'BY', 'TAKEN-UP', 'MOVED', 'WHY-PORT', 'WHO-GOES'],
    ],
    ['1', 'db db2', '-', '0', '-', '0', '-', '-', '-', '-', '0', '0', '-', '-'],
    [
      ...[
        '2',
        'db tape0/AFS001',
        'moving',
        '1M',
        '2M',
        '3M',
        '1M/s',
        '0:02',
        'CL2-C',
        'CL2-M0',
        '2',
        '1',
      ],
      ...['CL2 is idle', 'no host request for 2 ms'],
    ],
    [''],
  ]);
  expect(JSON.parse(table.json(array))[1]).toEqual({
    ...{ job: 2, subject: 'db tape0/AFS001', phase: 'moving', pointerBytes: 2 ** 20 },
    ...{ totalBytes: 3 * 2 ** 20, bytesPerSecond: 2 ** 20, secondsLeft: 2, port: 'CL2-C' },
    ...{ copyPointerBytes: 2 ** 21, sharedBytes: 512 },
    ...{ microprocessor: 'CL2-M0', attempts: 2, moves: 1, portReason: 'CL2 is idle' },
    turn: 'no host request for 2 ms',
  });
  end('done');
  await job.whenEnded();
  expect(JSON.parse(table.json(array))).toHaveLength(1);
});
