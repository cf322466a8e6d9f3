/** What the FUSE codec encodes, against bytes written by hand from the tables of linux/fuse.h. */
import { describe, expect, it } from 'vitest';
import type { Attributes } from '../../src/fuse/file-tree.js';
import { DirectoryPacker } from '../../src/fuse/fuse-format-directory.js';
import { decodeInit, initFrame } from '../../src/fuse/fuse-format-init.js';
import {
  invalidateAttributesNotice,
  invalidateNodeNotice,
  pollNotice,
} from '../../src/fuse/fuse-format-notify.js';
import * as replies from '../../src/fuse/fuse-format-replies.js';
import { bytesOf, request } from './fuse-messages.js';

const ATTRIBUTES: Attributes = {
  ino: 0x1_0000_0007,
  mode: 0o100640,
  linkCount: 1,
  uid: 5,
  gid: 6,
  sizeBytes: 2 ** 40 + 1,
  sectorsAllocated: 33,
  accessedMs: -1500,
  modifiedMs: 1_700_000_000_250,
  changedMs: 3000,
};

/** fuse_attr, 88 bytes. */
const ATTRIBUTE_BYTES = bytesOf(
  [8, 0x1_0000_0007],
  [8, 2 ** 40 + 1],
  [8, 33],
  [8, -2],
  [8, 1_700_000_000],
  [8, 3],
  [4, 500_000_000],
  [4, 250_000_000],
  [4, 0],
  [4, 0o100640],
  [4, 1],
  [4, 5],
  [4, 6],
  [4, 0],
  [4, 2 ** 20],
  [4, 0],
);
const ENTRY_BYTES = bytesOf([8, 77], [8, 0], [8, 0], [8, 0], [4, 0], [4, 0], ATTRIBUTE_BYTES);

const body = (frame: Buffer) => frame.subarray(16);

describe('a reply', () => {
  const sealed = (frame: Buffer, errno = 0) => {
    replies.sealFrame(frame, errno, 2, 0x8000_0001);
    return frame;
  };

  it('has a header of 16 bytes', () => {
    const unique = [8, 0x8000_0001_0000_0002n] as const;
    expect(sealed(replies.emptyFrame())).toEqual(bytesOf([4, 16], [4, 0], unique));
    expect(sealed(replies.emptyFrame(), 38)).toEqual(bytesOf([4, 16], [4, -38], unique));
    expect(sealed(replies.emptyFrame(8)).readUInt32LE(0)).toBe(24);
    expect(() => sealed(replies.emptyFrame(8), 5)).toThrow('assertion');
  });

  it('has the body of its layout', () => {
    const node = { nodeId: 77, attributes: ATTRIBUTES };
    expect(ENTRY_BYTES).toHaveLength(128);
    expect(body(replies.entryFrame(node))).toEqual(ENTRY_BYTES);
    expect(body(replies.createFrame(node, 9, 0x41))).toEqual(
      bytesOf(ENTRY_BYTES, [8, 9], [4, 0x41], [4, 0]),
    );
    expect(body(replies.openFrame(2 ** 33, 1))).toEqual(bytesOf([8, 2 ** 33], [4, 1], [4, 0]));
    expect(body(replies.attributesFrame(ATTRIBUTES))).toEqual(
      bytesOf([8, 0], [4, 0], [4, 0], ATTRIBUTE_BYTES),
    );
    expect(body(replies.countFrame(4096))).toEqual(bytesOf([4, 4096], [4, 0]));
    expect(body(replies.offsetFrame(2 ** 40))).toEqual(bytesOf([8, 2 ** 40]));
  });

  it('counts the file system in blocks of 4 KiB', () => {
    const frame = replies.statfsFrame({
      totalBytes: 40 * 2 ** 40,
      freeBytes: 30 * 2 ** 40 + 1,
      files: 100,
      filesFree: 40,
      nameCharactersMax: 64,
    });
    const free = [8, 30 * 2 ** 28] as const;
    const sizes = [
      [4, 4096],
      [4, 64],
      [4, 4096],
      [4, 0],
    ] as const;
    expect(body(frame)).toEqual(
      bytesOf([8, 40 * 2 ** 28], free, free, [8, 100], [8, 40], ...sizes, Buffer.alloc(24)),
    );
  });
});

