/** Copies of backups over two mounted arrays and a tape library: what is made is what a rescan finds, and comes back byte for byte. */
import { closeSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BackupEntry } from '../../../src/backup/backup-entry.js';
import type { KnownArray } from '../../../src/backup/client/errand-handler.js';
import { entryAt } from '../../../src/backup/media/array-copies.js';
import { copyHandler, tapeCopyHandler } from '../../../src/backup/media/copy-handlers.js';
import { deleteBackup } from '../../../src/backup/media/delete-backup.js';
import { imageOf } from '../../../src/backup/media/image-of.js';
import { rescan } from '../../../src/backup/media/rescan.js';
import { verifyBackup } from '../../../src/backup/media/verify-backup.js';
import { NO_UUID, sectorOfEntry } from '../../../src/backup/sector-entry.js';
import { ArrayClient } from '../../../src/client/array-client.js';
import { EXAMPLE_ENTRY } from '../../backup/example-entry.js';
import { FakeContext } from '../../backup/fake-context.js';
import { canMount, MIB, MountedArray } from '../../support/mounted-array.js';
import { RandomSource } from '../../support/random-source.js';
import { cleanScratch, makeScratch } from '../../support/scratch-directory.js';

const IMAGE_BYTES = 4 * MIB;

describe.skipIf(!canMount)('copies of backups', () => {
  const tapes = join(makeScratch(), 'tapes');
  let one: MountedArray;
  let other: MountedArray;
  let first: BackupEntry;
  let second: BackupEntry;
  let images: Buffer[];
  let context: FakeContext;

  beforeAll(async () => {
    one = MountedArray.create({ mountWords: ['--allow-faults'] });
    other = MountedArray.create({});
    one.ok('create', `db ${IMAGE_BYTES}`);
    one.ok('device', `tape0 kind=tape path=${tapes} slots=3 ports=CL1-C`);
    other.ok('device', `library kind=tape path=${tapes} ports=CL1-C`);
    context = new FakeContext([known(one), known(other)]);
    const image = Buffer.alloc(IMAGE_BYTES);
    image.set(new RandomSource(1).bytes(MIB), MIB);
    first = await backUp(12, image.subarray(MIB, 2 * MIB), MIB);
    const changed = Buffer.from(image);
    const change = Buffer.from(new RandomSource(2).bytes(64 * 1024));
    changed.set(change, 2 * MIB);
    second = await backUp(13, change, 2 * MIB);
    images = [image, changed];
  });
  afterAll(cleanScratch);

  function known(array: MountedArray): KnownArray {
    const { uuid, serial } = JSON.parse(array.read('status', 'array.json'));
    return { uuid, serial, mountPoint: array.mount, client: new ArrayClient(array.mount) };
  }

  /** As the client does it: the sector is stored with the snapshot. */
  async function backUp(jobNumber: number, bytes: Buffer, at: number): Promise<BackupEntry> {
    const file = openSync(one.volume('db'), 'r+');
    writeSync(file, bytes, 0, bytes.length, at);
    closeSync(file);
    const array = known(one);
    const [source] = one.volumes() as unknown as { number: number; uuid: string }[];
    const entry: BackupEntry = {
      ...EXAMPLE_ENTRY,
      ...{ id: `${jobNumber}`, jobNumber, generation: jobNumber - 11, arrayUuid: array.uuid },
      ...{ sourceNumber: source?.number ?? 0, sourceUuid: source?.uuid ?? '' },
      ...{ volumeNumber: 0, volumeUuid: NO_UUID, imageBytes: IMAGE_BYTES },
      takenMs: EXAMPLE_ENTRY.takenMs + jobNumber,
    };
    const info = Buffer.from(sectorOfEntry(entry)).toString('base64');
    one.ok('snapshot', `db name=n${jobNumber} info=${info}`);
    return entryAt(array, `db@n${jobNumber}`, 'host-1', await context.arrays());
  }

  const rescanned = async () => {
    const { entries, lines } = await rescan({ tapes: true }, context);
    expect(lines).toEqual([]);
    return entries;
  };
  const copied = (id: string) => context.entries.get(id) as BackupEntry;
  const toTape = { device: 'tape0', chain: [], since: null, move: false };

  async function content(entry: BackupEntry, chain: BackupEntry[] = [], from = context) {
    let made = '';
    const image = await imageOf(entry, chain, from, async (volume) => {
      made = volume;
    });
    const bytes = readFileSync(image.path);
    await image.release();
    expect(one.volumes().some(({ name }) => name === made)).toBe(false);
    return bytes;
  }

  it('go to tape with a sector of their own, and only the changes of the next generation', async () => {
    await tapeCopyHandler.perform({ ...toTape, entry: first, runNumber: 20 }, context);
    expect(copied('20')).toMatchObject({ copyOf: '12', place: { cartridges: ['AFS001'] } });
    context.notes.length = 0;
    const order = { ...toTape, entry: second, runNumber: 21, since: copied('20') };
    const { lines } = await tapeCopyHandler.perform(order, context);
    expect(lines.join()).toContain('64K changed of 4M');
    expect(copied('21').place).toMatchObject({ since: '20' });
    expect(await rescanned()).toEqual([first, second, copied('20'), copied('21')]);
  });

  it('come back from tape, also on an array that never saw the volume', async () => {
    const [image, changed] = images;
    expect((await content(copied('21'), [copied('20')])).equals(changed as Buffer)).toBe(true);
    const elsewhere = new FakeContext([known(other)], 'host-2');
    const { entries } = await rescan({ tapes: true }, elsewhere);
    expect(entries.map(({ id, copyOf, client }) => [id, copyOf, client])).toEqual([
      ['20', '12', 'host-2'],
      ['21', '13', 'host-2'],
    ]);
    const [there] = entries as [BackupEntry];
    expect(there.place).toMatchObject({ kind: 'tape', device: 'library' });
    expect((await content(there, [], elsewhere)).equals(image as Buffer)).toBe(true);
    expect(other.volumes()).toEqual([]);
  });

  it('go to a volume of this and of another array, and there only the changes', async () => {
    const order = { entry: first, chain: [], incremental: false, force: false };
    context.notes.length = 0;
    await copyHandler.perform({ ...order, runNumber: 22, destination: 'near' }, context);
    context.notes.length = 0;
    const far = other.volume('far');
    await copyHandler.perform({ ...order, runNumber: 23, destination: far }, context);
    expect(readFileSync(far).equals(images[0] as Buffer)).toBe(true);
    context.notes.length = 0;
    const next = { ...order, entry: second, runNumber: 24, destination: far, incremental: true };
    const { lines } = await copyHandler.perform(next, context);
    expect(lines.join()).toContain('64K changed of 4M');
    expect(readFileSync(far).equals(images[1] as Buffer)).toBe(true);
    // The copy of the first generation was in its place.
    expect(context.entries.has('23')).toBe(false);
    expect(await rescanned()).toEqual([
      ...[first, second, copied('20'), copied('21'), copied('22'), copied('24')],
    ]);
  });

  it('refuse to overwrite what would be lost, or is of another size', async () => {
    one.ok('create', 'small 1M');
    one.ok('create', `used ${IMAGE_BYTES}`);
    writeFileSync(one.volume('used'), 'x', { flag: 'r+' });
    const order = { entry: first, chain: [], runNumber: 30, incremental: false, force: false };
    const refusal = (destination: string) =>
      copyHandler.perform({ ...order, destination }, new FakeContext(context.mounted));
    await expect(refusal('small')).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(refusal('used')).rejects.toMatchObject({ code: 'EBUSY' });
    await expect(refusal('db')).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(refusal('/mnt/none/volumes/x')).rejects.toMatchObject({ code: 'ENOENT' });
    const nowhere = { ...toTape, entry: first, runNumber: 30, device: 'tape0/AFS999' };
    const asked = tapeCopyHandler.perform(nowhere, new FakeContext(context.mounted));
    await expect(asked).rejects.toMatchObject({ reason: expect.stringContaining('AFS999') });
  });

  it('say which cartridge is missing, and that one is full', async () => {
    const cartridge = join(tapes, 'AFS001.tap');
    renameSync(cartridge, `${cartridge}.away`);
    const missing = imageOf(copied('20'), [], context, async () => undefined);
    await expect(missing).rejects.toMatchObject({
      code: 'ENODEV',
      reason: 'cartridge AFS001 of backup 20 is not in a slot of tape0',
    });
    renameSync(`${cartridge}.away`, cartridge);
    one.ok('device', `little kind=tape path=${tapes}-little slots=1 capacity=1M`);
    const order = { ...toTape, entry: first, runNumber: 31, device: 'little' };
    const full = tapeCopyHandler.perform(order, new FakeContext(context.mounted));
    await expect(full).rejects.toMatchObject({ code: 'ENOSPC' });
    one.ok('device', 'little delete=yes');
    expect(await rescanned()).toHaveLength(6);
  });

  it('are made once, however the client dies meanwhile', async () => {
    const dying = new FakeContext(context.mounted);
    const { note } = dying;
    let left = 2;
    dying.note = async (notes) => {
      await note.call(dying, notes);
      left -= 1;
      if (left === 0) throw new Error('killed');
    };
    const order = { ...toTape, entry: second, runNumber: 25, device: 'tape0/AFS003', move: true };
    await expect(tapeCopyHandler.perform(order, dying)).rejects.toThrow('killed');
    dying.note = note;
    await tapeCopyHandler.recover?.(order, dying);
    const ids = (await rescanned()).map(({ id }) => id);
    expect(ids).toEqual(['12', '20', '21', '22', '24', '25']);
    expect(one.snapshots().map(({ name }) => name)).toEqual(['n12']);
    const backups = one.table<{ medium: string; number: number | null }>('backups');
    expect(backups.filter(({ medium, number }) => medium === 'AFS003' && number)).toHaveLength(1);
  });

  it('are verified, and deleted', async () => {
    one.ok('fault', 'volume:near damaged range=1064960-1081344');
    const near = { entry: copied('22'), chain: [] };
    expect(await verifyBackup(near, context)).toMatchObject({ matches: false, sha256: '' });
    const stateReason = 'the block at byte 1064960 (1.0M) cannot be read';
    expect(copied('22')).toMatchObject({ state: 'damaged', stateReason });
    one.ok('fault', 'volume:near clear=yes');
    expect(await verifyBackup(near, context)).toMatchObject({ matches: true });
    const moved = found(await rescanned(), '25');
    expect(await verifyBackup({ entry: moved, chain: [] }, context)).toMatchObject({
      matches: true,
    });
    const path = join(tapes, 'AFS003.tap');
    const bytes = readFileSync(path);
    const place = bytes.lastIndexOf('AFSDATA1') + 4_000;
    bytes[place] = (bytes[place] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    expect(await verifyBackup({ entry: moved, chain: [] }, context)).toMatchObject({
      matches: false,
    });
    expect(copied('25').state).toBe('damaged');
    await deleteBackup({ entry: first }, context);
    expect(one.snapshots()).toEqual([]);
    expect(
      one
        .volumes()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['db', 'near', 'small', 'used']);
  });

  function found(entries: readonly BackupEntry[], id: string): BackupEntry {
    return entries.find((entry) => entry.id === id) as BackupEntry;
  }
});
