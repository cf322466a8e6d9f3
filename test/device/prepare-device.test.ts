/** A new backup device is made usable or refused, here and in a thread of its own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { devicePreparer } from '../../src/array/device-preparer.js';
import { systemClock } from '../../src/base/clock.js';
import { cartridgeNames, readSettings } from '../../src/device/library-files.js';
import { openDevice } from '../../src/device/open-device.js';
import { prepareDevice } from '../../src/device/prepare-device.js';
import { builtSource } from '../support/built-program.js';
import { codeOf } from '../support/code-of.js';
import { cleanScratch, makeScratch } from '../support/scratch-directory.js';

const scratch = makeScratch();
afterAll(cleanScratch);
const place = (name: string) => join(scratch, name);

describe('a new tape library', () => {
  it('is made as wished, the rest as usual', () => {
    prepareDevice({ kind: 'tape', path: place('a/tapes') }, { slots: 3, prefix: 'X' });
    expect(readSettings(place('a/tapes'))).toEqual({
      slots: 3,
      drives: 2,
      cartridgeBytes: 100 * 2 ** 30,
    });
    expect(cartridgeNames(place('a/tapes'))).toEqual(['X00001', 'X00002', 'X00003']);
  });

  it('is taken as it is where there is one, unless another was wished for', () => {
    const tape = { kind: 'tape', path: place('a/tapes') } as const;
    expect(codeOf(() => prepareDevice(tape, {}))).toBe('ok');
    expect(codeOf(() => prepareDevice(tape, { slots: 3, drives: 2 }))).toBe('ok');
    expect(codeOf(() => prepareDevice(tape, { slots: 4 }))).toBe('EEXIST');
    expect(codeOf(() => prepareDevice(tape, { cartridgeBytes: 2 ** 30 }))).toBe('EEXIST');
    expect(cartridgeNames(tape.path)).toHaveLength(3);
  });

  it('gets more slots, with empty cartridges of the next names, and never fewer', () => {
    const tape = { kind: 'tape', path: place('more') } as const;
    prepareDevice(tape, { slots: 2, cartridgeBytes: 2 ** 20 });
    const session = openDevice(tape).login('CL1-C');
    const media = prepareDevice(tape, { slots: 4, isGrown: true });
    expect(media.map(({ name, slot }) => [name, slot])).toEqual([
      ['AFS001', 1],
      ['AFS002', 2],
      ['AFS003', 3],
      ['AFS004', 4],
    ]);
    expect(readSettings(tape.path)).toEqual({ slots: 4, drives: 2, cartridgeBytes: 2 ** 20 });
    // Also for who had logged in before.
    session.reserve('AFS004');
    session.logout();
    const grow = (slots: number) => codeOf(() => prepareDevice(tape, { slots, isGrown: true }));
    expect(grow(3)).toBe('EINVAL');
    expect(grow(1_001)).toBe('EINVAL');
    writeFileSync(join(tape.path, 'ZZZ.tap'), '');
    expect([grow(5), grow(6)]).toEqual(['ok', 'EINVAL']);
    const disk = { kind: 'disk', path: place('file') } as const;
    expect(codeOf(() => prepareDevice(disk, { slots: 3, isGrown: true }))).toBe('EINVAL');
  });

  it('is refused with sizes that cannot be', () => {
    const tape = { kind: 'tape', path: place('b') } as const;
    expect(codeOf(() => prepareDevice(tape, { slots: 0 }))).toBe('EINVAL');
    expect(codeOf(() => prepareDevice(tape, { slots: 2, drives: 3 }))).toBe('EINVAL');
  });
});

describe('a disk or an array', () => {
  it('has to be there, and has no slots', () => {
    writeFileSync(place('file'), '');
    mkdirSync(place('directory'));
    const code = (kind: 'disk' | 'array', path: string, wish = {}) =>
      codeOf(() => prepareDevice({ kind, path }, wish));
    expect(code('disk', place('file'))).toBe('ok');
    expect(code('disk', place('directory/new'))).toBe('ok');
    expect(code('disk', place('nowhere/new'))).toBe('ENXIO');
    expect(code('disk', place('directory'))).toBe('EISDIR');
    expect(code('disk', place('file'), { slots: 1 })).toBe('EINVAL');
    expect(code('array', place('directory'))).toBe('ENXIO');
  });
});

describe('in a thread of its own', () => {
  const prepare = devicePreparer(
    place('mount'),
    systemClock,
    pathToFileURL(builtSource('array/device-thread')),
  );

  it('a library is made', async () => {
    const media = await prepare({ kind: 'tape', path: place('threaded') }, { slots: 2 });
    expect(media?.map(({ name, slot }) => [name, slot])).toEqual([
      ['AFS001', 1],
      ['AFS002', 2],
    ]);
    expect(cartridgeNames(place('threaded'))).toEqual(['AFS001', 'AFS002']);
  });

  it('what is wrong is told', async () => {
    const refused = prepare({ kind: 'disk', path: place('nowhere/new') }, {});
    await expect(refused).rejects.toMatchObject({ code: 'ENXIO' });
  });

  it('nothing is touched that lies on the mount of the array itself', async () => {
    const refused = prepare({ kind: 'tape', path: place('mount/volumes/tapes') }, {});
    await expect(refused).rejects.toMatchObject({
      code: 'EINVAL',
      reason: expect.stringContaining("lies on the array's own mount"),
    });
  });

  it('a thread that ends without a word is an error', async () => {
    const silent = devicePreparer('/mount', systemClock, new URL('data:text/javascript,'));
    await expect(silent({ kind: 'disk', path: place('file') }, {})).rejects.toMatchObject({
      code: 'EIO',
    });
  });
});
