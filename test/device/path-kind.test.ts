/** What is told where the path of a device, or of a cartridge, leads to something else: the path, and what was expected there. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import type { DeviceKind } from '../../src/device/backup-device.js';
import { openDevice } from '../../src/device/open-device.js';
import { prepareDevice } from '../../src/device/prepare-device.js';
import { cleanScratch, makeScratch } from '../support/scratch-directory.js';
import { makeLibrary } from './device-cases.js';

afterAll(cleanScratch);

const scratch = makeScratch();
const [file, directory] = ['file', 'directory'].map((name) => join(scratch, name)) as [
  string,
  string,
];
writeFileSync(file, '');
mkdirSync(directory);

function told(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ArrayError) return error.message;
    throw error;
  }
  return 'nothing';
}

describe('a device whose path leads to something else', () => {
  it.each<[DeviceKind, string, string]>([
    ['tape', file, `ENOTDIR: ${file} is a file, a tape library is a directory`],
    [
      'tape',
      '/dev/null',
      'ENOTDIR: /dev/null is a character device, a tape library is a directory',
    ],
    ['tape', `${file}/x`, `ENOTDIR: ${file}/x: not a directory`],
    ['disk', directory, `EISDIR: ${directory} is a directory, a disk is a file or block device`],
    [
      'disk',
      '/dev/null',
      'EINVAL: /dev/null is a character device, a disk is a file or block device',
    ],
    [
      'disk',
      '/nowhere/x',
      'ENXIO: no disk can be made at /nowhere/x: there is no directory /nowhere',
    ],
    ['array', '/nowhere', 'ENXIO: no array is mounted at /nowhere: there is no directory /nowhere'],
    ['array', file, `ENXIO: no array is mounted at ${file}: ${file} is a file, not a directory`],
  ])('as a %s at %s is refused in words', (kind, path, message) => {
    expect(told(() => prepareDevice({ kind, path }, {}))).toBe(message);
  });

  it('since it was defined is not there, in words', () => {
    const path = makeLibrary();
    const library = openDevice({ kind: 'tape', path });
    rmSync(join(path, 'library.json'));
    expect(told(() => library.media())).toBe(
      `ENXIO: no tape library in ${path}: ${path}/library.json: no such file or directory`,
    );
    rmSync(path, { recursive: true });
    expect(told(() => library.login('CL1-C'))).toBe(
      `ENXIO: no tape library in ${path}: there is no directory ${path}`,
    );
    writeFileSync(path, '');
    expect(told(() => library.login('CL1-C'))).toBe(
      `ENXIO: no tape library in ${path}: ${path} is a file, not a directory`,
    );
  });
});

describe('a cartridge', () => {
  it('whose file is a directory is told by its path', () => {
    const path = makeLibrary();
    const session = openDevice({ kind: 'tape', path }).login('CL1-C');
    rmSync(join(path, 'AFS001.tap'));
    mkdirSync(join(path, 'AFS001.tap'));
    session.reserve('AFS001');
    expect(told(() => session.load('read'))).toBe(
      `EISDIR: ${path}/AFS001.tap is a directory, not a file`,
    );
    rmSync(join(path, 'AFS001.tap'), { recursive: true });
    expect(told(() => session.load('read'))).toBe(
      `ENOENT: ${path}/AFS001.tap: no such file or directory`,
    );
    session.logout();
  });
});
