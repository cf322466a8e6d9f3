/** The cartridges that are written, as `mtdump` of Debian's simh lists them. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { beginFile, endFile, writeVolume } from '../../src/device/labelled-tape.js';
import { SimhTape } from '../../src/device/simh-tape.js';
import { EXAMPLE_FILE, EXAMPLE_FORMAT, EXAMPLE_VOLUME } from './example-labels.js';
import { tapeFile } from './tap-builder.js';

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
});
