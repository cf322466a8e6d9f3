/** Parts of parameter lists between disks that are named by their NAA identifiers. */

/** E4h: 512-byte blocks; 32 hex digits of the identifier. */
export function diskDescriptor(naa: string): string {
  return `e4000000 01030010 ${naa} 00000000 00000200`;
}

/** 02h: 128 blocks of target 0 from LBA 0 to target 1, LBA 0. */
export const DISK_SEGMENT = `02000018 0000 0001 0000 0080 ${'00'.repeat(16)}`;
