/** All bytes an array shows, and those of one copy. */
import type { StorageArray } from '../../src/array/array.js';

/** Of each `VOLUME` and `VOLUME@SNAPSHOT`. */
export function arrayContent(array: StorageArray): Map<string, Uint8Array> {
  const content = new Map<string, Uint8Array>();
  for (const { name, sizeBytes, snapshots } of array.volumes()) {
    content.set(name, readCopy(array, name, 0, sizeBytes));
    for (const snapshot of snapshots) {
      const reference = `${name}@${snapshot.name}`;
      content.set(reference, readCopy(array, reference, 0, snapshot.sizeBytes));
    }
  }
  return content;
}

/** Bytes of `VOLUME` or `VOLUME@SNAPSHOT`, fewer at its end. */
export function readCopy(
  array: StorageArray,
  reference: string,
  offset: number,
  length: number,
): Uint8Array {
  const handle = array.openImage(array.copy(reference), { write: false });
  const target = new Uint8Array(length).fill(0xee);
  const size = handle.read(offset, target) as number;
  handle.close();
  return target.subarray(0, size);
}
