/** `arrayfs tape` as users start it, over cartridges that are written here. No array, no daemon. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { beginBackup } from '../../src/device/backup-image.js';
import type { BackupManifest } from '../../src/device/backup-manifest.js';
import { TapeLibrary } from '../../src/device/tape-library.js';
import { INFORMATION, MANIFEST } from '../device/backup-examples.js';
import { denseExtent, feed, hashOf, imageOf } from '../device/backup-source.js';
import { makeLibrary } from '../device/device-cases.js';
import { cleanScratch, makeScratch } from '../support/scratch-directory.js';

afterAll(cleanScratch);

const PROGRAM = resolve(import.meta.dirname, '../../scripts/arrayfs');
const LARGE_BYTES = 1_200 * 1024;

function tape(...words: string[]) {
  const { status, stdout, stderr } = spawnSync(PROGRAM, ['tape', ...words], {
    encoding: 'utf8',
    cwd: '/',
  });
  return { status, out: stdout, errors: stderr };
}

function backUp(directory: string, change: Partial<BackupManifest>, bytes: number): void {
  const manifest = { ...MANIFEST, ...change };
  const session = new TapeLibrary(directory).login('CL1-C');
  const writer = beginBackup(session, 'AFS001', { manifest, information: INFORMATION });
  feed(writer, [denseExtent(4096, bytes)]);
  writer.finish();
  session.logout();
}

/** `db@monday` twice on AFS001, the second on AFS002, too; `log` is not written to its end. */
function writtenLibrary() {
  const directory = makeLibrary();
  backUp(directory, { takenMs: Date.UTC(2026, 7, 19) }, 8192);
  const backup = '2a2b3c4d-0011-4223-8445-566778899aab';
  backUp(directory, { backup, imageBytes: LARGE_BYTES }, LARGE_BYTES - 4096);
  return { directory, path: (name: string) => join(directory, `${name}.tap`) };
}

const LARGE = hashOf(imageOf([denseExtent(4096, LARGE_BYTES - 4096)], LARGE_BYTES));
const SMALL = hashOf(imageOf([denseExtent(4096, 8192)], MANIFEST.imageBytes));

describe('arrayfs tape init', () => {
  it('makes a library', () => {
    const directory = join(makeScratch(), 'tapes');
    const sizes = ['--slots', '3', '--prefix', 'LIB', '--capacity', '2M'];
    expect(tape('init', directory, ...sizes)).toEqual({
      ...{ status: 0, out: `made 3 cartridges of 2M in ${directory}\n`, errors: '' },
    });
    expect(new TapeLibrary(directory).media().map((medium) => medium.name)).toEqual([
      ...['LIB001', 'LIB002', 'LIB003'],
    ]);
    expect(tape('list', directory)).toEqual({
      status: 0,
      out:
        'CARTRIDGE  NUMBER  NAME  SIZE  ON-TAPE  TAKEN  FORM  STATE  BACKUP  LABEL\n' +
        ['LIB001', 'LIB002', 'LIB003']
          .map((name) => `${name}          -  -        -        -  -      -     empty  -       -\n`)
          .join(''),
      errors: '',
    });
  });

  it.each([
    [['--capacity', '2M', '--slots', 'many'], /^arrayfs: --slots takes a number, not 'many'\n$/],
    [['--capacity', '1K'], /^arrayfs: bytes of a cartridge: 1024 is not from 1048576 to/],
    [['--capacity', '1G', '--prefix', 'afs'], /^arrayfs: not a prefix of 1 to 5 characters/],
    [[], /^arrayfs: required option '--capacity <size>' not specified\n$/],
  ])('with %j fails in one line', (options, errors) => {
    const result = tape('init', join(makeScratch(), 'tapes'), ...options);
    expect(result).toMatchObject({ status: 1, out: '' });
    expect(result.errors).toMatch(errors);
  });
});

