/** All bytes an array shows, and those of one copy. */
import type { StorageArray } from '../../src/array/array.js';

/** Of each `VOLUME` and `VOLUME@SNAPSHOT`; a volume that says which snapshot's image it holds must have it. */
export function arrayContent(array: StorageArray): Map<string, Uint8Array> {
  const content = new Map<string, Uint8Array>();
  for (const { name, sizeBytes, snapshots } of array.volumes()) {
    content.set(name, readCopy(array, name, 0, sizeBytes));
    for (const snapshot of snapshots) {
      const reference = `${name}@${snapshot.name}`;
      content.set(reference, readCopy(array, reference, 0, snapshot.sizeBytes));
    }
  }
  checkHeld(array, content);
  return content;
}

function checkHeld(array: StorageArray, content: ReadonlyMap<string, Uint8Array>): void {
  const snapshots = array.volumes().flatMap((volume) => volume.snapshots);
  for (const { name, holds } of array.volumes()) {
    const held = snapshots.find(({ uuid }) => uuid === holds);
    if (held === undefined) continue;
    const reference = `${held.volume.name}@${held.name}`;
    const [own, other] = [content.get(name), content.get(reference)];
    const isEqual = own && other && Buffer.compare(own, other) === 0;
    if (!isEqual) throw new Error(`${name} does not hold ${reference}`);
  }
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
