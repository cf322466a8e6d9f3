/**
 * Bearer tokens: 32 random bytes as text. The server keeps only their SHA-256; the texts themselves are in files of
 * mode 0600 that belong to whoever uses them.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import type { Clock } from '../../base/clock.js';
import { readTokenFile } from '../registration.js';

const TOKEN_BYTES = 32;
const OWNER_ONLY = 0o600;

export function makeToken(clock: Clock): string {
  return Buffer.from(clock.randomBytes(TOKEN_BYTES)).toString('base64url');
}

/** Hexadecimal. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Takes the same time wherever they differ. */
export function isSameHash(left: string, right: string): boolean {
  return timingSafeEqual(Buffer.from(left, 'hex'), Buffer.from(right, 'hex'));
}

/** The token in `file`; a new one is made and written where there is no file. */
export function tokenOfFile(file: string, clock: Clock): string {
  if (existsSync(file)) return readTokenFile(file);
  const token = makeToken(clock);
  writeTokenFile(file, token);
  return token;
}

export function writeTokenFile(file: string, token: string): void {
  const temporary = `${file}.${process.pid}.new`;
  writeFileSync(temporary, `${token}\n`, { mode: OWNER_ONLY });
  renameSync(temporary, file);
}
