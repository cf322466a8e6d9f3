/**
 * Seeded bursts of commands of which none is durable yet: the pool's disk is full while they are
 * issued, then heals. At every step, after the repair and after a remount the array shows what plain
 * byte arrays show. A failing seed is named; ARRAYFS_SEED runs it alone.
 */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { BLOCK_BYTES, SECTOR_BYTES } from '../../src/base/sizes.js';
import { ArrayFixture } from '../array/array-fixture.js';
import { check } from '../store/check-fixture.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import {
  type ArrayModel,
  applyOperation,
  type CopyOperation,
  describeModel,
  type ModelOperation,
} from './array-model.js';
import { performCommand } from './mounted-operations.js';

type BurstOperation = Exclude<ModelOperation, CopyOperation>;

const VOLUME_BLOCKS_MAX = 6;
const BURSTS = 12;
const BURST_LENGTH_MAX = 8;

class Bursts {
  private readonly random: RandomSource;
  private readonly model: ArrayModel = new Map();
  private readonly log: string[] = [];
  private nextName = 1;

  constructor(
    seed: number,
    private readonly fixture: ArrayFixture,
  ) {
    this.random = new RandomSource(seed);
  }

  async run(): Promise<void> {
    for (let burst = 0; burst < BURSTS; burst += 1) {
      this.fixture.store.failTransactionAfter(
        this.random.integer(0, 2),
        new ArrayError('ENOSPC', 'full'),
      );
      const length = this.random.integer(1, BURST_LENGTH_MAX);
      for (let step = 0; step < length; step += 1) await this.step();
      this.fixture.store.failTransactionAfter(undefined);
      if (this.random.chance(0.7)) await this.settleAndCheck();
      this.compare();
      if (this.random.chance(0.4)) await this.fixture.remount();
      this.compare();
    }
  }

  /** Once all is published, the check of the store has nothing to say. */
  private async settleAndCheck(): Promise<void> {
    await this.fixture.settle();
    expect((await check(this.fixture.store.crash())).findings, this.log.join('\n')).toEqual([]);
  }

  private async step(): Promise<void> {
    const operation = this.choose();
    this.log.push(JSON.stringify({ ...operation, data: undefined }));
    applyOperation(this.model, operation);
    await this.fixture.drive(this.perform(operation)).catch((error: unknown) => {
      if (!/done, but not durable yet/.test(String(error))) throw error;
    });
    if (this.random.chance(0.7)) this.compare();
  }

  private choose(): BurstOperation {
    const { random } = this;
    const names = [...this.model.keys()];
    if (names.length === 0) return this.creation();
    const name = random.pick(names);
    const snapshots = [...(this.model.get(name)?.snapshots.keys() ?? [])];
    const dice = random.next();
    if (dice < 0.4) return this.writing(name);
    if (dice < 0.6) return { kind: 'resize', name, size: this.size() };
    if (dice < 0.72) return { kind: 'snapshot', names: [name], snapshot: this.freshName() };
    if (snapshots.length === 0) return names.length < 4 ? this.creation() : this.writing(name);
    const snapshot = random.pick(snapshots);
    if (dice < 0.82) return { kind: 'restore', name, snapshot };
    if (dice < 0.9 && names.length < 5)
      return { kind: 'clone', name, snapshot, newName: this.freshName() };
    if (dice < 0.96) return { kind: 'drop', name, snapshot };
    return { kind: 'delete', name };
  }

  private creation(): BurstOperation {
    return { kind: 'create', name: this.freshName(), size: this.size() };
  }

  private writing(name: string): BurstOperation {
    const { random } = this;
    const end = VOLUME_BLOCKS_MAX * BLOCK_BYTES;
    const unit = random.pick([1, SECTOR_BYTES, BLOCK_BYTES]);
    const offset = random.integer(0, Math.floor((end - 1) / unit)) * unit;
    const length = Math.min(
      end - offset,
      random.integer(1, 3) * random.pick([100, SECTOR_BYTES, BLOCK_BYTES]),
    );
    const byte = random.chance(0.3) ? 0 : random.integer(1, 255);
    return { kind: 'write', name, offset, data: new Uint8Array(length).fill(byte) };
  }

  private size(): number {
    const unit = this.random.pick([SECTOR_BYTES, BLOCK_BYTES]);
    return this.random.integer(0, (VOLUME_BLOCKS_MAX * BLOCK_BYTES) / unit) * unit;
  }

  private freshName(): string {
    this.nextName += 1;
    return `n${this.nextName}`;
  }

  private async discard(name: string, offset: number, size: number): Promise<void> {
    const image = this.fixture.array.openImage(this.fixture.array.volume(name), { write: true });
    await image.discard(offset, size);
    image.close();
  }

  private async perform(operation: BurstOperation): Promise<unknown> {
    const { array } = this.fixture;
    switch (operation.kind) {
      case 'write':
        return this.fixture.write(operation.name, operation.offset, operation.data);
      case 'discard':
        return this.discard(operation.name, operation.offset, operation.size);
      case 'resize':
        return array.resizeVolume(operation.name, operation.size, { force: true });
      default:
        return performCommand(array, operation);
    }
  }

  private compare(): void {
    const lines: string[] = [];
    for (const { name, sizeBytes, snapshots } of this.fixture.array.volumes()) {
      lines.push(`${name} ${sizeBytes} ${digest(this.fixture.content(name))}`);
      for (const snapshot of snapshots) {
        const reference = `${name}@${snapshot.name}`;
        lines.push(`${reference} ${snapshot.sizeBytes} ${digest(this.fixture.content(reference))}`);
      }
    }
    expect(lines.sort(), `after\n${this.log.slice(-14).join('\n')}`).toEqual(
      describeModel(this.model, digest),
    );
  }
}

function digest(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('hex');
}

describe('bursts of commands that are not durable yet', () => {
  const only = process.env.ARRAYFS_SEED;
  const seeds =
    only === undefined
      ? Array.from({ length: repeat(30) }, (_, index) => index + 1)
      : [Number(only)];
  it.each(seeds)('show what the model shows, seed %i', async (seed) => {
    await new Bursts(seed, await ArrayFixture.open()).run();
  });
});
