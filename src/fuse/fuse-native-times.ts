/**
 * Repairs utimens of fuse-native 2.2.6, which passes the access time twice: the modification time is
 * read from the addon's request record, where it follows the access time. The record is only
 * believed where its access time is the one that was passed; otherwise nothing changes.
 */
import type { NativeHandler } from './fuse-native-library.js';

/** Number of utimens among the addon's operations (fuse-native.c). */
const UTIMENS_OPERATION = 12;
/** Offsets in fuse_thread_locals_t on 64-bit machines, milliseconds as u64. */
const ACCESSED_OFFSET = 104;
const MODIFIED_OFFSET = 112;
const U32_RANGE = 2 ** 32;

export function repairUtimens(handlers: (NativeHandler | undefined)[]): void {
  const original = handlers[UTIMENS_OPERATION];
  if (original === undefined) return;
  handlers[UTIMENS_OPERATION] = (request, operation, ...words) => {
    const [path = '', low = 0, high = 0] = words;
    const modifiedMs = modifiedTime(request, Number(low) + Number(high) * U32_RANGE);
    if (modifiedMs === undefined) {
      original(request, operation, ...words);
      return;
    }
    const modifiedWords = [modifiedMs % U32_RANGE, Math.floor(modifiedMs / U32_RANGE)];
    original(request, operation, path, low, high, ...modifiedWords);
  };
}

function modifiedTime(request: Buffer, accessedMs: number): number | undefined {
  if (request.length < MODIFIED_OFFSET + 8) return undefined;
  if (request.readBigUInt64LE(ACCESSED_OFFSET) !== BigInt(accessedMs)) return undefined;
  const modifiedMs = request.readBigUInt64LE(MODIFIED_OFFSET);
  return modifiedMs <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(modifiedMs) : undefined;
}
