/** Any number of incremental copies one after the other, restored in their order, are every snapshot again. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { ImageCopyRequest } from '../../src/array/ecopy-contract.js';
import { LINEAGE_DEPTH_MAX } from '../../src/base/limits.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { CONTENT, CopyFixture } from './copy-fixture.js';
import { copyImages } from './copy-images.js';

const BYTES = 2 ** 21;
let fixture: CopyFixture;

afterAll(cleanScratch);

const copy = (source: string, destination: string, options: Partial<ImageCopyRequest> = {}) =>
  copyImages(fixture, source, destination, options);
const snap = (name: string) => fixture.drive(fixture.array.takeSnapshots(['db'], { name }));
const isEqual = async (one: string, other: string) =>
  (await fixture.content(one)).equals(await fixture.content(other));

beforeEach(async () => {
  fixture = await CopyFixture.open({ db: BYTES, db2: 0, far: 0, hidden: 0 });
  await fixture.write('db', 0, CONTENT.subarray(0, BYTES / 4));
  fixture.addTape({ cartridgeBytes: 16 * 2 ** 20 });
});

describe('a chain of increments', () => {
  /** Of each generation: its medium, and the one it is based on. */
  let made: Map<string, { readonly medium: string; readonly since: string | undefined }>;
  let random: RandomSource;

  it.each(Array.from({ length: repeat(2) }, (_, seed) => [seed + 1]))(
    'is every generation again, whatever happened between them (seed %i)',
    async (seed) => {
      random = new RandomSource(seed);
      made = new Map();
      for (let number = 1; number <= 6; number += 1) {
        await change();
        await snap(`g${number}`);
        await toTape(`g${number}`);
        await toMirror(`g${number}`);
        if (random.chance(0.3)) {
          await fixture.pools.remount();
          fixture.begin();
        }
      }
      for (const generation of made.keys()) {
        for (const step of chainOf(generation)) {
          const medium = made.get(step)?.medium ?? '';
          expect(await copy(medium, 'restored', { backup: `db@${step}` })).toMatch(/^done/);
        }
        expect(await isEqual('restored', `db@${generation}`)).toBe(true);
        await remove('restored');
      }
    },
  );

  async function toTape(generation: string): Promise<void> {
    const since = random.chance(0.8) ? random.pick([undefined, ...made.keys()]) : undefined;
    const medium = `tape0/${random.pick(['AFS001', 'AFS002'])}`;
    const based = since === undefined ? {} : { since: `db@${since}` };
    expect(await copy(`db@${generation}`, medium, based)).toMatch(/^done/);
    made.set(generation, { medium, since });
  }

  /** What is there is one of the generations before, or was written to since. */
  async function toMirror(generation: string): Promise<void> {
    const held = fixture.array.findVolume('twin')?.holds;
    const base = [...made.keys()].find((name) => fixture.array.copy(`db@${name}`).uuid === held);
    if (base === undefined) {
      if (held !== undefined) await remove('twin');
      expect(await copy(`db@${generation}`, 'twin', { poolName: 'mirror' })).toMatch(/^done/);
    } else {
      expect(await copy(`db@${generation}`, 'twin', { since: `db@${base}` })).toMatch(/^done/);
    }
    expect(await isEqual('twin', `db@${generation}`)).toBe(true);
    if (random.chance(0.2)) await remove('twin');
  }

  function chainOf(generation: string): string[] {
    const since = made.get(generation)?.since;
    return since === undefined ? [generation] : [...chainOf(since), generation];
  }

  function remove(name: string): Promise<void> {
    return fixture.drive(fixture.array.deleteVolume(name, { snapshots: false }));
  }

  async function change(): Promise<void> {
    for (let step = random.integer(1, 8); step > 0; step -= 1) {
      const { sizeBytes, snapshots } = fixture.array.volume('db');
      const offset = 512 * random.integer(0, sizeBytes / 512 - 1);
      const length = Math.min(512 * random.integer(1, 200), sizeBytes - offset);
      const kind = random.next();
      if (kind < 0.6) {
        await fixture.write('db', offset, new Uint8Array(length).fill(random.integer(0, 3)));
      } else if (kind < 0.75) await discard(offset, length);
      else if (kind < 0.85) {
        const bytes = 512 * random.integer(250, 4_000);
        await fixture.drive(fixture.array.resizeVolume('db', bytes, { force: false }));
      } else if (kind < 0.95 && snapshots.length > 0) {
        const { name } = random.pick(snapshots);
        await fixture.drive(fixture.array.restore('db', name, { force: false }));
      } else await snap(`other${snapshots.length}`);
    }
  }

  async function discard(offset: number, length: number): Promise<void> {
    const image = fixture.array.openImage(fixture.array.volume('db'), { write: true });
    await fixture.drive(image.discard(offset, length));
    image.close();
  }
});

describe('an increment over more restores than lineages stay apart', () => {
  it.each(Array.from({ length: repeat(1) }, (_, seed) => [seed + 1]))(
    'is what differs, before, while and after they are merged (seed %i)',
    async (seed) => {
      const random = new RandomSource(seed);
      const names: string[] = [];
      for (let number = 1; number <= 2 * LINEAGE_DEPTH_MAX; number += 1) {
        const offset = 512 * random.integer(0, 3_800);
        await fixture.write('db', offset, new Uint8Array(100_000).fill(random.integer(0, 3)));
        if (random.chance(0.2)) {
          const bytes = 512 * random.integer(2_000, 4_000);
          await fixture.drive(fixture.array.resizeVolume('db', bytes, { force: false }));
        }
        names.push(`g${number}`);
        await snap(`g${number}`);
        await fixture.drive(fixture.array.restore('db', `g${number}`, { force: false }));
        if (number % 4 === 0) await compare(random, names);
      }
      await fixture.pools.clock.advance(60_000);
      expect(fixture.array.volume('db').lineageDepth).toBeLessThanOrEqual(LINEAGE_DEPTH_MAX);
      await compare(random, names);
    },
  );

  async function compare(random: RandomSource, names: readonly string[]): Promise<void> {
    const [base, ...others] = [random.pick(names), random.pick(names), random.pick(names)];
    expect(await copy(`db@${base}`, 'twin', { poolName: 'mirror' })).toMatch(/^done/);
    let held = base;
    for (const name of others) {
      if (name === held) continue;
      expect(await copy(`db@${name}`, 'twin', { since: `db@${held}` })).toMatch(/^done/);
      expect(await isEqual('twin', `db@${name}`)).toBe(true);
      held = name;
    }
    await fixture.drive(fixture.array.deleteVolume('twin', { snapshots: false }));
  }
});
