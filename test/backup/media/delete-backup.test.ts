/** [004] fig. 14 over a directory of plain files: what is deleted, and what is left as it is. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { BackupEntry } from '../../../src/backup/backup-entry.js';
import { deleteBackup } from '../../../src/backup/media/delete-backup.js';
import { sectorOfEntry } from '../../../src/backup/sector-entry.js';
import { cleanScratch } from '../../support/scratch-directory.js';
import { EXAMPLE_ENTRY } from '../example-entry.js';
import { FakeArray } from '../fake-array.js';
import { FakeContext } from '../fake-context.js';

const UUID = EXAMPLE_ENTRY.arrayUuid;
let array: FakeArray;
let context: FakeContext;
let snapshot: BackupEntry;
let mirror: BackupEntry;

afterAll(cleanScratch);

beforeEach(() => {
  array = new FakeArray(UUID);
  array.add('db');
  const copies = [array.add('db@nightly-12'), array.add('db-copy', { content: Buffer.from('x') })];
  const [frozen, copy] = copies.map(({ number, uuid }) => ({
    volumeNumber: number,
    volumeUuid: uuid,
  }));
  snapshot = { ...EXAMPLE_ENTRY, ...frozen };
  mirror = { ...EXAMPLE_ENTRY, ...copy, place: { kind: 'mirror', volume: 'db-copy' } };
  array.find('db@nightly-12').sector = sectorOfEntry(snapshot);
  array.find('db-copy').sector = sectorOfEntry(mirror);
  context = new FakeContext([array.known]);
});

async function deleted(entry: BackupEntry): Promise<string> {
  context.entries.set(entry.id, entry);
  array.write();
  const { lines } = await deleteBackup({ entry }, context);
  return lines.join();
}

describe('the deletion of a backup', () => {
  it('deletes a snapshot, and its entry', async () => {
    expect(await deleted(snapshot)).toBe('deleted snapshot db@nightly-12');
    expect(array.lines).toEqual(['delete db@nightly-12']);
    expect(context.entries.size).toBe(0);
  });

  it('clears the sector of a volume, and keeps its content', async () => {
    expect(await deleted(mirror)).toContain('its content is as it was');
    expect(array.find('db-copy')).toMatchObject({ sector: undefined, content: Buffer.from('x') });
    expect(context.entries.size).toBe(0);
  });

  it('finds a volume that was renamed', async () => {
    const renamed = array.find('db-copy');
    array.copies = array.copies.filter((one) => one !== renamed);
    array.copies.push({ ...renamed, volume: 'other' });
    expect(await deleted(mirror)).toBe(
      'volume other holds no backup any more; its content is as it was',
    );
  });

  it('leaves a volume that holds another backup as it is, and forgets the entry', async () => {
    const sector = sectorOfEntry({ ...mirror, jobNumber: 13 });
    array.find('db-copy').sector = sector;
    expect(await deleted(mirror)).toBe(
      'backup 12 was not there any more: db-copy holds backup 13 now',
    );
    expect(array.find('db-copy').sector).toBe(sector);
    expect(context.entries.size).toBe(0);
  });

  it('leaves a snapshot whose sector somebody has cleared', async () => {
    array.find('db@nightly-12').sector = undefined;
    expect(await deleted(snapshot)).toContain('has no volume information any more');
    expect(array.lines).toEqual([]);
  });

  it.each([
    ['db@nightly-12', 'arrayfs snapshot delete db@nightly-12', () => snapshot],
    ['db-copy', 'arrayfs info clear db-copy', () => mirror],
  ])('forgets one whose sector on %s is damaged, and leaves that', async (copy, command, entry) => {
    const sector = Buffer.from(array.find(copy).sector ?? []);
    sector[200] = (sector[200] ?? 0) ^ 1;
    array.find(copy).sector = sector;
    expect(await deleted(entry())).toBe(
      `backup 12 is forgotten; ${copy} stays as it is (the volume-information sector is damaged: wrong checksum): '${command}' removes what is left`,
    );
    expect(array.lines).toEqual([]);
    expect(array.find(copy).sector).toBe(sector);
    expect(context.entries.size).toBe(0);
  });

  it('forgets what was deleted behind its back, and may be repeated', async () => {
    await deleted(snapshot);
    expect(await deleted(snapshot)).toBe('backup 12 was not there any more: it was deleted');
    expect(context.entries.size).toBe(0);
  });

  it('is refused while the backup is in use, and keeps the entry', async () => {
    array.find('db@nightly-12').openCount = 1;
    await expect(deleted(snapshot)).rejects.toMatchObject({ code: 'EBUSY' });
    const job = { id: 5, kind: 'ecopy', subject: 'db-copy tape0/AFS001', state: 'running' };
    array.tables.set('jobs', [{ ...job, message: '' }]);
    await expect(deleted(mirror)).rejects.toMatchObject({
      reason: 'db-copy is being copied by job 5',
    });
    expect(context.changes).toEqual([]);
  });

  it('forgets one on tape, and says that it stays there', async () => {
    const place = { kind: 'tape' as const, device: 'tape0', cartridges: ['AFS001'], since: null };
    expect(await deleted({ ...snapshot, place })).toContain('stays on tape0/AFS001');
    expect(context.entries.size).toBe(0);
  });

  it('needs the array', async () => {
    context.mounted = [];
    await expect(deleted(mirror)).rejects.toMatchObject({ code: 'ENXIO' });
  });
});
