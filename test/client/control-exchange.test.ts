/** The client and the control files of the array's tree, face to face without a mount between them. */
import { relative } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { asArrayError } from '../../src/base/errors.js';
import { ArrayClient } from '../../src/client/array-client.js';
import type { ControlHandle, OpenControl } from '../../src/client/control-file.js';
import { COMMANDS } from '../../src/control/command-table.js';
import { ArrayTree } from '../../src/fuse/array-tree.js';
import { FakeArray } from '../control/fake-array.js';
import { READ_WRITE, TreeAccess } from '../fuse/tree-access.js';

const MOUNT = '/mnt/array';

/** Opens files of the tree as a transport would: of a refusal only the errno comes through. */
function openIn(tree: ArrayTree): OpenControl {
  const access = new TreeAccess(tree);
  return async (path) => {
    const file = await access.open(relative(MOUNT, path), READ_WRITE);
    const handle = {
      async write(data: Buffer) {
        try {
          return { bytesWritten: await file.write(0, data), buffer: data };
        } catch (error) {
          const { code } = asArrayError(error);
          throw Object.assign(new Error(`${code}: write`), { code });
        }
      },
      async read(target: Buffer, targetOffset: number, length: number, position: number) {
        const part = target.subarray(targetOffset, targetOffset + length);
        return { bytesRead: await file.read(position, part), buffer: target };
      },
      async close() {
        await file.flush();
        await file.close();
      },
    };
    return handle as unknown as ControlHandle;
  };
}

describe('the client on the control files', () => {
  let array: FakeArray;
  let client: ArrayClient;

  beforeEach(() => {
    array = new FakeArray();
    client = new ArrayClient(MOUNT, openIn(new ArrayTree(array)));
  });

  const create = (name: string, options: Record<string, string> = {}) =>
    client.run({ name: 'create', words: [name, '1M'], options });

  it('gets the result of its command', async () => {
    expect(await create('db', { label: 'a "b" \\c, d=e' })).toBe('created db 1M number 1');
    expect(array.volume('db').label).toBe('a "b" \\c, d=e');
  });

  it('gets the reason of a refusal, with the line', async () => {
    await create('db');
    await expect(create('db')).rejects.toMatchObject({
      code: 'EEXIST',
      reason: expect.stringMatching(/: db 1M$/),
    });
  });

  it('gets its own result when others command at the same moment', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `v${index}`);
    const results = await Promise.all(names.map((name) => create(name)));
    results.forEach((result, index) => {
      expect(result).toContain(`created v${index} 1M`);
    });
  });

  it.each([1_023, 4_096, 8_192, 20_000])('sends a line of %i bytes whole', async (lengthBytes) => {
    const failure = client.runLine('create', 'x'.repeat(lengthBytes - 1));
    await expect(failure).rejects.toMatchObject({ code: 'EINVAL' });
  });

  it.each(['a\nb', 'a\u0000b', 'x'.repeat(70_000)])('is refused a strange line', async (line) => {
    await expect(client.runLine('create', line)).rejects.toMatchObject({ code: 'EINVAL' });
    expect(array.volumes()).toEqual([]);
  });

  it('finds a control file for each command of the table', async () => {
    for (const { name } of COMMANDS) {
      await expect(client.runLine(name, 'a b c d e f=g')).rejects.toMatchObject({ code: 'EINVAL' });
    }
  });
});
