/** A cartridge with one backup, byte for byte from the specification, and how tests use one. */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { expect } from 'vitest';
import { beginBackup, openBackup } from '../../src/device/backup-image.js';
import type { BackupManifest, Management } from '../../src/device/backup-manifest.js';
import type { ImageExtent } from '../../src/device/data-block.js';
import { TapeLibrary } from '../../src/device/tape-library.js';
import { type CartridgeListing, listBackups } from '../../src/device/tape-listing.js';
import { BACKUP, dataBlock, INFORMATION, MANIFEST, managementBlock } from './backup-examples.js';
import { contentOf, feed } from './backup-source.js';
import { makeLibrary } from './device-cases.js';
import { LABEL_TEXTS, labelBytes } from './example-labels.js';
import { MARK, record } from './tap-builder.js';

export const MANAGEMENT: Management = { manifest: MANIFEST, information: INFORMATION };
export const EXTENTS = [
  { offset: 4096, data: Buffer.alloc(1024, 0xa1) },
  { offset: 65_536, data: Buffer.alloc(512, 0xa2) },
];
export const label = (text: string) => record(labelBytes(text));

/** The labels and marks of a file and its blocks, from the specification. */
export function fileImage(
  { id, sequence, blockBytes }: { id: string; sequence: number; blockBytes: number },
  blocks: readonly Buffer[],
): Buffer {
  const crc = blocks.reduce((sum, block) => crc32(block, sum), 0);
  const count = `${blocks.length}`.padStart(6, '0');
  const first = `${id.padEnd(17, '~')}AFS0010001${`${sequence}`.padStart(4, '0')}000100026232~00000~`;
  const second = `F${`${blockBytes}`.padStart(5, '0')}00512`;
  const remarks = `CRC32=${crc.toString(16).toUpperCase().padStart(8, '0')}`.padEnd(35, '~');
  return Buffer.concat([
    ...[label(`HDR1${first}000000ARRAYFS`), label(`HDR2${second}${'~'.repeat(35)}00`), MARK],
    ...[...blocks.map((block) => record(block)), MARK],
    ...[label(`EOF1${first}${count}ARRAYFS`), label(`EOF2${second}${remarks}00`), MARK],
  ]);
}

export const SPARSE_IMAGE = Buffer.concat([
  label(LABEL_TEXTS.VOL1),
  fileImage({ id: 'AFS-1A2B3C4D.MGT', sequence: 1, blockBytes: 1024 }, [managementBlock()]),
  fileImage({ id: 'AFS-1A2B3C4D.DAT', sequence: 2, blockBytes: 65_536 }, [
    dataBlock(0, true, EXTENTS),
  ]),
  MARK,
]);

export function newLibrary(cartridgeBytes = 2 ** 24) {
  const directory = makeLibrary({ cartridgeBytes });
  const library = new TapeLibrary(directory);
  return { directory, library, path: join(directory, 'AFS001.tap') };
}

export function backUp(
  library: TapeLibrary,
  extents: readonly ImageExtent[] = EXTENTS,
  management: Management = MANAGEMENT,
): void {
  const session = library.login('CL1-C');
  try {
    const writer = beginBackup(session, 'AFS001', management);
    feed(writer, extents);
    expect(writer.finish()).toEqual({ media: ['AFS001'] });
  } finally {
    session.logout();
  }
}

export const other = (digit: string, change: Partial<BackupManifest> = {}): Management => ({
  manifest: { ...MANIFEST, backup: `${digit}${BACKUP.slice(1)}`, ...change },
  information: undefined,
});

export function listed(library: TapeLibrary): CartridgeListing {
  const session = library.login('LIST');
  try {
    session.reserve('AFS001');
    return listBackups(session.load('read'));
  } finally {
    session.logout();
  }
}

/** Content of a backup, and its whole management. */
export function restored(library: TapeLibrary, reference?: string): Buffer {
  const session = library.login('CL2-C');
  try {
    return contentOf(openBackup(session, 'AFS001', reference));
  } finally {
    session.logout();
  }
}
