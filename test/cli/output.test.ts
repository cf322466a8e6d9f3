/** Texts for people: fields, filtered tables, sectors. */
import { describe, expect, it } from 'vitest';
import { sectorJson, sectorText } from '../../src/cli/info-commands.js';
import { findCopy, linesOf } from '../../src/cli/list-commands.js';
import { fieldLines, oneLine } from '../../src/cli/output.js';
import { encodeVolumeInfo } from '../../src/volume/volume-info.js';

const UUID = '01234567-89ab-4def-8123-456789abcdef';

describe('fieldLines', () => {
  it('aligns values and shows what is absent', () => {
    const record = { a: 1, long: 'x\ny', none: null, empty: '', object: { b: [1] } };
    expect(fieldLines(record).split('\n')).toEqual([
      'a:      1',
      'long:   x\\x0ay',
      'none:   -',
      'empty:  -',
      'object: {"b":[1]}',
    ]);
  });
});

describe('oneLine', () => {
  it("joins commander's message and suggestion", () => {
    expect(oneLine("error: unknown command 'x'\n(Did you mean y?)\n")).toBe(
      "unknown command 'x' (Did you mean y?)",
    );
  });
});

describe('linesOf', () => {
  const table = 'NUMBER  VOLUME  NAME\n     4  db      log\n    11  log     db\n';

  it('keeps the header and the lines with that value in that column', () => {
    expect(linesOf(table, 'VOLUME', 'db')).toBe('NUMBER  VOLUME  NAME\n     4  db      log');
    expect(linesOf(table, 'VOLUME', 'x')).toBe('NUMBER  VOLUME  NAME');
  });
});

describe('findCopy', () => {
  const snapshots = [
    { number: 4, volume: 'db', name: 'x' },
    { number: 5, volume: 'log', name: 'x' },
  ];

  it.each([
    ['log@x', 5],
    ['#4', 4],
  ])('finds %s', (name, number) => {
    expect(findCopy(snapshots, name, 'snapshot').number).toBe(number);
  });

  it.each(['x', 'db', '4', 'db@y'])('does not take %s for a snapshot', (name) => {
    expect(() => findCopy(snapshots, name, 'snapshot')).toThrow(`no such snapshot: '${name}'`);
  });
});

describe('a sector', () => {
  const sector = encodeVolumeInfo({
    holdsBackup: true,
    volumeUuid: UUID,
    timeStampMs: 86_400_000,
    scheduledMs: 0,
    startedMs: 0,
    endedMs: 0,
    volumeNumber: 3,
    sourceNumber: 1,
    sourceUuid: UUID,
    generation: 1,
    kind: 'snapshot',
    label: 'nightly',
    hostName: 'host',
    mountPoint: '/srv',
    imageSha256: undefined,
    definitionName: 'daily',
    jobNumber: 9,
    copyOfJobNumber: 0,
    imageBytes: 1_024,
    arrayUuid: UUID,
    memberNumber: 1,
    memberCount: 1,
  });

  it('is shown decoded where it has the layout of the backup programs', () => {
    const text = sectorText(sector);
    expect(text).toMatch(/^timeStamp: +1970-01-02T00:00:00\.000Z$/m);
    expect(text).toMatch(/^scheduled: +-$/m);
    expect(text).toMatch(/^label: +nightly$/m);
    expect(sectorJson(sector)).toMatchObject({
      format: 'AFSVINF1',
      jobNumber: 9,
      imageSha256: null,
    });
  });

  it('is shown as its bytes where it has another', () => {
    const other = Buffer.alloc(512);
    other.write('hello');
    const lines = sectorText(other).split('\n');
    expect(lines).toHaveLength(32);
    expect(lines[0]).toMatch(/^0000 {2}68 65 6c 6c 6f 00 .* hello\.{11}$/);
    expect(lines[31]).toMatch(/^01f0 /);
    expect(sectorJson(other)).toEqual({ format: 'other', hex: other.toString('hex') });
  });

  it('that is damaged is refused', () => {
    const damaged = Buffer.from(sector);
    damaged[100] = 0;
    expect(() => sectorText(damaged)).toThrow(/damaged/);
  });
});
