/** Labelled volumes: the image of the worked example, appending, several volumes, crashes. */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { beginFile, endFile, readContent, writeVolume } from '../../src/device/labelled-tape.js';
import type { SimhTape } from '../../src/device/simh-tape.js';
import {
  EXAMPLE_FILE,
  EXAMPLE_FORMAT,
  EXAMPLE_VOLUME,
  LABEL_TEXTS,
  labelBytes,
} from './example-labels.js';
import { closeTapes, openTape } from './open-tapes.js';
import { MARK, record, tapeFile } from './tap-builder.js';

const { VOL1, HDR1, HDR2, EOF1, EOF2, EOV1 } = LABEL_TEXTS;
const label = (text: string) => record(labelBytes(text));
const BLOCKS = [new Uint8Array(2048).fill(0xab), new Uint8Array(512).fill(0xcd)];
const [FIRST = new Uint8Array(), SECOND = new Uint8Array()] = BLOCKS;
/** One file of two blocks, 3,032 bytes. */
const EXAMPLE_IMAGE = Buffer.concat([
  ...[label(VOL1), label(HDR1), label(HDR2), MARK, record(FIRST), record(SECOND), MARK],
  ...[label(EOF1), label(EOF2), MARK, MARK],
]);

afterEach(closeTapes);

function tapeOf(...pieces: Uint8Array[]): SimhTape {
  const path = tapeFile(...pieces);
  const tape = openTape(path, pieces.length === 0 ? 'create' : 'write');
  return Object.assign(tape, { path });
}

const imageOf = (tape: SimhTape) => readFileSync((tape as SimhTape & { path: string }).path);

function writeFile(tape: SimhTape, sequence: number, end: 'EOF' | 'EOV' = 'EOF'): void {
  const file = { ...EXAMPLE_FILE, sequence };
  beginFile(tape, file, EXAMPLE_FORMAT);
  for (const block of BLOCKS) tape.writeRecord(block);
  endFile(tape, end, { ...file, blockCount: BLOCKS.length }, EXAMPLE_FORMAT);
}

const found = (tape: SimhTape) => {
  const content = readContent(tape);
  return {
    appendAt: content?.appendAt,
    files: content?.files.map((file) => [
      ...[file.label.fileId, file.label.sequence, file.dataAt],
      ...[file.blockCount, file.dataBytes, file.end],
    ]),
  };
};