describe('a listing', () => {
  const directory = { name: 'volumes', node: { ino: 2, isDirectory: true } };
  const file = { name: 'é', node: { ino: 2 ** 33, isDirectory: false } };

  it('packs records of whole 8 bytes until the next does not fit', () => {
    const packer = new DirectoryPacker(32 + 32 + 31);
    expect(packer.add(directory, 1)).toBe(true);
    expect(packer.add(file, 2)).toBe(true);
    expect(packer.add(file, 3)).toBe(false);
    expect(body(packer.finish())).toEqual(
      bytesOf(
        ...([[8, 2], [8, 1], [4, 7], [4, 4], 'volumes', Buffer.alloc(1)] as const),
        ...([[8, 2 ** 33], [8, 2], [4, 2], [4, 8], 'é', Buffer.alloc(6)] as const),
      ),
    );
  });

  it('packs attributes in front, valid without their name, or nothing in their place', () => {
    const packer = new DirectoryPacker(2 * 160);
    expect(packer.hasRoomPlus(directory)).toBe(true);
    packer.addPlus(directory, 1, { nodeId: 77, attributes: ATTRIBUTES });
    packer.addPlus(file, 2, undefined);
    expect(packer.hasRoomPlus(file)).toBe(false);
    const frame = body(packer.finish());
    expect(frame).toHaveLength(320);
    const valid = bytesOf([8, 77], [8, 0], [8, 0], [8, 1]);
    expect(frame.subarray(0, 128)).toEqual(bytesOf(valid, ENTRY_BYTES.subarray(32)));
    expect(frame.subarray(160, 288)).toEqual(Buffer.alloc(128));
    expect(frame.subarray(288)).toEqual(
      bytesOf([8, 2 ** 33], [8, 2], [4, 2], [4, 8], 'é', Buffer.alloc(6)),
    );
  });

  it('lets nothing be kept of a volatile entry', () => {
    const packer = new DirectoryPacker(160);
    const entry = { name: 'e', node: { ino: 3, isDirectory: false, isVolatile: true } };
    packer.addPlus(entry, 1, { nodeId: 77, attributes: ATTRIBUTES });
    const valid = bytesOf([8, 77], [8, 0], [8, 0], [8, 0]);
    expect(body(packer.finish()).subarray(0, 32)).toEqual(valid);
  });
});

describe('INIT', () => {
  const init = (
    major: number,
    minor: number,
    flags = 0x73ff_fffb,
    flags2 = 0x5fd,
    { listsAttributes = false, keepsPages = false } = {},
  ) =>
    initFrame(
      decodeInit(
        request(
          26,
          bytesOf([4, major], [4, minor], [4, 131072], [4, flags], [4, flags2], Buffer.alloc(44)),
        ),
      ),
      { listsAttributes, keepsPages },
    );

  it('grants what is served, of what is offered', () => {
    expect(body(init(7, 45))).toEqual(
      bytesOf(
        ...([
          [4, 7],
          [4, 38],
          [4, 131072],
        ] as const),
        // ASYNC_READ, ATOMIC_O_TRUNC, BIG_WRITES, ASYNC_DIO, PARALLEL_DIROPS, MAX_PAGES, INIT_EXT
        [4, 2 ** 0 + 2 ** 3 + 2 ** 5 + 2 ** 15 + 2 ** 18 + 2 ** 22 + 2 ** 30],
        ...([
          [2, 64],
          [2, 48],
          [4, 2 ** 20],
          [4, 1],
          [2, 256],
          [2, 0],
        ] as const),
        // DIRECT_IO_ALLOW_MMAP
        ...([[4, 2 ** 4], Buffer.alloc(28)] as const),
      ),
    );
    const lists = init(7, 45, 2 ** 13 + 2 ** 14, 0, { listsAttributes: true });
    expect(body(lists).readUInt32LE(12)).toBe(2 ** 13 + 2 ** 14);
    // AUTO_INVAL_DATA is not asked for, EXPLICIT_INVAL_DATA is.
    const keeps = init(7, 45, 2 ** 12 + 2 ** 25, 0, { keepsPages: true });
    expect(body(keeps).readUInt32LE(12)).toBe(2 ** 25);
    expect(body(init(7, 31, 1, 0)).readUInt32LE(4)).toBe(31);
    expect(body(init(7, 31, 1, 0)).readUInt32LE(12)).toBe(1);
  });

  it('has no second word of flags in the short form of old kernels', () => {
    const message = request(26, bytesOf([4, 7], [4, 31], [4, 0], [4, 1]));
    expect(decodeInit(message).flags2).toBe(0);
  });

  it('tells a newer kernel the major number, and refuses an older one', () => {
    expect(body(init(8, 0)).readUInt32LE(0)).toBe(7);
    expect(() => init(7, 27)).toThrow('EIO');
    expect(() => init(6, 45)).toThrow('EIO');
  });
});

describe('a notification', () => {
  it('has a code in the place of the error and no unique', () => {
    expect(pollNotice(11)).toEqual(bytesOf([4, 24], [4, 1], [8, 0], [8, 11]));
    expect(invalidateNodeNotice(77)).toEqual(
      bytesOf([4, 40], [4, 2], [8, 0], [8, 77], [8, 0], [8, 0]),
    );
    expect(invalidateAttributesNotice(77)).toEqual(
      bytesOf([4, 40], [4, 2], [8, 0], [8, 77], Buffer.alloc(8, 0xff), [8, 0]),
    );
  });
});
