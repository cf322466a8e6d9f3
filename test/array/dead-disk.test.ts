/** A disk that has gone: its pool has failed, which is told once, and not as damage of each of its blocks. */
import { describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { PairsFixture } from './pairs-fixture.js';

const GONE = new ArrayError('EIO', 'the disk is gone');
const ALL = [0, 1, 2, 3, 4, 5, 6, 7];

/** The pool of `copy` with content in every track. */
async function open(): Promise<PairsFixture> {
  const fixture = await PairsFixture.open(2, 8, 'file');
  await fixture.write('copy', 1, ALL);
  await fixture.drive(fixture.array.sync());
  return fixture;
}

function losesItsReads({ mirror }: PairsFixture): void {
  Object.assign(mirror.blocks, { read: () => undefined, readRun: () => false });
}

/** Goes while a scrub is under way, which finds a block that it cannot read. */
function goesInScrub({ mirror }: PairsFixture): void {
  const run = mirror.run.bind(mirror);
  mirror.run = (task) => {
    if (task.kind !== 'verify') return run(task);
    mirror.failTransactionAfter(0, GONE);
    const damage = { lineage: 1, epoch: 1, block: 0, kind: 'missing block' };
    return Promise.resolve({ damages: [damage], versions: 1, bytes: 0, next: undefined } as never);
  };
}

function told(fixture: PairsFixture): string[] {
  const codes = fixture.array.recentEvents(1_000).map(({ code }) => code);
  return codes.filter((code) => code === 'DAMAGED' || code.startsWith('POOL-'));
}

async function readAll(fixture: PairsFixture): Promise<void> {
  const volume = fixture.array.volume('copy');
  const image = fixture.array.openImage(volume, { write: false });
  for (const track of ALL) {
    const read = async () => image.read(track * 65_536, new Uint8Array(512));
    await expect(fixture.drive(read())).rejects.toThrow(/damaged/);
  }
  image.close();
  await fixture.clock.advance(100);
}

describe('a pool whose disk has gone', () => {
  it('has failed, by the first read that finds it out; no block is called damaged', async () => {
    const fixture = await open();
    losesItsReads(fixture);
    fixture.mirror.failTransactionAfter(0, GONE);
    await readAll(fixture);
    expect(told(fixture)).toEqual(['POOL-FAILED']);
    await readAll(fixture);
    expect(told(fixture)).toEqual(['POOL-FAILED']);
  });

  it('makes a scrub fail', async () => {
    const fixture = await open();
    goesInScrub(fixture);
    const job = await fixture.drive(fixture.array.scrub('copy'));
    await fixture.clock.advance(5_000);
    expect(fixture.array.job(job.id)).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('pool mirror has failed: the disk is gone'),
    });
    expect(told(fixture)).toEqual(['POOL-FAILED']);
  });

  it('is no excuse for blocks that cannot be read where the disk works otherwise', async () => {
    const fixture = await open();
    losesItsReads(fixture);
    await readAll(fixture);
    expect(told(fixture)).toEqual(ALL.map(() => 'DAMAGED'));
  });

  it('and works again tells of the blocks that still cannot be read', async () => {
    const fixture = await open();
    losesItsReads(fixture);
    fixture.mirror.failTransactionAfter(0, GONE);
    await readAll(fixture);
    fixture.mirror.failTransactionAfter(undefined);
    await fixture.clock.advance(5_000);
    await readAll(fixture);
    expect(told(fixture).sort()).toEqual(
      [...ALL.map(() => 'DAMAGED'), 'POOL-FAILED', 'POOL-WORKS'].sort(),
    );
  });
});
