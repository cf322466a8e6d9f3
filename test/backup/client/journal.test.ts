/** The journal of a client: what is there after a crash, whatever was being written. */
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { Journal, type JournalRecord } from '../../../src/backup/client/journal.js';

const scratch = mkdtempSync(join(tmpdir(), 'arrayfs-journal-'));
let directory = '';
let count = 0;
beforeEach(() => {
  count += 1;
  directory = join(scratch, `${count}`, 'errands');
});
afterAll(() => rmSync(scratch, { recursive: true }));

const record = (id: number, more: Partial<JournalRecord> = {}): JournalRecord => ({
  ...{ id, kind: 'paths', input: {}, sequence: 0, log: [], outcome: null },
  ...more,
});

describe('the journal', () => {
  it('gives the newest record of each errand to the next process, in the order of their numbers', async () => {
    const journal = Journal.open(directory);
    await journal.write(record(12));
    await journal.write(record(7, { notes: { a: 1 } }));
    const newest = record(7, { notes: { a: 2 }, sequence: 3, log: ['x'], outcome: { output: {} } });
    await journal.write(newest);
    expect(Journal.open(directory).read()).toEqual({ records: [newest, record(12)], damaged: [] });
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, '7.json')).mode & 0o777).toBe(0o600);
  });

  it('forgets an errand that is over', async () => {
    const journal = Journal.open(directory);
    await journal.write(record(1));
    await journal.remove(1);
    await journal.remove(1);
    expect(journal.read().records).toEqual([]);
  });

  it('writes records in the order in which they were given, though nobody waits', async () => {
    const journal = Journal.open(directory);
    const all = Array.from({ length: 20 }, (_, sequence) => journal.write(record(1, { sequence })));
    await Promise.all(all);
    expect(journal.read().records).toEqual([record(1, { sequence: 19 })]);
  });

  it('keeps the old record where the writing of a new one was cut off', async () => {
    await Journal.open(directory).write(record(1));
    writeFileSync(join(directory, '1.json.new'), '{"id":1,"ki');
    expect(Journal.open(directory).read()).toEqual({ records: [record(1)], damaged: [] });
    expect(readdirSync(directory)).toEqual(['1.json']);
  });

  it('tells of files that hold no record, and leaves them', async () => {
    const journal = Journal.open(directory);
    await journal.write(record(2));
    writeFileSync(join(directory, '1.json'), '{}');
    const { records, damaged } = journal.read();
    expect([records, damaged]).toEqual([[record(2)], [join(directory, '1.json')]]);
  });
});
