/** ctl/ecopy as a command: words, options, and what is asked of the array. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { runCommand } from '../../src/control/command-handlers.js';
import { parseCommand } from '../../src/control/command-parser.js';
import { findCommand } from '../../src/control/command-table.js';
import { FakeArray } from './fake-array.js';

let array: FakeArray;
beforeEach(() => {
  array = new FakeArray();
});

async function run(line: string, name = 'ecopy'): Promise<string> {
  const command = findCommand(name);
  if (command === undefined) throw new Error('there is no such command');
  try {
    return await runCommand(array, parseCommand(command, Buffer.from(line)), { owner: undefined });
  } catch (error) {
    return (error as Error).message;
  }
}

describe('ecopy', () => {
  it('hands words and options on, and answers with the job', async () => {
    const atMs = array.nowMs() + 3_600_000;
    const options = 'at=+1h force=yes pool=mirror group=g1 port=CL1-C plain=yes backup=3';
    expect(await run(`db@monday db2 ${options}`)).toBe('job 1 ecopy db@monday db2');
    expect(array.ecopies.images).toEqual([
      {
        ...{ source: 'db@monday', destination: 'db2', force: true, plain: true, split: false },
        ...{ atMs, poolName: 'mirror', group: 'g1', port: 'CL1-C' },
        backup: '3',
      },
    ]);
  });

  it.each([
    ['#12 tape0/AFS001', 'job 1 ecopy #12 tape0/AFS001'],
    ['tape0/AFS001 db', 'job 1 ecopy tape0/AFS001 db'],
    ['db', 'EINVAL: missing DESTINATION'],
    ['db:copy tape0/AFS001 split=yes policy=wait', 'job 1 ecopy db:copy tape0/AFS001'],
    ['db device=any kind=tape', 'job 1 ecopy db '],
    ['db AFS001 device=any', 'EINVAL: device=any and kind= go together'],
    ['db AFS001 kind=tape', 'EINVAL: device=any and kind= go together'],
    [
      'db tape0/AFS001 policy=never',
      "EINVAL: policy= is one of merge wait copy-first parallel, not 'never'",
    ],
    ['db db2@monday', "EINVAL: 'db2@monday' is not the name of a volume"],
    ['db tape0/', "EINVAL: 'tape0/' is not DEVICE/MEDIUM"],
    ['db tape0/a/b', "EINVAL: 'tape0/a/b' is not DEVICE/MEDIUM"],
  ])('%s: %s', async (line, expected) => {
    expect(await run(line)).toBe(expected);
  });

  it('is answered when all is so that the order promises, or with what went wrong', async () => {
    let begin: () => void = () => undefined;
    array.ecopies.begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    let answer = 'none';
    const answered = run('db:copy tape0/AFS001 split=yes').then((text) => {
      answer = text;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(answer).toBe('none');
    begin();
    await answered;
    expect(answer).toBe('job 1 ecopy db:copy tape0/AFS001');
    array.ecopies.begun = Promise.reject(new ArrayError('EIO', 'the pool has failed'));
    expect(await run('db:copy tape0/AFS001 split=yes')).toBe('EIO: the pool has failed');
    expect(await run('7', 'retry')).toBe('EIO: the pool has failed');
  });

  it('is refused where nothing may be changed', async () => {
    array = new FakeArray(true);
    expect(await run('db db2')).toMatch(/^EROFS/);
  });
});

describe('retry', () => {
  it.each([
    ['7', 'job 1 ecopy db tape0/AFS001'],
    ['8', 'EBUSY: job 8 is running'],
    ['db', "EINVAL: not the number of a job: 'db'"],
  ])('%s: %s', async (line, expected) => {
    expect(await run(line, 'retry')).toBe(expected);
  });
});
