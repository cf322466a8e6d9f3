/** What the FUSE codec decodes, from bytes written by hand from the tables of linux/fuse.h. */
import { describe, expect, it } from 'vitest';
import {
  bodyBytesMin,
  isSilent,
  messageProblem,
  OPCODES,
  opcodeName,
} from '../../src/fuse/fuse-format.js';
import * as requests from '../../src/fuse/fuse-format-requests.js';
import { bytesOf, messageOf, request, requestBytes } from './fuse-messages.js';

/** Opcode numbers and the sizes of the bodies before names and data. */
const SIZES: readonly (readonly [number, string, number])[] = [
  [1, 'LOOKUP', 2],
  [2, 'FORGET', 8],
  [3, 'GETATTR', 16],
  [4, 'SETATTR', 88],
  [5, 'READLINK', 0],
  [6, 'SYMLINK', 4],
  [8, 'MKNOD', 18],
  [9, 'MKDIR', 10],
  [10, 'UNLINK', 2],
  [11, 'RMDIR', 2],
  [12, 'RENAME', 12],
  [13, 'LINK', 10],
  [14, 'OPEN', 8],
  [15, 'READ', 40],
  [16, 'WRITE', 40],
  [17, 'STATFS', 0],
  [18, 'RELEASE', 24],
  [20, 'FSYNC', 16],
  [21, 'SETXATTR', 10],
  [22, 'GETXATTR', 10],
  [23, 'LISTXATTR', 8],
  [24, 'REMOVEXATTR', 2],
  [25, 'FLUSH', 24],
  [26, 'INIT', 16],
  [27, 'OPENDIR', 8],
  [28, 'READDIR', 40],
  [29, 'RELEASEDIR', 24],
  [30, 'FSYNCDIR', 16],
  [31, 'GETLK', 48],
  [32, 'SETLK', 48],
  [33, 'SETLKW', 48],
  [34, 'ACCESS', 8],
  [35, 'CREATE', 18],
  [36, 'INTERRUPT', 8],
  [37, 'BMAP', 16],
  [38, 'DESTROY', 0],
  [39, 'IOCTL', 32],
  [40, 'POLL', 24],
  [41, 'NOTIFY_REPLY', 40],
  [42, 'BATCH_FORGET', 8],
  [43, 'FALLOCATE', 32],
  [44, 'READDIRPLUS', 40],
  [45, 'RENAME2', 20],
  [46, 'LSEEK', 24],
  [47, 'COPY_FILE_RANGE', 56],
  [50, 'SYNCFS', 8],
  [51, 'TMPFILE', 18],
  [52, 'STATX', 24],
  [53, 'COPY_FILE_RANGE_64', 56],
];

describe('the table of opcodes', () => {
  it('has the numbers and smallest bodies of the protocol, and no others', () => {
    const rows = SIZES.map(([code]) => [code, opcodeName(code), bodyBytesMin(code)]);
    expect(rows).toEqual(SIZES.map((row) => [...row]));
    expect(Object.keys(OPCODES)).toHaveLength(SIZES.length);
  });

  it.each(SIZES)(
    'takes %i %s with its smallest body, not with a byte less',
    (code, _name, size) => {
      expect(messageProblem(request(code, Buffer.alloc(size)))).toBeUndefined();
      if (size === 0) return;
      expect(messageProblem(request(code, Buffer.alloc(size - 1)))).toMatch(/has a body of/);
    },
  );

  it('knows what is never answered', () => {
    const silent = SIZES.filter(([code]) => isSilent(code)).map(([, name]) => name);
    expect(silent).toEqual(['FORGET', 'INTERRUPT', 'NOTIFY_REPLY', 'BATCH_FORGET']);
  });
});

