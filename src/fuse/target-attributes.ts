/**
 * Attributes in /targets. Who may do what is said by hosts and LUNs, not by modes: they let everybody in, and the array
 * refuses. Where the transport is not told who asks, everybody would pass for who mounted the array: then only that user is
 * let in.
 */
import type { DiskArray } from '../array/disk-array.js';
import type { Attributes, Caller } from './file-tree.js';
import { directoryAttributes, virtualAttributes } from './tree-nodes.js';

const DIRECTORY_MODE = 0o555;
const ENTER_MODE = 0o111;
const OWNER_BITS = 0o700;

export function openDirectoryAttributes(
  array: DiskArray,
  ino: number,
  caller: Caller | undefined,
): Attributes {
  const attributes = directoryAttributes(array, ino);
  return caller === undefined ? ownerOnly(attributes) : withMode(attributes, DIRECTORY_MODE);
}

/** Of the root, which everybody passes who is let into the mount. */
export function passedDirectoryAttributes(
  array: DiskArray,
  ino: number,
  caller: Caller | undefined,
): Attributes {
  const attributes = directoryAttributes(array, ino);
  return caller === undefined ? attributes : withMode(attributes, ENTER_MODE);
}

export function openFileAttributes(
  array: DiskArray,
  ino: number,
  file: { readonly sizeBytes: number; readonly isReadOnly?: boolean; readonly modifiedMs: number },
  caller: Caller | undefined,
): Attributes {
  const attributes = virtualAttributes(array, ino, 0, file.sizeBytes, file.modifiedMs);
  const open = withMode(attributes, file.isReadOnly ? 0o444 : 0o666);
  return caller === undefined ? ownerOnly(open) : open;
}

function withMode(attributes: Attributes, mode: number): Attributes {
  return { ...attributes, mode: attributes.mode | mode };
}

function ownerOnly(attributes: Attributes): Attributes {
  return { ...attributes, mode: attributes.mode & ~(0o777 & ~OWNER_BITS) };
}
