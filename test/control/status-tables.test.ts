/** The tables of /status, in both forms. */
import { beforeEach, describe, expect, it } from 'vitest';
import { numberRanges } from '../../src/control/status-columns.js';
import { jobJson, jobText } from '../../src/control/status-tables.js';
import { encodeVolumeInfo } from '../../src/volume/volume-info.js';
import { EXAMPLE_INFO } from '../volume/example-info.js';
import { FakeArray } from './fake-array.js';
import { tableNamed } from './table-named.js';

let array: FakeArray;

const text = (name: string) => tableNamed(name).text(array);
const json = (name: string) => JSON.parse(tableNamed(name).json(array));

beforeEach(async () => {
  array = new FakeArray();
  await array.createVolume({ name: 'db', sizeBytes: 10 * 2 ** 30, label: 'orders' });
  await array.createVolume({ name: 'a-longer-name', sizeBytes: 1536 });
  await array.takeSnapshots(['db'], { name: 'monday', label: 'week 1' });
  await array.takeSnapshots(['db'], { name: 'tuesday' });
});

describe('status/volumes', () => {
  it('has the columns of the volume management table of seed 004, figure 7', () => {
    expect(text('volumes')).toBe(
      [
        'NUMBER  NAME           SIZE  ALLOCATED  STATE   POOL   INTERFACE  PORT  LUN  MIRRORS  ROLE  SNAPSHOTS  INFORMATION  LABEL',
        '     1  db              10G          0  normal  pool0  -          -     -    -        -     #3-4       -            orders',
        '     2  a-longer-name  1.5K          0  normal  pool0  -          -     -    -        -     -          -            -',
        '',
      ].join('\n'),
    );
  });

  it('says the same and more in JSON', () => {
    expect(json('volumes')[0]).toMatchObject({
      number: 1,
      name: 'db',
      sizeBytes: 10 * 2 ** 30,
      allocatedBytes: 0,
      state: 'normal',
      pool: 'pool0',
      interface: null,
      portAddress: null,
      lun: null,
      mirrors: [],
      snapshots: [3, 4],
      info: null,
      label: 'orders',
      uuid: '00000000-0000-4000-8000-000000000001',
      naa: `${'6'.repeat(31)}1`,
      mode: 0o600,
      created: '2026-01-01T00:00:01.000Z',
      createdMs: Date.UTC(2026, 0, 1, 0, 0, 1),
    });
  });

  it('shows what volume information is stored and whether the content changed since', () => {
    array.change('db', { info: encodeVolumeInfo(EXAMPLE_INFO), infoModified: true });
    expect(text('volumes')).toMatch(/ nightly, modified since {2}orders$/m);
    expect(json('volumes')[0].info).toMatchObject({
      format: 'AFSVINF1',
      label: 'nightly',
      timeStampMs: EXAMPLE_INFO.timeStampMs,
      modifiedSinceStored: true,
    });
  });

  it('shows a sector of another layout as stored, and a broken one as damaged', () => {
    array.change('db', { info: new Uint8Array(512) });
    expect(text('volumes')).toMatch(/ stored +orders$/m);
    const broken = encodeVolumeInfo(EXAMPLE_INFO);
    broken[200] = (broken[200] ?? 0) ^ 1;
    array.change('db', { info: broken });
    expect(text('volumes')).toMatch(/ damaged +orders$/m);
    expect(json('volumes')[0].info.format).toBe('damaged');
  });

  it('stays a table with a thousand snapshots', async () => {
    for (let index = 0; index < 1_000; index += 1) {
      const names = index % 2 === 0 ? ['db'] : ['a-longer-name'];
      await array.takeSnapshots(names, { name: `s${index}` });
    }
    const lines = text('volumes').split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(160);
    expect(lines[1]).toMatch(/ #3-5 #7 #9 .*\.\.\. \(502\) /);
    expect(json('volumes')[0].snapshots).toHaveLength(502);
  });
});

describe('the other tables', () => {
  it('list snapshots with their volume', () => {
    const lines = text('snapshots').split('\n');
    expect(lines[0]).toMatch(/^NUMBER +VOLUME +NAME +SIZE +CREATED +OPEN +INFORMATION +LABEL$/);
    expect(lines[1]).toBe(
      '     3  db      monday    10G  2026-01-01T00:00:05Z     0  -            week 1',
    );
    expect(json('snapshots')[1]).toMatchObject({ number: 4, volume: 'db', volumeNumber: 1 });
  });

  it('list pools with exact sizes in JSON', () => {
    expect(text('pools')).toMatch(/^pool0 +normal +1G +1M +1023M +64 +0 +lmdb +\/srv\/array +-$/m);
    expect(json('pools')[0]).toMatchObject({ capacityBytes: 2 ** 30, problem: null });
  });

  it('show the cache and the array as records', () => {
    expect(text('cache')).toMatch(/^limit {16}64M\ndirty {16}4K\n/);
    expect(json('cache')).toMatchObject({ limitBytes: 2 ** 26, writersWaiting: 0 });
    expect(text('array')).toMatch(/^access +read-write$/m);
    expect(json('array')).toMatchObject({ volumes: 2, snapshots: 2, readOnly: false });
  });

  it('list jobs, and one job as text and JSON', async () => {
    const job = await array.scrub('all');
    expect(text('jobs')).toMatch(/ scrub +scrub all +running +45% \(45M of 100M\) /);
    expect(jobText(job)).toMatch(/^state +running$/m);
    expect(jobText({ ...job, done: 0, total: 0 })).toMatch(/^progress +-$/m);
    expect(JSON.parse(jobJson(job))).toMatchObject({ id: 1, done: 45 * 2 ** 20, endedMs: null });
  });

  it('list the newest thousand events, oldest first', () => {
    for (let index = 0; index < 1_200; index += 1) array.recordEvent('TEST', 'db', `no ${index}`);
    const rows = json('events');
    expect([rows.length, rows[999].message]).toEqual([1_000, 'no 1199']);
    expect(text('events').split('\n')).toHaveLength(1_002);
  });

  it('are empty lists without rows', () => {
    array = new FakeArray();
    expect([json('volumes'), json('jobs')]).toEqual([[], []]);
    expect(text('jobs')).toMatch(/^ID +KIND .*\n$/);
  });
});

describe('numberRanges', () => {
  it.each([
    [[], 20, ''],
    [[4], 20, '#4'],
    [[4, 5], 20, '#4-5'],
    [[4, 6, 7, 8, 12], 20, '#4 #6-8 #12'],
    [[1, 3, 5, 7, 9], 8, '#1 #3 #5 ... (5)'],
  ])('of %j within %d characters', (numbers, charactersMax, shown) => {
    expect(numberRanges(numbers, charactersMax)).toBe(shown);
  });
});
