/** What a volume, snapshot or pool may be called, and what a label may hold. */
import { describe, expect, it } from 'vitest';
import { checkLabel, checkName, nameProblem, printable } from '../../src/base/names.js';

describe('nameProblem', () => {
  it.each(['a', '0', '_', 'db', 'A.b-c_9', 'x'.repeat(64), 'json', 'a.jsonx', 'All', 'nowhere'])(
    "allows '%s'",
    (name) => {
      expect(nameProblem(name)).toBeUndefined();
    },
  );

  it.each<[string, RegExp]>([
    ['', /empty/],
    ['x'.repeat(65), /more than 64/],
    ['.', /not a name/],
    ['..', /not a name/],
    ['.hidden', /not a name/],
    ['-x', /not a name/],
    ['a/b', /not a name/],
    ['a b', /not a name/],
    ['a@b', /not a name/],
    ['#1', /not a name/],
    ['ä', /not a name/],
    ['a\n', /'a\\x0a' is not a name/],
    ['a\0', /'a\\x00' is not a name/],
    ['a.json', /must not end in .json/],
    ['all', /reserved/],
    ['auto', /reserved/],
    ['any', /reserved/],
    ['none', /reserved/],
    ['now', /reserved/],
  ])('refuses %j', (name, problem) => {
    expect(nameProblem(name)).toMatch(problem);
  });
});

describe('checkName', () => {
  it('says EINVAL with the reason', () => {
    expect(() => checkName('..')).toThrow(/^EINVAL: '..' is not a name/);
  });
});

describe('checkLabel', () => {
  it.each(['', 'the payroll', 'ä'.repeat(32)])("allows '%s'", (label) => {
    expect(() => checkLabel(label)).not.toThrow();
  });

  it.each([`${'ä'.repeat(32)}x`, 'a\nb', '\u007f'])('refuses %j', (label) => {
    expect(() => checkLabel(label)).toThrow(/^EINVAL: a label/);
  });
});

describe('printable', () => {
  it('shows control characters and leaves the rest', () => {
    expect(printable('a\tb\u001b[0m\u007fä')).toBe('a\\x09b\\x1b[0m\\x7fä');
  });
});
