/** .tap files: bytes against the definition of the format, movements, ends, damage. */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import type { SimhTape } from '../../src/device/simh-tape.js';
import { closeTapes, openTape as open, problemOf, readAll, shown } from './open-tapes.js';
import { END, GAP, MARK, record, tapeFile, word } from './tap-builder.js';

afterEach(closeTapes);

describe('writing', () => {
  it('makes the objects of the format and nothing else', () => {
    const path = tapeFile();
    const tape = open(path, 'create');
    tape.writeRecord(Buffer.from('even'));
    tape.writeRecord(Buffer.from('odd'));
    tape.writeMarks(2);
    tape.sync();
    const expected = Buffer.concat([record('even'), record('odd'), MARK, MARK]);
    expect(readFileSync(path)).toEqual(expected);
    expect(expected.toString('hex')).toBe(
      '040000006576656e04000000030000006f6464000300000000000000' + '00000000',
    );
  });

  it('in the middle makes what follows disappear', () => {
    const path = tapeFile(record('one'), record('two'), MARK, record('three'), MARK, MARK);
    const tape = open(path, 'write');
    tape.spaceRecords(1);
    tape.writeMarks(1);
    expect(readFileSync(path)).toEqual(Buffer.concat([record('one'), MARK]));
  });

  it('goes over an end of medium', () => {
    const path = tapeFile(record('one'), END);
    const tape = open(path, 'write');
    tape.toEndOfData();
    tape.writeRecord(Buffer.from('two'));
    expect(readFileSync(path)).toEqual(Buffer.concat([record('one'), record('two')]));
  });

  it.each([0, 65_537])('refuses a record of %d bytes', (size) => {
    const tape = open(tapeFile(), 'create');
    expect(() => tape.writeRecord(new Uint8Array(size))).toThrow('EINVAL');
  });

  it('does not touch a tape that is open for reading', () => {
    const path = tapeFile(record('one'));
    const tape = open(path);
    expect(() => tape.writeRecord(Buffer.from('two'))).toThrow('EROFS');
    expect(() => tape.writeMarks(1)).toThrow('EROFS');
    expect(() => tape.truncate()).toThrow('EROFS');
    expect(readFileSync(path)).toEqual(record('one'));
  });

  it('makes no tape where there is one, and opens none where there is none', () => {
    expect(() => open(tapeFile(record('one')), 'create')).toThrow('EEXIST');
    expect(() => open(tapeFile(), 'write')).toThrow('ENOENT');
  });
});

describe('the end of the medium', () => {
  it('is announced while there is room for a record, its mark, trailer labels and marks', () => {
    const room = 65_536 + 8 + 2 * 88 + 3 * 4;
    const path = tapeFile();
    const tape = open(path, 'create', 108 + room);
    tape.writeRecord(new Uint8Array(100));
    expect(tape.isNearEnd).toBe(false);
    tape.writeRecord(new Uint8Array(65_536));
    expect(tape.isNearEnd).toBe(true);
    tape.writeMarks(1);
    for (let label = 0; label < 2; label += 1) tape.writeRecord(new Uint8Array(80));
    tape.writeMarks(2);
    expect(() => tape.writeMarks(1)).toThrow('ENOSPC');
    expect(readFileSync(path).length).toBe(108 + room);
  });

  it('leaves the tape as it was when a record does not fit', () => {
    const path = tapeFile(record('one'), record('two'));
    const tape = open(path, 'write', 24);
    tape.spaceRecords(1);
    expect(() => tape.writeRecord(Buffer.from('four and more'))).toThrow('ENOSPC');
    expect(readFileSync(path)).toEqual(Buffer.concat([record('one'), record('two')]));
    expect(tape.position).toBe(12);
  });

  it('a full file system is told', () => {
    const tape = open('/dev/full', 'write');
    expect(() => tape.writeRecord(Buffer.from('one'))).toThrow('ENOSPC');
  });
});

