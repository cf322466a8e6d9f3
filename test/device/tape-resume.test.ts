/** Going on with a backup on tape after its writer has gone: the result is as if it had not. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { beginBackup, openBackup, resumeBackup } from '../../src/device/backup-image.js';
import type { BackupForm, Management } from '../../src/device/backup-manifest.js';
import type { BackupPointer } from '../../src/device/backup-writer.js';
import type { ImageExtent } from '../../src/device/data-block.js';
import { TapeLibrary } from '../../src/device/tape-library.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { MANIFEST } from './backup-examples.js';
import { contentOf, denseExtent, feed, hashOf, imageOf, randomExtents } from './backup-source.js';
import { makeLibrary } from './device-cases.js';
import { faultOf, reasonOf } from './fault-of.js';

afterAll(cleanScratch);

const IMAGE_BYTES = 1_200 * 1024;
const DENSE = [denseExtent(0, IMAGE_BYTES)];

/** One whole backup: the cartridges, a pointer from its beginning, and one from its middle. */
function reference(form: BackupForm, extents: readonly ImageExtent[] = DENSE) {
  const directory = makeLibrary();
  const library = new TapeLibrary(directory);
  const manifest = { ...MANIFEST, form, imageBytes: IMAGE_BYTES };
  const management: Management = { manifest, information: undefined };
  const session = library.login('CL1-C');
  const writer = beginBackup(session, 'AFS001', management);
  const pointers = [writer.checkpoint()];
  const middle = extents.length === 1 ? halves(extents) : extents;
  feed(writer, middle.slice(0, middle.length / 2));
  pointers.push(writer.checkpoint());
  feed(writer, middle);
  writer.finish();
  session.logout();
  const cartridges = new Map(namesIn(directory).map((name) => [name, fileOf(directory, name)]));
  return { directory, library, management, pointers, cartridges, extents };
}

function halves(extents: readonly ImageExtent[]): ImageExtent[] {
  return extents.flatMap(({ offset, data }) => {
    const middle = Math.floor(data.length / 1024) * 512;
    return [
      { offset, data: data.subarray(0, middle) },
      { offset: offset + middle, data: data.subarray(middle) },
    ];
  });
}

const namesIn = (directory: string) => readdirSync(directory).filter((name) => /tap$/.test(name));
const fileOf = (directory: string, name: string) => readFileSync(join(directory, name));
type Reference = ReturnType<typeof reference>;

/** The cartridges as they were, but for one of them. */
function putBack({ directory, cartridges }: Reference, name: string, image: Buffer): void {
  for (const [cartridge, bytes] of cartridges) writeFileSync(join(directory, cartridge), bytes);
  writeFileSync(join(directory, name), image);
}

function goOn({ library, management, extents }: Reference, pointer: BackupPointer): number {
  const session = library.login('CL2-C');
  try {
    const writer = resumeBackup(session, pointer, management);
    const { nextOffset } = writer;
    feed(writer, extents);
    writer.finish();
    return nextOffset;
  } finally {
    session.logout();
  }
}

function hashes({ directory }: Reference): string[] {
  return namesIn(directory).map((name) => `${name} ${hashOf(fileOf(directory, name))}`);
}

describe.each<BackupForm>(['sparse', 'plain'])('a %s backup', (form) => {
  it('cut at any place goes on and becomes byte for byte what it would have been', () => {
    const made = reference(form);
    const whole = hashes(made);
    const image = made.cartridges.get('AFS001.tap') ?? Buffer.alloc(0);
    const random = new RandomSource(0x7e5);
    for (const pointer of made.pointers) {
      const from = pointer.structure === 'stream' ? pointer.position : 0;
      const cuts = [from, from + 1, from + 3, from + 4, from + 65_540, image.length];
      for (let back = 1; back < 190; back += 7) cuts.push(image.length - back);
      for (let count = 0; count < repeat(10); count += 1) {
        cuts.push(random.integer(from, image.length));
      }
      for (const size of cuts) {
        putBack(made, 'AFS001.tap', image.subarray(0, size));
        // What the writer had begun on the next cartridge when it stopped on this one.
        if (random.chance(0.5)) putEmpty(made, 'AFS002.tap');
        goOn(made, pointer);
        expect([size, hashes(made)]).toEqual([size, whole]);
      }
    }
  });

  it('cut on its second cartridge goes on from a pointer on its first', () => {
    const made = reference(form);
    const whole = hashes(made);
    const image = made.cartridges.get('AFS002.tap') ?? Buffer.alloc(0);
    for (let size = 88; size <= image.length; size += size < 360 ? 3 : 20_011) {
      for (const pointer of made.pointers) {
        putBack(made, 'AFS002.tap', image.subarray(0, size));
        goOn(made, pointer);
        expect([size, hashes(made)]).toEqual([size, whole]);
      }
    }
  });

  it('that was ended is ended again without a change', () => {
    const made = reference(form);
    const whole = hashes(made);
    for (const pointer of made.pointers) {
      const nextOffset = goOn(made, pointer);
      if (form === 'sparse') expect(nextOffset).toBe(IMAGE_BYTES);
      expect(hashes(made)).toEqual(whole);
    }
  });

  it('is gone where its cartridge was erased, replaced or taken away', () => {
    const made = reference(form);
    const [pointer] = made.pointers as [BackupPointer];
    putEmpty(made, 'AFS001.tap');
    expect(faultOf(() => goOn(made, pointer))).toBe('damaged');
    const other = reference(form);
    const image = other.cartridges.get('AFS001.tap') ?? Buffer.alloc(0);
    const renamed = Buffer.from(
      image.toString('latin1').replaceAll('1A2B3C4D', '2A2B3C4D'),
      'latin1',
    );
    putBack(made, 'AFS001.tap', renamed);
    expect(reasonOf(() => goOn(made, pointer))).toBe(
      'AFS-1A2B3C4D.DAT is no longer on cartridge AFS001',
    );
    rmSync(join(made.directory, 'AFS001.tap'));
    expect(faultOf(() => goOn(made, pointer))).toBe('no-medium');
  });
});

