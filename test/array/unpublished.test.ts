/** Commands on what other commands have just made, before any of it is published. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { ArrayFixture } from './array-fixture.js';

const FREE = { force: false };

let fixture: ArrayFixture;
beforeEach(async () => {
  fixture = await ArrayFixture.open();
  await fixture.create(4, 'db');
  await fixture.fill('db', 0, 1, 4);
  await fixture.array.takeSnapshots(['db'], { name: 's' });
  await fixture.settle();
  fixture.store.failTransactionAfter(0, new ArrayError('ENOSPC', 'full'));
});

/** Runs a command that takes effect but is not durable. */
async function issue(command: Promise<unknown>): Promise<void> {
  await expect(fixture.drive(command)).rejects.toThrow('done, but not durable yet');
}

/** Once as it is, once after all was published, once after a remount. */
async function expectBytes(name: string, bytes: number[]): Promise<void> {
  expect(fixture.bytes(name)).toEqual(bytes);
  fixture.store.failTransactionAfter(undefined);
  await fixture.settle();
  expect(fixture.bytes(name)).toEqual(bytes);
  const { allocatedBytes } = fixture.array.volume(name);
  await fixture.remount();
  expect(fixture.bytes(name)).toEqual(bytes);
  expect(fixture.array.volume(name).allocatedBytes).toBe(allocatedBytes);
  const mapped = bytes.filter((byte) => byte !== 0).length;
  expect(allocatedBytes).toBe(mapped * BLOCK_BYTES);
}

async function resize(name: string, ...blocks: number[]): Promise<void> {
  for (const count of blocks)
    await issue(fixture.array.resizeVolume(name, count * BLOCK_BYTES, FREE));
}

describe('before anything is published', () => {
  it('a restored volume that shrinks and grows shows zeros', async () => {
    await fixture.fill('db', 0, 2, 4);
    await issue(fixture.array.restore('db', 's', FREE));
    await resize('db', 1, 4);
    await expectBytes('db', [1, 0, 0, 0]);
  });

  it('a clone that shrinks and grows shows zeros', async () => {
    await issue(fixture.array.clone('db', 's', 'copy', {}));
    await resize('copy', 2, 4);
    await expectBytes('copy', [1, 1, 0, 0]);
  });

  it('a clone of a new snapshot shows what was written before it', async () => {
    await fixture.fill('db', 1, 5);
    await issue(fixture.array.takeSnapshots(['db'], { name: 't' }));
    await fixture.fill('db', 2, 6);
    await issue(fixture.array.clone('db', 't', 'copy', {}));
    await expectBytes('copy', [1, 5, 1, 1]);
  });

  it('a volume goes back to a snapshot that is deleted at once', async () => {
    await fixture.fill('db', 1, 5);
    await issue(fixture.array.takeSnapshots(['db'], { name: 't' }));
    await fixture.fill('db', 1, 6, 3);
    await issue(fixture.array.restore('db', 't', FREE));
    await issue(fixture.array.deleteSnapshot('db', 't', FREE));
    await expectBytes('db', [1, 5, 1, 1]);
  });

  it('a volume may be restored again and again', async () => {
    for (const byte of [2, 3, 4]) {
      await fixture.fill('db', 0, byte, 2);
      await issue(fixture.array.takeSnapshots(['db'], { name: `s${byte}` }));
      await issue(fixture.array.restore('db', 's', FREE));
    }
    await issue(fixture.array.restore('db', 's3', FREE));
    await fixture.fill('db', 3, 9);
    await expectBytes('db', [3, 3, 1, 9]);
  });

  it('a volume that is made, written and deleted leaves nothing', async () => {
    await issue(fixture.array.createVolume({ name: 'new', sizeBytes: 4 * BLOCK_BYTES }));
    await fixture.fill('new', 0, 7, 4);
    await issue(fixture.array.takeSnapshots(['new'], { name: 't' }));
    await fixture.fill('new', 0, 8, 4);
    await issue(fixture.array.deleteVolume('new', { snapshots: true }));
    fixture.store.failTransactionAfter(undefined);
    await fixture.settle();
    expect(fixture.array.pools()[0]).toMatchObject({ storedBlocks: 4, reclaimsPending: 0 });
  });

  it.each<[string, number]>([
    ['whole blocks', BLOCK_BYTES],
    ['single sectors', 512],
  ])('zeros over a restored volume stay zeros, written as %s', async (_how, size) => {
    await issue(fixture.array.restore('db', 's', FREE));
    for (let offset = BLOCK_BYTES; offset < 3 * BLOCK_BYTES; offset += size) {
      await fixture.write('db', offset, new Uint8Array(size));
    }
    await expectBytes('db', [1, 0, 0, 1]);
  });

  it('a volume that shrinks, is frozen and grows keeps both', async () => {
    await resize('db', 2);
    await issue(fixture.array.takeSnapshots(['db'], { name: 't' }));
    await resize('db', 4);
    await fixture.fill('db', 3, 8);
    expect(fixture.bytes('db@t')).toEqual([1, 1]);
    await expectBytes('db', [1, 1, 0, 8]);
    expect(fixture.bytes('db@s')).toEqual([1, 1, 1, 1]);
  });

  it('a clone of a volume that shrank shows zeros where it grows', async () => {
    await resize('db', 2);
    await issue(fixture.array.takeSnapshots(['db'], { name: 't' }));
    await issue(fixture.array.clone('db', 't', 'copy', {}));
    await resize('copy', 4);
    await expectBytes('copy', [1, 1, 0, 0]);
  });

  it('zeros over content of a snapshot stay zeros', async () => {
    await fixture.fill('db', 1, 0, 2);
    await expectBytes('db', [1, 0, 0, 1]);
  });
});