describe('arrayfs tape list', () => {
  it('shows backups, continuations and empty cartridges', () => {
    const { directory } = writtenLibrary();
    expect(tape('list', directory)).toEqual({
      status: 0,
      out:
        'CARTRIDGE  NUMBER  NAME       SIZE  ON-TAPE  TAKEN                     FORM    STATE                       BACKUP    LABEL\n' +
        'AFS001          1  db@monday    1M      64K  2026-08-19T00:00:00.000Z  sparse  complete                    1a2b3c4d  orders\n' +
        'AFS001          2  db@monday  1.2M     896K  2026-08-20T09:30:00.000Z  sparse  continued                   2a2b3c4d  orders\n' +
        'AFS002          -  -             -        -  -                         -       part 2 of AFS-2A2B3C4D.DAT  -         -\n' +
        'AFS003          -  -             -        -  -                         -       empty                       -         -\n',
      errors: '',
    });
  });

  it('as JSON has all that is known', () => {
    const { path } = writtenLibrary();
    const { status, out } = tape('list', path('AFS001'), '--json');
    const { takenMs: _taken, startedMs, form, label, backup, imageBytes, name } = MANIFEST;
    const { arraySerial, volumeNumber, volumeUuid } = MANIFEST;
    expect([status, JSON.parse(out)]).toMatchObject([
      0,
      [
        {
          ...{ cartridge: 'AFS001', volumeId: 'AFS001', continues: null },
          ...{ otherFiles: 0, problems: [] },
          backups: [
            {
              ...{ number: 1, backup, name, imageBytes, tapeBytes: 65_536 },
              ...{ takenMs: Date.UTC(2026, 7, 19), startedMs, form, state: 'complete', label },
              ...{ arraySerial, volumeNumber, volumeUuid, hasInformation: true },
            },
            { number: 2, state: 'continued' },
          ],
        },
      ],
    ]);
  });

  it('shows what it can of cartridges that are damaged or have no labels, status 1', () => {
    const { directory, path } = writtenLibrary();
    const image = readFileSync(path('AFS001'));
    image.writeUInt32LE(1026, 268);
    writeFileSync(path('AFS001'), image);
    writeFileSync(path('AFS003'), 'no tape at all');
    const { status, out, errors } = tape('list', directory);
    expect(status).toBe(1);
    expect(out).toMatch(/^AFS003 +- .* unreadable /m);
    expect(errors).toMatch(/^arrayfs: AFS001: tape image: a record has two lengths at byte 268$/m);
    expect(errors).toMatch(/^arrayfs: AFS003: /m);
  });

  it.each([
    [['/nowhere/AFS001.tap'], /^arrayfs: there is no cartridge, .* \/nowhere\/AFS001\.tap$/m],
    [[makeScratch()], /^arrayfs: no cartridges in /],
  ])('of %j fails in one line', (words, errors) => {
    const result = tape('list', ...words);
    expect(result).toMatchObject({ status: 1, out: '' });
    expect(result.errors).toMatch(errors);
  });
});

describe('arrayfs tape extract', () => {
  it('writes the image, with its holes, and its volume information', () => {
    const { path } = writtenLibrary();
    const [file, info] = ['db.img', 'info.bin'].map((name) => join(makeScratch(), name)) as [
      string,
      string,
    ];
    expect(tape('extract', path('AFS001'), '1', file, '--info', info)).toEqual({
      status: 0,
      out: `extracted db@monday of 2026-08-19T00:00:00.000Z (1M, 8K of content) to ${file}\n`,
      errors: '',
    });
    expect(hashOf(readFileSync(file))).toBe(SMALL);
    expect(statSync(file).blocks * 512).toBeLessThan(MANIFEST.imageBytes / 2);
    expect(new Uint8Array(readFileSync(info))).toEqual(INFORMATION);
  });

  it.each([
    ['by the newest of a name', 'db@monday'],
    ['by its UUID', '2a2b'],
    ['by its number', '2'],
  ])('finds a backup %s, and its parts in any order', (_what, reference) => {
    const { path, directory } = writtenLibrary();
    const scratch = makeScratch();
    for (const [index, words] of [
      [path('AFS002'), path('AFS001')],
      [path('AFS001'), path('AFS003'), path('AFS002')],
      [directory],
    ].entries()) {
      const file = join(scratch, `${index}.img`);
      expect(tape('extract', ...words, reference, file)).toMatchObject({ status: 0, errors: '' });
      expect(hashOf(readFileSync(file))).toBe(LARGE);
    }
  });

  it('overwrites a file only when told to', () => {
    const { path } = writtenLibrary();
    const file = join(makeScratch(), 'db.img');
    writeFileSync(file, 'precious');
    const refused = tape('extract', path('AFS001'), '1', file);
    expect(refused).toMatchObject({ status: 1, errors: `arrayfs: ${file} exists already\n` });
    expect(readFileSync(file, 'utf8')).toBe('precious');
    expect(tape('extract', path('AFS001'), '1', file, '--force').status).toBe(0);
    expect(hashOf(readFileSync(file))).toBe(SMALL);
  });

  it('leaves no file of a backup that is damaged or not all there', () => {
    const { path } = writtenLibrary();
    const file = join(makeScratch(), 'db.img');
    const missing = tape('extract', path('AFS001'), '2', file);
    expect(missing.errors).toBe('arrayfs: no cartridge has part 2 of AFS-2A2B3C4D.DAT\n');
    const image = readFileSync(path('AFS001'));
    image[20_000] = (image[20_000] ?? 0) ^ 1;
    writeFileSync(path('AFS001'), image);
    const damaged = tape('extract', path('AFS001'), '1', file, '--json');
    expect([damaged.status, JSON.parse(damaged.out)]).toMatchObject([
      1,
      { ok: false, error: 'EIO' },
    ]);
    expect(existsSync(file)).toBe(false);
  });

  it('compares the SHA-256 of the image where the backup has one', () => {
    const directory = makeLibrary();
    backUp(directory, { imageSha256: SMALL.split(' ')[1] ?? '' }, 8192);
    const wrong = { backup: '2a2b3c4d-0011-4223-8445-566778899aab', imageSha256: 'ab'.repeat(32) };
    backUp(directory, wrong, 8192);
    const verdicts = tape('verify', directory);
    expect(verdicts).toMatchObject({ status: 1 });
    expect(verdicts.out).toMatch(/^AFS001 1 db@monday: whole, 8K of content$/m);
    expect(verdicts.out).toMatch(/^AFS001 2 db@monday: backup 2a2b.* the SHA-256 is another$/m);
  });

  it.each([
    [['1', 'file'], /^arrayfs: say which: arrayfs tape extract CARTRIDGE\.\.\. BACKUP FILE\n$/],
    [[], /^arrayfs: missing required argument 'words'\n$/],
  ])('of %j fails in one line', (words, errors) => {
    expect(tape('extract', ...words).errors).toMatch(errors);
  });

  it('of a name that is not there says so', () => {
    const { path } = writtenLibrary();
    const result = tape('extract', path('AFS001'), 'tuesday', join(makeScratch(), 'x'));
    expect(result.errors).toBe("arrayfs: no backup 'tuesday' begins on these cartridges\n");
  });
});

