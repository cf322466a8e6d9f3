/** The line a client writes, and that the array's parser reads from it what was meant. */
import { describe, expect, it } from 'vitest';
import { commandLine } from '../../src/client/command-line.js';
import { splitLine } from '../../src/control/command-parser.js';

describe('commandLine', () => {
  it.each([
    [['db', '10G'], {}, 'db 10G'],
    [['db@monday'], { force: 'yes' }, 'db@monday force=yes'],
    [['db'], { label: 'orders, production' }, 'db label="orders, production"'],
    [['db'], { text: '' }, 'db text=""'],
    [['a b'], {}, '"a b"'],
    [[''], {}, '""'],
    [['name=x'], {}, '"name=x"'],
    [['#12'], {}, '#12'],
    [['say "hi"'], {}, '"say \\"hi\\""'],
    [['back\\slash'], {}, 'back\\slash'],
    [[], {}, ''],
  ])('writes %j %j as %s', (words, options, line) => {
    expect(commandLine(words, options)).toBe(line);
  });

  it.each([
    'plain',
    '',
    ' ',
    'a b',
    'a\tb',
    '"',
    '\\',
    'a\\"b',
    'a=b',
    'label=x',
    'ü x',
    '-x',
    "it's",
  ])('is read back as %j, as a word and as a value', (text) => {
    const { words, options } = splitLine(commandLine([text, 'z'], { label: text }));
    expect(words).toEqual([text, 'z']);
    expect([...options]).toEqual([['label', text]]);
  });
});
