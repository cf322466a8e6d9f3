/** Control files, status files, jobs and events of the mounted tree. */
import { beforeEach, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/control/command-table.js';
import { ArrayTree } from '../../src/fuse/array-tree.js';
import { FakeArray } from '../control/fake-array.js';
import { codeOf, contentOf, READ_WRITE, TreeAccess, WRITE } from './tree-access.js';

/** Bytes of one request of the transport: larger writes come in such pieces. */
const REQUEST_BYTES = 128 * 1024;

let array: FakeArray;
let mount: TreeAccess;

beforeEach(async () => {
  array = new FakeArray();
  mount = new TreeAccess(new ArrayTree(array));
  await array.createVolume({ name: 'db', sizeBytes: 4096 });
});

/** One write(2) as the kernel sends it: in requests, until one fails. */
async function writeInRequests(path: string, data: Buffer): Promise<string> {
  const file = await mount.open(path, WRITE);
  try {
    for (let offset = 0; offset < data.length; offset += REQUEST_BYTES) {
      const piece = data.subarray(offset, offset + REQUEST_BYTES);
      const code = await codeOf(() => file.write(offset, piece));
      if (code !== 'done') return code;
    }
    return codeOf(() => file.flush());
  } finally {
    await file.close();
  }
}

describe('a control file', () => {
  it('runs the line that a shell echoes into it', async () => {
    await mount.echo('/ctl/snapshot', 'db name=monday\n');
    expect(array.snapshot('db', 'monday').number).toBe(2);
    expect(await mount.text('/ctl/snapshot')).toMatch(
      /\nlast result: ok snapshot db@monday number 2\n$/,
    );
  });

  it('explains itself when it is read', async () => {
    for (const command of COMMANDS) {
      const text = await mount.text(`/ctl/${command.name}`);
      expect(text).toContain(`${command.name}: ${command.summary}\n`);
      for (const part of [...command.words, ...command.options]) expect(text).toContain(part.help);
      for (const { line } of command.examples) {
        expect(text).toContain(`echo '${line}' > ctl/${command.name}`);
      }
      expect(text).toMatch(/\nlast result: none since the array was mounted\n$/);
      expect((await mount.stat(`/ctl/${command.name}`)).sizeBytes).toBe(Buffer.byteLength(text));
    }
  });

  it('lists all commands in help, which is only read', async () => {
    const help = await mount.text('/ctl/help');
    for (const { name, summary } of COMMANDS) {
      expect(help).toMatch(new RegExp(`^${name} .*${summary}$`, 'm'));
    }
    expect(await codeOf(() => mount.open('/ctl/help', WRITE))).toBe('EACCES');
  });

  it('gives each descriptor its own result, and readers the last one', async () => {
    const one = await mount.open('/ctl/create', READ_WRITE);
    const two = await mount.open('/ctl/create', READ_WRITE);
    await one.write(0, Buffer.from('one 1G\n'));
    expect(await codeOf(() => two.write(0, Buffer.from('one 2G\n')))).toBe('EEXIST');
    expect((await contentOf(one)).toString()).toBe('ok created one 1G number 2\n');
    expect((await contentOf(two)).toString()).toBe('error EEXIST: volume one exists: one 2G\n');
    expect(await mount.text('/ctl/create')).toMatch(/last result: error EEXIST/);
  });

  it('keeps the text of an open while others command', async () => {
    const reader = await mount.open('/ctl/create');
    await mount.echo('/ctl/create', 'one 1G\n');
    expect((await contentOf(reader)).toString()).toMatch(/last result: none/);
  });

  it('runs one command per write on one descriptor, at whatever offset', async () => {
    const file = await mount.open('/ctl/create', WRITE);
    await file.write(0, Buffer.from('one 1G\n'));
    await file.write(7, Buffer.from('two 1G'));
    expect(mount.names('/volumes')).toEqual(['db', 'one', 'two']);
  });

  it('accepts truncation and an empty write without effect', async () => {
    expect((await mount.change('/ctl/create', { sizeBytes: 0 })).sizeBytes).toBeGreaterThan(0);
    const file = await mount.open('/ctl/create', WRITE);
    expect(await file.write(0, new Uint8Array(0))).toBe(0);
    await file.flush();
    expect(await mount.text('/ctl/create')).toMatch(/last result: none/);
    expect(await codeOf(() => mount.change('/ctl/create', { mode: 0o777 }))).toBe('EPERM');
  });

  it('runs a line that a shell writes in pieces of its buffer as one command', async () => {
    const names = Array.from(
      { length: 300 },
      (_unused, index) => `volume-${index}-${'x'.repeat(30)}`,
    );
    for (const name of names) await array.createVolume({ name, sizeBytes: 512 });
    const line = Buffer.from(`${names.join(' ')} name=all-of-them\n`);
    const file = await mount.open('/ctl/snapshot', WRITE);
    for (let offset = 0; offset < line.length; offset += 8192) {
      expect(array.findSnapshot(names[0] ?? '', 'all-of-them')).toBeUndefined();
      await file.write(offset, line.subarray(offset, offset + 8192));
    }
    expect(names.filter((name) => array.findSnapshot(name, 'all-of-them'))).toEqual(names);
  });

  it('runs a line of whole KiB without a newline when the file is closed', async () => {
    const line = `log 1G${' '.repeat(1024 - 6)}`;
    const file = await mount.open('/ctl/create', WRITE);
    await file.write(0, Buffer.from(line));
    expect(array.findVolume('log')).toBeUndefined();
    await file.flush();
    expect(array.findVolume('log')?.sizeBytes).toBe(2 ** 30);
    await file.flush();
  });

  it.each([
    ['a line of 1 MiB', Buffer.from(`db name=x ${'y'.repeat(2 ** 20)}\n`)],
    ['1 MiB without an end', Buffer.alloc(2 ** 20, 'z')],
    ['64 KiB without an end', Buffer.alloc(2 ** 16, 'z')],
    ['8 KiB without an end', Buffer.alloc(2 ** 13, 'z')],
    ['junk', Buffer.from([0, 1, 2, 255])],
    ['4 KiB of junk', Buffer.alloc(4096, 0x80)],
    ['4 KiB of zeroes', Buffer.alloc(4096)],
    ['two lines', Buffer.from('db name=a\ndb name=b\n')],
    ['an empty line', Buffer.from('\n')],
    ['an unknown option', Buffer.from('db colour=blue\n')],
  ])('refuses %s and says why, nothing half done', async (_what, data) => {
    expect(await writeInRequests('/ctl/snapshot', data)).toBe('EINVAL');
    const text = await mount.text('/ctl/snapshot');
    expect(text.slice(text.indexOf('last result: '))).toMatch(
      /^last result: error EINVAL: .+: .*\n$/,
    );
    expect(text.slice(text.indexOf('last result: ')).length).toBeLessThan(700);
    expect(array.volume('db').snapshots).toEqual([]);
  });

  it('does not take the rest of a refused line for a command', async () => {
    const file = await mount.open('/ctl/create', READ_WRITE);
    const codes = [
      await codeOf(() => file.write(0, Buffer.alloc(8192, 1))),
      await codeOf(() => file.write(8192, Buffer.alloc(8192, 'x'))),
      await codeOf(() => file.write(16384, Buffer.from('log 1G\n'))),
      await codeOf(() => file.write(16391, Buffer.from('log2 1G\n'))),
    ];
    expect(codes).toEqual(['EINVAL', 'EINVAL', 'EINVAL', 'done']);
    expect(mount.names('/volumes')).toEqual(['db', 'log2']);
  });

  it('answers a bug of the array as EIO and passes it on to be reported', async () => {
    array.sync = () => Promise.reject(new TypeError('a bug'));
    const file = await mount.open('/ctl/sync', READ_WRITE);
    await expect((async () => file.write(0, Buffer.from('\n')))()).rejects.toThrow(TypeError);
    expect((await contentOf(file)).toString()).toBe('error EIO: a bug: \n');
  });

  it('makes volumes that belong to the caller', async () => {
    const other = new TreeAccess(mount.tree, { uid: 5, gid: 6, pid: 7 });
    await other.echo('/ctl/create', 'log 1G\n');
    await mount.echo('/ctl/create', 'log2 1G\n');
    expect(await mount.stat('/volumes/log')).toMatchObject({ uid: 5, gid: 6, mode: 0o100600 });
    expect(await mount.stat('/volumes/log2')).toMatchObject({ uid: 1000, gid: 1000 });
  });
});

describe('a status file', () => {
  it.each(mountedTables())('%s has the size that stat tells', async (name) => {
    const text = await mount.text(`/status/${name}`);
    expect((await mount.stat(`/status/${name}`)).sizeBytes).toBe(Buffer.byteLength(text));
    if (name.endsWith('.json')) expect(() => JSON.parse(text)).not.toThrow();
  });

  it('shows at each open what is true then, and keeps it while open', async () => {
    const before = await mount.open('/status/volumes.json');
    await array.createVolume({ name: 'log', sizeBytes: 512 });
    expect(JSON.parse((await contentOf(before)).toString())).toHaveLength(1);
    expect(JSON.parse(await mount.text('/status/volumes.json'))).toHaveLength(2);
  });

  it('is only read', async () => {
    expect(await codeOf(() => mount.open('/status/volumes', WRITE))).toBe('EACCES');
    expect(await codeOf(() => mount.change('/status/volumes', { sizeBytes: 0 }))).toBe('EPERM');
    const file = await mount.open('/status/volumes');
    expect(await codeOf(() => file.write(0, new Uint8Array(1)))).toBe('EBADF');
  });
});

describe('a job', () => {
  it('is a text and a JSON file of its number', async () => {
    await mount.echo('/ctl/scrub', 'all\n');
    expect(mount.names('/jobs')).toEqual(['1', '1.json']);
    expect(await mount.text('/jobs/1')).toMatch(/^state +running$/m);
    expect(await mount.text('/jobs/1')).toMatch(/^progress +45% \(45M of 100M\)$/m);
    const before = mount.node('/jobs/1.json');
    await mount.echo('/ctl/cancel', '1\n');
    expect(JSON.parse(await mount.text('/jobs/1.json')).state).toBe('cancelled');
    const now = await contentOf(
      await mount.tree.open(before, { ...WRITE, write: false }, undefined),
    );
    expect(JSON.parse(now.toString()).state).toBe('cancelled');
    expect((await mount.stat('/jobs/1')).sizeBytes).toBe((await mount.text('/jobs/1')).length);
  });

  it.each(['01', '1.text', '1.json.json', '2', '-1'])('has no file %s', async (name) => {
    await array.scrub('all');
    expect(await codeOf(() => mount.node(`/jobs/${name}`))).toBe('ENOENT');
  });
});

describe('events', () => {
  it('grow under an open file', async () => {
    const file = await mount.open('/events');
    const before = (await contentOf(file)).length;
    expect((await mount.stat('/events')).sizeBytes).toBe(before);
    array.recordEvent('TEST', 'db', 'hello');
    const more = Buffer.alloc(100);
    const length = await file.read(before, more);
    expect(more.subarray(0, length).toString()).toMatch(/ TEST db hello\n$/);
    expect((await mount.stat('/events')).sizeBytes).toBe(before + length);
  });

  it('are only read', async () => {
    expect(await codeOf(() => mount.open('/events', WRITE))).toBe('EACCES');
    const file = await mount.open('/events');
    expect(await codeOf(() => file.write(0, new Uint8Array(1)))).toBe('EBADF');
  });
});

function mountedTables(): string[] {
  const tables = ['array', 'cache', 'events', 'jobs', 'pools', 'snapshots', 'volumes'];
  return tables.flatMap((name) => [name, `${name}.json`]);
}
