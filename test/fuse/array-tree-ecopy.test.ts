/** ctl/ecopy: commands as text, parameter lists as bytes, in whatever pieces they come. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ArrayTree } from '../../src/fuse/array-tree.js';
import { FakeArray } from '../control/fake-array.js';
import { codeOf, READ_WRITE, TreeAccess, WRITE } from './tree-access.js';

const PATH = '/ctl/ecopy';
let array: FakeArray;
let mount: TreeAccess;

beforeEach(() => {
  array = new FakeArray();
  mount = new TreeAccess(new ArrayTree(array));
});

/** What the writes and the close end with, the first that fails. */
async function write(...pieces: readonly Uint8Array[]): Promise<string> {
  const file = await mount.open(PATH, WRITE);
  for (const piece of pieces) {
    const code = await codeOf(() => file.write(0, piece));
    if (code !== 'done') return code;
  }
  const code = await codeOf(() => file.flush());
  await file.close();
  return code;
}

/** A list that says how many KiB it has. */
const list = (kib: number, length = kib * 1024) => Buffer.alloc(length, 1).fill(kib, 0, 1);
const received = () => array.ecopies.lists.map(({ bytes, from }) => [bytes.length, from.port]);

describe('ctl/ecopy', () => {
  it('takes a command', async () => {
    expect(await write(Buffer.from('db@monday tape0/AFS001 group=g1\n'))).toBe('done');
    expect(array.ecopies.images).toMatchObject([
      { source: 'db@monday', destination: 'tape0/AFS001', group: 'g1', force: false },
    ]);
    expect(await mount.text(PATH)).toMatch(
      /last result: ok job 1 ecopy db@monday tape0\/AFS001\n$/,
    );
  });

  it('takes a list of bytes, and answers with its job', async () => {
    const file = await mount.open(PATH, READ_WRITE);
    await file.write(0, list(0, 100));
    const answer = Buffer.alloc(100);
    const size = await file.read(0, answer);
    expect(answer.toString('utf8', 0, size)).toBe('ok job 1 ecopy list 1\n');
    await file.close();
    expect(received()).toEqual([[100, undefined]]);
    expect(array.ecopies.lists[0]?.from.uid).toBe(mount.caller?.uid);
  });

  it('takes the port from the line before it, in the same write or another', async () => {
    expect(await write(Buffer.concat([Buffer.from('port=CL2-A\n'), list(0, 60)]))).toBe('done');
    expect(await write(Buffer.from('port=CL2-B\n'), list(0, 70))).toBe('done');
    expect(received()).toEqual([
      [60, 'CL2-A'],
      [70, 'CL2-B'],
    ]);
  });

  it('waits for the rest of a list that comes in pieces', async () => {
    const whole = list(3);
    expect(
      await write(whole.subarray(0, 1024), whole.subarray(1024, 2048), whole.subarray(2048)),
    ).toBe('done');
    expect(received()).toEqual([[3072, undefined]]);
  });

  it('takes what there is of a list when the file is closed', async () => {
    expect(await write(list(3).subarray(0, 2048))).toBe('done');
    expect(received()).toEqual([[2048, undefined]]);
  });

  it('does not wait where the list is cut off inside a piece', async () => {
    const file = await mount.open(PATH, WRITE);
    await file.write(0, list(3).subarray(0, 1000));
    expect(received()).toEqual([[1000, undefined]]);
    await file.close();
  });

  it('refuses a list with its error, and does not show its bytes', async () => {
    expect(await write(Buffer.from([1, 2]))).toBe('EINVAL');
    expect(await mount.text(PATH)).toMatch(
      /last result: error EINVAL: too short: parameter list of 2 bytes\n$/,
    );
  });

  it('is the only file that takes bytes', async () => {
    const file = await mount.open('/ctl/snapshot', WRITE);
    expect(await codeOf(() => file.write(0, list(0, 100)))).toBe('EINVAL');
    await file.close();
  });
});
