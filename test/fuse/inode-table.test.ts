/** Node ids and lookup counts. */
import { beforeEach, describe, expect, it } from 'vitest';
import { InodeTable } from '../../src/fuse/inode-table.js';

const file = (ino: number) => ({ ino, isDirectory: false });

describe('the inode table', () => {
  const root = { ino: 1, isDirectory: true };
  let table: InodeTable;
  beforeEach(() => {
    table = new InodeTable(root);
  });

  it('knows the root as 1, whatever is forgotten', () => {
    expect(table.remember(root)).toBe(1);
    table.forget(1, 2 ** 60);
    expect([table.node(1), table.size]).toEqual([root, 1]);
  });

  it('gives one id to one ino, and shows the node as of its last lookup', () => {
    const first = table.remember(file(2 ** 40));
    const again = { ...file(2 ** 40), renamed: true };
    expect([table.remember(again), table.idOf(2 ** 40)]).toEqual([first, first]);
    expect(table.node(first)).toBe(again);
    expect(table.remember(file(2 ** 40 + 2 ** 32))).not.toBe(first);
  });

  it('forgets a node when as many lookups are taken back as were counted', () => {
    const id = table.remember(file(2));
    table.remember(file(2));
    table.remember(file(2));
    table.forget(id, 2);
    expect(table.node(id).ino).toBe(2);
    table.forget(id, 1);
    expect(() => table.node(id)).toThrow('ENOENT');
    expect([table.idOf(2), table.size]).toEqual([undefined, 1]);
  });

  it('never gives an id twice', () => {
    const id = table.remember(file(2));
    table.forget(id, 1);
    expect(table.remember(file(2))).not.toBe(id);
    expect(table.remember(file(3))).not.toBe(id);
  });

  it('is not disturbed by an id it never gave, or by too many lookups taken back', () => {
    table.forget(99, 1);
    const id = table.remember(file(2));
    table.forget(id, 1000);
    expect(table.size).toBe(1);
    expect(() => table.node(0)).toThrow('ENOENT');
  });
});