describe('a request', () => {
  it('has the fields of its header', () => {
    const header = { unique: 0x8000_0001_0000_0002n, nodeId: 2 ** 33 + 9, uid: 7, gid: 8, pid: 9 };
    const message = request(3, Buffer.alloc(16), header);
    expect(message).toMatchObject({
      opcode: 3,
      uniqueLow: 2,
      uniqueHigh: 0x8000_0001,
      nodeId: 2 ** 33 + 9,
      uid: 7,
      gid: 8,
      pid: 9,
    });
  });

  it.each([
    ['a short header', Buffer.alloc(39)],
    ['nothing', Buffer.alloc(0)],
    [
      'another length than it says',
      Buffer.concat([requestBytes(17, Buffer.alloc(0)), Buffer.alloc(8)]),
    ],
  ])('is refused with %s', (_what, bytes) => {
    expect(messageProblem(messageOf(bytes))).toMatch(/^a request/);
  });

  it('has names, each with an end of its own', () => {
    const message = request(12, bytesOf([8, 5], 'alt\0', 'néu\0'));
    expect(requests.decodeRename(message)).toEqual({
      newParentId: 5,
      flags: 0,
      name: 'alt',
      newName: 'néu',
    });
    for (const names of ['alt', 'alt\0neu', '\0neu\0', 'alt\0\0']) {
      expect(() => requests.decodeRename(request(12, bytesOf([8, 5], names)))).toThrow('EINVAL');
    }
  });

  it('is decoded by the layout of its opcode', () => {
    const both = { mode: 0o640, name: 'x' };
    expect(requests.decodeMkdir(request(9, bytesOf([4, 0o40640], [4, 0o22], 'x\0')))).toEqual(both);
    expect(
      requests.decodeMknod(request(8, bytesOf([4, 0o100640], [4, 0], [4, 0], [4, 0], 'x\0'))),
    ).toEqual({ mode: 0o100640, name: 'x' });
    expect(
      requests.decodeCreate(
        request(35, bytesOf([4, 0x8002], [4, 0o100640], [4, 0], [4, 0], 'x\0')),
      ),
    ).toEqual({ flags: 0x8002, ...both });
    expect(requests.decodeRename2(request(45, bytesOf([8, 5], [4, 1], [4, 0], 'a\0b\0')))).toEqual({
      newParentId: 5,
      flags: 1,
      name: 'a',
      newName: 'b',
    });
    expect(requests.decodeOpen(request(14, bytesOf([4, 0x8201], [4, 0])))).toBe(0x8201);
    expect(requests.decodeHandle(request(25, bytesOf([8, 9], [8, 0], [8, 0])))).toBe(9);
    expect(
      requests.decodeLseek(request(46, bytesOf([8, 9], [8, 2 ** 40], [4, 4], [4, 0]))),
    ).toEqual({ handle: 9, offset: 2 ** 40, whence: 4 });
    expect(
      requests.decodeFallocate(request(43, bytesOf([8, 9], [8, 512], [8, 1024], [4, 3], [4, 0]))),
    ).toEqual({ handle: 9, offset: 512, sizeBytes: 1024, mode: 3 });
    expect(
      requests.decodeCopyFileRange(
        request(47, bytesOf([8, 9], [8, 1], [8, 3], [8, 10], [8, 2], [8, 4096], [8, 0])),
      ),
    ).toEqual({ handle: 9, offset: 1, targetHandle: 10, targetOffset: 2, sizeBytes: 4096 });
    expect(requests.decodePoll(request(40, bytesOf([8, 9], [8, 11], [4, 1], [4, 0x41])))).toEqual({
      handle: 9,
      kernelHandle: 11,
      wantsNotice: true,
      events: 0x41,
    });
    expect(requests.decodeGetattr(request(3, bytesOf([4, 1], [4, 0], [8, 9])))).toEqual({
      handle: 9,
    });
    expect(requests.decodeGetattr(request(3, bytesOf([4, 0], [4, 0], [8, 9])))).toEqual({
      handle: undefined,
    });
  });

  it('reads and writes at offsets up to 2^53, of at most 1 MiB', () => {
    const tail = [
      [4, 0],
      [8, 0],
      [4, 0],
      [4, 0],
    ] as const;
    const read = (offset: bigint, size: number) =>
      requests.decodeRead(request(15, bytesOf([8, 9], [8, offset], [4, size], ...tail)));
    expect(read(2n ** 53n - 1n, 2 ** 20)).toEqual({
      handle: 9,
      offset: Number.MAX_SAFE_INTEGER,
      sizeBytes: 2 ** 20,
    });
    expect(() => read(2n ** 53n, 512)).toThrow('EINVAL');
    expect(() => read(2n ** 64n - 1n, 512)).toThrow('EINVAL');
    expect(() => read(0n, 2 ** 20 + 1)).toThrow('EINVAL');
    const write = (size: number, data: string) =>
      requests.decodeWrite(request(16, bytesOf([8, 9], [8, 3], [4, size], ...tail, data)));
    const { data, ...place } = write(5, 'hello');
    expect([place, `${data}`]).toEqual([{ handle: 9, offset: 3, openFlags: 0 }, 'hello']);
    expect(() => write(6, 'hello')).toThrow('EINVAL');
  });

  it('forgets one node or many, never more than it holds', () => {
    expect(requests.decodeForget(request(2, bytesOf([8, 3]), { nodeId: 6 }))).toEqual([
      { nodeId: 6, lookups: 3 },
    ]);
    const pairs = bytesOf([8, 6], [8, 1], [8, 7], [8, 2]);
    const expected = [
      { nodeId: 6, lookups: 1 },
      { nodeId: 7, lookups: 2 },
    ];
    for (const count of [2, 2 ** 32 - 1]) {
      const message = request(42, bytesOf([4, count], [4, 0], pairs));
      expect(requests.decodeBatchForget(message)).toEqual(expected);
    }
  });

  it('sets the attributes whose bits are set', () => {
    const setattr = (valid: number) =>
      requests.decodeSetattr(
        request(
          4,
          bytesOf(
            ...([
              [4, valid],
              [4, 0],
              [8, 9],
              [8, 4096],
              [8, 0],
            ] as const),
            ...([
              [8, -1],
              [8, 1_700_000_000],
              [8, 0],
            ] as const),
            ...([
              [4, 500_000_000],
              [4, 250_000_000],
              [4, 0],
              [4, 0o100600],
            ] as const),
            ...([
              [4, 0],
              [4, 5],
              [4, 6],
              [4, 0],
            ] as const),
          ),
        ),
        42,
      );
    expect(setattr(0)).toEqual({ changes: {}, handle: undefined });
    expect(setattr(0x7f)).toEqual({
      changes: {
        mode: 0o600,
        uid: 5,
        gid: 6,
        sizeBytes: 4096,
        accessedMs: -500,
        modifiedMs: 1_700_000_000_250,
      },
      handle: 9,
    });
    expect(setattr(0x1b0).changes).toEqual({ accessedMs: 42, modifiedMs: 42 });
    expect(setattr(0x208).changes).toEqual({ sizeBytes: 4096 });
  });
});
