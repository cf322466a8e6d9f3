/**
 * The second and third embodiment of [004], figure by figure: backups by snapshot of a mounted xfs, their copies on tape and
 * on another array, and the catalog that comes back from all of them. Server, client and command line are processes.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BackupEntry } from '../../../src/backup/backup-entry.js';
import { decodeVolumeInfo } from '../../../src/volume/volume-info.js';
import { BackupSystem } from '../../support/backup-system.js';
import { canLoop, MIB, MountedArray } from '../../support/mounted-array.js';
import { done } from '../../support/programs.js';
import { cleanScratch } from '../../support/scratch-directory.js';

const IMAGE_BYTES = 320 * MIB;

describe.skipIf(!canLoop)('backups by snapshot', () => {
  let array: MountedArray;
  let other: MountedArray;
  let system: BackupSystem;
  let point: string;
  let snapshots: BackupEntry[];

  beforeAll(async () => {
    array = MountedArray.create();
    other = MountedArray.create();
    array.ok('create', `db ${IMAGE_BYTES}`);
    const tapes = join(array.directory, 'tapes');
    array.ok('device', `tape0 kind=tape path=${tapes} slots=3 ports=CL1-C`);
    other.ok('device', `library kind=tape path=${tapes} ports=CL1-C`);
    done('mkfs.xfs', '-q', array.volume('db'));
    point = array.loopMount(array.volume('db'), 'db');
    system = await BackupSystem.begin(array.directory, { arrays: [array.mount, other.mount] });
    await system.define('hourly', { paths: [point], freeze: true, label: 'orders db' });
  });
  afterAll(async () => {
    await system?.end();
    cleanScratch();
  });

  const write = (text: string) => {
    writeFileSync(join(point, 'orders'), text);
    done('sync', '-f', point);
  };
  const byNumber = (rows: readonly BackupEntry[]) =>
    [...rows].sort((one, two) => one.jobNumber - two.jobNumber);
  const entries = async () => byNumber(await system.api.backups());
  const copied = async (of: BackupEntry | undefined) =>
    (await entries()).filter(({ copyOf }) => copyOf === of?.id);
  const plain = { incremental: false };

  it('figs. 17, 18: the array numbers what is taken, generations stay, and no data moves', async () => {
    write('one');
    const [first] = await system.backup('hourly');
    const used = array.pool().usedBytes;
    write('two');
    const [second] = await system.backup('hourly');
    expect(array.pool().usedBytes - used).toBeLessThan(2 * MIB);
    snapshots = [first ?? missing(), second ?? missing()];
    expect(await entries()).toEqual(snapshots);
    const rows = array.snapshots();
    for (const [index, entry] of snapshots.entries()) {
      const { volume, name, number } = rows[index] ?? { volume: '', name: '', number: 0 };
      expect(entry).toMatchObject({
        ...{ generation: index + 1, mountPoint: point, label: 'orders db', volumeNumber: number },
        place: { kind: 'snapshot', volume, snapshot: name },
      });
      expect(decodeVolumeInfo(readFileSync(array.path('info', `db@${name}`)))).toMatchObject({
        ...{ jobNumber: entry.jobNumber, volumeNumber: number, timeStampMs: entry.takenMs },
      });
    }
    expect(readFileSync(array.volume('db')).includes('two')).toBe(true);
  });

  it('fig. 16: a copy on tape has the information of the backup, and a move deletes that', async () => {
    const [first, second] = snapshots;
    await system.ok('tape-copy', first?.id ?? '', 'tape0');
    const [onTape] = await copied(first);
    expect(onTape).toMatchObject({
      ...{ place: { kind: 'tape', device: 'tape0', cartridges: ['AFS001'] }, generation: 1 },
      ...{ label: 'orders db', mountPoint: point, takenMs: first?.takenMs, state: 'good' },
    });
    write('three');
    const [third] = await system.backup('hourly');
    const wish = { device: 'tape0/AFS002', move: true, ...plain };
    await system.ended('tapeCopy', system.api.act(third?.id ?? '', 'tape-copy', wish));
    const moved = (await copied(third))[0] ?? missing();
    expect(moved.place).toMatchObject({ kind: 'tape', cartridges: ['AFS002'] });
    expect(await entries()).toEqual(
      byNumber([first, second, onTape, moved].map((e) => e ?? missing())),
    );
    expect(array.snapshots()).toHaveLength(2);
  });

  it('fig. 19: a copy in this and in another array has the sector, and can be mounted', async () => {
    const [first] = snapshots;
    const id = first?.id ?? '';
    await system.ok('copy', id, other.volume('db'));
    const wish = { destination: 'near', force: false, ...plain };
    await system.ended('copy', system.api.act(id, 'copy', wish));
    const copies = (await copied(first)).filter(({ place }) => place.kind === 'array');
    expect(copies.map(({ place, takenMs }) => [place, takenMs])).toEqual(
      ['db', 'near'].map((volume) => [{ kind: 'array', volume }, first?.takenMs]),
    );
    for (const [at, name] of [
      [other, 'db'],
      [array, 'near'],
    ] as const) {
      expect(decodeVolumeInfo(readFileSync(at.path('info', name)))).toMatchObject({
        ...{ label: 'orders db', copyOfJobNumber: first?.jobNumber },
      });
    }
    const there = other.loopMount(other.volume('db'), 'there', 'ro', 'norecovery', 'nouuid');
    expect(readFileSync(join(there, 'orders'), 'utf8')).toBe('one');
    await other.loopUnmount(there);
  });

  it('fig. 15: the catalog comes back equal from volumes, snapshots and tapes of both arrays', async () => {
    const before = await entries();
    expect(before).toHaveLength(6);
    rmSync(join(system.data, 'catalog'), { recursive: true });
    expect(await entries()).toEqual([]);
    await system.ok('rescan', '--tapes');
    expect(await entries()).toEqual(before);
    // What is made then has a number and a generation above.
    const [next] = await system.backup('hourly');
    const highest = Math.max(...before.map(({ jobNumber }) => jobNumber));
    expect(next?.jobNumber).toBeGreaterThan(highest);
    expect(next?.generation).toBe(4);
  });

  it('a volume comes back from tape on the array that never had it', async () => {
    const [moved] = (await entries()).filter(
      ({ place }) => place.kind === 'tape' && place.cartridges[0] === 'AFS002',
    );
    await system.ok('restore', moved?.id ?? '', '--to', 'again', '--array', other.mount);
    const there = other.loopMount(other.volume('again'), 'there', 'ro', 'norecovery', 'nouuid');
    expect(readFileSync(join(there, 'orders'), 'utf8')).toBe('three');
    await other.loopUnmount(there);
  });
});

function missing(): never {
  throw new Error('there is no backup');
}
