/** How jobs of an array are followed, and found again, over a directory of plain files. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { CLIENT_STOPS } from '../../../src/backup/client/errand-handler.js';
import { findJob, followJob, runJob, startJob } from '../../../src/backup/media/array-job.js';
import { orderCopy, orderedJob, orderIncrement } from '../../../src/backup/media/noted-job.js';
import { ArrayError } from '../../../src/base/errors.js';
import { cleanScratch } from '../../support/scratch-directory.js';
import { FakeArray } from '../fake-array.js';
import { FakeContext } from '../fake-context.js';

let array: FakeArray;
let context: FakeContext;

afterAll(cleanScratch);

beforeEach(() => {
  array = new FakeArray('11111111-0000-4000-8000-000000000000');
  context = new FakeContext([array.known]);
  array.write();
});

function setJob(state: string, message = ''): void {
  const job = { state, message, done: 1, total: 2, unit: 'bytes' };
  writeFileSync(join(array.mountPoint, 'jobs', '7.json'), JSON.stringify(job));
}

const follow = () => followJob(array.known, 7, context, 'copy');

describe('a job that is followed', () => {
  it('ends with its result, and its progress is told', async () => {
    setJob('running');
    const told = new Promise<void>((resolve) => {
      context.onReport = resolve;
    });
    const ended = follow();
    await told;
    setJob('done', '4M on tape0/AFS001');
    expect(await ended).toBe('4M on tape0/AFS001');
    expect(context.reports[0]).toMatchObject({ step: 'copy', done: 1, total: 2, unit: 'bytes' });
  });

  it.each([
    ['ENOSPC: cartridge AFS001 is full', 'ENOSPC', 'cartridge AFS001 is full'],
    ['something else', 'EIO', 'something else'],
  ])('fails with the code that it has: %s', async (message, code, reason) => {
    setJob('failed', message);
    await expect(follow()).rejects.toMatchObject({ code, reason });
  });

  it('is cancelled with the errand', async () => {
    setJob('running');
    array.commands.set('cancel', (line) => {
      setJob('cancelled');
      return `cancelled ${line}`;
    });
    const ended = follow();
    context.abort.abort();
    await expect(ended).rejects.toMatchObject({ code: 'EINTR' });
    expect(array.lines).toEqual(['cancel 7']);
  });

  it('is left to the next client where this one stops', async () => {
    setJob('running');
    const ended = follow();
    context.abort.abort(CLIENT_STOPS);
    await expect(ended).rejects.toMatchObject({ code: 'EINTR' });
    expect(array.lines).toEqual([]);
  });

  it('is looked at again when the array is there again', async () => {
    setJob('done', 'whole');
    const { known } = array;
    const gone = { ...known, client: unreachable(known.client) };
    expect(await followJob(gone, 7, context, 'copy')).toBe('whole');
  });

  it('is ordered again where the array was stopped meanwhile', async () => {
    const ends = ['failed', 'done'];
    array.commands.set('ecopy', () => {
      setJob(ends.shift() ?? '', 'the array was stopped before the job ended');
      return 'job 7 ecopy db new';
    });
    const numbers: number[] = [];
    const order = { name: 'ecopy', words: ['db', 'new'], options: {} };
    await runJob(array.known, order, context, 'copy', async (number) => {
      numbers.push(number);
    });
    expect(numbers).toEqual([7, 7]);
    ends.push('failed', 'failed', 'failed', 'done');
    const endless = runJob(array.known, order, context, 'copy');
    await expect(endless).rejects.toMatchObject({ code: 'EIO' });
    expect(ends).toEqual(['done']);
  });

  it('that the array has forgotten is ENOENT', async () => {
    rmSync(join(array.mountPoint, 'jobs', '7.json'), { force: true });
    await expect(follow()).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('must be one', async () => {
    array.commands.set('ecopy', () => 'nothing');
    const asked = startJob(array.known, { name: 'ecopy', words: ['a', 'b'], options: {} });
    await expect(asked).rejects.toMatchObject({ code: 'EIO' });
  });
});

describe('a job that is ordered once', () => {
  const order = { source: 'db@x', destination: 'tape0/AFS001', options: {} };
  const row = (id: number, subject: string) => {
    return { id, kind: 'ecopy', subject, state: 'done', message: '' };
  };

  it('is noted before the order and after it', async () => {
    setJob('done', 'whole');
    array.tables.set('jobs', [row(6, 'a b')]);
    array.write();
    array.commands.set('ecopy', () => 'job 7 ecopy db@x tape0/AFS001');
    const notes: unknown[] = [];
    const result = await orderCopy(array.known, order, context, async (note) => {
      notes.push(note);
    });
    expect([result, notes]).toEqual(['whole', [{ lastJob: 6 }, { lastJob: 6, job: 7 }]]);
  });

  it('is found by its subject where only the first was noted', async () => {
    array.tables.set('jobs', [row(6, 'db@x tape0/AFS001'), row(8, 'db@x tape0/AFS001')]);
    array.write();
    expect(await orderedJob(array.known, order, { lastJob: 6 })).toBe(8);
    expect(await orderedJob(array.known, order, { lastJob: 8 })).toBeUndefined();
    expect(await orderedJob(array.known, order, { lastJob: 8, job: 9 })).toBe(9);
    expect(await findJob(array.known, 'scrub', 'db', 0)).toBeUndefined();
  });

  it('copies all where only changes cannot be copied, and says why', async () => {
    const asked: unknown[] = [];
    const refused = async ({ options }: { options: object }) => {
      asked.push(options);
      if ('since' in options) throw new ArrayError('EXDEV', 'they share nothing');
      return 'whole';
    };
    expect(await orderIncrement(order, 'db@w', refused)).toEqual({
      ...{ result: 'whole', isIncrement: false },
      why: 'all of it was copied: they share nothing',
    });
    expect(asked).toEqual([{ since: 'db@w' }, {}]);
    const full = async () => {
      throw new ArrayError('ENOSPC', 'full');
    };
    await expect(orderIncrement(order, 'db@w', full)).rejects.toMatchObject({ code: 'ENOSPC' });
  });
});

/** A client whose array has gone between the look for it and this. */
function unreachable<T extends object>(client: T): T {
  return new Proxy(client, {
    get: (target, name, receiver) => {
      if (name !== 'jobJson') return Reflect.get(target, name, receiver);
      return async () => {
        throw new ArrayError('EIO', 'the daemon of the array has ended');
      };
    },
  });
}
