/** The kernel transport's operations, each by a request written by hand. */
import { constants } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import type { OpenFile } from '../../src/fuse/file-tree.js';
import { bytesOf, requestBytes } from './fuse-messages.js';
import { harnessWithFile, KernelHarness } from './kernel-harness.js';
import { type MemoryNode, MemoryTree } from './memory-tree.js';
import { OfferingTree } from './offering-tree.js';

const ENOENT = 2;
const EINTR = 4;
const EIO = 5;
const EBADF = 9;
const EEXIST = 17;
const EINVAL = 22;
const ENOSYS = 38;

describe.each([false, true])('an answer (later: %s)', (slow) => {
  it('comes to each request, with the request it belongs to', async () => {
    const kernel = harnessWithFile();
    kernel.tree.slow = slow;
    const handle = await kernel.open(await kernel.lookup('file'));
    const asked = await Promise.all([
      kernel.read(handle, 1, 2),
      kernel.read(handle, 4, 100),
      kernel.read(handle, 5, 100),
      kernel.write(handle, 0, 'H'),
      kernel.read(handle, 0, 5),
    ]);
    expect(asked.map(({ error, body }) => [error, `${body}`])).toEqual([
      [0, 'el'],
      [0, 'o'],
      [0, ''],
      [0, '\x01\0\0\0\0\0\0\0'],
      [0, 'Hello'],
    ]);
  });

  it('is an errno where the tree refuses, and EIO for a bug, which is reported', async () => {
    const kernel = harnessWithFile();
    kernel.tree.slow = slow;
    const handle = await kernel.open(await kernel.lookup('file'));
    expect(await kernel.errorOf(1, bytesOf('none\0'))).toBe(ENOENT);
    kernel.tree.nextWriteError = new TypeError('a bug');
    expect([(await kernel.write(handle, 0, 'x')).error, kernel.bugs.length]).toEqual([EIO, 1]);
    expect((await kernel.write(handle, 0, 'x')).error).toBe(0);
  });
});

describe('a request the kernel should not have sent', () => {
  it('is refused with an errno', async () => {
    const kernel = harnessWithFile();
    const unknown = { nodeId: 99 };
    expect(await kernel.errorOf(3, Buffer.alloc(16), unknown)).toBe(ENOENT);
    expect((await kernel.read(99, 0, 1)).error).toBe(EBADF);
    expect(await kernel.errorOf(18, Buffer.alloc(24))).toBe(EBADF);
    expect(await kernel.errorOf(3, Buffer.alloc(15))).toBe(EIO);
    expect(await kernel.errorOf(999)).toBe(ENOSYS);
    expect(kernel.bugs).toEqual([new Error('the kernel sent GETATTR has a body of 15 bytes')]);
  });

  it('gets no answer without a header, nor where none is taken', async () => {
    const kernel = harnessWithFile();
    await kernel.send(Buffer.alloc(39));
    for (const opcode of [2, 36, 42]) {
      await expect(kernel.ask(opcode, Buffer.alloc(7))).rejects.toThrow('not answered');
      await expect(kernel.ask(opcode, Buffer.alloc(8))).rejects.toThrow('not answered');
    }
  });

  it.each([20 + 10, 21, 22, 23, 24, 31, 34, 39, 51, 52])(
    'opcode %i is not offered',
    async (code) => {
      expect(await harnessWithFile().errorOf(code, Buffer.alloc(64, 1))).toBe(ENOSYS);
    },
  );
});

describe('names', () => {
  it('count lookups, which FORGET takes back', async () => {
    const kernel = harnessWithFile();
    const { inodes } = kernel.dispatcher.context;
    const id = await kernel.lookup('file');
    expect(await kernel.lookup('file')).toBe(id);
    await kernel.send(bytesOf([4, 48], [4, 2], [8, 0], [8, id], Buffer.alloc(16), [8, 1]));
    expect(inodes.size).toBe(2);
    const forgets = bytesOf([4, 64], [4, 42], [8, 0], [8, 0], Buffer.alloc(16));
    await kernel.send(Buffer.concat([forgets, bytesOf([4, 1], [4, 0], [8, id], [8, 1])]));
    expect(inodes.size).toBe(1);
  });

  it('that another host has just made are opened by CREATE, without O_EXCL', async () => {
    const kernel = harnessWithFile();
    const create = (flags: number) =>
      kernel.ask(35, bytesOf([4, flags], [4, 0o100600], [4, 0], [4, 0], 'file\0'));
    const { error, body } = await create(0o102);
    expect([error, body.length]).toEqual([0, 144]);
    expect((await kernel.read(Number(body.readBigUInt64LE(128)), 0, 9)).body).toEqual(
      Buffer.from('hello'),
    );
    expect((await create(0o302)).error).toBe(EEXIST);
  });

  it('are not replaced or exchanged by RENAME2', async () => {
    const kernel = harnessWithFile();
    kernel.tree.add(kernel.tree.root, 'other', false, 0o600);
    const rename = (flags: number, target: string) =>
      kernel.errorOf(45, bytesOf([8, 1], [4, flags], [4, 0], `file\0${target}\0`));
    expect(await rename(1, 'other')).toBe(EEXIST);
    expect(await rename(2, 'other')).toBe(EINVAL);
    expect(await rename(1, 'fresh')).toBe(0);
    expect(await kernel.lookup('fresh')).not.toBe(0);
  });

  it('are listed with attributes and count as looked up, but for the dots', async () => {
    const kernel = harnessWithFile();
    const opened = await kernel.ask(27, Buffer.alloc(8));
    const handle = Number(opened.body.readBigUInt64LE(0));
    const list = (offset: number, size: number) =>
      kernel.ask(44, bytesOf([8, handle], [8, offset], [4, size], Buffer.alloc(20)));
    const first = await list(0, 2 * 160);
    expect([first.body.length, kernel.dispatcher.context.inodes.size]).toEqual([320, 1]);
    const second = await list(2, 4096);
    expect(second.body.subarray(152, 156).toString()).toBe('file');
    expect([second.body.length, kernel.dispatcher.context.inodes.size]).toEqual([160, 2]);
    expect((await list(3, 4096)).body).toHaveLength(0);
  });
});

