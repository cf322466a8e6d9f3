/** [004] fig. 15 over directories of plain files: which entries come of which sectors, and what is told of the others. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { BackupEntry } from '../../../src/backup/backup-entry.js';
import { rescan } from '../../../src/backup/media/rescan.js';
import { sectorOfEntry } from '../../../src/backup/sector-entry.js';
import { cleanScratch } from '../../support/scratch-directory.js';
import { EXAMPLE_ENTRY } from '../example-entry.js';
import { FakeArray } from '../fake-array.js';
import { FakeContext } from '../fake-context.js';

const ONE = '11111111-0000-4000-8000-000000000000';
const TWO = '22222222-0000-4000-8000-000000000000';
let array: FakeArray;
let context: FakeContext;

afterAll(cleanScratch);

beforeEach(() => {
  array = new FakeArray(ONE);
  context = new FakeContext([array.known]);
});

/** Adds a backup of `db`, as a program stores it; its entry. */
function addBackup(jobNumber: number, copy: string, more: Partial<BackupEntry> = {}): BackupEntry {
  const source = array.copies.find(({ volume }) => volume === 'db') ?? array.add('db');
  const [volume = '', snapshot] = copy.split('@');
  const place: BackupEntry['place'] =
    snapshot === undefined ? { kind: 'mirror', volume } : { kind: 'snapshot', volume, snapshot };
  const made = array.add(copy);
  const entry: BackupEntry = {
    ...EXAMPLE_ENTRY,
    ...{ id: `${jobNumber}`, jobNumber, arrayUuid: ONE, place, generation: jobNumber },
    ...{ volumeNumber: made.number, volumeUuid: made.uuid },
    ...{ sourceUuid: source.uuid, sourceNumber: source.number, sourceName: 'db' },
    ...more,
  };
  made.sector = sectorOfEntry(entry);
  return entry;
}

async function scanned(tapes = false) {
  array.write();
  return rescan({ tapes }, context);
}

describe('rescan', () => {
  it('finds every backup of the array again, equal to what the catalog had', async () => {
    const copied = { copyOf: '10', place: { kind: 'array' as const, volume: 'elsewhere' } };
    const entries = [
      addBackup(10, 'db@monday'),
      addBackup(11, 'db@tuesday', { sha256: 'ab'.repeat(32) }),
      addBackup(12, 'db-copy'),
      addBackup(13, 'elsewhere', copied),
    ];
    array.add('without');
    array.add('other', { sector: Buffer.alloc(512, 'x') });
    expect(await scanned()).toEqual({ entries, lines: [], arrays: [ONE], unread: [] });
  });

  it('marks a volume that was written to since', async () => {
    addBackup(12, 'db-copy');
    array.find('db-copy').isModified = true;
    const [entry] = (await scanned()).entries;
    expect(entry).toMatchObject({ id: '12', state: 'modified' });
  });

  it('tells of sectors that are damaged or of a newer version, and goes on', async () => {
    for (const job of [10, 11, 12]) addBackup(job, `db@${job}`);
    const damaged = Buffer.from(array.find('db@10').sector ?? []);
    damaged[200] = (damaged[200] ?? 0) + 1;
    array.find('db@10').sector = damaged;
    const { entries, lines } = await scanned();
    expect(entries.map(({ id }) => id)).toEqual(['11', '12']);
    expect(lines).toEqual([
      `${array.mountPoint}: db@10: the volume-information sector is damaged: wrong checksum`,
    ]);
  });

  it('passes over sectors that came along with a snapshot or a copy', async () => {
    const first = addBackup(10, 'db@monday');
    const mirror = addBackup(12, 'db-copy');
    array.add('restored', { sector: sectorOfEntry(first) });
    array.add('db-copy@later', { sector: sectorOfEntry(mirror) });
    array.add('db-copy2', { sector: sectorOfEntry(mirror) });
    const { entries, lines } = await scanned();
    expect(entries).toEqual([first, mirror]);
    expect(lines).toHaveLength(3);
    expect(lines.join()).toContain('db-copy2 of the array at');
  });

  it('takes, of two volumes with one sector, the one that it names', async () => {
    const mirror = addBackup(12, 'db-copy');
    const taken = array.add('a-copy', { sector: sectorOfEntry(mirror) });
    array.copies = [taken, ...array.copies.filter((one) => one !== taken)];
    expect((await scanned()).entries).toEqual([mirror]);
  });

  it('finds both of two backups with one number, those of two servers', async () => {
    const own = addBackup(12, 'db@monday');
    const foreign = addBackup(12, 'db@tuesday', { definition: 'of another server' });
    expect((await scanned()).entries).toEqual([own, foreign]);
  });

  it('adds those of another array, with the name that the source has there or its number', async () => {
    const own = addBackup(10, 'db@monday');
    const other = new FakeArray(TWO);
    const copy = other.add('far');
    const there: BackupEntry = {
      ...own,
      ...{ id: '14', jobNumber: 14, copyOf: '10', arrayUuid: TWO },
      ...{ place: { kind: 'array', volume: 'far' } },
      ...{ volumeNumber: copy.number, volumeUuid: copy.uuid },
    };
    copy.sector = sectorOfEntry(there);
    other.write();
    context = new FakeContext([array.known, other.known]);
    expect((await scanned()).entries).toEqual([own, there]);
    context = new FakeContext([other.known]);
    expect((await scanned()).entries).toEqual([{ ...there, sourceName: `#${own.sourceNumber}` }]);
  });

  it('tells of an array that cannot be read, and does not count it as looked through', async () => {
    const gone = new FakeArray(TWO);
    context = new FakeContext([gone.known, array.known]);
    addBackup(10, 'db@monday');
    const { entries, lines, arrays } = await scanned();
    expect(entries).toHaveLength(1);
    expect(arrays).toEqual([ONE]);
    expect(lines[0]).toMatch(/was not read: /);
  });
});