describe('arrayfs tape verify', () => {
  it('reads every backup', () => {
    const { directory } = writtenLibrary();
    expect(tape('verify', directory)).toEqual({
      status: 0,
      out:
        'AFS001 1 db@monday: whole, 8K of content\n' +
        'AFS001 2 db@monday: whole, 1.2M of content\n',
      errors: '',
    });
    const { out } = tape('verify', directory, '--json');
    expect(JSON.parse(out)).toMatchObject([{ ok: true, dataBytes: 8192 }, { ok: true }]);
  });

  it('says which is damaged, status 1', () => {
    const { directory, path } = writtenLibrary();
    rmSync(path('AFS002'));
    expect(tape('verify', directory)).toEqual({
      status: 1,
      out:
        'AFS001 1 db@monday: whole, 8K of content\n' +
        'AFS001 2 db@monday: no cartridge has part 2 of AFS-2A2B3C4D.DAT\n',
      errors: '',
    });
  });
});

describe('arrayfs tape erase', () => {
  it('makes a cartridge empty, which keeps its barcode', () => {
    const { path } = writtenLibrary();
    expect(tape('erase', path('AFS002'), path('AFS001'))).toMatchObject({
      ...{ status: 0, out: 'erased AFS002 AFS001\n' },
    });
    expect(readFileSync(path('AFS001')).length).toBe(96);
    expect(tape('list', path('AFS001')).out).toMatch(/^AFS001 .* empty /m);
  });

  it('gives one that has the label of another its own, as list tells before', () => {
    const { path } = writtenLibrary();
    copyFileSync(path('AFS003'), path('AFS002'));
    expect(tape('list', path('AFS002'))).toMatchObject({
      ...{ status: 0, errors: 'arrayfs: AFS002: has the label of AFS003\n' },
    });
    expect(tape('erase', path('AFS002'))).toMatchObject({ status: 0, out: 'erased AFS002\n' });
    expect(tape('list', path('AFS002'))).toMatchObject({ status: 0, errors: '' });
  });

  it('refuses what is write-protected, in use or no tape', () => {
    const { directory, path } = writtenLibrary();
    const session = new TapeLibrary(directory).login('CL1-C');
    session.reserve('AFS001');
    expect(tape('erase', path('AFS001')).errors).toMatch(/ is reserved by CL1-C /);
    session.logout();
    chmodSync(path('AFS002'), 0o444);
    expect(tape('erase', path('AFS002')).errors).toMatch(/ is write-protected\n$/);
    writeFileSync(path('AFS003'), 'a letter');
    expect(tape('erase', path('AFS003'))).toMatchObject({ status: 1, out: '' });
    expect(readFileSync(path('AFS003'), 'utf8')).toBe('a letter');
  });
});
