/** Tape libraries: making them, slots, drives, capacity. */
import { chmodSync, copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { beginBackup } from '../../src/device/backup-image.js';
import { createLibrary, type NewLibrary } from '../../src/device/library-files.js';
import { TapeLibrary } from '../../src/device/tape-library.js';
import { cleanScratch, makeScratch } from '../support/scratch-directory.js';
import { MANIFEST } from './backup-examples.js';
import { denseExtent, feed } from './backup-source.js';
import { makeLibrary } from './device-cases.js';
import { faultOf, reasonOf } from './fault-of.js';
import { MARK, record } from './tap-builder.js';

afterAll(cleanScratch);

const SIZES: NewLibrary = { slots: 3, drives: 2, cartridgeBytes: 2 ** 20, prefix: 'AFS' };

describe('a new library', () => {
  it('has its settings and a labelled cartridge for each slot', () => {
    const directory = join(makeScratch(), 'deep/tapes');
    expect(createLibrary(directory, SIZES)).toEqual(['AFS001', 'AFS002', 'AFS003']);
    expect(readdirSync(directory).sort()).toEqual([
      ...['AFS001.tap', 'AFS002.tap', 'AFS003.tap', 'library.json'],
    ]);
    expect(readFileSync(join(directory, 'library.json'), 'utf8')).toBe(
      '{"format":"AFSTAPES1","slots":3,"drives":2,"cartridgeBytes":1048576}\n',
    );
    const image = readFileSync(join(directory, 'AFS002.tap'));
    expect(image.length).toBe(96);
    expect(image.toString('latin1', 4, 14)).toBe('VOL1AFS002');
  });

  it('keeps the cartridges that are there, in its slots', () => {
    const directory = makeScratch();
    const old = Buffer.concat([record('old'), MARK, MARK]);
    for (const name of ['AFS002', 'OLD']) writeFileSync(join(directory, `${name}.tap`), old);
    expect(createLibrary(directory, SIZES)).toEqual(['AFS001']);
    const media = new TapeLibrary(directory).media();
    expect(media.map((medium) => [medium.slot, medium.name])).toEqual([
      [1, 'AFS001'],
      [2, 'AFS002'],
      [3, 'OLD'],
    ]);
    expect(readFileSync(join(directory, 'AFS002.tap'))).toEqual(old);
  });

  it.each<[string, Partial<NewLibrary>]>([
    ['no slots', { slots: 0 }],
    ['half a slot', { slots: 1.5 }],
    ['too many slots', { slots: 1001 }],
    ['more slots than the prefix has numbers', { prefix: 'AFSXX', slots: 10 }],
    ['more drives than slots', { drives: 4 }],
    ['cartridges too small', { cartridgeBytes: 2 ** 20 - 1 }],
    ['a prefix of six characters', { prefix: 'AFSXXX' }],
    ['no prefix', { prefix: '' }],
    ['a prefix in lower case', { prefix: 'afs' }],
  ])('is refused with %s', (_what, change) => {
    const directory = join(makeScratch(), 'tapes');
    expect(() => createLibrary(directory, { ...SIZES, ...change })).toThrow('EINVAL');
    expect(readdirSync(join(directory, '..'))).toEqual([]);
  });

  it('is not made where there is one, or where there are more cartridges', () => {
    const directory = makeLibrary();
    expect(() => createLibrary(directory, SIZES)).toThrow('EEXIST');
    rmSync(join(directory, 'library.json'));
    expect(() => createLibrary(directory, { ...SIZES, slots: 2 })).toThrow(
      `EINVAL: ${directory} has 3 cartridges already`,
    );
  });
});

describe('a library', () => {
  it('has no more cartridges than slots', () => {
    const directory = makeLibrary();
    copyFileSync(join(directory, 'AFS001.tap'), join(directory, 'ZZZ001.tap'));
    const library = new TapeLibrary(directory);
    expect(library.media().map((medium) => medium.name)).toEqual(['AFS001', 'AFS002', 'AFS003']);
    expect(faultOf(() => library.login('CL1-C').reserve('ZZZ001'))).toBe('no-medium');
  });

  it('tells of a cartridge with the label of another, and writes no backup to it', () => {
    const directory = makeLibrary();
    const file = (name: string) => join(directory, `${name}.tap`);
    copyFileSync(file('AFS003'), file('AFS002'));
    const library = new TapeLibrary(directory);
    expect(library.media().map(({ labelOf }) => labelOf)).toEqual([undefined, 'AFS003', undefined]);
    const before = readFileSync(file('AFS002'));
    const session = library.login('CL1-C');
    const management = {
      manifest: { ...MANIFEST, imageBytes: 3 * 2 ** 19 },
      information: undefined,
    };
    expect(reasonOf(() => beginBackup(session, 'AFS002', management))).toBe(
      'cartridge AFS002 has the label of AFS003: name its file AFS003.tap, or erase it',
    );
    // A backup goes on on the next one.
    const writer = beginBackup(session, 'AFS001', management);
    feed(writer, [denseExtent(0, 3 * 2 ** 19)]);
    expect(writer.finish()).toEqual({ media: ['AFS001', 'AFS003'] });
    session.logout();
    expect(readFileSync(file('AFS002')).equals(before)).toBe(true);
  });

  it('has as many cartridges in use as drives', () => {
    const library = new TapeLibrary(makeLibrary({ drives: 2 }));
    const sessions = ['CL1-C', 'CL1-D', 'CL2-C'].map((initiator) => library.login(initiator));
    sessions[0]?.reserve('AFS001');
    sessions[1]?.reserve('AFS002');
    const third = () => sessions[2]?.reserve('AFS003');
    expect(faultOf(third)).toBe('busy');
    expect(reasonOf(third)).toMatch(
      /^every drive is in use: drive 1 is reserved by CL1-C .*, drive 2 is reserved by CL1-D /,
    );
    sessions[0]?.release();
    expect(faultOf(third)).toBe('none');
    for (const session of sessions) session.logout();
  });

  it('keeps the drive of a session that changes its cartridge, also to one it cannot have', () => {
    const library = new TapeLibrary(makeLibrary({ drives: 2 }));
    const [first, second] = [library.login('CL1-C'), library.login('CL2-C')];
    first.reserve('AFS001');
    second.reserve('AFS002');
    expect(faultOf(() => first.reserve('AFS002'))).toBe('busy');
    expect(first.reserved).toBeUndefined();
    expect(faultOf(() => library.login('CL1-D').reserve('AFS001'))).toBe('busy');
    first.reserve('AFS003');
    first.release();
    const third = library.login('CL1-D');
    third.reserve('AFS001');
    for (const session of [second, third]) session.logout();
  });

  it('gives the drive back where the first cartridge cannot be had', () => {
    const library = new TapeLibrary(makeLibrary({ drives: 1 }));
    const session = library.login('CL1-C');
    expect(faultOf(() => session.reserve('NONE'))).toBe('no-medium');
    expect(reasonOf(() => session.reserve('NONE'))).toMatch(
      /has no cartridge NONE, but \w+ to \w+$/,
    );
    const other = library.login('CL2-C');
    expect(faultOf(() => other.reserve('AFS001'))).toBe('none');
    other.logout();
  });

  it('ends a cartridge at its capacity, with an early warning before', () => {
    const directory = makeLibrary();
    const session = new TapeLibrary(directory).login('CL1-C');
    session.reserve('AFS001');
    const tape = session.load('write');
    while (!tape.isNearEnd) tape.writeRecord(new Uint8Array(65_536));
    expect(faultOf(() => tape.writeRecord(new Uint8Array(65_536)))).toBe('full');
    tape.writeMarks(2);
    expect(readFileSync(join(directory, 'AFS001.tap')).length).toBeLessThanOrEqual(2 ** 20);
    const { capacityBytes, remainingBytes } = session.capacity();
    expect(capacityBytes).toBe(2 ** 20);
    expect(remainingBytes).toBe(2 ** 20 - tape.position);
    session.logout();
  });

  it('refuses records of no bytes and of too many', () => {
    const session = new TapeLibrary(makeLibrary()).login('CL1-C');
    session.reserve('AFS001');
    const tape = session.load('write');
    expect(faultOf(() => tape.writeRecord(new Uint8Array(0)))).toBe('invalid');
    expect(faultOf(() => tape.writeRecord(new Uint8Array(65_537)))).toBe('invalid');
    session.logout();
  });

  it('is missing without its settings, and damaged where they cannot be', () => {
    const directory = makeLibrary();
    const settings = join(directory, 'library.json');
    const library = new TapeLibrary(directory);
    for (const text of ['', '[]', '{"format":"AFSTAPES2"}', '{"format":"AFSTAPES1","slots":"3"}']) {
      writeFileSync(settings, text);
      expect([text, faultOf(() => library.login('CL1-C'))]).toEqual([text, 'damaged']);
    }
    rmSync(settings);
    expect(faultOf(() => library.login('CL1-C'))).toBe('missing');
  });

  it('says that a cartridge was taken away while it was reserved', () => {
    const directory = makeLibrary();
    const session = new TapeLibrary(directory).login('CL1-C');
    session.reserve('AFS001');
    rmSync(join(directory, 'AFS001.tap'));
    expect(faultOf(() => session.load('read'))).toBe('no-medium');
    session.logout();
  });

  it('shows the protection of a cartridge as its file has it', () => {
    const directory = makeLibrary();
    chmodSync(join(directory, 'AFS002.tap'), 0o444);
    const media = new TapeLibrary(directory).media();
    expect(media.map((medium) => medium.isProtected)).toEqual([false, true, false]);
  });
});