function putEmpty(made: Reference, name: string): void {
  const image = made.cartridges.get(name) ?? Buffer.alloc(0);
  writeFileSync(
    join(made.directory, name),
    Buffer.concat([image.subarray(0, 88), Buffer.alloc(8)]),
  );
}

describe('a sparse backup', () => {
  it('does not write again what is whole on tape behind the pointer', () => {
    const made = reference('sparse');
    const [pointer] = made.pointers as [BackupPointer];
    const image = made.cartridges.get('AFS001.tap') ?? Buffer.alloc(0);
    const from = pointer.structure === 'stream' ? pointer.position : 0;
    putBack(made, 'AFS001.tap', image.subarray(0, from + 3 * 65_544 + 100));
    expect(goOn(made, pointer)).toBe(3 * 65_024);
  });

  it.each<[string, (tail: Buffer) => void]>([
    ['zeros', (tail) => tail.fill(0)],
    ['ones', (tail) => tail.fill(0xff)],
    ['blocks of something else', (tail) => tail.fill(0x5a, 4, 65_540)],
    ['a bit that is wrong', (tail) => tail.writeUInt8((tail[1000] ?? 0) ^ 4, 1000)],
  ])('trusts no %s that a power cut left behind the pointer', (_what, spoil) => {
    const made = reference('sparse');
    const whole = hashes(made);
    const pointer = made.pointers[1] as BackupPointer;
    const image = Buffer.from(made.cartridges.get('AFS001.tap') ?? Buffer.alloc(0));
    spoil(image.subarray(pointer.structure === 'stream' ? pointer.position : 0));
    putBack(made, 'AFS001.tap', image);
    goOn(made, pointer);
    expect(hashes(made)).toEqual(whole);
  });

  it('of scattered extents, stopped again and again, comes back whole', () => {
    const random = new RandomSource(0x5eed);
    for (let round = 0; round < repeat(8); round += 1) {
      const made = reference('sparse', randomExtents(random, IMAGE_BYTES));
      const whole = hashes(made);
      for (const name of ['AFS001.tap', 'AFS002.tap', 'AFS003.tap']) putEmpty(made, name);
      writeWithStops(made, random);
      expect(hashes(made)).toEqual(whole);
      const session = made.library.login('CL1-C');
      const content = contentOf(openBackup(session, 'AFS001'));
      session.logout();
      expect(hashOf(content)).toBe(hashOf(imageOf(made.extents, IMAGE_BYTES)));
    }
  });
});

/** Each writer writes some extents and goes without a word; pointers are kept now and then. */
function writeWithStops({ library, management, extents }: Reference, random: RandomSource): void {
  let pointer: BackupPointer | undefined;
  for (let isDone = false; !isDone; ) {
    const session = library.login('CL1-C');
    const writer =
      pointer === undefined
        ? beginBackup(session, 'AFS001', management)
        : resumeBackup(session, pointer, management);
    pointer ??= writer.checkpoint();
    const left = extents.filter(({ offset, data }) => offset + data.length > writer.nextOffset);
    const count = random.integer(0, left.length + 5);
    feed(writer, left.slice(0, count));
    if (random.chance(0.5)) pointer = writer.checkpoint();
    isDone = count >= left.length;
    if (isDone) writer.finish();
    session.logout();
  }
}