describe('labelled tape', () => {
  it('is the image of the worked example', () => {
    expect(EXAMPLE_IMAGE.length).toBe(3032);
    const tape = tapeOf();
    writeVolume(tape, EXAMPLE_VOLUME);
    writeFile(tape, 1);
    expect(imageOf(tape)).toEqual(EXAMPLE_IMAGE);
  });

  it('is read with its labels', () => {
    const tape = tapeOf(EXAMPLE_IMAGE);
    expect(readContent(tape)).toEqual({
      volume: { kind: 'volume', ...EXAMPLE_VOLUME },
      files: [
        {
          label: { kind: 'file', group: 'HDR', ...EXAMPLE_FILE },
          format: { kind: 'format', group: 'HDR', ...EXAMPLE_FORMAT },
          trailer: { kind: 'format', group: 'EOF', ...EXAMPLE_FORMAT },
          ...{ startsAt: 88, dataAt: 268, blockCount: 2, dataBytes: 2560, end: 'EOF' },
        },
      ],
      appendAt: 3028,
    });
    tape.seek(268);
    expect(tape.read()).toMatchObject({ data: Buffer.from(FIRST) });
  });

  it('takes a second file over the last mark', () => {
    const tape = tapeOf(EXAMPLE_IMAGE);
    tape.seek(readContent(tape)?.appendAt ?? 0);
    writeFile(tape, 2, 'EOV');
    const image = imageOf(tape);
    expect(image.subarray(0, 3028)).toEqual(EXAMPLE_IMAGE.subarray(0, 3028));
    expect(image.subarray(-8)).toEqual(Buffer.concat([MARK, MARK]));
    expect(found(tape)).toEqual({
      appendAt: image.length - 4,
      files: [
        ['FILE.A', 1, 268, 2, 2560, 'EOF'],
        ['FILE.A', 2, 3208, 2, 2560, 'EOV'],
      ],
    });
  });

  it('without files ends in two marks', () => {
    const tape = tapeOf();
    writeVolume(tape, EXAMPLE_VOLUME);
    expect(imageOf(tape)).toEqual(Buffer.concat([label(VOL1), MARK, MARK]));
    expect(found(tape)).toEqual({ appendAt: 88, files: [] });
  });

  it('never gets a file without blocks', () => {
    const tape = tapeOf();
    writeVolume(tape, EXAMPLE_VOLUME);
    beginFile(tape, EXAMPLE_FILE, EXAMPLE_FORMAT);
    expect(() => endFile(tape, 'EOF', EXAMPLE_FILE, EXAMPLE_FORMAT)).toThrow('assertion failed');
  });

  it('of another system: an empty file, labels of users, no second labels, no last mark', () => {
    const other = (text: string) => label(text.padEnd(80));
    const tape = tapeOf(
      ...[label(VOL1), other('VOL2'), other('UVL1'), label(HDR1), other('HDR3'), other('UHL1')],
      ...[MARK, MARK, label(EOF1.replace('000002', '000000')), MARK],
      ...[label(HDR1.replace('00010001', '00010002')), MARK, record('x'.repeat(18)), MARK],
      ...[label(EOF1.replace('00010001', '00010002').replace('000002', '000001')), MARK],
    );
    expect(found(tape).files).toEqual([
      ['FILE.A', 1, 532, 0, 0, 'EOF'],
      ['FILE.A', 2, 720, 1, 18, 'EOF'],
    ]);
  });

  it('whose file goes on elsewhere', () => {
    const hdr = HDR1.replace('FILE.A', 'BIG~~~').replace('AFS001', 'AFS101');
    const tape = tapeOf(
      ...[label(VOL1), label(hdr), MARK, record(FIRST), record(SECOND), MARK],
      ...[label(EOV1), MARK, MARK],
    );
    expect(found(tape).files).toEqual([['BIG', 1, 180, 2, 2560, 'EOV']]);
  });

  it.each<[string, Uint8Array[]]>([
    ['a tape without labels', [record('data'), MARK, MARK]],
    ['an empty tape', [Buffer.alloc(0)]],
    ['a tape that begins with a mark', [MARK, label(VOL1)]],
    ['a file label alone', [label(HDR1), MARK]],
  ])('%s has no content that is known', (_what, pieces) => {
    expect(readContent(tapeOf(...pieces))).toBeUndefined();
  });

  it.each<[string, Uint8Array[]]>([
    ['data where labels must be', [label(VOL1), record('data'), MARK]],
    ['no HDR1', [label(VOL1), label(HDR2), MARK, record(FIRST), MARK]],
    ['no EOF1', [label(VOL1), label(HDR1), MARK, record(FIRST), MARK, MARK]],
    ['another count', [label(VOL1), label(HDR1), MARK, record(FIRST), MARK, label(EOF1), MARK]],
    [
      'another file',
      [label(VOL1), label(HDR1), MARK, record(FIRST), record(SECOND), MARK, label(EOV1), MARK],
    ],
  ])('%s is EIO', (_what, pieces) => {
    expect(() => readContent(tapeOf(...pieces))).toThrow('EIO');
  });

  it('a writer that stopped anywhere leaves the files that were whole, and a place to go on', () => {
    const tape = tapeOf(EXAMPLE_IMAGE);
    tape.seek(3028);
    writeFile(tape, 2);
    const image = imageOf(tape);
    // Every byte of labels and marks, some of the blocks.
    const next = (size: number) => size + (size > 3220 && size < 5700 ? 40 : 1);
    for (let size = 3028; size < image.length - 4; size = next(size)) {
      const cut = tapeOf(image.subarray(0, size));
      cut.repairTail();
      const { files = [], appendAt } = found(cut);
      expect([size, appendAt, files[0]]).toEqual([size, 3028, ['FILE.A', 1, 268, 2, 2560, 'EOF']]);
      expect(files.slice(1).map((file) => file[5])).toEqual(files.length > 1 ? [undefined] : []);
    }
  });
});
