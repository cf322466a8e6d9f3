/** Reading /proc and /sys, where anything may vanish while it is looked at. Links are read, never followed. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path).replace(/ \(deleted\)$/, '');
  } catch {
    return undefined;
  }
}

/** Without the last newline; empty where there is none, or what it tells of has ended or is not ours to see. */
export function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\n$/, '');
  } catch {
    return '';
  }
}

export function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Ids of all processes. */
export function processIds(): string[] {
  return namesIn('/proc').filter((name) => /^\d+$/.test(name));
}
