/** The cartridges that are written, as `mtdump` of Debian's simh lists them. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { beginBackup } from '../../src/device/backup-image.js';
import { beginFile, endFile, readContent, writeVolume } from '../../src/device/labelled-tape.js';
import { SimhTape } from '../../src/device/simh-tape.js';
import { TapeLibrary } from '../../src/device/tape-library.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { MANIFEST } from './backup-examples.js';
import { feed, randomExtents } from './backup-source.js';
import { makeLibrary } from './device-cases.js';
import { EXAMPLE_FILE, EXAMPLE_FORMAT, EXAMPLE_VOLUME } from './example-labels.js';
import { tapeFile } from './tap-builder.js';

afterAll(cleanScratch);

const hasMtdump = spawnSync('mtdump').error === undefined;

/** `position what` for each object. */
function listing(path: string): string[] {
  const { stdout } = spawnSync('mtdump', [path], { encoding: 'utf8' });
  const lines = [...stdout.matchAll(/^Obj \d+, position (\d+), (.*?)( \(0x.*)?$/gm)];
  return lines.map(([, position, what]) => `${position} ${what}`);
}

describe.skipIf(!hasMtdump)('mtdump', () => {
  it('lists the worked example as the specification does', () => {
    const path = tapeFile();
    const tape = SimhTape.open(path, 'create');
    writeVolume(tape, EXAMPLE_VOLUME);
    beginFile(tape, EXAMPLE_FILE, EXAMPLE_FORMAT);
    tape.writeRecord(new Uint8Array(2048).fill(1));
    tape.writeRecord(new Uint8Array(512));
    endFile(tape, 'EOF', { ...EXAMPLE_FILE, blockCount: 2 }, EXAMPLE_FORMAT);
    tape.close();
    expect(listing(path)).toEqual([
      '0 record 1, length = 80',
      '88 record 2, length = 80',
      '176 record 3, length = 80',
      '264 end of tape file 1',
      '268 record 1, length = 2048',
      '2324 record 2, length = 512',
      '2844 end of tape file 2',
      '2848 record 1, length = 80',
      '2936 record 2, length = 80',
      '3024 end of tape file 3',
      '3028 end of logical tape',
    ]);
  });

  it('reads records of any length up to the largest, odd ones too', () => {
    const path = tapeFile();
    const tape = SimhTape.open(path, 'create');
    for (const size of [1, 2, 17, 32_769, 65_535, 65_536]) tape.writeRecord(new Uint8Array(size));
    tape.writeMarks(2);
    tape.close();
    expect(listing(path)).toEqual([
      '0 record 1, length = 1',
      '10 record 2, length = 2',
      '20 record 3, length = 17',
      '46 record 4, length = 32769',
      '32824 record 5, length = 65535',
      '98368 record 6, length = 65536',
      '163912 end of tape file 1',
      '163916 end of logical tape',
    ]);
  });

  it('reads every cartridge of random backups to its last mark', () => {
    const random = new RandomSource(0x317d);
    let written = 0;
    for (let round = 0; round < repeat(5); round += 1) {
      const directory = makeLibrary({ slots: 5 });
      const library = new TapeLibrary(directory);
      written += backUpSome(library, random);
      for (const { name } of library.media()) {
        const path = join(directory, `${name}.tap`);
        const { blocks, end } = blocksOn(path);
        const lines = listing(path);
        expect(lines.at(-1)).toBe(`${end} end of logical tape`);
        expect(lines.filter((line) => / record \d+, length = \d+$/.test(line))).toHaveLength(
          blocks,
        );
      }
    }
    expect(written).toBeGreaterThan(repeat(5));
  });
});

/** Backups of random images, as many as the library takes. */
function backUpSome(library: TapeLibrary, random: RandomSource): number {
  const session = library.login('CL1-C');
  let count = 0;
  for (const medium of ['AFS001', 'AFS001', 'AFS001']) {
    const imageBytes = random.integer(1, 3_000) * 512;
    const form = random.pick(['sparse', 'plain'] as const);
    const backup = `${count + 1}${MANIFEST.backup.slice(1)}`;
    const manifest = { ...MANIFEST, backup, form, imageBytes };
    try {
      const writer = beginBackup(session, medium, { manifest, information: undefined });
      feed(writer, randomExtents(random, imageBytes));
      writer.finish();
    } catch (error) {
      expect(error).toMatchObject({ fault: 'full' });
      break;
    }
    count += 1;
  }
  session.logout();
  return count;
}

/** Data records of a cartridge, labels included, and where its last mark is. */
function blocksOn(path: string): { blocks: number; end: number } {
  const tape = SimhTape.open(path, 'read');
  const content = readContent(tape);
  tape.close();
  const files = content?.files ?? [];
  const blocks = files.reduce((sum, file) => sum + file.blockCount + 4, 1);
  // An empty cartridge has both marks behind its label.
  return { blocks, end: (content?.appendAt ?? 0) + (files.length === 0 ? 4 : 0) };
}
