/**
 * A backup on a disk or another array: the image itself, then its volume information. A file grows with it and has the size of
 * the image only when it is whole, so none that was left in the middle looks like one; a block device has no such mark. An
 * increment goes onto the image of its base: the other array forgets what that was with the first byte, and is told what it is at the end.
 */
import { assert } from '../base/assert.js';
import type { BlockMedium, BlockSession } from './backup-device.js';
import type { Management } from './backup-manifest.js';
import type { BackupResult, BackupWriter, BlockPointer } from './backup-writer.js';
import { DeviceError } from './device-error.js';

export class BlockBackupWriter implements BackupWriter {
  private next = 0;

  private constructor(
    private readonly mediumName: string,
    private readonly medium: BlockMedium,
    private readonly management: Management,
  ) {}

  static begin(session: BlockSession, name: string, management: Management): BlockBackupWriter {
    const { base, imageBytes } = management.manifest;
    session.reserve(name);
    // One that is not there is not made.
    if (base !== undefined) session.load('read');
    const medium = session.load('write');
    if (base !== undefined) medium.beginIncrement(base);
    else {
      medium.beginImage(imageBytes);
      medium.setSize(0);
    }
    return new BlockBackupWriter(name, medium, management);
  }

  static resume(
    session: BlockSession,
    pointer: BlockPointer,
    management: Management,
  ): BlockBackupWriter {
    const { base, imageBytes } = management.manifest;
    // Nothing is there yet: what was before may be, where its end was not durable. The base of an increment has been seen to be there.
    if (pointer.nextOffset === 0 && base === undefined)
      return BlockBackupWriter.begin(session, pointer.medium, management);
    session.reserve(pointer.medium);
    const medium = session.load('write');
    const neededBytes = medium.startsAsZeros ? pointer.nextOffset : imageBytes;
    if (medium.sizeBytes < neededBytes) {
      throw new DeviceError('damaged', `the image on ${pointer.medium} has become shorter`);
    }
    const writer = new BlockBackupWriter(pointer.medium, medium, management);
    writer.next = pointer.nextOffset;
    return writer;
  }

  get nextOffset(): number {
    return this.next;
  }

  write(offset: number, data: Uint8Array): void {
    assert(offset >= this.next, 'extents of a backup ascend');
    assert(
      offset + data.length <= this.management.manifest.imageBytes,
      'an extent is in the image',
    );
    this.pass(offset);
    this.medium.write(offset, data);
    this.next = offset + data.length;
  }

  zero(offset: number, bytes: number): void {
    assert(offset >= this.next, 'extents of a backup ascend');
    this.medium.writeZeros(offset, bytes);
    this.next = offset + bytes;
  }

  get pointer(): BlockPointer {
    return { structure: 'block', medium: this.mediumName, nextOffset: this.next };
  }

  checkpoint(): BlockPointer {
    if (this.next > 0) this.medium.sync();
    return this.pointer;
  }

  finish(): BackupResult {
    const { manifest, information } = this.management;
    this.pass(manifest.imageBytes);
    this.medium.setSize(manifest.imageBytes);
    this.medium.sync();
    if (information !== undefined) this.medium.writeInformation(information);
    if (manifest.image !== undefined) this.medium.noteHeld(manifest.image);
    return { media: [this.mediumName] };
  }

  /** A hole: written only where the medium would show something else. In an increment it is what the base has. */
  private pass(offset: number): void {
    const isHole = this.management.manifest.base === undefined;
    if (isHole && !this.medium.startsAsZeros) this.medium.writeZeros(this.next, offset - this.next);
    this.next = offset;
  }
}
