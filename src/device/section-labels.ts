/**
 * Labels of the files of a backup: file identifiers are `AFS-` and 8 digits of its UUID, then `.MGT` and
 * `.DAT`; blocks are of format F with records of 512 bytes. The second label behind a section says
 * `CRC32=` and 8 hexadecimal digits, the CRC-32 of its blocks one after the other.
 */
import type { FileLabel, FormatLabel } from './tape-label.js';

/** What is known of a file before its first block. */
export type FileIdentity = Pick<FileLabel, 'fileId' | 'setId' | 'sequence' | 'createdMs'>;

const CRC_REMARK = /^CRC32=([0-9A-F]{8})$/;
const FILE_ID = /^AFS-[0-9A-F]{8}\.(MGT|DAT)$/;
const UUID_DIGITS = 8;
const RECORD_BYTES = 512;

export function managementFileId(backup: string): string {
  return `${fileIdBase(backup)}.MGT`;
}

export function dataFileId(backup: string): string {
  return `${fileIdBase(backup)}.DAT`;
}

/** What a file is by its identifier; undefined where no backup has made it. */
export function backupFile(fileId: string): 'management' | 'data' | undefined {
  const suffix = FILE_ID.exec(fileId)?.[1];
  if (suffix === undefined) return undefined;
  return suffix === 'MGT' ? 'management' : 'data';
}

export function sectionLabel(identity: FileIdentity, section: number, blockCount = 0): FileLabel {
  return {
    fileId: identity.fileId,
    setId: identity.setId,
    sequence: identity.sequence,
    createdMs: identity.createdMs,
    section,
    generation: 1,
    generationVersion: 0,
    expiresMs: undefined,
    accessibility: '',
    blockCount,
    implementation: 'ARRAYFS',
  };
}

/** `crc` only in the labels behind the blocks. */
export function sectionFormat(blockBytes: number, crc?: number): FormatLabel {
  const digits = crc?.toString(16).toUpperCase().padStart(8, '0');
  const remarks = digits === undefined ? '' : `CRC32=${digits}`;
  return { recordFormat: 'F', blockBytes, recordBytes: RECORD_BYTES, remarks, offsetBytes: 0 };
}

/** Undefined where the label has none, as those of other systems. */
export function crcOf(format: FormatLabel | undefined): number | undefined {
  const digits = CRC_REMARK.exec(format?.remarks ?? '')?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

function fileIdBase(backup: string): string {
  return `AFS-${backup.slice(0, UUID_DIGITS).toUpperCase()}`;
}
