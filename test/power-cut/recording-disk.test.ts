/** The recording file system itself, on a real mount: what programs do is what the log says. */
import {
  closeSync,
  constants,
  fdatasyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canMount } from '../support/mounted-array.js';
import { done } from '../support/programs.js';
import { cleanScratch, makeScratch } from '../support/scratch-directory.js';
import type { LogEntry } from './programs/operation-log.js';
import { RecordingDisk } from './recording-disk.js';

/** Writes data in place through a shared mapping, which must see what write(2) has written. */
const MAPPING = `
import mmap, os, sys
file = os.open(sys.argv[1], os.O_RDWR)
page = mmap.mmap(file, 4096)
os.pwrite(file, b'seen', 100)
assert page[100:104] == b'seen', page[100:104]
page[0:6] = b'mapped'
page.flush()
`;

describe.skipIf(!canMount)('the recording file system', () => {
  let disk: RecordingDisk;
  beforeAll(async () => {
    disk = await RecordingDisk.mount(makeScratch());
  });
  afterAll(cleanScratch);

  it('keeps files like any other and logs every change and sync in order', async () => {
    const path = (...names: string[]) => join(disk.directory, ...names);
    mkdirSync(path('pool'));
    const file = openSync(path('pool', 'a'), 'w+');
    writeSync(file, 'hello', 0);
    fdatasyncSync(file);
    ftruncateSync(file, 8_192);
    const synced = openSync(path('pool', 'a'), constants.O_WRONLY | constants.O_DSYNC);
    writeSync(synced, 'dsync', 4_096);
    fdatasyncSync(synced);
    done('python3', '-c', MAPPING, path('pool', 'a'));
    renameSync(path('pool', 'a'), path('pool', 'b'));
    const content = readFileSync(path('pool', 'b'));
    expect(content.length).toBe(8_192);
    expect(content.toString('utf8', 0, 6)).toBe('mapped');
    expect(content.toString('utf8', 4_096, 4_101)).toBe('dsync');
    expect(readdirSync(path('pool'))).toEqual(['b']);
    expect(statSync(path('pool', 'b')).size).toBe(8_192);
    unlinkSync(path('pool', 'b'));
    const pool = openSync(path('pool'), 'r');
    done('sync', path('pool'));
    for (const open of [file, synced, pool]) closeSync(open);
    const log = await disk.finish();
    expect(log.map(described)).toEqual([
      'create 1 pool 2 directory',
      'create 2 a 3',
      'write 3 through 1 at 0: hello',
      'sync 3',
      'truncate 3 to 8192',
      'write 3 through 2 at 4096: dsync',
      'sync 3 through 2',
      'sync 3',
      'write 3 through 3 at 100: seen',
      'write 3 through 0 at 0: mapped',
      'sync 3',
      'rename 2 a to 2 b',
      'remove 2 b',
      'sync directory 2',
    ]);
  });
});

/** Open files by the order of their first use; directories have numbers of their own. */
const handles = new Map<number, number>([[0, 0]]);

function described(entry: LogEntry): string {
  const through = (handle: number) => {
    if (!handles.has(handle)) handles.set(handle, handles.size);
    return `through ${handles.get(handle)}`;
  };
  switch (entry.kind) {
    case 'create': {
      const { parent, name, node, isDirectory } = entry;
      return `create ${parent} ${name} ${node}${isDirectory ? ' directory' : ''}`;
    }
    case 'remove':
      return `remove ${entry.parent} ${entry.name}`;
    case 'rename':
      return `rename ${entry.parent} ${entry.name} to ${entry.newParent} ${entry.newName}`;
    case 'write': {
      const text = Buffer.from(entry.data).toString().split('\0')[0];
      return `write ${entry.node} ${through(entry.handle)} at ${entry.offset}: ${text}`;
    }
    case 'truncate':
      return `truncate ${entry.node} to ${entry.size}`;
    case 'zero':
      return `zero ${entry.node} at ${entry.offset}: ${entry.size}`;
    case 'sync':
      return `sync ${entry.node}${entry.handle === undefined ? '' : ` ${through(entry.handle)}`}`;
    case 'syncDirectory':
      return `sync directory ${entry.node}`;
  }
}
