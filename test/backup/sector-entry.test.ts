/** Entries from sectors and back: what a catalog loses, the sectors give again. */
import { describe, expect, it } from 'vitest';
import type { BackupEntry } from '../../src/backup/backup-entry.js';
import {
  entryFromSector,
  entryOfInfo,
  type FoundAt,
  isOfEntry,
  sectorOfEntry,
} from '../../src/backup/sector-entry.js';
import { encodeVolumeInfo } from '../../src/volume/volume-info.js';
import { codeOf } from '../support/code-of.js';
import { EXAMPLE_INFO } from '../volume/example-info.js';
import { EXAMPLE_ENTRY } from './example-entry.js';

const names = () => EXAMPLE_ENTRY.sourceName;

function whereIs(entry: BackupEntry): FoundAt {
  const { client, arrayUuid, place, volumeNumber, volumeUuid } = entry;
  return { client, arrayUuid, place, volumeNumber, volumeUuid, isModified: false };
}

describe('sectorOfEntry and entryFromSector', () => {
  const cases: readonly [string, BackupEntry][] = [
    ['a snapshot', EXAMPLE_ENTRY],
    ['a mirror', { ...EXAMPLE_ENTRY, place: { kind: 'mirror', volume: 'db-copy' } }],
    ['one member of three', { ...EXAMPLE_ENTRY, id: '12.2', memberNumber: 2, memberCount: 3 }],
    [
      'a copy of a member on tape',
      {
        ...EXAMPLE_ENTRY,
        ...{ id: '14.2', jobNumber: 14, memberNumber: 2, memberCount: 3, copyOf: '12.2' },
        place: { kind: 'tape', device: 'tape0', cartridges: ['AFS001', 'AFS002'], since: '13.2' },
      },
    ],
    ['one with a checksum', { ...EXAMPLE_ENTRY, sha256: 'a5'.repeat(32) }],
  ];
  it.each(cases)('give %s again as it was', (_what, entry) => {
    expect(entryFromSector(sectorOfEntry(entry), whereIs(entry), names)).toEqual(entry);
  });

  it('take place, device and number from where the sector was found, not from what it says', () => {
    const found: FoundAt = {
      ...whereIs(EXAMPLE_ENTRY),
      arrayUuid: '99999999-4455-6677-8899-aabbccddeeff',
      place: { kind: 'mirror', volume: 'other' },
      volumeNumber: 99,
      isModified: true,
    };
    expect(entryFromSector(sectorOfEntry(EXAMPLE_ENTRY), found, () => undefined)).toMatchObject({
      arrayUuid: found.arrayUuid,
      place: found.place,
      volumeNumber: 99,
      state: 'modified',
      stateReason: 'written to after the backup was stored',
      sourceName: `#${EXAMPLE_ENTRY.sourceNumber}`,
    });
  });

  it('pass over sectors of other programs and those that hold no backup', () => {
    const found = whereIs(EXAMPLE_ENTRY);
    const cases = [
      Buffer.alloc(512, 'x'),
      encodeVolumeInfo({ ...EXAMPLE_INFO, holdsBackup: false }),
    ];
    for (const sector of cases) expect(entryFromSector(sector, found, names)).toBeUndefined();
  });

  it('refuse a damaged sector, a newer one, and numbers that no backup has', () => {
    const damaged = sectorOfEntry(EXAMPLE_ENTRY);
    damaged[100] = 1;
    const newer = sectorOfEntry(EXAMPLE_ENTRY);
    newer[8] = 2;
    const jobless = encodeVolumeInfo({ ...EXAMPLE_INFO, jobNumber: 0 });
    for (const sector of [damaged, newer, jobless]) {
      const attempt = () => entryFromSector(sector, whereIs(EXAMPLE_ENTRY), names);
      expect(codeOf(attempt)).toBe('EINVAL');
    }
  });
});

describe('isOfEntry', () => {
  it('knows a backup by job, member, definition, start and source', () => {
    const info = { ...EXAMPLE_INFO, holdsBackup: true as const };
    const entry = entryOfInfo(info, whereIs(EXAMPLE_ENTRY), names);
    expect(isOfEntry(info, entry)).toBe(true);
    expect(isOfEntry({ ...info, label: 'renamed', endedMs: 7 }, entry)).toBe(true);
    expect(isOfEntry({ ...info, jobNumber: 78 }, entry)).toBe(false);
    expect(isOfEntry({ ...info, startedMs: 1 }, entry)).toBe(false);
    expect(isOfEntry({ ...info, definitionName: 'other' }, entry)).toBe(false);
  });
});
