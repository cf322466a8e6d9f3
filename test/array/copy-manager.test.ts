/** Parameter lists carried out on an array: worked examples, instants, list identifiers, what hosts may name. */
import { beforeEach, describe, expect, it } from 'vitest';
import { sense } from '../ecopy/list-builder.js';
import { bytesOf, EXAMPLES, hexOf } from '../ecopy/worked-examples.js';
import { blocks, CONTENT, CopyFixture, isCopied } from './copy-fixture.js';

const MIB = 2 ** 20;
const KIB = 1024;
let fixture: CopyFixture;

beforeEach(async () => {
  fixture = await CopyFixture.openWritten();
});

/** A worked example whose target `index` is a volume of the array. */
function named(example: Uint8Array, names: readonly string[], header = 16): Uint8Array {
  const list = Buffer.from(example);
  for (const [index, name] of names.entries()) {
    const at = header + index * 32;
    const own = bytesOf(fixture.descriptor(name)).subarray(0, 28);
    list.set(own, at);
  }
  return list;
}

describe('the worked examples', () => {
  it('1: blocks of one disk', async () => {
    expect(await fixture.copy(named(EXAMPLES.diskToDisk, ['db']))).toBe('good');
    const content = await fixture.content('db');
    expect(isCopied(CONTENT, [0x100 * 512, 16 * 512], content, 0x2000 * 512)).toBe(true);
    expect(content.subarray(0x2010 * 512).every((byte) => byte === 0)).toBe(true);
    expect(await fixture.results('00')).toBe('000000080100010100000008');
  });

  it('5: residual data over two segments, 512 to 4096 bytes', async () => {
    expect(await fixture.copy(named(EXAMPLES.residualData, ['db', 'db2']))).toBe('good');
    const content = await fixture.content('db2');
    expect(isCopied(CONTENT, [0, 8192], content, 0)).toBe(true);
    expect(content.subarray(8192).every((byte) => byte === 0)).toBe(true);
  });

  it('5: without CAT the residue is an error, and the block is written', async () => {
    const example = named(EXAMPLES.residualData, ['db', 'db2']);
    example[0x51] = 0;
    // Nothing was left to be written: the residual is valid, and 0.
    const expected = `f0${sense('0a', '260a').slice(2)}`;
    expect(await fixture.copy(example)).toBe(expected);
    expect(isCopied(CONTENT, [0, 4096], await fixture.content('db2'), 0)).toBe(true);
  });

  it('7: a truncated list copies nothing', async () => {
    expect(await fixture.copy(named(EXAMPLES.truncated, ['db']))).toBe(sense('05', '1a00'));
    expect(fixture.array.jobs()).toEqual([]);
  });

  it('8: the first segment is carried out, the second names no target', async () => {
    const example = named(EXAMPLES.badIndex, ['db', 'db2']);
    const failed = sense('0a', '0804', 'a00006', '0001');
    expect(await fixture.copy(example)).toBe(failed);
    const content = await fixture.content('db2');
    expect(isCopied(CONTENT, [0, 8 * 512], content, 0)).toBe(true);
    expect(content.subarray(8 * 512).every((byte) => byte === 0)).toBe(true);
    const details = `0000004a${'00'.repeat(52)}02000012${failed}`;
    expect(await fixture.results('04', { id: '28' })).toBe(details);
  });
});

