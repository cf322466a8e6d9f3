/** Bad input to control files: an errno, a text that repeats the line, and nothing half done. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canMount, codeOf, MIB, MountedArray } from '../support/mounted-array.js';
import { RandomSource } from '../support/random-source.js';
import { cleanScratch } from '../support/scratch-directory.js';

let array: MountedArray;

/** Everything a refused command could have changed. */
const state = () => [
  array.volumes(),
  array.snapshots(),
  array.table('jobs'),
  array.pool().storedBlocks,
  readdirSync(array.path('info')),
];

function refusedWith(code: string, name: string, line: string | Uint8Array): string {
  const before = state();
  const result = array.command(name, line);
  expect(result.code).toBe(code);
  expect(result.text).toMatch(new RegExp(`^error ${code}: [^\\n]+\\n$`));
  expect(state()).toEqual(before);
  return result.text;
}

const LINES: readonly (readonly [code: string, command: string, line: string])[] = [
  ['EINVAL', 'create', ''],
  ['EINVAL', 'create', 'new'],
  ['EINVAL', 'create', 'new 1M more'],
  ['EINVAL', 'create', 'new 1M colour=red'],
  ['EINVAL', 'create', 'new 1M label=a label=b'],
  ['EINVAL', 'create', 'new 1M label="open'],
  ['EINVAL', 'create', 'new 0'],
  ['EINVAL', 'create', 'new 1000'],
  ['EINVAL', 'create', 'new -1M'],
  ['EINVAL', 'create', 'new 17T'],
  ['EINVAL', 'create', 'new many'],
  ['EINVAL', 'create', 'new 1e6'],
  ['ENOENT', 'create', 'new 1M pool=none-such'],
  ['EEXIST', 'create', 'db 1M'],
  ['EINVAL', 'create', '.. 1M'],
  ['EINVAL', 'create', 'a/b 1M'],
  ['EINVAL', 'create', '-x 1M'],
  ['EINVAL', 'create', 'a.json 1M'],
  ['EINVAL', 'create', '"" 1M'],
  ['EINVAL', 'create', `${'n'.repeat(65)} 1M`],
  ['EINVAL', 'create', '"a\nb" 1M'],
  ['EINVAL', 'create', 'a\0b 1M'],
  ['EINVAL', 'create', 'all 1M'],
  ['EINVAL', 'create', `new 1M label=${'x'.repeat(65)}`],
  ['EINVAL', 'create', 'one 1M\ntwo 1M\n'],
  ['ENOENT', 'resize', 'none-such 1M'],
  ['EINVAL', 'resize', 'db 3M force=no'],
  ['EEXIST', 'rename', 'db other'],
  ['EINVAL', 'rename', 'db ../db'],
  ['ENOENT', 'snapshot', 'db none-such name=s'],
  ['EINVAL', 'snapshot', 'db db name=s'],
  ['EEXIST', 'snapshot', 'other db name=monday'],
  ['EINVAL', 'snapshot', 'db name=s info=short'],
  ['EINVAL', 'restore', 'db'],
  ['ENOENT', 'restore', 'db@tuesday'],
  ['EEXIST', 'clone', 'db@monday other'],
  ['EBUSY', 'delete', 'db'],
  ['ENOENT', 'delete', '#4000000000'],
  ['EINVAL', 'info', 'db'],
  ['EINVAL', 'info', 'db set=AAAA clear=yes'],
  ['EINVAL', 'cancel', 'seven'],
  ['ENOENT', 'cancel', '7'],
  ['ENOENT', 'scrub', 'none-such'],
  ['EINVAL', 'sync', 'everything'],
];

describe.skipIf(!canMount)('bad input', () => {
  beforeAll(() => {
    array = MountedArray.create();
    array.ok('create', 'db 1M');
    array.ok('create', 'other 1M');
    array.ok('snapshot', 'db name=monday');
  });
  afterAll(cleanScratch);

  it.each(LINES)('is %s for %s %j', (code, command, line) => {
    const shown = line.replace(/\n$/, '').replace(/\n/g, '\\x0a').replace(/\0/g, '\\x00');
    // An empty write is no command: the line is its newline.
    const text = refusedWith(code, command, line === '' ? '\n' : line);
    expect(text).toContain(`: ${shown.slice(0, 100)}`);
  });

  it('is kept for everybody as the last result of the command', () => {
    array.command('create', 'bad/name 1M\n');
    expect(array.read('ctl', 'create')).toMatch(/^last result: error EINVAL: .*: bad\/name 1M$/m);
  });

  it('is a line of 1 MiB, of which nothing is run', () => {
    const before = state();
    const line = Buffer.alloc(MIB, 'a 1M ');
    expect(codeOf(() => writeFileSync(array.path('ctl', 'create'), line))).toBe('EINVAL');
    expect(state()).toEqual(before);
    expect(array.read('ctl', 'create')).toMatch(/error EINVAL: .*: a 1M a 1M .*\.\.\./);
    expect(array.command('label', 'db text=alive').code).toBeUndefined();
  });

  it('is binary junk in any control file', () => {
    const random = new RandomSource(3);
    for (const name of readdirSync(array.path('ctl'))) {
      if (name === 'help') continue;
      refusedWith('EINVAL', name, Buffer.concat([random.bytes(300), Buffer.from([0xff, 0x0a])]));
    }
    expect(codeOf(() => writeFileSync(array.path('ctl', 'help'), 'x'))).toMatch(
      /EACCES|EROFS|EBADF/,
    );
  });

  it('is a control file that does not exist', () => {
    expect(codeOf(() => writeFileSync(array.path('ctl', 'explode'), 'now'))).toMatch(
      /EPERM|EACCES/,
    );
    expect(codeOf(() => readFileSync(array.path('ctl', 'explode')))).toBe('ENOENT');
  });

  it.each(['-x', 'a.json', 'none', 'n'.repeat(65), 'with blank'])(
    'is a file named %j in volumes, with the reason in events',
    (name) => {
      const before = state();
      expect(codeOf(() => writeFileSync(array.volume(name), 'x'))).toBe('EINVAL');
      expect(state()).toEqual(before);
      expect(array.read('events')).toContain(' REFUSED ');
    },
  );
});
