/**
 * The pair of pairs-model.ts in two pools, of which one is now and then missing at a mount and comes back as it was left.
 * What was promised of either side is there again then, with what hosts wrote to the other one meanwhile.
 */
import { expect } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { TRACK_BYTES } from '../../src/base/sizes.js';
import { stateRow } from '../../src/pair/pair-states.js';
import { PairsFixture } from '../array/pairs-fixture.js';
import type { RandomSource } from '../support/random-source.js';
import { BYTES, PairsModel } from './pairs-model.js';

type Side = 'db' | 'copy';

export class MissingPoolModel extends PairsModel {
  static override async open(random: RandomSource): Promise<PairsModel> {
    return new MissingPoolModel(random, await PairsFixture.open(2, BYTES / TRACK_BYTES));
  }

  protected override steps(): (() => Promise<void>)[] {
    return [...super.steps(), () => this.mountAlone(this.random.pick(['db', 'copy']))];
  }

  /** The array is mounted with the pool of this side alone, and then with both. */
  private async mountAlone(side: Side): Promise<void> {
    const { fixture } = this;
    const [pair] = fixture.array.pairs();
    if (pair === undefined) return;
    const before = pair.state;
    const isSynced = this.below(2) === 0;
    if (isSynced) await fixture.drive(fixture.array.sync());
    await fixture.killWithout(side === 'db' ? 'mirror' : 'main');
    const state = fixture.array.pairs()[0]?.state ?? 'simplex';
    this.log.push(`${side} alone${isSynced ? ' after sync' : ''}: ${before}, ${state}`);
    // A source that is missing: what it overwrote goes back.
    if (
      isSynced &&
      side === 'db' &&
      stateRow(before).copiesTo === 'primary' &&
      state === 'suspended'
    ) {
      this.primary = await fixture.content('db');
      this.forgetLost();
    }
    for (let turn = this.below(3); turn > 0; turn -= 1) await this.writeAlone(side, isSynced);
    if (isSynced) await this.compareAlone(side);
    await fixture.clock.advance(this.random.pick([1, 50, 2_000]));
    expect(fixture.array.pairs()[0]?.state ?? 'simplex').toBe(state);
    await fixture.sync(side);
    await fixture.kill();
    if (isSynced) this.noteState();
    else await this.lookAnew();
  }

  /** Where the other side would be needed, or hosts may not write, it changes nothing. */
  private async writeAlone(side: Side, isSynced: boolean): Promise<void> {
    const { fixture } = this;
    const offset = this.below(BYTES);
    const length = Math.min(BYTES - offset, 1 + this.below(this.random.pick([300, 150_000])));
    const byte = 1 + this.below(255);
    this.log.push(`  write ${side} ${offset}+${length} ${byte}`);
    try {
      const image = fixture.array.openImage(fixture.array.volume(side), { write: true });
      const data = Buffer.alloc(length, byte);
      const writing = Promise.resolve().then(() => image.write(offset, data));
      await fixture.drive(
        writing.then(
          () => image.close(),
          (error) => {
            image.close();
            throw error;
          },
        ),
      );
    } catch (error) {
      if (!(error instanceof ArrayError) || side === 'db') throw error;
      expect(['EROFS', 'EIO']).toContain(error.code);
      this.log.push(`    ${error.code}`);
      return;
    }
    if (!isSynced) return;
    (side === 'db' ? this.primary : this.secondary)?.fill(byte, offset, offset + length);
    if (side === 'db') this.forgetLost();
  }

  /** What can be read is right, track by track. */
  private async compareAlone(side: Side): Promise<void> {
    const { fixture } = this;
    const expected = side === 'db' ? this.primary : this.secondary;
    if (expected === undefined) return;
    const image = fixture.array.openImage(fixture.array.volume(side), { write: false });
    const target = Buffer.alloc(TRACK_BYTES);
    for (let offset = 0; offset < BYTES; offset += TRACK_BYTES) {
      const reading = Promise.resolve().then(() => image.read(offset, target));
      const isRead = await fixture.drive(
        reading.then(
          () => true,
          () => side === 'db',
        ),
      );
      const isSame = target.equals(expected.subarray(offset, offset + TRACK_BYTES));
      if (isRead) expect([side, offset, isSame]).toEqual([side, offset, true]);
    }
    image.close();
  }
}
