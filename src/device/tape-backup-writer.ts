/**
 * A backup on tape: two files of ECMA-13, one after the other at the end of a cartridge. The data file
 * goes on on further cartridges (tape-data-file.ts), the management file never.
 *
 *   HDR1 HDR2 * management * EOF1 EOF2 * HDR1 HDR2 * data * EOF1 EOF2 * *
 *
 * A backup without its end is overwritten by the next one (append-place.ts). After a crash the writer that follows
 * reads the tape from the pointer on: blocks of a sparse file that are whole count as written, of a
 * plain one, whose blocks say nothing of themselves, only those before the pointer.
 */
import { crc32 } from 'node:zlib';
import { assert } from '../base/assert.js';
import { toAppendPlace } from './append-place.js';
import type { StreamMedium, StreamSession } from './backup-device.js';
import { type BackupManifest, encodeManagement, type Management } from './backup-manifest.js';
import type { BackupResult, BackupWriter, TapePointer } from './backup-writer.js';
import { makePacker, type Packer } from './block-packer.js';
import { decodeDataBlock } from './data-block.js';
import { DeviceError } from './device-error.js';
import { LABEL_BYTES } from './label-field.js';
import { beginFile, endFile } from './labelled-tape.js';
import {
  dataFileId,
  type FileIdentity,
  managementFileId,
  sectionFormat,
  sectionLabel,
} from './section-labels.js';
import { recordSpan, WORD_BYTES } from './simh-objects.js';
import { EARLY_WARNING_BYTES } from './simh-tape.js';
import { type AcceptBlock, TapeDataFile } from './tape-data-file.js';

/** Two groups of labels before a file and one behind it, the mark of each, and that of the block. */
const MANAGEMENT_LABEL_BYTES = 6 * recordSpan(LABEL_BYTES) + 4 * WORD_BYTES;

export class TapeBackupWriter implements BackupWriter {
  private readonly packer: Packer;
  private next: number;

  private constructor(
    private readonly file: TapeDataFile,
    private readonly manifest: BackupManifest,
    /** How much of its end is there already: after a crash. */
    private readonly written: 'blocks' | 'last-block' | 'all',
  ) {
    this.next = written === 'blocks' ? file.nextOffset : manifest.imageBytes;
    this.packer = makePacker(manifest, file, (block, end) => file.put(block, end));
  }

  static begin(session: StreamSession, name: string, given: Management): TapeBackupWriter {
    const management = { ...given, manifest: tapeManifest(given.manifest) };
    const { manifest } = management;
    const block = encodeManagement(management);
    const { tape, identity: begun } = toAppendPlace(session, name);
    const identity = { ...begun, createdMs: manifest.startedMs };
    const room = MANAGEMENT_LABEL_BYTES + recordSpan(block.length) + EARLY_WARNING_BYTES;
    if (tape.remainingBytes < room) throw new DeviceError('full', `cartridge ${name} is full`);
    writeManagement(tape, { ...identity, fileId: managementFileId(manifest.backup) }, block);
    const file = TapeDataFile.begin(session, name, tape, {
      ...identity,
      fileId: dataFileId(manifest.backup),
      sequence: identity.sequence + 1,
    });
    return new TapeBackupWriter(file, manifest, 'blocks');
  }

  static resume(
    session: StreamSession,
    pointer: TapePointer,
    management: Management,
  ): TapeBackupWriter {
    const manifest = tapeManifest(management.manifest);
    const fileId = dataFileId(manifest.backup);
    const file = TapeDataFile.reopen(session, pointer, {
      fileId,
      createdMs: manifest.startedMs,
    });
    if (manifest.form === 'plain') return new TapeBackupWriter(file, manifest, 'blocks');
    let hasLast = false;
    const accept: AcceptBlock = (data, { blocks, nextOffset }) => {
      const block = hasLast ? undefined : wholeBlock(data, manifest, blocks, nextOffset);
      hasLast ||= block?.isLast ?? false;
      const extent = block?.extents.at(-1);
      return block && (extent ? extent.offset + extent.bytes : nextOffset);
    };
    const hasEnd = file.readOn(accept);
    if (hasEnd && !hasLast) {
      throw new DeviceError('damaged', `the end of backup ${manifest.backup} has no last block`);
    }
    return new TapeBackupWriter(
      file,
      manifest,
      (hasEnd && 'all') || (hasLast && 'last-block') || 'blocks',
    );
  }

  get nextOffset(): number {
    return this.next;
  }

  get pointer(): TapePointer {
    return this.file.pointer;
  }

  write(offset: number, data: Uint8Array): void {
    assert(offset >= this.next, 'extents of a backup ascend');
    assert(offset + data.length <= this.manifest.imageBytes, 'an extent is in the image');
    this.packer.add(offset, data);
    this.next = offset + data.length;
  }

  zero(offset: number, bytes: number): void {
    assert(offset >= this.next, 'extents of a backup ascend');
    assert(offset + bytes <= this.manifest.imageBytes, 'an extent is in the image');
    this.packer.addZeros(offset, bytes);
    this.next = offset + bytes;
  }

  checkpoint(): TapePointer {
    return this.file.checkpoint();
  }

  finish(): BackupResult {
    if (this.written === 'blocks') this.packer.finish();
    if (this.written === 'all') this.file.checkpoint();
    else this.file.end();
    this.file.checkFullVolumes();
    return { media: this.file.volumes };
  }
}

/** A file on tape has at least one block: an image without bytes is sparse. */
function tapeManifest(manifest: BackupManifest): BackupManifest {
  return manifest.imageBytes === 0 ? { ...manifest, form: 'sparse' } : manifest;
}

function wholeBlock(data: Uint8Array, manifest: BackupManifest, number: number, from: number) {
  const { backup, imageBytes } = manifest;
  try {
    return decodeDataBlock(data, { backup, number, imageBytes, from });
  } catch (error) {
    if (error instanceof DeviceError) return undefined;
    throw error;
  }
}

function writeManagement(tape: StreamMedium, identity: FileIdentity, block: Uint8Array): void {
  beginFile(tape, sectionLabel(identity, 1), sectionFormat(block.length));
  tape.writeRecord(block);
  const format = sectionFormat(block.length, crc32(block));
  endFile(tape, 'EOF', sectionLabel(identity, 1, 1), format);
}
