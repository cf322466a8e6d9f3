/** .tap files after a crash, in random use, and of random bytes. */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { closeTapes, openTape as open, problemOf, readAll, shown } from './open-tapes.js';
import { MARK, record, tapeFile, word } from './tap-builder.js';

afterEach(closeTapes);

describe('after a crash of the writer', () => {
  const whole = Buffer.concat([record('one'), MARK, record('two!')]);

  it('every torn end is cut off, and only that', () => {
    for (let size = 0; size <= whole.length; size += 1) {
      const path = tapeFile(whole);
      truncateSync(path, size);
      const tape = open(path, 'write');
      const end = [0, 12, 16, 28].findLast((position) => position <= size) ?? 0;
      expect([size, tape.repairTail(), tape.position]).toEqual([size, size - end, end]);
      expect(readFileSync(path)).toEqual(whole.subarray(0, end));
      tape.writeRecord(Buffer.from('new'));
      tape.rewind();
      expect(readAll(tape).slice(-2)).toEqual(['new', '.']);
    }
  });

  it('other damage is not repaired', () => {
    const path = tapeFile(record('one'), word(2), Buffer.from('xx'), word(4), MARK);
    const tape = open(path, 'write');
    expect(problemOf(() => tape.repairTail())).toBe('mismatch at 12');
    expect(readFileSync(path).length).toBe(26);
  });

  it('what is after a kept position is cut off', () => {
    const path = tapeFile(whole);
    const tape = open(path, 'write');
    tape.seek(16);
    tape.truncate();
    expect(readFileSync(path)).toEqual(whole.subarray(0, 16));
  });
});

describe('random use', () => {
  it('gives what a list of objects gives', () => {
    const random = new RandomSource(0x7a9e);
    for (let round = 0; round < repeat(40); round += 1) {
      const path = tapeFile();
      const tape = open(path, 'create');
      let objects: string[] = [];
      let place = 0;
      for (let step = 0; step < 60; step += 1) {
        const action = random.integer(0, 5);
        if (action <= 1) {
          const text = 'x'.repeat(random.integer(1, 40));
          tape.writeRecord(Buffer.from(text));
          objects = [...objects.slice(0, place), text];
          place += 1;
        } else if (action === 2) {
          tape.writeMarks(1);
          objects = [...objects.slice(0, place), '*'];
          place += 1;
        } else if (action === 3) {
          const back = random.integer(0, place);
          for (let count = back; count > 0; count -= 1) tape.spaceRecords(-1);
          place -= back;
        } else if (action === 4) {
          expect(shown(tape.read())).toBe(objects[place] ?? '.');
          place = Math.min(place + 1, objects.length);
        } else {
          place = random.integer(0, objects.length);
          expect(tape.locate(place)).toEqual({ remaining: 0 });
        }
      }
      tape.rewind();
      expect(readAll(tape)).toEqual([...objects, '.']);
    }
  });

  it('of random bytes ends in a record, a mark, the end or an error of the format', () => {
    const random = new RandomSource(0x7a9f);
    const path = tapeFile(MARK);
    for (let round = 0; round < repeat(500); round += 1) {
      const bytes = random.bytes(random.integer(0, 60));
      for (let index = 0; index < bytes.length; index += 1) {
        if (random.chance(0.7)) bytes[index] = random.pick([0, 0, 1, 4, 0xff, 0xfe]);
      }
      writeFileSync(path, bytes);
      const tape = open(path);
      const forward = problemOf(() => readAll(tape));
      tape.seek(bytes.length);
      const backward = problemOf(() => tape.spaceMarks(-100));
      closeTapes();
      for (const problem of [forward, backward]) {
        expect(problem).toMatch(/^(none|(torn|mismatch|unknown) at \d+)$/);
      }
    }
  });
});
