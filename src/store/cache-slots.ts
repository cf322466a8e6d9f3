/** Where tasks find the content of a cache slot: shared memory between event loop and writer. */
import { ArrayError } from '../base/errors.js';
import { BLOCK_BYTES } from '../base/sizes.js';

/** The 16 KiB of a slot: slabs hold equal numbers of blocks, in the order they were shared. */
export function slotOf(slabs: readonly SharedArrayBuffer[], slot: number): Uint8Array {
  const perSlab = (slabs[0]?.byteLength ?? BLOCK_BYTES) / BLOCK_BYTES;
  const slab = slabs[Math.floor(slot / perSlab)];
  if (slab === undefined) throw new ArrayError('EIO', `cache slot ${slot} was not shared`);
  return new Uint8Array(slab, (slot % perSlab) * BLOCK_BYTES, BLOCK_BYTES);
}
