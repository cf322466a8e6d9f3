/** What the array refuses, with which code; and that a refused command has changed nothing. */
import { beforeEach, describe, expect, it } from 'vitest';
import { VOLUME_BYTES_MAX } from '../../src/base/limits.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { ArrayFixture } from './array-fixture.js';

const FREE = { force: false };
const FORCE = { force: true };
const INFO = new Uint8Array(512).fill(3);

let fixture: ArrayFixture;
beforeEach(async () => {
  fixture = await ArrayFixture.open();
  await fixture.create(4, 'db', 'log', 'other');
  await fixture.fill('db', 0, 1, 4);
  await fixture.array.takeSnapshots(['db'], { name: 'monday' });
  await fixture.array.takeSnapshots(['log'], { name: 'monday' });
});

type Array = ArrayFixture['array'];
type Case = readonly [string, string, (array: Array) => unknown];

const CASES: readonly Case[] = [
  [
    'creating a name that exists',
    'EEXIST',
    (array) => array.createVolume({ name: 'db', sizeBytes: 512 }),
  ],
  [
    'creating a bad name',
    'EINVAL',
    (array) => array.createVolume({ name: '../x', sizeBytes: 512 }),
  ],
  [
    'creating half a sector',
    'EINVAL',
    (array) => array.createVolume({ name: 'x', sizeBytes: 100 }),
  ],
  [
    'creating a negative size',
    'EINVAL',
    (array) => array.createVolume({ name: 'x', sizeBytes: -512 }),
  ],
  [
    'creating no number',
    'EINVAL',
    (array) => array.createVolume({ name: 'x', sizeBytes: Number.NaN }),
  ],
  [
    'creating beyond the limit',
    'EFBIG',
    (array) => array.createVolume({ name: 'x', sizeBytes: VOLUME_BYTES_MAX + 512 }),
  ],
  [
    'creating in an unknown pool',
    'ENOENT',
    (array) => array.createVolume({ name: 'x', sizeBytes: 512, poolName: 'y' }),
  ],
  [
    'creating with a long label',
    'EINVAL',
    (array) => array.createVolume({ name: 'x', sizeBytes: 512, label: 'l'.repeat(65) }),
  ],
  ['resizing what is not there', 'ENOENT', (array) => array.resizeVolume('x', 512, FREE)],
  ['resizing to half a sector', 'EINVAL', (array) => array.resizeVolume('db', 100, FREE)],
  [
    'resizing beyond the limit',
    'EFBIG',
    (array) => array.resizeVolume('db', VOLUME_BYTES_MAX + 512, FREE),
  ],
  ['renaming what is not there', 'ENOENT', (array) => array.renameVolume('x', 'y')],
  ['renaming onto a volume', 'EEXIST', (array) => array.renameVolume('db', 'log')],
  ['renaming to a bad name', 'EINVAL', (array) => array.renameVolume('db', 'a.json')],
  ['deleting what is not there', 'ENOENT', (array) => array.deleteVolume('x', { snapshots: true })],
  [
    'deleting a volume with snapshots',
    'EBUSY',
    (array) => array.deleteVolume('db', { snapshots: false }),
  ],
  ['a snapshot of nothing', 'EINVAL', (array) => array.takeSnapshots([], { name: 's' })],
  [
    'a snapshot of a volume named twice',
    'EINVAL',
    (array) => array.takeSnapshots(['db', 'db'], { name: 's' }),
  ],
  [
    'a snapshot of a volume named twice, once by number',
    'EINVAL',
    (array) => array.takeSnapshots(['db', '#1'], { name: 's' }),
  ],
  [
    'a snapshot of too many volumes',
    'EINVAL',
    (array) =>
      array.takeSnapshots(
        Array.from({ length: 1_025 }, () => 'db'),
        { name: 's' },
      ),
  ],
  [
    'a snapshot of one that is not there',
    'ENOENT',
    (array) => array.takeSnapshots(['db', 'x'], { name: 's' }),
  ],
  [
    'a snapshot that one of them has',
    'EEXIST',
    (array) => array.takeSnapshots(['other', 'log'], { name: 'monday' }),
  ],
  [
    'a snapshot with a bad name',
    'EINVAL',
    (array) => array.takeSnapshots(['db', 'log'], { name: 'all' }),
  ],
  [
    'a snapshot with half a sector of information',
    'EINVAL',
    (array) => array.takeSnapshots(['db'], { name: 's', info: INFO.subarray(1) }),
  ],
  [
    'deleting a snapshot that is not there',
    'ENOENT',
    (array) => array.deleteSnapshot('db', 'x', FREE),
  ],
  [
    'deleting a snapshot of another volume',
    'ENOENT',
    (array) => array.deleteSnapshot('other', 'monday', FREE),
  ],
  ['restoring a snapshot that is not there', 'ENOENT', (array) => array.restore('db', 'x', FREE)],
  [
    'restoring a snapshot of another volume by number',
    'ENOENT',
    (array) => array.restore('log', '#4', FREE),
  ],
  ['cloning onto a volume', 'EEXIST', (array) => array.clone('db', 'monday', 'log', {})],
  ['cloning what is not there', 'ENOENT', (array) => array.clone('db', 'x', 'new', {})],
  [
    'labelling with control characters',
    'EINVAL',
    (array) => array.setLabel(array.volume('db'), 'a\nb'),
  ],
  [
    'information of another size',
    'EINVAL',
    (array) => array.setInfo(array.volume('db'), new Uint8Array(513)),
  ],
  [
    'writing a snapshot',
    'EROFS',
    (array) => array.openImage(array.snapshot('db', 'monday'), { write: true }),
  ],
  ['a job that is not there', 'ENOENT', (array) => array.job(7)],
  ['cancelling a job that is not there', 'ENOENT', (array) => array.cancelJob(7)],
  ['a scrub of what is not there', 'ENOENT', (array) => array.scrub('x')],
  ['an unknown number', 'ENOENT', (array) => array.copy('#99')],
];

