/** The client against a directory that looks like a mount, with control files that answer. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ArrayClient } from '../../src/client/array-client.js';
import type { ControlHandle, OpenControl } from '../../src/client/control-file.js';

/** A control file of the array: remembers the lines, answers with `result`, fails with `errno`. */
function controlFile(result: string, errno?: string) {
  const lines: string[] = [];
  let closed = 0;
  const handle = {
    async write(data: Buffer) {
      lines.push(data.toString());
      if (errno) throw Object.assign(new Error(`${errno}: write`), { code: errno });
      return { bytesWritten: data.length, buffer: data };
    },
    // Seven bytes a time: a result must not be taken for complete after one read.
    async read(target: Buffer, targetOffset: number, _length: number, position: number) {
      const part = Buffer.from(result).subarray(position, position + 7);
      part.copy(target, targetOffset);
      return { bytesRead: part.length, buffer: target };
    },
    async close() {
      closed += 1;
    },
  } as unknown as ControlHandle;
  const open: OpenControl = async () => handle;
  return { lines, open, closedCount: () => closed };
}

let mount = '';

beforeEach(() => {
  mount = mkdtempSync(join(tmpdir(), 'arrayfs-client-'));
  for (const name of ['ctl', 'status', 'jobs', 'info', 'volumes']) mkdirSync(join(mount, name));
});

afterEach(() => rmSync(mount, { recursive: true }));

describe('ArrayClient.run', () => {
  const request = { name: 'create', words: ['db', '1G'], options: { label: 'a b' } };

  it('writes one line and returns the text after ok', async () => {
    const file = controlFile('ok created db 1G number 3\n');
    expect(await new ArrayClient(mount, file.open).run(request)).toBe('created db 1G number 3');
    expect(file.lines).toEqual(['db 1G label="a b"\n']);
    expect(file.closedCount()).toBe(1);
  });

  it('reports a refusal with the reason of the array, not the errno of the write', async () => {
    const file = controlFile('error EEXIST: volume db exists: db 1G\n', 'EEXIST');
    const failure = new ArrayClient(mount, file.open).run(request);
    await expect(failure).rejects.toMatchObject({
      code: 'EEXIST',
      reason: 'volume db exists: db 1G',
    });
    expect(file.closedCount()).toBe(1);
  });

  it('reports the errno where there is no text', async () => {
    const file = controlFile('', 'ENOSPC');
    await expect(new ArrayClient(mount, file.open).run(request)).rejects.toMatchObject({
      code: 'ENOSPC',
    });
  });

  it('takes nothing else for an answer', async () => {
    const file = controlFile('db 1G\n');
    await expect(new ArrayClient(mount, file.open).run(request)).rejects.toThrow(/not the answer/);
  });

  it('never makes a control file that is missing', async () => {
    const failure = new ArrayClient(mount).run(request);
    await expect(failure).rejects.toThrow("no such command: 'create'");
    await expect(new ArrayClient(mount).names('ctl')).resolves.toEqual([]);
  });

  it('tells a directory that is no array', async () => {
    const failure = new ArrayClient(join(mount, 'volumes')).run(request);
    await expect(failure).rejects.toThrow(/volumes is not a mounted array/);
  });
});

describe('ArrayClient reading', () => {
  it('reads tables, jobs and names', async () => {
    writeFileSync(join(mount, 'status/volumes'), 'NAME\ndb\n');
    writeFileSync(join(mount, 'status/volumes.json'), '[{"name":"db"}]\n');
    writeFileSync(join(mount, 'jobs/7.json'), '{"id":7}');
    const client = new ArrayClient(mount);
    expect(await client.statusText('volumes')).toBe('NAME\ndb\n');
    expect(await client.statusJson('volumes')).toEqual([{ name: 'db' }]);
    expect(await client.jobJson('7')).toEqual({ id: 7 });
    expect(await client.names('status')).toEqual(['volumes']);
  });

  it('tells a table that does not exist', async () => {
    const failure = new ArrayClient(mount).statusText('volume');
    await expect(failure).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(failure).rejects.toThrow("no such file: 'status/volume'");
  });

  it.each(['..', '../volumes/db', 'a/b', '', '-x', '.hidden'])(
    'never lets %j become a path',
    async (name) => {
      const client = new ArrayClient(mount);
      await expect(client.statusText(name)).rejects.toMatchObject({ code: 'EINVAL' });
      await expect(client.jobText(name)).rejects.toMatchObject({ code: 'EINVAL' });
      await expect(client.pairText(`${name}:x/y`)).rejects.toMatchObject({ code: 'EINVAL' });
    },
  );

  it('reads a sector, and none where the file is empty', async () => {
    writeFileSync(join(mount, 'info/db'), Buffer.alloc(512, 7));
    writeFileSync(join(mount, 'info/log'), '');
    const client = new ArrayClient(mount);
    expect(await client.readInfo('db')).toEqual(Buffer.alloc(512, 7));
    expect(await client.readInfo('log')).toBeUndefined();
    await expect(client.readInfo('nope')).rejects.toThrow("no such volume or snapshot: 'nope'");
    await expect(client.readInfo('../status/x')).rejects.toMatchObject({ code: 'EINVAL' });
  });

  it('says that a table is not JSON', async () => {
    writeFileSync(join(mount, 'status/volumes.json'), '[{');
    await expect(new ArrayClient(mount).statusJson('volumes')).rejects.toThrow(/is not JSON/);
  });
});
