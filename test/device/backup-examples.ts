/** A small backup as values, and the bytes of its blocks built by hand. */
import { crc32 } from 'node:zlib';
import type { BackupManifest } from '../../src/device/backup-manifest.js';

export const BACKUP = '1a2b3c4d-0011-4223-8445-566778899aab';
export const BACKUP_BYTES = Buffer.from('1a2b3c4d001142238445566778899aab', 'hex');
const DATA_BLOCK_BYTES = 65_536;

export const MANIFEST: BackupManifest = {
  backup: BACKUP,
  form: 'sparse',
  imageBytes: 1_048_576,
  name: 'db@monday',
  volumeNumber: 7,
  volumeUuid: '00112233-4455-4677-8899-aabbccddeeff',
  arraySerial: '94ff8594e542',
  label: 'orders',
  takenMs: Date.UTC(2026, 7, 20, 9, 30),
  startedMs: Date.UTC(2026, 7, 20, 10),
};

/** As it is written, in this order of fields. */
export const MANIFEST_TEXT =
  '{"format":"AFSBACK1","backup":"1a2b3c4d-0011-4223-8445-566778899aab","form":"sparse",' +
  '"imageBytes":1048576,"name":"db@monday","volumeNumber":7,' +
  '"volumeUuid":"00112233-4455-4677-8899-aabbccddeeff","arraySerial":"94ff8594e542",' +
  '"label":"orders","takenMs":1787218200000,"startedMs":1787220000000}';

/** 512 bytes that are not all zeros. */
export const INFORMATION = new Uint8Array(512).fill(0x49);

/** A management block from its definition. */
export function managementBlock(text = MANIFEST_TEXT, information = INFORMATION): Buffer {
  const bytes = Buffer.byteLength(text);
  const padded = Buffer.alloc(Math.ceil(bytes / 512) * 512, ' ');
  padded.write(text);
  return Buffer.concat([information, padded]);
}

/** A data block from its definition. */
export function dataBlock(
  number: number,
  isLast: boolean,
  extents: readonly { readonly offset: number; readonly data: Uint8Array }[],
  uuid = BACKUP_BYTES,
): Buffer {
  const block = Buffer.alloc(DATA_BLOCK_BYTES);
  block.write('AFSDATA1', 0, 'latin1');
  uuid.copy(block, 8);
  block.writeUInt32BE(number, 28);
  block.writeUInt8(isLast ? 1 : 0, 33);
  block.writeUInt8(extents.length, 35);
  let content = 512;
  extents.forEach(({ offset, data }, index) => {
    block.writeUInt32BE(Math.floor(offset / 2 ** 32), 48 + 16 * index);
    block.writeUInt32BE(offset % 2 ** 32, 52 + 16 * index);
    block.writeUInt32BE(data.length, 56 + 16 * index);
    block.set(data, content);
    content += data.length;
  });
  return sealed(block);
}

/** With its checksum, after a change of it. */
export function sealed(block: Buffer): Buffer {
  const ordered = Buffer.concat([block.subarray(512), block.subarray(0, 508)]);
  block.writeUInt32BE(crc32(ordered), 508);
  return block;
}
