/** Where tasks find cached content: pages of shared memory between event loop and writer. */
import { ArrayError } from '../base/errors.js';
import { PAGE_BYTES } from '../base/sizes.js';

/** `sizeBytes` from page `page` on: slabs are of one size, in the order they were shared. */
export function cachedBytes(
  slabs: readonly SharedArrayBuffer[],
  page: number,
  sizeBytes: number,
): Uint8Array {
  const perSlab = (slabs[0]?.byteLength ?? PAGE_BYTES) / PAGE_BYTES;
  const slab = slabs[Math.floor(page / perSlab)];
  if (slab === undefined) throw new ArrayError('EIO', `cache page ${page} was not shared`);
  return new Uint8Array(slab, (page % perSlab) * PAGE_BYTES, sizeBytes);
}
