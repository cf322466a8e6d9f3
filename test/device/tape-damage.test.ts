/** Cartridges that take no backup, and damage that reading finds. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { cleanScratch } from '../support/scratch-directory.js';
import { dataBlock, MANIFEST } from './backup-examples.js';
import { denseExtent, hashOf, imageOf } from './backup-source.js';
import { LABEL_TEXTS, labelBytes } from './example-labels.js';
import { faultOf, reasonOf } from './fault-of.js';
import { MARK, record } from './tap-builder.js';
import {
  backUp,
  EXTENTS,
  fileImage,
  label,
  listed,
  newLibrary,
  other,
  restored,
  SPARSE_IMAGE,
} from './tape-examples.js';

afterAll(cleanScratch);

describe('a cartridge is not taken for a backup', () => {
  it('without labels', () => {
    const { library, path } = newLibrary();
    for (const image of [Buffer.concat([record('data'), MARK, MARK]), Buffer.alloc(0)]) {
      writeFileSync(path, image);
      expect(faultOf(() => backUp(library))).toBe('foreign');
      expect(faultOf(() => listed(library))).toBe('foreign');
      expect(hashOf(readFileSync(path))).toBe(hashOf(image));
    }
  });

  it('whose label restricts its use', () => {
    const { library, path } = newLibrary();
    const image = Buffer.concat([label(`${LABEL_TEXTS.VOL1.slice(0, 10)}X`), MARK, MARK]);
    writeFileSync(path, image);
    expect(faultOf(() => backUp(library))).toBe('refused');
    expect(hashOf(readFileSync(path))).toBe(hashOf(image));
  });

  it('with a record whose lengths differ, and anything behind it', () => {
    const { library, path } = newLibrary();
    backUp(library);
    const image = Buffer.from(SPARSE_IMAGE);
    image.writeUInt32LE(1026, 268);
    writeFileSync(path, image);
    expect(faultOf(() => backUp(library, [], other('2')))).toBe('damaged');
    expect(hashOf(readFileSync(path))).toBe(hashOf(image));
    expect(listed(library)).toMatchObject({
      backups: [],
      problems: [expect.stringContaining('two lengths at byte 268')],
    });
  });

  it('with a length that points beyond its end, where more is behind it than a crash leaves', () => {
    const { library, path } = newLibrary();
    backUp(library);
    const image = Buffer.from(SPARSE_IMAGE);
    const dataAt = SPARSE_IMAGE.length - (4 * 4 + 2 * 88 + 65_544) + 4;
    expect(image.readUInt32LE(dataAt)).toBe(65_536);
    image.writeUInt32LE(0xff0000, dataAt);
    writeFileSync(path, image);
    expect(faultOf(() => backUp(library, [], other('2')))).toBe('damaged');
    expect(hashOf(readFileSync(path))).toBe(hashOf(image));
  });

  it('whose last file is of another system and has no end', () => {
    const { library, path } = newLibrary();
    const image = Buffer.concat([
      ...[label(LABEL_TEXTS.VOL1), label(LABEL_TEXTS.HDR1), label(LABEL_TEXTS.HDR2), MARK],
      record('x'.repeat(18)),
    ]);
    writeFileSync(path, image);
    expect(reasonOf(() => backUp(library))).toBe('file FILE.A on the tape has no end');
    expect(hashOf(readFileSync(path))).toBe(hashOf(image));
  });

  it('without room for a management file and a block of data', () => {
    const { library, path } = newLibrary(2 ** 20);
    backUp(library, [denseExtent(0, 2 ** 20 - 2 ** 17)]);
    const before = readFileSync(path);
    expect(faultOf(() => backUp(library, [], other('2')))).toBe('full');
    expect(hashOf(readFileSync(path))).toBe(hashOf(before));
  });
});

describe('a cartridge of another system', () => {
  const files = (text: string) => [
    ...[label(text), label(LABEL_TEXTS.HDR2), MARK, record('x'.repeat(18)), MARK],
    ...[label(text.replace('HDR', 'EOF').replace('~000000', '~000001')), MARK],
  ];

  it('with labels takes a backup behind its files, which stay', () => {
    const { library, path } = newLibrary();
    const image = Buffer.concat([label(LABEL_TEXTS.VOL1), ...files(LABEL_TEXTS.HDR1), MARK]);
    writeFileSync(path, image);
    backUp(library);
    expect(readFileSync(path).subarray(0, image.length - 4)).toEqual(image.subarray(0, -4));
    const { backups, otherFiles } = listed(library);
    expect([otherFiles, backups[0]?.data?.label.sequence]).toEqual([1, 3]);
    expect(hashOf(restored(library))).toBe(hashOf(imageOf(EXTENTS, 2 ** 20)));
  });

  it('with an empty file, whose two marks are not the end, likewise', () => {
    const { library, path } = newLibrary();
    const empty = [
      ...[label(LABEL_TEXTS.HDR1), MARK, MARK],
      ...[label(LABEL_TEXTS.EOF1.replace('000002', '000000')), MARK],
    ];
    writeFileSync(path, Buffer.concat([label(LABEL_TEXTS.VOL1), ...empty, MARK]));
    backUp(library);
    expect(listed(library)).toMatchObject({ otherFiles: 1, backups: [{ state: 'complete' }] });
  });

  it('ends at two marks: what lies behind them is not seen, and gone with the next backup', () => {
    const { library, path } = newLibrary();
    const behind = Buffer.concat([...files(LABEL_TEXTS.HDR1), MARK]);
    writeFileSync(path, Buffer.concat([SPARSE_IMAGE, behind]));
    expect(listed(library)).toMatchObject({ otherFiles: 0, problems: [] });
    backUp(library, [], other('2'));
    expect(listed(library).backups.map((entry) => entry.state)).toEqual(['complete', 'complete']);
    expect(readFileSync(path).includes(labelBytes(LABEL_TEXTS.HDR1))).toBe(false);
  });
});

describe('damage in a backup', () => {
  const dataAt = SPARSE_IMAGE.length - (4 * 4 + 2 * 88 + 65_544) + 4;

  it.each<[string, number, number]>([
    ['in a block', dataAt + 4 + 600, 0x01],
    ['in the part of a block that nothing uses', dataAt + 4 + 60_000, 0x80],
    ['in the checksum behind the blocks', SPARSE_IMAGE.length - 71, 0x01],
  ])('%s is found on reading', (_what, at, bit) => {
    const { library, path } = newLibrary();
    const image = Buffer.from(SPARSE_IMAGE);
    image[at] = (image[at] ?? 0) ^ bit;
    writeFileSync(path, image);
    expect(faultOf(() => restored(library))).toBe('damaged');
  });

  it('in the management file is found on listing', () => {
    const { library, path } = newLibrary();
    const image = Buffer.from(SPARSE_IMAGE);
    image[88 + 180 + 4 + 700] = 0x20;
    writeFileSync(path, image);
    expect(listed(library)).toMatchObject({
      backups: [],
      problems: ['part 1 of AFS-1A2B3C4D.MGT: wrong checksum'],
    });
  });

  it('that is a missing block is found by the label and by the numbers', () => {
    const { library, path } = newLibrary();
    const id = { id: 'AFS-1A2B3C4D.DAT', sequence: 2, blockBytes: 65_536 };
    const start = SPARSE_IMAGE.subarray(0, dataAt - 4 - 2 * 88);
    const last = dataBlock(1, true, EXTENTS);
    writeFileSync(path, Buffer.concat([start, fileImage(id, [last]), MARK]));
    expect(reasonOf(() => restored(library))).toMatch(/it is block 1$/);
    const first = dataBlock(0, false, EXTENTS);
    writeFileSync(path, Buffer.concat([start, fileImage(id, [first]), MARK]));
    expect(reasonOf(() => restored(library))).toMatch(/ends without its last block$/);
    const whole = dataBlock(0, true, EXTENTS);
    writeFileSync(path, Buffer.concat([start, fileImage(id, [whole, last]), MARK]));
    expect(reasonOf(() => restored(library))).toMatch(/goes on behind its last block$/);
  });

  it('that is a shorter plain image is found', () => {
    const { library, path } = newLibrary();
    const manifest = { ...MANIFEST, form: 'plain' as const, imageBytes: 2048 };
    backUp(library, [denseExtent(0, 2048)], { manifest, information: undefined });
    const image = readFileSync(path);
    const id = { id: 'AFS-1A2B3C4D.DAT', sequence: 2, blockBytes: 65_536 };
    const rest = fileImage(id, [denseExtent(0, 2048).data as Buffer]).length + 4;
    const short = fileImage(id, [denseExtent(0, 1024).data as Buffer]);
    writeFileSync(path, Buffer.concat([image.subarray(0, -rest), short, MARK]));
    expect(reasonOf(() => restored(library))).toMatch(/has not the 2048 bytes it says$/);
  });
});
