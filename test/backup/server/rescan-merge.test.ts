/** What a rescan changes in the catalog. */
import { describe, expect, it } from 'vitest';
import type { BackupEntry } from '../../../src/backup/backup-entry.js';
import { mergeRescan, type RescanFindings } from '../../../src/backup/server/rescan-merge.js';
import { ARRAY, sampleEntry, tapePlace } from './server-fixture.js';

const OTHER_ARRAY = '00000000-0000-4000-8000-0000000000bb';
function merge(
  found: readonly BackupEntry[],
  known: readonly BackupEntry[],
  more: Partial<RescanFindings> = {},
) {
  let next = 1_000;
  return mergeRescan(
    {
      ...{ found, tapes: true, unread: [], arrays: new Set([ARRAY]), askedMs: 500 },
      ...{ removed: new Set(), when: 'today' },
      records: known.map((entry) => ({ entry, addedMs: 100 })),
      ...more,
    },
    () => {
      next += 1;
      return next;
    },
  );
}
const states = (entries: readonly BackupEntry[]) =>
  entries.map(({ id, state }) => `${id} ${state}`);

describe('a rescan', () => {
  it('fills an empty catalog', () => {
    const found = [sampleEntry(1), sampleEntry(2)];
    expect(merge(found, [])).toEqual({
      put: found,
      lines: ['found 2: 2 new, 0 changed, 0 as they were; missing: 0'],
    });
  });

  it('changes nothing where all is as it was', () => {
    const all = [sampleEntry(1), sampleEntry(2, { place: tapePlace('AFS001') })];
    expect(merge(all, all).put).toEqual([]);
  });

  it.each<[string, Partial<BackupEntry>, Partial<BackupEntry>, Partial<BackupEntry>]>([
    [
      'marks what was written to',
      {},
      { state: 'modified', stateReason: 'written to' },
      { state: 'modified', stateReason: 'written to' },
    ],
    ['takes back what was missing', { state: 'missing' }, {}, { state: 'good', stateReason: '' }],
    [
      'leaves damaged what a verification found damaged',
      { state: 'damaged', stateReason: 'why' },
      { volumeNumber: 7 },
      { state: 'damaged', stateReason: 'why', volumeNumber: 7 },
    ],
    ['keeps the name of a source that is gone', { volumeNumber: 1 }, { sourceName: '#1' }, {}],
    [
      'says where it is now',
      {},
      { place: { kind: 'snapshot', volume: 'renamed', snapshot: 'x' } },
      { place: { kind: 'snapshot', volume: 'renamed', snapshot: 'x' } },
    ],
    [
      'follows a cartridge to another array',
      { place: tapePlace('AFS001') },
      { place: tapePlace('AFS001'), arrayUuid: OTHER_ARRAY },
      { place: tapePlace('AFS001'), arrayUuid: OTHER_ARRAY },
    ],
  ])('%s', (_what, before, found, after) => {
    const { put } = merge([sampleEntry(1, found)], [sampleEntry(1, before)]);
    expect(put).toEqual([sampleEntry(1, after)]);
  });

  it('marks as missing what was looked for and is not there', () => {
    const known = [
      ...[sampleEntry(1), sampleEntry(2, { arrayUuid: OTHER_ARRAY })],
      ...[
        sampleEntry(3, { place: tapePlace('AFS001') }),
        sampleEntry(4, { place: tapePlace('AFS002') }),
      ],
    ];
    expect(states(merge([], known).put)).toEqual(['1 missing', '3 missing', '4 missing']);
    expect(states(merge([], known, { tapes: false }).put)).toEqual(['1 missing']);
    const unread = [{ arrayUuid: ARRAY, device: 'tape0', cartridge: 'AFS002' }];
    expect(states(merge([], known, { unread }).put)).toEqual(['1 missing', '3 missing']);
    const away = [{ arrayUuid: ARRAY, device: 'tape0', cartridge: '' }];
    expect(states(merge([], known, { unread: away }).put)).toEqual(['1 missing']);
    expect(merge([], known).put[0]?.stateReason).toBe('not found by the rescan of today');
  });

  it('names and counts all that are missing now, also those that were before', () => {
    const known = [sampleEntry(1), sampleEntry(2, { state: 'missing', stateReason: 'before' })];
    const { put, lines } = merge([], known);
    expect(states(put)).toEqual(['1 missing']);
    expect(lines.at(-1)).toContain('missing: 2 (1 on db@backup-1, 2 on db@backup-2)');
    const many = Array.from({ length: 11 }, (_, index) => sampleEntry(index + 1));
    expect(merge([], many).lines.at(-1)).toMatch(
      /missing: 11 \(1 on .*, 10 on db@backup-10, \.\.\.\)$/,
    );
  });

  it('does not miss what came while it looked, nor bring back what went', () => {
    const late = [{ entry: sampleEntry(1), addedMs: 500 }];
    expect(merge([], [], { records: late }).put).toEqual([]);
    expect(merge([sampleEntry(2)], [], { removed: new Set(['2']) }).put).toEqual([]);
  });

  it('keeps a backup of another server with the same number apart, and knows it the next time', () => {
    const ours = sampleEntry(1);
    const theirs = sampleEntry(1, { definition: 'theirs', volumeUuid: sampleEntry(8).volumeUuid });
    const first = merge([ours, theirs], [ours]);
    expect(first.put).toEqual([{ ...theirs, id: '1001' }]);
    expect(first.lines[0]).toBe(
      'backup 1 on db@backup-1 is not the 1 of this catalog: it is listed as 1001',
    );
    expect(merge([ours, theirs], [ours, ...first.put]).put).toEqual([]);
  });

  it('keeps a copy made by hand apart from the backup it has the sector of', () => {
    const original = sampleEntry(1);
    const copy = sampleEntry(1, { volumeUuid: sampleEntry(8).volumeUuid, volumeNumber: 8 });
    for (const found of [
      [original, copy],
      [copy, original],
    ]) {
      expect(merge(found, [original]).put).toEqual([{ ...copy, id: '1001' }]);
    }
  });
});
