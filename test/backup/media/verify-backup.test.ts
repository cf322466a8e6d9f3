/** Verification over a directory of plain files: what it says, and what the catalog is told. */
import { createHash } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { BackupEntry } from '../../../src/backup/backup-entry.js';
import { damageText } from '../../../src/backup/media/hash-image.js';
import { verifyBackup } from '../../../src/backup/media/verify-backup.js';
import { sectorOfEntry } from '../../../src/backup/sector-entry.js';
import { cleanScratch } from '../../support/scratch-directory.js';
import { EXAMPLE_ENTRY } from '../example-entry.js';
import { FakeArray } from '../fake-array.js';
import { FakeContext } from '../fake-context.js';

/** Longer than two pieces, and no multiple of one. */
const CONTENT = Buffer.alloc(5 * 2 ** 19 + 512, 'content');
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
let array: FakeArray;
let context: FakeContext;
let entry: BackupEntry;

afterAll(cleanScratch);

beforeEach(() => {
  array = new FakeArray(EXAMPLE_ENTRY.arrayUuid);
  array.add('db');
  const { number, uuid } = array.add('db-copy', { content: CONTENT });
  const place = { kind: 'mirror' as const, volume: 'db-copy' };
  entry = { ...EXAMPLE_ENTRY, place, volumeNumber: number, volumeUuid: uuid, sha256: SHA256 };
  context = new FakeContext([array.known]);
});

async function verified(known = entry) {
  array.find('db-copy').sector ??= sectorOfEntry(known);
  array.write();
  return verifyBackup({ entry: known, chain: [] }, context);
}

describe('the verification of a backup', () => {
  it('compares the SHA-256 of the image with the one that was stored', async () => {
    const { sha256, matches, lines } = await verified();
    expect([sha256, matches]).toEqual([SHA256, true]);
    expect(lines[0]).toContain('as it was stored');
    expect(context.changes).toEqual([]);
    expect(context.reports.at(-1)).toMatchObject({ done: CONTENT.length, total: CONTENT.length });
  });

  it('says so where none was stored', async () => {
    const { matches, lines } = await verified({ ...entry, sha256: null });
    expect(matches).toBe(true);
    expect(lines[0]).toContain('none was stored with it');
  });

  it('marks a backup whose image is another one as damaged, and as good again later', async () => {
    array.find('db-copy').content = Buffer.alloc(CONTENT.length, 'else');
    expect(await verified()).toMatchObject({ matches: false });
    const damaged = context.entries.get('12');
    expect(damaged).toMatchObject({
      state: 'damaged',
      stateReason: expect.stringContaining(SHA256),
    });
    array.find('db-copy').content = CONTENT;
    expect(await verified(damaged)).toMatchObject({ matches: true });
    expect(context.entries.get('12')).toEqual(entry);
  });

  it('marks a backup that was written to since as modified', async () => {
    array.find('db-copy').isModified = true;
    expect(await verified()).toMatchObject({ matches: false });
    expect(context.entries.get('12')?.state).toBe('modified');
  });

  it('marks a backup that is not there as missing, and fails', async () => {
    array.find('db-copy').sector = sectorOfEntry({ ...entry, jobNumber: 13 });
    await expect(verified()).rejects.toMatchObject({ code: 'ENOENT' });
    expect(context.entries.get('12')).toMatchObject({
      state: 'missing',
      stateReason: 'backup 12 is not there any more: db-copy holds backup 13 now',
    });
  });

  it('is given up when it is cancelled', async () => {
    context.abort.abort();
    await expect(verified()).rejects.toMatchObject({ code: 'EINTR' });
    expect(context.changes).toEqual([]);
  });

  it('names damaged blocks', () => {
    expect(damageText([49_152])).toBe('the block at byte 49152 (48K) cannot be read');
  });
});
