/** Which backups come of the table status/backups, and how rescan tells of the others. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { BackupRow } from '../../../src/backup/array-tables.js';
import type { BackupEntry } from '../../../src/backup/backup-entry.js';
import { rescan } from '../../../src/backup/media/rescan.js';
import { tapeBackups } from '../../../src/backup/media/tape-backups.js';
import { sectorOfEntry } from '../../../src/backup/sector-entry.js';
import { cleanScratch } from '../../support/scratch-directory.js';
import { EXAMPLE_ENTRY } from '../example-entry.js';
import { FakeArray } from '../fake-array.js';
import { FakeContext } from '../fake-context.js';

const UUID = '11111111-0000-4000-8000-000000000000';
const IMAGES = ['aaaaaaaa-0000-4000-8000-000000000001', 'aaaaaaaa-0000-4000-8000-000000000002'];

afterAll(cleanScratch);

function tapeEntry(jobNumber: number, cartridges: string[], since: string | null): BackupEntry {
  return {
    ...EXAMPLE_ENTRY,
    ...{ id: `${jobNumber}`, jobNumber, copyOf: `${jobNumber - 10}`, arrayUuid: UUID },
    ...{ volumeNumber: 0, volumeUuid: '00000000-0000-0000-0000-000000000000' },
    place: { kind: 'tape', device: 'tape0', cartridges, since },
  };
}

function row(medium: string, entry: BackupEntry | undefined, more: Partial<BackupRow>): BackupRow {
  return {
    ...{ device: 'tape0', medium, number: entry ? 1 : null, state: entry ? 'complete' : 'empty' },
    ...{ backup: entry ? `uuid-${entry.id}` : null, file: entry ? `FILE${entry.id}` : null },
    ...{ part: entry ? 1 : null, partState: null, manifest: entry ? {} : null, problems: [] },
    information: entry ? Buffer.from(sectorOfEntry(entry)).toString('base64') : null,
    ...more,
  };
}

const part = (medium: string, of: BackupEntry, number: number, partState: string) =>
  row(medium, undefined, { file: `FILE${of.id}`, part: number, partState });

describe('backups on cartridges', () => {
  const whole = tapeEntry(20, ['AFS001', 'AFS003', 'AFS002'], null);

  it('are found over all their cartridges, in the order of their parts', () => {
    const { backups, lines } = tapeBackups([
      row('AFS001', whole, { state: 'continued' }),
      part('AFS002', whole, 3, 'complete'),
      part('AFS003', whole, 2, 'continued'),
    ]);
    expect(lines).toEqual([]);
    expect(backups).toMatchObject([{ cartridges: ['AFS001', 'AFS003', 'AFS002'] }]);
  });

  it.each([
    ['a part is missing', [part('AFS003', whole, 2, 'continued')]],
    ['the last part has no end', [part('AFS003', whole, 2, 'incomplete')]],
  ])('are told of where %s', (_what, parts) => {
    const rows = [row('AFS001', whole, { state: 'continued' }), ...parts];
    const { backups, lines } = tapeBackups(rows);
    expect(backups).toEqual([]);
    expect(lines).toEqual(['tape0/AFS001: backup 20 is not whole on tape']);
  });

  it('have a sector of their own: that of a copied volume is none', () => {
    const { backups, lines } = tapeBackups([row('AFS001', EXAMPLE_ENTRY, {})]);
    expect(backups).toEqual([]);
    expect(lines[0]).toContain('came with a copy');
  });

  it('may be there on a cartridge that could not be read', () => {
    const rows = [row('AFS001', undefined, { problems: ['it is reserved'] })];
    const { lines, unread } = tapeBackups(rows);
    expect(lines).toEqual(['tape0/AFS001 could not be read: it is reserved']);
    expect(unread).toEqual([{ device: 'tape0', cartridge: 'AFS001' }]);
  });
});

describe('rescan of tapes', () => {
  it('finds increments with what they are based on, after the cartridges were loaded', async () => {
    const [image = '', later = ''] = IMAGES;
    const first = tapeEntry(20, ['AFS001'], null);
    const second = tapeEntry(21, ['AFS002'], '20');
    const orphan = tapeEntry(22, ['AFS003'], '19');
    const array = new FakeArray(UUID);
    const media = [{ name: 'AFS001', isProtected: false }];
    array.tables.set('devices', [
      { name: 'tape0', kind: 'tape', state: 'available', path: '/tapes', media },
    ]);
    const base = { manifest: { image: later, base: { image } } };
    array.commands.set('discover', () => {
      array.tables.set('backups', [
        row('AFS001', first, { manifest: { image } }),
        row('AFS002', second, base),
        row('AFS003', orphan, { manifest: { base: { image: UUID } } }),
        row('AFS004', undefined, { problems: ['it is reserved'] }),
      ]);
      const job = { state: 'done', message: '', done: 1, total: 1, unit: 'blocks' };
      writeFileSync(join(array.mountPoint, 'jobs', '3.json'), JSON.stringify(job));
      return 'job 3 discover tape0';
    });
    array.write();
    const result = await rescan({ tapes: true }, new FakeContext([array.known]));
    expect(array.lines).toEqual(['discover tape0 backups=yes']);
    const named = (entry: BackupEntry) => ({ ...entry, sourceName: `#${entry.sourceNumber}` });
    expect(result.entries).toEqual([named(first), named(second)]);
    expect(result.unread).toEqual([{ arrayUuid: UUID, device: 'tape0', cartridge: 'AFS004' }]);
    expect(result.lines).toHaveLength(2);
    expect(result.lines.join()).toContain('what increment 22 is based on is on no cartridge');
  });

  it('says that a device is away: what is on it may be there', async () => {
    const array = new FakeArray(UUID);
    const device = { name: 'tape0', kind: 'tape', state: 'no-path', path: '/tapes', media: null };
    array.tables.set('devices', [device]);
    array.commands.set('discover', () => {
      const job = { state: 'done', message: '', done: 1, total: 1, unit: 'blocks' };
      writeFileSync(join(array.mountPoint, 'jobs', '3.json'), JSON.stringify(job));
      return 'job 3 discover tape0';
    });
    array.write();
    const { unread, lines } = await rescan({ tapes: true }, new FakeContext([array.known]));
    expect(unread).toEqual([{ arrayUuid: UUID, device: 'tape0', cartridge: '' }]);
    expect(lines[0]).toContain('device tape0 is not available: no-path');
  });
});
