/** What an open file may offer beyond reading and writing, by requests written by hand. */
import { describe, expect, it } from 'vitest';
import type { RangeChange } from '../../src/fuse/file-tree.js';
import { bytesOf } from './fuse-messages.js';
import { harnessWithFile } from './kernel-harness.js';
import { offering } from './offering-tree.js';

const ENXIO = 6;
const EINVAL = 22;
const EOPNOTSUPP = 95;

describe('an open file', () => {
  it('is data up to its end for LSEEK', async () => {
    const kernel = harnessWithFile();
    const handle = await kernel.open(await kernel.lookup('file'));
    const seek = async (offset: number, whence: number) => {
      const { error, body } = await kernel.ask(
        46,
        bytesOf([8, handle], [8, offset], [4, whence], [4, 0]),
      );
      return error === 0 ? Number(body.readBigUInt64LE(0)) : -error;
    };
    expect([await seek(2, 3), await seek(2, 4), await seek(5, 3), await seek(9, 4)]).toEqual([
      2,
      5,
      -ENXIO,
      -ENXIO,
    ]);
    expect(await seek(0, 7)).toBe(-EINVAL);
  });

  it('tells where its data and holes are, if it knows', async () => {
    const offered = {
      seekData: (offset: number) => (offset < 4096 ? 1024 : undefined),
      seekHole: () => 2048,
    };
    const { kernel, handle } = await offering(offered);
    const seek = (offset: number, whence: number) =>
      kernel.ask(46, bytesOf([8, handle], [8, offset], [4, whence], [4, 0]));
    expect((await seek(0, 3)).body).toEqual(bytesOf([8, 1024]));
    expect((await seek(0, 4)).body).toEqual(bytesOf([8, 2048]));
    expect((await seek(4096, 3)).error).toBe(ENXIO);
  });

  it('is given what fallocate asks for', async () => {
    const changes: RangeChange[] = [];
    const { kernel, handle } = await offering({ allocate: (change) => void changes.push(change) });
    const allocate = (mode: number) =>
      kernel.errorOf(43, bytesOf([8, handle], [8, 512], [8, 1024], [4, mode], [4, 0]));
    for (const mode of [0, 1, 3, 16, 17]) expect(await allocate(mode)).toBe(0);
    expect(changes.map(({ kind, keepsSize }) => `${kind} ${keepsSize}`)).toEqual([
      'reserve false',
      'reserve true',
      'punch true',
      'zero false',
      'zero true',
    ]);
    expect(changes[0]).toMatchObject({ offset: 512, sizeBytes: 1024 });
    expect(await allocate(8)).toBe(EOPNOTSUPP);
  });

  it('copies into another one', async () => {
    const copies: unknown[] = [];
    const { kernel, handle } = await offering({
      copyRange: (offset, target, targetOffset, sizeBytes) => {
        copies.push([offset, target.node.ino, targetOffset, sizeBytes]);
        return 4096;
      },
    });
    const copy = bytesOf([8, handle], [8, 1], [8, 2], [8, handle], [8, 3], [8, 2 ** 40], [8, 0]);
    expect((await kernel.ask(47, copy)).body).toEqual(bytesOf([4, 4096], [4, 0]));
    expect(copies).toEqual([[1, 2, 3, 2 ** 30]]);
  });

  it('refuses what it does not offer, without ENOSYS, which would be for all files', async () => {
    const { kernel, handle } = await offering({});
    expect(await kernel.errorOf(43, bytesOf([8, handle], Buffer.alloc(24)))).toBe(EOPNOTSUPP);
    const copy = bytesOf([8, handle], [8, 0], [8, 2], [8, handle], Buffer.alloc(24));
    expect(await kernel.errorOf(47, copy)).toBe(EOPNOTSUPP);
  });

  it('wakes those who sleep in poll', async () => {
    let readable = false;
    const { kernel, handle } = await offering({ isReadable: () => readable });
    const ask = (flags: number) => bytesOf([8, handle], [8, 77], [4, flags], [4, 0x45]);
    const poll = (flags: number) => kernel.ask(40, ask(flags));
    expect((await poll(0)).body.readUInt32LE(0)).toBe(4);
    const {
      context: { polls },
    } = kernel.dispatcher;
    const node = { ino: 2, isDirectory: false };
    expect(polls.wake(node)).toEqual([]);
    await poll(1);
    expect(polls.wake({ ino: 3, isDirectory: false })).toEqual([]);
    expect([polls.wake(node), polls.wake(node)]).toEqual([[77], []]);
    readable = true;
    expect((await poll(1)).body.readUInt32LE(0)).toBe(0x45);
    await kernel.ask(18, bytesOf([8, handle], Buffer.alloc(16)));
    expect(polls.wake(node)).toEqual([]);
  });
});