describe('reading', () => {
  it('moves past marks and stays at the end', () => {
    const tape = open(tapeFile(record('one'), MARK, MARK, record('two')));
    expect(readAll(tape)).toEqual(['one', '*', '*', 'two', '.']);
    expect(shown(tape.read())).toBe('.');
  });

  it.each<[string, Uint8Array[], string[]]>([
    ['an empty file', [Buffer.alloc(0)], ['.']],
    ['nothing after an end of medium', [record('one'), END, record('two')], ['one', '.']],
    ['records with errors', [record('bad', 0x80000000), record('ok')], ['!bad', 'ok', '.']],
    ['gaps', [GAP, GAP, record('one'), GAP, MARK, GAP], ['one', '*', '.']],
    [
      'a gap cut by writing',
      [record('one'), Buffer.from('ffff', 'hex'), GAP, MARK],
      ['one', '*', '.'],
    ],
    ['private records', [record('p', 0x10000000), record('q', 0xd0000000), MARK], ['*', '.']],
    ['markers', [word(0xffff8000), record('one')], ['one', '.']],
    ['a long gap', [...Array<Buffer>(40_000).fill(GAP), record('one')], ['one', '.']],
  ])('knows %s', (_what, pieces, expected) => {
    expect(readAll(open(tapeFile(...pieces)))).toEqual(expected);
  });

  it.each<[string, Uint8Array[], string]>([
    ['two lengths', [word(4), Buffer.from('even'), word(5)], 'mismatch at 0'],
    [
      'an error bit in one length',
      [word(4), Buffer.from('even'), word(0x80000004)],
      'mismatch at 0',
    ],
    [
      'an odd record without padding',
      [MARK, word(3), Buffer.from('odd'), word(3), MARK],
      'mismatch at 4',
    ],
    ['a file that ends in a word', [MARK, Buffer.alloc(3)], 'torn at 4'],
    ['a file that ends in a record', [record('one'), word(4), Buffer.from('ev')], 'torn at 12'],
    ['a length beyond the end', [word(0xffffff), Buffer.alloc(100)], 'torn at 0'],
    ['a length of 24 bits and more', [word(0x01000000)], 'unknown at 0'],
    ['a damaged record of no length', [word(0x80000000), word(0x80000000)], 'unknown at 0'],
    ['class 7', [record('p', 0x70000000)], 'unknown at 0'],
    ['class E', [word(0xe0000001)], 'unknown at 0'],
  ])('reports %s', (_what, pieces, expected) => {
    const path = tapeFile(...pieces);
    expect(problemOf(() => readAll(open(path)))).toBe(expected);
    expect(() => readAll(open(path))).toThrow('EIO: tape image: ');
  });
});

describe('moving', () => {
  const pieces = [record('a'), record('b'), MARK, record('c'), MARK, MARK];
  const at = (objects: number) => Buffer.concat(pieces.slice(0, objects)).length;

  it.each<[string, number, (tape: SimhTape) => unknown, unknown, number]>([
    ['forward over records', 0, (tape) => tape.spaceRecords(2), { remaining: 0 }, 2],
    ['not at all', 1, (tape) => tape.spaceRecords(0), { remaining: 0 }, 1],
    [
      'forward into a mark',
      0,
      (tape) => tape.spaceRecords(5),
      { remaining: 3, stoppedBy: 'mark' },
      3,
    ],
    [
      'forward into the end',
      6,
      (tape) => tape.spaceRecords(2),
      { remaining: 2, stoppedBy: 'end-of-medium' },
      6,
    ],
    ['backward over a record', 2, (tape) => tape.spaceRecords(-1), { remaining: 0 }, 1],
    [
      'backward into a mark',
      4,
      (tape) => tape.spaceRecords(-3),
      { remaining: 2, stoppedBy: 'mark' },
      2,
    ],
    [
      'backward into the beginning',
      2,
      (tape) => tape.spaceRecords(-3),
      { remaining: 1, stoppedBy: 'beginning' },
      0,
    ],
    ['forward over marks', 0, (tape) => tape.spaceMarks(2), { remaining: 0 }, 5],
    [
      'forward over more marks than there are',
      0,
      (tape) => tape.spaceMarks(4),
      { remaining: 1, stoppedBy: 'end-of-medium' },
      6,
    ],
    ['backward over marks', 6, (tape) => tape.spaceMarks(-3), { remaining: 0 }, 2],
    [
      'backward over more marks than there are',
      6,
      (tape) => tape.spaceMarks(-4),
      { remaining: 1, stoppedBy: 'beginning' },
      0,
    ],
    ['to a block', 6, (tape) => tape.locate(4), { remaining: 0 }, 4],
    [
      'to a block that is not there',
      0,
      (tape) => tape.locate(9),
      { remaining: 3, stoppedBy: 'end-of-medium' },
      6,
    ],
    ['to the end of data', 0, (tape) => tape.toEndOfData(), undefined, 6],
    ['to the beginning', 6, (tape) => tape.rewind(), undefined, 0],
  ])('%s', (_what, start, move, expected, end) => {
    const tape = open(tapeFile(...pieces));
    tape.seek(at(start));
    expect(move(tape)).toEqual(expected);
    expect(tape.position).toBe(at(end));
  });

  it('goes back over gaps, markers and private records', () => {
    const path = tapeFile(
      ...[record('one'), Buffer.from('ffff', 'hex'), GAP, GAP, MARK, Buffer.from('ffff', 'hex')],
      ...[GAP, record('p', 0x20000000), word(0xff001234), record('bad', 0x80000000), END],
    );
    const tape = open(path);
    tape.toEndOfData();
    expect([tape.spaceRecords(-1), tape.spaceMarks(-1), tape.spaceRecords(-1)]).toEqual(
      Array(3).fill({ remaining: 0 }),
    );
    expect(tape.position).toBe(0);
  });

  it.each<[string, Uint8Array[], number]>([
    ['lengths that differ', [word(6), Buffer.alloc(6), word(4)], 14],
    ['a length before the beginning', [word(100), word(200)], 4],
    ['half a word', [MARK], 2],
  ])('backward reports %s', (_what, pieces_, position) => {
    const tape = open(tapeFile(...pieces_));
    tape.seek(position);
    expect(problemOf(() => tape.spaceRecords(-1))).toMatch(/^(mismatch|torn)/);
  });

  it('does not go to a place the file has not', () => {
    const tape = open(tapeFile(MARK));
    expect(() => tape.seek(5)).toThrow('EIO');
  });
});
