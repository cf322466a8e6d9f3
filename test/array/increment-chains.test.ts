/** Any number of incremental copies one after the other, restored in their order, are every snapshot again. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { ImageCopyRequest } from '../../src/array/ecopy-contract.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { CopyFixture } from './copy-fixture.js';
import { copyImages } from './copy-images.js';

let fixture: CopyFixture;

afterAll(cleanScratch);

const copy = (source: string, destination: string, options: Partial<ImageCopyRequest> = {}) =>
  copyImages(fixture, source, destination, options);
const snap = (name: string) => fixture.drive(fixture.array.takeSnapshots(['db'], { name }));
const isEqual = async (one: string, other: string) =>
  (await fixture.content(one)).equals(await fixture.content(other));

beforeEach(async () => {
  fixture = await CopyFixture.openWritten();
  fixture.addTape({ cartridgeBytes: 64 * 2 ** 20 });
});

describe('a chain of increments', () => {
  /** Of each generation: its medium, and the one it is based on. */
  let made: Map<string, { readonly medium: string; readonly since: string | undefined }>;
  let random: RandomSource;

  it.each(Array.from({ length: repeat(3) }, (_, seed) => [seed + 1]))(
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
        const bytes = 512 * random.integer(1_000, 16_000);
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
