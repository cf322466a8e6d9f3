/** What the user of an array is told of cartridges that are damaged, foreign, full or not there: the result of the job. */
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { openDevice } from '../../src/device/open-device.js';
import { LABEL_TEXTS, labelBytes } from '../device/example-labels.js';
import { MARK, record } from '../device/tap-builder.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { CopyFixture } from './copy-fixture.js';
import { copyImages } from './copy-images.js';

const KIB = 1024;
const MIB = KIB * KIB;
const IMAGE_BYTES = 256 * KIB;
let fixture: CopyFixture;
let tapes: string;

afterAll(cleanScratch);

beforeEach(async () => {
  fixture = await CopyFixture.openWritten();
  await fixture.drive(fixture.array.createVolume({ name: 'small', sizeBytes: IMAGE_BYTES }));
  await fixture.write('small', 0, new Uint8Array(IMAGE_BYTES).fill(5));
  tapes = fixture.addTape({ cartridgeBytes: MIB });
});

const pathOf = (name = 'AFS001') => join(tapes, `${name}.tap`);
const backUp = (source = 'small') => copyImages(fixture, source, 'tape0/AFS001');
const restore = (destination = 'new') => copyImages(fixture, 'tape0/AFS001', destination);
/** Where the first data block of 64 KiB is on the cartridge. */
const dataAt = (tape: Buffer) => tape.indexOf(Buffer.from([0, 0, 1, 0]), 5 * 88);
const label = (name: keyof typeof LABEL_TEXTS) => record(labelBytes(LABEL_TEXTS[name]));

describe('a cartridge', () => {
  it.each([
    ['its last labels', (size: number) => size - 100],
    ['a half of its data', (size: number) => size >> 1],
  ])(
    'whose file was cut within %s holds no backup that is restored, and takes the next',
    async (_what, cutAt) => {
      await backUp();
      const tape = readFileSync(pathOf());
      writeFileSync(pathOf(), tape.subarray(0, cutAt(tape.length)));
      expect(await restore()).toMatch(/^failed: EIO: backup [-0-9a-f]{36} has no end/);
      expect(await backUp()).toBe('done: 256K on tape0/AFS001');
      expect(await restore('again')).toBe('done: restored 256K to again');
      expect((await fixture.content('again')).equals(await fixture.content('small'))).toBe(true);
    },
  );

  it('with a record whose lengths differ is damaged at that byte, and takes no backup', async () => {
    await backUp();
    const tape = readFileSync(pathOf());
    const at = dataAt(tape);
    tape.writeUInt32LE(64 * KIB - 1, at + 4 + 64 * KIB);
    writeFileSync(pathOf(), tape);
    const problem = `a record has two lengths at byte ${at}`;
    expect(await restore()).toMatch(new RegExp(`^failed: EIO: .* has no end: .*${problem}$`));
    expect(await backUp()).toMatch(new RegExp(`^failed: EIO: .*${problem}$`));
    expect(readFileSync(pathOf()).equals(tape)).toBe(true);
  });

  it.each([
    ['without labels', [record('data'), MARK, MARK], 'cartridge AFS001 has no labels'],
    [
      'of somebody who restricts its use',
      [record(labelBytes(`${LABEL_TEXTS.VOL1.slice(0, 10)}X`)), MARK, MARK],
      /^failed: EACCES: .*AFS001/,
    ],
  ])('%s takes no backup and stays as it is', async (_what, pieces, reason) => {
    const tape = Buffer.concat(pieces);
    writeFileSync(pathOf(), tape);
    expect(await backUp()).toMatch(reason);
    expect(await restore()).toMatch(/^failed: E(INVAL|ACCES|NOENT): /);
    expect(readFileSync(pathOf()).equals(tape)).toBe(true);
  });

  it('with files of another system, two marks among them, keeps these before a backup', async () => {
    const first = [label('VOL1'), label('HDR1'), MARK, MARK];
    const end = record(labelBytes(LABEL_TEXTS.EOF1.replace('000002', '000000')));
    const foreign = Buffer.concat([...first, end, MARK]);
    // What lies behind the second two marks does not count.
    writeFileSync(pathOf(), Buffer.concat([foreign, MARK, record('old'), MARK]));
    expect(await restore()).toBe('failed: ENOENT: no backup begins on AFS001');
    expect(await backUp()).toBe('done: 256K on tape0/AFS001');
    expect(readFileSync(pathOf()).subarray(0, foreign.length).equals(foreign)).toBe(true);
    expect(readFileSync(pathOf()).includes('old')).toBe(false);
    expect(await restore()).toBe('done: restored 256K to new');
  });

  it('that somebody has reserved, or is write-protected, says so, each in its own words', async () => {
    const other = openDevice({ kind: 'tape', path: tapes }).login('CL9-X');
    other.reserve('AFS001');
    expect(await backUp()).toMatch(/^failed: EBUSY: .*AFS001.*CL9-X/);
    other.logout();
    chmodSync(pathOf(), 0o400);
    expect(await backUp()).toBe('failed: EROFS: cartridge AFS001 is write-protected');
  });

  it('of a library that has gone is not reached', async () => {
    rmSync(tapes, { recursive: true });
    expect(await backUp()).toMatch(/^failed: ENXIO: no tape library in /);
    expect(await restore()).toMatch(/^failed: ENXIO: no tape library in /);
  });

  it('that is not there is no medium', async () => {
    rmSync(pathOf());
    expect(await restore()).toMatch(
      /^failed: ENOENT: tape library .* has no cartridge AFS001, but /,
    );
    expect(await backUp()).toMatch(
      /^failed: ENOENT: tape library .* has no cartridge AFS001, but /,
    );
  });
});

describe('a backup of several cartridges', () => {
  it('without room on a last one is full', async () => {
    for (const name of ['AFS002', 'AFS003']) rmSync(pathOf(name));
    const full = 'cartridge AFS001 is full and the library has no empty one to go on with';
    expect(await backUp('db')).toBe(`failed: ENOSPC: ${full}`);
    expect(await restore()).toMatch(/^failed: EIO: backup .* has no end: it was not finished$/);
  });

  it('is not restored without its second one', async () => {
    expect(await backUp('db')).toBe('done: 8M on tape0/AFS001, tape0/AFS002');
    const second = readFileSync(pathOf('AFS002'));
    rmSync(pathOf('AFS002'));
    expect(await restore()).toMatch(/^failed: ENOENT: no cartridge has part 2 of AFS-.{8}\.DAT$/);
    writeFileSync(pathOf('AFS002'), second);
    expect(await restore('found')).toBe('done: restored 8M to found');
  });
});
