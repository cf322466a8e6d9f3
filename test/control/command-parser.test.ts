/** The command language: what lines mean, and every way to get one wrong. One line per case. */
import { describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import {
  mayContinue,
  parseCommand,
  shownLine,
  splitLine,
} from '../../src/control/command-parser.js';
import { usageLine } from '../../src/control/command-row.js';
import { COMMANDS, findCommand } from '../../src/control/command-table.js';

const SECTOR = Buffer.alloc(512, 7).toString('base64');
const NAME_64 = 'n'.repeat(64);

function parse(name: string, line: string | Uint8Array) {
  const command = findCommand(name);
  if (command === undefined) throw new Error(`no command ${name}`);
  return parseCommand(command, typeof line === 'string' ? Buffer.from(line) : line);
}

function problemOf(name: string, line: string | Uint8Array): string {
  try {
    parse(name, line);
  } catch (error) {
    if (error instanceof ArrayError) return `${error.code}: ${error.reason}`;
    throw error;
  }
  return 'accepted';
}

describe('the usage line of a command', () => {
  it.each([
    ['pairpace', 'PAIR... pace=slow|medium|fast'],
    ['pairdelete', 'PAIR... [now=yes]'],
    ['split', /^\[PAIR\.\.\.\] \[pace=/],
  ])('of %s says what may be left out', (name, usage) => {
    const command = findCommand(name);
    expect(command && usageLine(command)).toMatch(usage);
  });
});

describe('parseCommand', () => {
  it.each<[string, string, string[], Record<string, string>]>([
    ['create', 'db 10G', ['db', '10G'], {}],
    ['create', 'db 10G\n', ['db', '10G'], {}],
    ['create', ' \t db   10G \t\n', ['db', '10G'], {}],
    ['create', '"db" "10G"', ['db', '10G'], {}],
    ['create', `${NAME_64} 512`, [NAME_64, '512'], {}],
    ['create', 'db 16T', ['db', '16T'], {}],
    ['create', 'pool=pool0 db 10G', ['db', '10G'], { pool: 'pool0' }],
    ['create', 'db 10G label="a b"', ['db', '10G'], { label: 'a b' }],
    ['create', 'db 10G label=', ['db', '10G'], { label: '' }],
    ['create', 'db 10G label=""', ['db', '10G'], { label: '' }],
    ['create', 'db 10G label=a=b', ['db', '10G'], { label: 'a=b' }],
    ['create', 'db 10G label=a\\b', ['db', '10G'], { label: 'a\\b' }],
    ['create', 'db 10G label="say \\"a\\\\b\\""', ['db', '10G'], { label: 'say "a\\b"' }],
    ['create', 'db 10G label=größe', ['db', '10G'], { label: 'größe' }],
    ['delete', 'db snapshots=yes', ['db'], { snapshots: 'yes' }],
    ['delete', '#12', ['#12'], {}],
    ['delete', 'db@monday force=yes', ['db@monday'], { force: 'yes' }],
    ['snapshot', 'db log', ['db', 'log'], {}],
    ['snapshot', `db info=${SECTOR}`, ['db'], { info: SECTOR }],
    ['restore', 'db@monday', ['db@monday'], {}],
    ['clone', '#7 copy', ['#7', 'copy'], {}],
    ['label', 'db', ['db'], {}],
    ['scrub', 'all', ['all'], {}],
    ['scrub', 'db@monday', ['db@monday'], {}],
    ['cancel', '7', ['7'], {}],
    ['sync', '', [], {}],
    ['sync', '\n', [], {}],
  ])('%s takes %j', (name, line, words, options) => {
    const parsed = parse(name, line);
    expect([parsed.words, Object.fromEntries(parsed.options)]).toEqual([words, options]);
  });

  it.each([
    ['create', '', /missing NAME/],
    ['create', '\n', /missing NAME/],
    ['create', '   ', /missing NAME/],
    ['create', 'db', /missing SIZE/],
    ['create', 'db 1G more', /unexpected word 'more'/],
    ['create', 'db 1G size=2G', /unknown option size=, there is pool= label=/],
    ['rename', 'db db2 x=1', /no options/],
    ['create', 'db 1G label=a label=b', /label= is given twice/],
    ['create', 'a 1G\nb 1G\n', /several lines/],
    ['create', 'db 1G\n\n', /several lines/],
    ['create', 'db 1G\0', /control characters/],
    ['create', 'db\r\n', /control characters/],
    ['create', 'db 1G label="\u001b[2J"', /control characters/],
    ['create', 'db 1G label="open', /not closed/],
    ['create', 'db 1G label="a"b', /blank is missing/],
    ['create', 'db 1G lab"el', /inside a word/],
    ['create', 'db 1G label="\\n"', /backslash/],
    ['create', `db 1G label=${'x'.repeat(65)}`, /more than 64 bytes/],
    ['create', '.. 1G', /not a name/],
    ['create', 'a/b 1G', /not a name/],
    ['create', '-x 1G', /not a name/],
    ['create', '.db.Xk2j1a 1G', /not a name/],
    ['create', 'a.json 1G', /\.json/],
    ['create', '"" 1G', /empty/],
    ['create', `${NAME_64}n 1G`, /more than 64 characters/],
    ['create', 'all 1G', /reserved/],
    ['create', 'db ten', /not a size/],
    ['create', 'db -1', /not a size/],
    ['create', 'db 0', /multiple of 512/],
    ['create', 'db 1000', /multiple of 512/],
    ['create', 'db 17T', /multiple of 512/],
    ['create', 'db 1G pool=a/b', /not a name/],
    ['delete', 'db snapshots=no', /takes only yes/],
    ['delete', 'db force', /unexpected word 'force'/],
    ['snapshot', 'db@monday', /not the name of a volume/],
    ['snapshot', 'db name=a@b', /not a name/],
    ['snapshot', 'db info=AAAA', /512 bytes each, not 3/],
    ['snapshot', `db info=${SECTOR.slice(0, -4)}*`, /not base64/],
    ['snapshot', 'v '.repeat(1025), /more than 1024 words/],
    ['restore', 'db', /write VOLUME@SNAPSHOT/],
    ['restore', 'db@', /empty/],
    ['restore', '@monday', /empty/],
    ['restore', 'db@a@b', /not a name/],
    ['restore', '#x', /write VOLUME@SNAPSHOT/],
    ['cancel', 'seven', /not the number/],
    ['cancel', '0', /not the number/],
    ['sync', 'now', /unexpected word/],
    ['paircreate', 'db db@monday', /not the name of a volume/],
    ['paircreate', 'db now', /reserved word/],
    ['split', 'db:', /empty/],
    ['split', ':db', /empty/],
    ['split', 'a:b:c', /write PRIMARY:SECONDARY/],
    ['split', 'db@monday:x', /not the name of a volume/],
    ['split', 'db:x at=tomorrow', /not a time: 'tomorrow'/],
    ['split', 'rotate=db:x', /not a name/],
    ['resync', 'db:x direction=back', /one of forward reverse/],
    ['resync', '', /missing PAIR/],
    ['suspend', 'now', /write PRIMARY:SECONDARY/],
    ['reserve', 'auto', /reserved word/],
    ['create', 'x'.repeat(2 ** 20), /at most 65536 bytes, not 1048576/],
    ['create', Buffer.from([0xff, 0xfe, 0x80]), /UTF-8/],
    ['create', Buffer.from([1, 2, 3]), /control characters/],
  ])('%s refuses %j', (name, line, reason) => {
    expect(problemOf(name, line)).toMatch(reason);
    expect(problemOf(name, line)).toMatch(/^EINVAL: /);
  });

  it('accepts every example of the command table', () => {
    for (const command of COMMANDS) {
      for (const { line } of command.examples) {
        expect([command.name, line, problemOf(command.name, line)]).toEqual([
          command.name,
          line,
          'accepted',
        ]);
      }
    }
  });
});

describe('shownLine', () => {
  it.each([
    ['db 10G\n', 'db 10G'],
    ['a\nb\n', 'a\\x0ab'],
    ['a\0b', 'a\\x00b'],
    ['x'.repeat(120), 'x'.repeat(120)],
    ['x'.repeat(121), `${'x'.repeat(120)}... (121 bytes)`],
    ['y'.repeat(2 ** 20), `${'y'.repeat(120)}... (1048576 bytes)`],
  ])('shows %j on one line', (line, shown) => {
    expect(shownLine(Buffer.from(line))).toBe(shown);
  });
});

describe('mayContinue', () => {
  it.each([
    ['text', 'db log', true],
    ['text cut inside a character', Buffer.from('ö').subarray(0, 1), true],
    ['a line that ends', 'db\n', false],
    ['junk', '\u0001', false],
    ['the most a command may have', 'x'.repeat(65_536), false],
  ])('of %s', (_what, data, expected) => {
    expect(mayContinue(Buffer.from(data as string))).toBe(expected);
  });
});

describe('splitLine', () => {
  const seed = 20_260_101;

  it(`gives back any words and values that were quoted (seed ${seed})`, () => {
    const random = numbersFrom(seed);
    const quote = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`;
    for (let round = 0; round < 2_000; round += 1) {
      const words = [textOf(random), textOf(random)];
      const value = textOf(random);
      const line = `${words.map(quote).join(' ')}\tlabel=${quote(value)} `;
      expect(splitLine(line)).toEqual({ words, options: new Map([['label', value]]) });
    }
  });

  it(`ends on any line, with words or with EINVAL (seed ${seed})`, () => {
    const random = numbersFrom(seed);
    for (let round = 0; round < 20_000; round += 1) {
      const line = `${textOf(random)}${textOf(random)}`;
      try {
        splitLine(line);
      } catch (error) {
        expect(error).toMatchObject({ code: 'EINVAL' });
      }
    }
  });
});

/** Numbers below `limit`, the same for the same seed (a linear congruential generator). */
function numbersFrom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** Up to 11 characters of those that mean something to the parser. */
function textOf(random: (limit: number) => number): string {
  const alphabet = ['a', 'b', ' ', '\t', '"', '\\', '=', '@', '#', 'ö', '-'];
  return Array.from({ length: random(12) }, () => alphabet[random(alphabet.length)]).join('');
}
