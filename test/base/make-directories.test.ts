/** Directories with all above them, and places where none can be made. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeDirectories } from '../../src/base/make-directories.js';

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'arrayfs-directories-'));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

describe('making directories', () => {
  it('makes all that are missing', () => {
    const directory = join(scratch, 'a', 'b', 'c');
    makeDirectories(directory, 0o700);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    makeDirectories(directory);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  it.runIf(process.platform === 'linux')('ends where mkdir says ENOENT in what is there', () => {
    expect(() => makeDirectories('/proc/arrayfs/pool')).toThrow('ENOENT');
  });

  it('refuses to go through a file', () => {
    writeFileSync(join(scratch, 'file'), '');
    expect(() => makeDirectories(join(scratch, 'file', 'below'))).toThrow('ENOTDIR');
  });
});
