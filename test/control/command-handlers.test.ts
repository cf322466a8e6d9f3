/** What each command does to an array and what it answers. */
import { beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/control/command-handlers.js';
import { parseCommand } from '../../src/control/command-parser.js';
import { COMMANDS, findCommand } from '../../src/control/command-table.js';
import { FakeArray } from './fake-array.js';

const SECTOR = new Uint8Array(512).fill(7);
const BASE64 = Buffer.from(SECTOR).toString('base64');
const OWNER = { uid: 5, gid: 6, mode: 0o600 };

let array: FakeArray;

async function run(name: string, line: string, on: FakeArray = array): Promise<string> {
  const command = findCommand(name);
  if (command === undefined) throw new Error(`no command ${name}`);
  try {
    return await runCommand(on, parseCommand(command, Buffer.from(line)), { owner: OWNER });
  } catch (error) {
    return String(error);
  }
}

beforeEach(async () => {
  array = new FakeArray();
  await run('create', 'db 1G');
  await run('snapshot', 'db name=monday');
});

describe('runCommand', () => {
  it.each([
    ['create', 'log 512M', 'created log 512M number 3'],
    ['create', 'db 1G', /EEXIST/],
    ['create', 'log 1G pool=other', /ENOENT/],
    ['resize', 'db 2G', 'resized db to 2G'],
    ['resize', 'none-such 2G', /ENOENT/],
    ['rename', 'db db2', 'renamed db to db2'],
    ['rename', '#1 db2', 'renamed db to db2'],
    ['delete', 'db', /EBUSY/],
    ['delete', 'db snapshots=yes', 'deleted db and its snapshots'],
    ['delete', 'db force=yes', /EINVAL.*snapshots=yes/],
    ['delete', 'db@monday', 'deleted db@monday'],
    ['delete', '#2', 'deleted db@monday'],
    ['delete', 'db@monday snapshots=yes', /EINVAL/],
    ['label', 'db text="a b"', 'labelled db'],
    ['label', 'db@monday text=x', 'labelled db@monday'],
    ['label', 'db', 'label of db cleared'],
    ['snapshot', 'db name=tuesday', 'snapshot db@tuesday number 3'],
    ['snapshot', 'db', 'snapshot db@20260101T000000Z number 3'],
    ['snapshot', 'db name=monday', /EEXIST/],
    ['restore', 'db@monday', 'restored db to monday'],
    ['restore', '#1', /EINVAL.*not a snapshot/],
    ['restore', 'db@sunday', /ENOENT/],
    ['clone', 'db@monday db-test', 'cloned db@monday to db-test number 3'],
    ['clone', 'db@monday db', /EEXIST/],
    ['info', `db set=${BASE64}`, 'information of db stored'],
    ['info', 'db@monday clear=yes', 'information of db@monday cleared'],
    ['info', 'db holds=1a2b3c4d', 'db holds 1a2b3c4d'],
    ['info', 'db', /EINVAL.*exactly one/],
    ['info', 'db clear=yes holds=1a2b3c4d', /EINVAL.*exactly one/],
    ['info', `db set=${BASE64} clear=yes`, /EINVAL.*exactly one/],
    ['scrub', 'all', 'job 1 scrub all'],
    ['scrub', 'db@sunday', /ENOENT/],
    ['cancel', '1', /ENOENT/],
    ['sync', '', 'everything acknowledged is durable'],
    ['pooladd', 'mirror /disk2/pool', 'added pool mirror of 1G in /disk2/pool'],
    ['pooladd', 'mirror disk2/pool', /EINVAL: a directory is named from/],
    ['pooladd', 'mirror /disk2/pool blocks=paper', /EINVAL: blocks= is one of lmdb file/],
    ['pooladd', 'pool0 /disk2/pool', /EEXIST/],
    ['poolremove', 'pool0', 'removed pool pool0; its files stay in /srv/array'],
    ['poolremove', 'pool0 force=yes', 'gave up pool pool0'],
    ['poolremove', 'nowhere', /ENOENT: no pool nowhere/],
  ])('%s %j answers %s', async (name, line, answer) => {
    if (typeof answer === 'string') expect(await run(name, line)).toBe(answer);
    else expect(await run(name, line)).toMatch(answer);
  });

  it('gives new volumes the owner of the caller, size, label and pool', async () => {
    await run('create', 'log 1536 label="a b" pool=pool0');
    expect(array.volume('log')).toMatchObject({ ...OWNER, sizeBytes: 1536, label: 'a b' });
  });

  it('adds a pool with the capacity and the container that are asked for', async () => {
    await run('pooladd', 'mirror /disk2/pool capacity=2G blocks=lmdb');
    expect(array.addedPools).toEqual([
      { name: 'mirror', directory: '/disk2/pool', capacityBytes: 2 ** 31, blocks: 'lmdb' },
    ]);
  });

  it('takes snapshots of several volumes in one command', async () => {
    await run('create', 'log 1M');
    const answer = await run('snapshot', `db log name=both label=x info=${BASE64}`);
    expect(answer).toBe('snapshot db@both number 4, log@both number 5');
    expect(array.snapshot('log', 'both').info).toEqual(Buffer.from(SECTOR));
  });

  it('shrinks and restores under a writer only by force', async () => {
    const image = array.openImage(array.volume('db'), { write: true });
    expect(await run('resize', 'db 512')).toMatch(/EBUSY/);
    expect(await run('restore', 'db@monday')).toMatch(/EBUSY/);
    expect(await run('resize', 'db 512 force=yes')).toBe('resized db to 512');
    expect(await run('restore', 'db@monday force=yes')).toBe('restored db to monday');
    image.close();
  });

  it('cancels a running job once', async () => {
    await run('scrub', 'db');
    expect(await run('cancel', '1')).toBe('job 1 cancelled');
    expect(await run('cancel', '1')).toMatch(/EBUSY/);
  });

  it('refuses every change of a read-only array', async () => {
    const readOnly = new FakeArray(true);
    for (const command of COMMANDS.filter((row) => row.changesArray)) {
      const line = command.examples[0]?.line ?? '';
      expect([command.name, await run(command.name, line, readOnly)]).toEqual([
        command.name,
        'ArrayError: EROFS: the array is mounted read-only',
      ]);
    }
    expect(await run('scrub', 'all', readOnly)).toBe('job 1 scrub all');
    expect(await run('sync', '', readOnly)).toMatch(/durable/);
  });
});
