/** What a power cut may leave, case by case from logs written by hand. */
import { describe, expect, it } from 'vitest';
import { CrashDisk, type Survival } from './crash-disk.js';
import type { LogEntry } from './programs/operation-log.js';

const FILE = 2;
const ALL: Survival = (change) => [change];
const NOTHING: Survival = () => [];

const create: LogEntry = {
  kind: 'create',
  parent: 1,
  name: 'file',
  node: FILE,
  isDirectory: false,
};
const sync: LogEntry = { kind: 'sync', node: FILE };

function write(offset: number, text: string, handle = 1): LogEntry {
  return { kind: 'write', node: FILE, handle, offset, data: Buffer.from(text) };
}

function diskAfter(...log: LogEntry[]): CrashDisk {
  const disk = new CrashDisk();
  for (const entry of log) disk.apply(entry);
  return disk;
}

/** The files after a cut, by path. */
function cut(disk: CrashDisk, survival: Survival, namesKept = disk.unsyncedNames()) {
  const { files } = disk.image(survival, namesKept);
  return Object.fromEntries([...files].map(([path, file]) => [path, file.content().toString()]));
}

describe('content after a power cut', () => {
  it('is all that was written before the last sync', () => {
    const disk = diskAfter(create, write(0, 'synced'), sync, write(0, 'later'));
    expect(cut(disk, NOTHING)).toEqual({ file: 'synced' });
    expect(cut(disk, ALL)).toEqual({ file: 'laterd' });
  });

  it('may be any choice of what came after it, in its order', () => {
    const disk = diskAfter(create, sync, write(0, 'aaaa'), write(2, 'bb'), write(6, 'cc'));
    const changes = disk.unsynced();
    const without = (index: number) =>
      cut(disk, (change) => (change === changes[index] ? [] : [change]));
    expect(cut(disk, ALL)).toEqual({ file: 'aabb\0\0cc' });
    expect(without(0)).toEqual({ file: '\0\0bb\0\0cc' });
    expect(without(1)).toEqual({ file: 'aaaa\0\0cc' });
    expect(without(2)).toEqual({ file: 'aabb' });
  });

  it('may be a part of a change', () => {
    const disk = diskAfter(create, sync, write(0, 'abcd'));
    const second: Survival = (change) =>
      change.kind === 'write' ? [{ ...change, offset: 2, data: change.data.subarray(2) }] : [];
    expect(cut(disk, second)).toEqual({ file: '\0\0cd' });
  });

  it('keeps of an O_DSYNC file what was written through it, and that alone', () => {
    const disk = diskAfter(create, sync, write(0, 'lost'), write(2, 'kept', 7), {
      kind: 'sync',
      node: FILE,
      handle: 7,
    });
    expect(disk.unsynced()).toHaveLength(1);
    expect(cut(disk, NOTHING)).toEqual({ file: '\0\0kept' });
    expect(cut(disk, ALL)).toEqual({ file: 'lokept' });
    disk.apply(sync);
    expect(cut(disk, NOTHING)).toEqual({ file: 'lokept' });
  });

  it('keeps the order of what stays uncertain below something kept', () => {
    const disk = diskAfter(create, sync, write(0, 'kept', 7), write(1, 'xx'), {
      kind: 'sync',
      node: FILE,
      handle: 7,
    });
    expect(cut(disk, NOTHING)).toEqual({ file: 'kept' });
    expect(cut(disk, ALL)).toEqual({ file: 'kxxt' });
  });

  it('loses truncations and zeros like writes', () => {
    const disk = diskAfter(
      create,
      write(0, 'abcdef'),
      sync,
      { kind: 'zero', node: FILE, offset: 1, size: 2 },
      { kind: 'truncate', node: FILE, size: 4 },
    );
    expect(cut(disk, NOTHING)).toEqual({ file: 'abcdef' });
    expect(cut(disk, (change) => (change.kind === 'zero' ? [change] : []))).toEqual({
      file: 'a\0\0def',
    });
    expect(cut(disk, ALL)).toEqual({ file: 'a\0\0d' });
  });

  it('of one file does not follow the sync of another', () => {
    const other: LogEntry = { ...create, name: 'other', node: 3 };
    const disk = diskAfter(create, other, write(0, 'lost'), { kind: 'sync', node: 3 });
    expect(cut(disk, NOTHING)).toEqual({ file: '', other: '' });
  });
});

describe('what was on the disk before', () => {
  it('is there with its names', () => {
    const disk = diskAfter(create, write(0, 'before'));
    disk.keepAll();
    expect([disk.unsynced(), disk.unsyncedNames()]).toEqual([[], 0]);
    disk.apply(write(0, 'later'));
    expect(cut(disk, NOTHING)).toEqual({ file: 'before' });
  });
});

describe('names after a power cut', () => {
  it('survive in their order up to some point', () => {
    const disk = diskAfter(
      create,
      { kind: 'rename', parent: 1, name: 'file', newParent: 1, newName: 'new' },
      { kind: 'remove', parent: 1, name: 'new' },
    );
    expect(disk.unsyncedNames()).toBe(3);
    const states = [0, 1, 2, 3].map((kept) => Object.keys(cut(disk, ALL, kept)));
    expect(states).toEqual([[], ['file'], ['new'], []]);
  });

  it('are kept by the sync of the file, with its directories', () => {
    const disk = diskAfter(
      { kind: 'create', parent: 1, name: 'pool', node: 5, isDirectory: true },
      { ...create, parent: 5 },
      { ...create, parent: 5, name: 'later', node: 6 },
      write(0, 'x'),
      sync,
    );
    expect(disk.unsyncedNames()).toBe(1);
    expect(cut(disk, NOTHING, 0)).toEqual({ 'pool/file': 'x' });
  });

  it('are kept by the sync of the directory, renamed and removed ones too', () => {
    const disk = diskAfter(
      create,
      sync,
      { kind: 'rename', parent: 1, name: 'file', newParent: 1, newName: 'new' },
      { kind: 'syncDirectory', node: 1 },
    );
    expect(cut(disk, NOTHING, 0)).toEqual({ new: '' });
  });

  it('of a file replaced by a rename is the old one until it is synced', () => {
    const disk = diskAfter(
      create,
      write(0, 'old'),
      sync,
      { ...create, name: 'new', node: 3 },
      { kind: 'rename', parent: 1, name: 'new', newParent: 1, newName: 'file' },
    );
    expect(cut(disk, NOTHING, 0)).toEqual({ file: 'old' });
    expect(cut(disk, NOTHING, 2)).toEqual({ file: '' });
  });
});
