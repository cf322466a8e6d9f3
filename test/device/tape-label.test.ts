/** Labels: the worked example of the specification, dates, what foreign systems write. */
import { describe, expect, it } from 'vitest';
import {
  checkTrailer,
  decodeLabel,
  encodeFileLabel,
  encodeFormatLabel,
  encodeVolumeLabel,
} from '../../src/device/tape-label.js';
import {
  CREATED_MS,
  EXAMPLE_FILE,
  EXAMPLE_FORMAT,
  EXAMPLE_VOLUME,
  LABEL_TEXTS,
  labelBytes,
} from './example-labels.js';

const COUNTED = { ...EXAMPLE_FILE, blockCount: 2 };
const BIG = { ...COUNTED, fileId: 'BIG', setId: 'AFS101' };
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1').replaceAll(' ', '~');

describe('tape labels', () => {
  it.each([
    ['VOL1', encodeVolumeLabel(EXAMPLE_VOLUME), { kind: 'volume', ...EXAMPLE_VOLUME }],
    ['HDR1', encodeFileLabel('HDR', EXAMPLE_FILE), { kind: 'file', group: 'HDR', ...EXAMPLE_FILE }],
    [
      'HDR2',
      encodeFormatLabel('HDR', EXAMPLE_FORMAT),
      { kind: 'format', group: 'HDR', ...EXAMPLE_FORMAT },
    ],
    ['EOF1', encodeFileLabel('EOF', COUNTED), { kind: 'file', group: 'EOF', ...COUNTED }],
    [
      'EOF2',
      encodeFormatLabel('EOF', EXAMPLE_FORMAT),
      { kind: 'format', group: 'EOF', ...EXAMPLE_FORMAT },
    ],
    ['EOV1', encodeFileLabel('EOV', BIG), { kind: 'file', group: 'EOV', ...BIG }],
  ] as const)('%s is written and read as in the worked example', (name, written, values) => {
    expect(text(written)).toBe(LABEL_TEXTS[name]);
    expect(decodeLabel(labelBytes(LABEL_TEXTS[name]))).toEqual(values);
  });

  it('VOL1 has every field at its place', () => {
    const label = `VOL1VOLUME!${'~'.repeat(13)}IMPLEMENTATIOOWNER.IDENT.12~${'~'.repeat(27)}3`;
    const values = {
      ...{ volumeId: 'VOLUME', accessibility: '!', implementation: 'IMPLEMENTATIO' },
      ...{ owner: 'OWNER.IDENT.12', version: '3' },
    };
    expect(decodeLabel(labelBytes(label))).toEqual({ kind: 'volume', ...values });
    expect(text(encodeVolumeLabel(values))).toBe(label);
  });

  it('HDR1 and HDR2 have every field at its place', () => {
    const hdr1 = 'HDR1ABCDEFGHIJKLMNOPQSETNAM12345678234501099001100366"987654IMPLEMENTATIO~~~~~~~';
    const file = {
      ...{ fileId: 'ABCDEFGHIJKLMNOPQ', setId: 'SETNAM', section: 1234, sequence: 5678 },
      ...{ generation: 2345, generationVersion: 1, accessibility: '"', blockCount: 987654 },
      ...{ createdMs: Date.UTC(2099, 0, 1), expiresMs: Date.UTC(2100, 11, 32) },
      implementation: 'IMPLEMENTATIO',
    };
    expect(decodeLabel(labelBytes(hdr1))).toEqual({ kind: 'file', group: 'HDR', ...file });
    const remarks = 'TRUE.LENGTH=12'.padEnd(35, '*');
    const hdr2 = `EOV2S3276800000${remarks}17${'~'.repeat(28)}`;
    const format = {
      recordFormat: 'S',
      blockBytes: 32768,
      recordBytes: 0,
      remarks,
      offsetBytes: 17,
    };
    expect(decodeLabel(labelBytes(hdr2))).toEqual({ kind: 'format', group: 'EOV', ...format });
    expect(text(encodeFormatLabel('EOV', format))).toBe(hdr2);
  });

  it.each([
    ['1 January 1970', 0, ' 70001'],
    ['the last day of 1999', Date.UTC(1999, 11, 31), ' 99365'],
    ['a leap day', Date.UTC(2000, 1, 29), '000060'],
    ['the last day of a leap year', Date.UTC(2024, 11, 31), '024366'],
    ['the worked example', CREATED_MS, '026232'],
    ['the next century', Date.UTC(2100, 0, 1), '100001'],
  ])('writes %s', (_what, createdMs, digits) => {
    const label = text(encodeFileLabel('HDR', { ...EXAMPLE_FILE, createdMs })).replaceAll('~', ' ');
    expect(label.slice(41, 47)).toBe(digits);
    expect(decodeLabel(labelBytes(label))).toMatchObject({ createdMs });
  });

  it('takes a day in the middle of it', () => {
    const createdMs = CREATED_MS + 86_399_999;
    expect(text(encodeFileLabel('HDR', { ...EXAMPLE_FILE, createdMs }))).toBe(LABEL_TEXTS.HDR1);
  });

  it.each(['000000', ' 00000', '      ', '026367', '0262XX'])('has no date in "%s"', (digits) => {
    const label = LABEL_TEXTS.HDR1.replace('026232', digits);
    expect(decodeLabel(labelBytes(label))).toMatchObject({ createdMs: undefined });
  });

  it('counts blocks modulo a million', () => {
    const label = encodeFileLabel('EOF', { ...EXAMPLE_FILE, blockCount: 3_000_007 });
    expect(decodeLabel(label)).toMatchObject({ blockCount: 7 });
  });

  it.each([
    ['a long name', () => encodeVolumeLabel({ ...EXAMPLE_VOLUME, volumeId: 'AFS0001' })],
    ['lower case', () => encodeFileLabel('HDR', { ...EXAMPLE_FILE, fileId: 'file.a' })],
    ['other characters', () => encodeFileLabel('HDR', { ...EXAMPLE_FILE, fileId: 'DB@MON' })],
    [
      'a block too long',
      () => encodeFormatLabel('HDR', { ...EXAMPLE_FORMAT, blockBytes: 100_000 }),
    ],
    ['a section too many', () => encodeFileLabel('HDR', { ...EXAMPLE_FILE, section: 10_000 })],
  ])('refuses %s', (_what, encode) => {
    expect(encode).toThrow('EINVAL');
  });

  it.each([
    ['79 characters', labelBytes(LABEL_TEXTS.HDR1).subarray(0, 79)],
    ['81 characters', Buffer.concat([labelBytes(LABEL_TEXTS.HDR1), Buffer.from(' ')])],
    ['other text', labelBytes('HELLO')],
    ['EBCDIC', Buffer.alloc(80, 0xe5)],
  ])('%s are no label', (_what, block) => {
    expect(decodeLabel(block)).toBeUndefined();
  });

  it.each(['VOL2', 'HDR3', 'EOF9', 'EOV4', 'UVL1', 'UHLA', 'UTL1'])('passes over %s', (name) => {
    expect(decodeLabel(labelBytes(`${name}anything`))).toEqual({ kind: 'other', identifier: name });
  });

  it('says that a number is none', () => {
    const label = LABEL_TEXTS.HDR1.replace('00010001', 'ABCD0001');
    expect(() => decodeLabel(labelBytes(label))).toThrow("EIO: a label has no number: 'ABCD'");
  });

  it('finds a trailer of another file, and another count', () => {
    const check = (changed: object, blocks = 2) =>
      checkTrailer(EXAMPLE_FILE, { ...COUNTED, ...changed }, blocks);
    expect(() => check({})).not.toThrow();
    expect(() => check({ blockCount: 0 }, 1_000_000)).not.toThrow();
    expect(() => check({}, 3)).toThrow('EIO: file FILE.A has 3 blocks, its label says 2');
    for (const changed of [{ fileId: 'B' }, { setId: 'X' }, { section: 2 }, { sequence: 2 }]) {
      expect(() => check(changed)).toThrow('EIO: file FILE.A ends with the label of');
    }
  });
});
