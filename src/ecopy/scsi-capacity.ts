/**
 * The data of READ CAPACITY (SBC-2, 5.10 and 5.11). A volume has sectors of 512 bytes, no protection
 * information, and as many sectors in a physical block as in a logical one.
 */
import { SECTOR_BYTES } from '../base/sizes.js';
import { u32, u64, writeFields } from './wire-field.js';

/** Said by READ CAPACITY(10) where the number does not fit: ask READ CAPACITY(16). */
const TOO_LARGE = 0xffff_ffff;
const LONG_BYTES = 32;

export const CAPACITY10 = { lastLogicalBlock: u32(0), blockLength: u32(4) } as const;
export const CAPACITY16 = { lastLogicalBlock: u64(0), blockLength: u32(8) } as const;

/** Of a volume that has one sector or more. */
export function encodeCapacity10(sizeBytes: number): Uint8Array {
  const lastLogicalBlock = Math.min(sizeBytes / SECTOR_BYTES - 1, TOO_LARGE);
  const view = Buffer.alloc(8);
  writeFields(CAPACITY10, view, { lastLogicalBlock, blockLength: SECTOR_BYTES });
  return view;
}

/** Of a volume that has one sector or more. */
export function encodeCapacity16(sizeBytes: number): Uint8Array {
  const lastLogicalBlock = BigInt(sizeBytes / SECTOR_BYTES - 1);
  const view = Buffer.alloc(LONG_BYTES);
  writeFields(CAPACITY16, view, { lastLogicalBlock, blockLength: SECTOR_BYTES });
  return view;
}