describe('a copy', () => {
  it('is a job that tells what RECEIVE COPY RESULTS would', async () => {
    await fixture.copy(fixture.list(blocks([0, 1], [0, 0], 8)));
    const [job] = fixture.array.jobs();
    expect(job).toMatchObject({ kind: 'ecopy', state: 'done', message: 'wrote 4K in 1 segments' });
    expect(job).toMatchObject({ subject: 'list 1 of local at CL1-A', done: 4096, total: 4096 });
    expect(job?.report?.().slice(0, 3)).toEqual([
      'segments in the list: 1',
      'copy status: the copy is done, segments processed: 1, bytes written: 4096',
      'failed segment details: no segment failed',
    ]);
  });

  it('inside a pool shares blocks', async () => {
    await fixture.drive(fixture.array.sync());
    const stored = () => fixture.array.pools().map(({ storedBlocks }) => storedBlocks);
    const before = stored();
    expect(await fixture.copy(fixture.list(blocks([0, 1], [0, 1024], 2048)))).toBe('good');
    await fixture.drive(fixture.array.sync());
    expect(stored()).toEqual(before);
    expect(isCopied(CONTENT, [0, MIB], await fixture.content('db2'), 512 * KIB)).toBe(true);
  });

  it.each([
    ['across pools', 2, [0, 0]],
    ['at another place in the block', 1, [3, 8]],
    ['at the same place in the block', 1, [5, 69]],
  ] as const)('%s copies the bytes', async (_what, target, [from, to]) => {
    expect(await fixture.copy(fixture.list(blocks([0, target], [from, to], 1500)))).toBe('good');
    const content = await fixture.content(target === 1 ? 'db2' : 'far');
    expect(isCopied(CONTENT, [from * 512, 1500 * 512], content, to * 512)).toBe(true);
    const outside = [content.subarray(0, to * 512), content.subarray((to + 1500) * 512)];
    expect(outside.every((part) => part.every((byte) => byte === 0))).toBe(true);
  });

  it('of holes makes holes of what was there', async () => {
    await fixture.write('far', 0, new Uint8Array(3 * MIB).fill(7));
    expect(await fixture.copy(fixture.list(blocks([0, 2], [2048, 0], 4096)))).toBe('good');
    await fixture.drive(fixture.array.sync());
    expect((await fixture.content('far')).subarray(0, 2 * MIB).every((byte) => byte === 0)).toBe(
      true,
    );
    expect(fixture.array.volume('far').allocatedBytes).toBe(MIB);
  });

  it('takes the source as of its acceptance', async () => {
    const sent = fixture.send(
      fixture.list(blocks([0, 1], [0, 0], 2048), blocks([0, 2], [0, 0], 2048)),
    );
    await fixture.write('db', 0, new Uint8Array(MIB).fill(9));
    expect((await fixture.drive(sent)).status).toBe(0);
    expect(isCopied(CONTENT, [0, MIB], await fixture.content('db2'), 0)).toBe(true);
    expect(isCopied(CONTENT, [0, MIB], await fixture.content('far'), 0)).toBe(true);
    expect(fixture.frozen()).toBe(0);
  });

  it('sees in later segments what earlier ones wrote, and overlaps rightly', async () => {
    const segments = [blocks([0, 1], [0, 100], 64), blocks([1, 1], [100, 132], 64)];
    expect(await fixture.copy(fixture.list(...segments, blocks([1, 0], [100, 1], 96)))).toBe(
      'good',
    );
    const expected = Buffer.concat([CONTENT.subarray(0, 32 * 512), CONTENT.subarray(0, 64 * 512)]);
    expect(isCopied(expected, [0, expected.length], await fixture.content('db2'), 51_200)).toBe(
      true,
    );
    expect(isCopied(expected, [0, expected.length], await fixture.content('db'), 512)).toBe(true);
  });

  it.each([
    ['its source', blocks([0, 1], [16_380, 0], 8), '0c', '1200'],
    ['its destination', blocks([0, 1], [0, 16_380], 8), '14', '0012'],
    ['any volume', blocks([0, 1], [0, 2 ** 48], 8), '14', '0012'],
  ])('past the end of %s moves nothing', async (_what, segment, pointer, places) => {
    const own = sense('05', '2100');
    const expected = sense('0a', '0000', `a000${pointer}`).replace(
      /^(.{14}).{6}/,
      `$1${(0x0a + 19).toString(16).padStart(2, '0')}${places}`,
    );
    expect(await fixture.copy(fixture.list(segment))).toBe(`${expected}02${own}`);
    expect((await fixture.content('db2')).every((byte) => byte === 0)).toBe(true);
  });

  it('ends between two steps when it is cancelled', async () => {
    const sent = fixture.send(
      fixture.list(blocks([0, 2], [0, 0], 2048), blocks([0, 2], [0, 2048], 2048)),
    );
    await fixture.drive(fixture.array.cancelJob(1));
    expect(hexOf((await fixture.drive(sent)).sense).slice(4, 6)).toBe('0a');
    expect(fixture.array.job(1)).toMatchObject({ state: 'cancelled' });
    expect(fixture.frozen()).toBe(0);
  });

  it('that the mount ends has failed, and nothing is left of it', async () => {
    const sent = fixture.send(fixture.list(blocks([0, 2], [0, 0], 2048)));
    await fixture.pools.stop();
    expect((await sent).status).toBe(2);
    await fixture.pools.mount();
    fixture.begin();
    expect(fixture.array.job(1)).toMatchObject({ state: 'failed' });
    expect([fixture.frozen(), await fixture.pools.findings()]).toEqual([0, []]);
  });

  it('that a crash ends has failed, and nothing is left of it', async () => {
    void fixture.send(fixture.list(blocks([0, 2], [0, 0], 2048)));
    await fixture.drive(fixture.array.sync());
    await fixture.pools.kill();
    fixture.begin();
    expect(fixture.array.job(1)).toMatchObject({ state: 'failed' });
    await fixture.drive(fixture.array.sync());
    expect([fixture.frozen(), await fixture.pools.findings()]).toEqual([0, []]);
  });

  it('keeps its source from being deleted', async () => {
    const sent = fixture.send(fixture.list(blocks([0, 2], [0, 0], 2048)));
    const refused = fixture.pools.refusal(() =>
      fixture.array.deleteVolume('db', { snapshots: true }),
    );
    expect(await refused).toBe('EBUSY');
    expect((await fixture.drive(sent)).status).toBe(0);
    await fixture.drive(fixture.array.deleteVolume('db', { snapshots: true }));
  });
});
