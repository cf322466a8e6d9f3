/**
 * Makes a directory and those above it that are missing. Node's `recursive` goes round for ever, blocking the thread, where
 * mkdir(2) says ENOENT though the directory above is there: in /proc, below a deleted directory, on an automounter.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** The system's error where one cannot be made; EEXIST where a file is in the place of one. */
export function makeDirectories(directory: string, mode = 0o777): void {
  if (existsSync(directory)) return;
  const parent = dirname(directory);
  if (parent !== directory) makeDirectories(parent, mode);
  mkdirSync(directory, { mode });
}