describe('INTERRUPT', () => {
  it('is not answered itself, and what it names is answered once, in its turn', async () => {
    const kernel = harnessWithFile();
    kernel.tree.slow = true;
    const handle = await kernel.open(await kernel.lookup('file'));
    const written = kernel.write(handle, 0, 'HELLO');
    const before = kernel.answerCount;
    // Bit 0 of its own id says what it is; the victim, and one that nobody knows.
    for (const victim of [8, 1000]) await kernel.send(requestBytes(36, bytesOf([8, victim])));
    expect(kernel.answerCount).toBe(before);
    expect((await written).error).toBe(0);
    expect(kernel.answerCount).toBe(before);
    expect((await kernel.read(handle, 0, 5)).body.toString()).toBe('HELLO');
    expect(kernel.bugs).toEqual([]);
  });

  it('ends a read that may wait for ever, and no other', async () => {
    const tree = new OfferingTree();
    tree.add(tree.root, 'file', false, 0o600);
    const waiting: AbortSignal[] = [];
    tree.offered = {
      mayWait: true,
      read: (_offset, _target, interrupted) =>
        new Promise((_resolve, reject) => {
          if (interrupted === undefined) throw new Error('it could wait for ever');
          waiting.push(interrupted);
          const stop = () => reject(new ArrayError('EINTR', 'interrupted'));
          interrupted.addEventListener('abort', stop);
        }),
    };
    const kernel = new KernelHarness(tree);
    const handle = await kernel.open(await kernel.lookup('file'));
    const reads = [kernel.read(handle, 0, 8), kernel.read(handle, 0, 8)];
    const unique = kernel.nextUnique();
    const first = unique - 4n;
    const settled = kernel.dispatcher.idle();
    kernel.interrupt(first);
    kernel.interrupt(unique);
    await Promise.resolve();
    expect(waiting.map((signal) => signal.aborted)).toEqual([true, false]);
    kernel.dispatcher.context.interrupts.interruptAll();
    await settled;
    expect((await Promise.all(reads)).map(({ error }) => error)).toEqual([EINTR, EINTR]);
    kernel.interrupt(first);
    expect(kernel.bugs).toEqual([]);
  });
});

describe('the page cache', () => {
  const KEEP_CACHE = 2;
  const DIRECT = 1 + 64;

  async function flagsOf(
    tree: OfferingTree,
    keepsPages: boolean,
    { openFlags = 2, minor = 45 } = {},
  ): Promise<number> {
    tree.add(tree.root, 'file', false, 0o600);
    const kernel = new KernelHarness(tree, { keepsPages });
    await kernel.ask(26, bytesOf([4, 7], [4, minor], Buffer.alloc(56)));
    const nodeId = await kernel.lookup('file');
    const { body } = await kernel.ask(14, bytesOf([4, openFlags], [4, 0]), { nodeId });
    return body.readUInt32LE(8);
  }
  const treeOf = (offered: Partial<OpenFile>, watched: boolean) => {
    const tree = Object.assign(new OfferingTree(), watched ? { watch: () => {} } : {});
    tree.offered = offered;
    return tree;
  };

  it('keeps only files that may be cached, of a tree that tells of changes, where it is asked to', async () => {
    const cached = { mayBeCached: true };
    expect(await flagsOf(treeOf(cached, true), true)).toBe(KEEP_CACHE);
    expect(await flagsOf(treeOf(cached, true), false)).toBe(DIRECT);
    expect(await flagsOf(treeOf(cached, false), true)).toBe(DIRECT);
    expect(await flagsOf(treeOf({}, true), true)).toBe(DIRECT);
  });

  it('is passed by with O_DIRECT, where the kernel drops pages after a direct write', async () => {
    const openFlags = constants.O_RDWR | constants.O_DIRECT;
    const tree = () => treeOf({ mayBeCached: true }, true);
    expect(await flagsOf(tree(), true, { openFlags })).toBe(DIRECT);
    expect(await flagsOf(tree(), true, { openFlags, minor: 44 })).toBe(KEEP_CACHE);
  });

  it('is told of with the answer to CREATE too', async () => {
    const tree = Object.assign(new MemoryTree(), { watch: () => {} });
    const create = tree.create.bind(tree);
    tree.create = (...words) => {
      const made = create(...words) as { node: MemoryNode; file: OpenFile };
      return { node: made.node, file: Object.assign(made.file, { mayBeCached: true }) };
    };
    const kernel = new KernelHarness(tree, { keepsPages: true });
    const body = bytesOf([4, 2], [4, 0o100600], [4, 0], [4, 0], 'new\0');
    const made = await kernel.ask(35, body);
    expect(made.body.readUInt32LE(128 + 8)).toBe(KEEP_CACHE);
  });
});
