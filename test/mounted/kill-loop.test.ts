/** kill -9 of the daemon at random moments: what was confirmed is there, in order, and checks clean. */
import { afterAll, describe, expect, it } from 'vitest';
import { sleep } from '../../src/base/clock.js';
import { repeat } from '../support/factor.js';
import { canMount, MIB, MountedArray } from '../support/mounted-array.js';
import { RandomSource } from '../support/random-source.js';
import { RecordWriter } from '../support/record-writer.js';
import { cleanScratch } from '../support/scratch-directory.js';

const SEED = Number(process.env.ARRAYFS_TEST_SEED ?? Date.now() % 1_000_000);
const VOLUME_BYTES = 8 * MIB;
const ROUNDS = repeat(6);
/** Rounds between two checks, which need the array unmounted. */
const CHECK_EVERY = 2;
const SNAPSHOTS_KEPT = 4;

/** Records a snapshot holds after a crash: all that were synced before it, and none after it. */
interface SnapshotRecords {
  readonly atLeast: number;
  readonly atMost: number;
}

/** One volume with its writer and the snapshots of it that were acknowledged, with their records. */
class Subject {
  readonly random: RandomSource;
  readonly writer: RecordWriter;
  readonly snapshots = new Map<string, SnapshotRecords>();
  /** A command whose answer did not come may have happened or not. */
  unsure: string | undefined;
  syncs = 0;
  /** What the mount answered while its daemon was alive. */
  private failure: string | undefined;
  private nextSnapshot = 0;

  constructor(
    readonly name: string,
    private readonly array: MountedArray,
    seed: number,
  ) {
    this.random = new RandomSource(seed);
    this.writer = new RecordWriter(VOLUME_BYTES / 512, this.random);
    array.ok('create', `${name} ${VOLUME_BYTES}`);
  }

  /** Writes, syncs and snapshots one after the other until the mount fails. */
  async work(): Promise<void> {
    try {
      await this.writer.open(this.array.volume(this.name));
      for (;;) await this.step();
    } catch (error) {
      if (!this.array.isKilled) this.failure = `${error}`;
    } finally {
      await this.writer.close();
    }
  }

  /** What is wrong after a crash; continues from what is there. */
  verify(): string[] {
    const { array, name, writer, snapshots } = this;
    const problems = this.failure === undefined ? [] : [`${name} failed with ${this.failure}`];
    const length = writer.prefixOf(array.volume(name), writer.confirmed);
    if (typeof length === 'string') return [length];
    const present = array
      .snapshots()
      .filter((snapshot) => snapshot.volume === name)
      .map((snapshot) => snapshot.name);
    for (const [snapshot, records] of snapshots) {
      if (snapshot === this.unsure && !present.includes(snapshot)) {
        snapshots.delete(snapshot);
      } else {
        const found = writer.prefixOf(array.snapshot(name, snapshot), records.atLeast);
        if (typeof found === 'string') problems.push(found);
        else if (found > records.atMost) {
          problems.push(`${name}@${snapshot} holds ${found} of ${records.atMost} records`);
        } else snapshots.set(snapshot, { atLeast: found, atMost: found });
      }
    }
    for (const snapshot of present) {
      if (snapshots.has(snapshot)) continue;
      if (snapshot !== this.unsure) problems.push(`${name}@${snapshot} should not be there`);
      else array.ok('delete', `${name}@${snapshot}`);
    }
    this.unsure = undefined;
    writer.continueAfter(length);
    return problems;
  }

  private async step(): Promise<void> {
    const chance = this.random.next();
    if (chance < 0.85) return this.writer.write();
    if (chance < 0.95) {
      await this.writer.sync();
      this.syncs += 1;
      return;
    }
    if (this.snapshots.size < SNAPSHOTS_KEPT) return this.snapshot();
    return this.deleteSnapshot();
  }

  private async snapshot(): Promise<void> {
    const { written } = this.writer;
    this.nextSnapshot += 1;
    this.unsure = `s${this.nextSnapshot}`;
    await this.array.okLater('snapshot', `${this.name} name=${this.unsure}`);
    this.snapshots.set(this.unsure, { atLeast: this.writer.confirmed, atMost: written });
    this.unsure = undefined;
  }

  private async deleteSnapshot(): Promise<void> {
    this.unsure = this.random.pick([...this.snapshots.keys()]);
    await this.array.okLater('delete', `${this.name}@${this.unsure}`);
    this.snapshots.delete(this.unsure);
    this.unsure = undefined;
  }
}

describe.skipIf(!canMount)('kill -9 of the daemon', () => {
  afterAll(cleanScratch);

  it(`at ${ROUNDS} random moments loses nothing that was confirmed (seed ${SEED})`, async () => {
    const array = MountedArray.create({ mountWords: ['--write-cache', '8M'] });
    const random = new RandomSource(SEED);
    const subjects = ['a', 'b'].map((name, index) => new Subject(name, array, SEED + index));
    for (let round = 1; round <= ROUNDS; round += 1) {
      const work = subjects.map((subject) => subject.work());
      await sleep(random.integer(50, 1_200));
      await array.kill();
      await Promise.all(work);
      if (round % CHECK_EVERY === 0) {
        array.unmountDead();
        expect(array.findings(), `seed ${SEED}, round ${round}`).toBeUndefined();
      }
      array.mountAgain('--write-cache', '8M');
      const problems = subjects.flatMap((subject) => subject.verify());
      expect(problems, `seed ${SEED}, round ${round}`).toEqual([]);
    }
    for (const { syncs, writer } of subjects) {
      expect(syncs, 'no write was fsynced: nothing was tested').toBeGreaterThan(0);
      expect(writer.written).toBeGreaterThan(0);
    }
    await array.umount();
    expect(array.findings()).toBeUndefined();
  });
});