function stateOf(array: Array): unknown {
  return [
    array.volumes().map((volume) => [volume.fields, volume.snapshots.map(({ fields }) => fields)]),
    array.jobs(),
  ];
}

describe('the array refuses', () => {
  it.each(CASES)('%s with %s', async (_what, code, action) => {
    const before = structuredClone(stateOf(fixture.array));
    const { revision } = fixture.array;
    const events = fixture.events();
    expect(await fixture.refusal(() => action(fixture.array))).toBe(code);
    expect(stateOf(fixture.array)).toEqual(before);
    expect([fixture.array.revision, fixture.events()]).toEqual([revision, events]);
  });
});

describe('a volume open for writing', () => {
  it.each<[string, (array: Array, force: boolean) => unknown]>([
    ['restored', (array, force) => array.restore('db', 'monday', { force })],
    ['shrunk', (array, force) => array.resizeVolume('db', BLOCK_BYTES, { force })],
  ])('is not %s unless it is forced', async (_what, action) => {
    const image = fixture.array.openImage(fixture.array.volume('db'), { write: true });
    expect(await fixture.refusal(() => action(fixture.array, false))).toBe('EBUSY');
    expect(await fixture.refusal(() => action(fixture.array, true))).toBe('accepted');
    image.close();
    expect(await fixture.refusal(() => action(fixture.array, false))).toBe('accepted');
  });

  it('may grow, be cloned, frozen, renamed and deleted', async () => {
    const { array } = fixture;
    array.openImage(array.volume('other'), { write: true });
    await array.resizeVolume('other', 8 * BLOCK_BYTES, FREE);
    await array.takeSnapshots(['other'], { name: 's' });
    await array.clone('other', 's', 'copy', {});
    await array.renameVolume('other', 'new');
    await array.deleteVolume('new', { snapshots: true });
    expect(array.volumes().map(({ name }) => name)).toEqual(['db', 'log', 'copy']);
  });

  it('may be restored while others only read it', async () => {
    fixture.array.openImage(fixture.array.volume('db'), { write: false });
    expect(await fixture.refusal(() => fixture.array.restore('db', 'monday', FREE))).toBe(
      'accepted',
    );
  });
});

describe('a snapshot that is open', () => {
  it('is not deleted unless it is forced, and then is read to its end', async () => {
    const { array } = fixture;
    const image = array.openImage(array.snapshot('db', 'monday'), { write: false });
    expect(await fixture.refusal(() => array.deleteSnapshot('db', 'monday', FREE))).toBe('EBUSY');
    await fixture.fill('db', 0, 9, 4);
    await array.deleteSnapshot('db', 'monday', FORCE);
    await fixture.settle();
    const target = new Uint8Array(BLOCK_BYTES);
    expect([image.read(0, target), target[0]]).toEqual([BLOCK_BYTES, 1]);
  });

  it('keeps its volume from being deleted, and the volume its other snapshots', async () => {
    const { array } = fixture;
    await array.takeSnapshots(['db'], { name: 'tuesday' });
    array.openImage(array.snapshot('db', 'tuesday'), { write: false });
    expect(await fixture.refusal(() => array.deleteVolume('db', { snapshots: true }))).toBe(
      'EBUSY',
    );
    expect(array.volume('db').snapshots.map(({ name }) => name)).toEqual(['monday', 'tuesday']);
  });
});
