/**
 * Open images: reading and writing volumes and snapshots byte by byte. Reads of stored and cached
 * data answer at once; a write answers when the cache has taken it.
 */

import type { Clock } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import { VOLUME_BYTES_MAX } from '../base/limits.js';
import { BLOCK_BYTES, formatSize, roundUpToSector } from '../base/sizes.js';
import { type AnyCopy, copyName, type Volume } from './copies.js';
import type { ImageHandle } from './disk-array.js';
import { discardRange, nextData, nextHole } from './image-ranges.js';
import { shareRange } from './image-sharing.js';
import { ImageReader, type ReadAhead } from './read-ahead.js';
import { checkHostWrites, checkNoOtherWriter, checkPairedSize, checkWhole } from './rules.js';
import { noteModified, resizeVolume, zeroTail } from './volume-size.js';

/** Fetched ahead of a sequential reader of cold blocks. */
const READ_AHEAD_BYTES = 2 ** 20;

/** What images need of the array around them. */
export interface ImageHost {
  readonly readAhead: ReadAhead;
  readonly clock: Clock;
  readonly readOnly: boolean;
  /** A write found no space: /events tells why, as an errno cannot. */
  writeRefused(volume: Volume, reason: string): void;
  /** Something a status table shows has changed. */
  changed(): void;
  /** The last open image of a deleted volume was closed. */
  unused(volume: Volume): void;
}

/** Is told of each read and write: how many bytes, and the answer where there is none yet. */
type RequestWitness = (bytes: number, answer: Promise<unknown> | undefined) => void;

/** Opens an image; EROFS for writing a snapshot or a read-only array, EIO for a failed pool. */
export function openImage(
  host: ImageHost,
  copy: AnyCopy,
  write: boolean,
  onRequest?: RequestWitness,
): ImageHandle {
  copy.pool.checkPresent();
  if (write && copy.kind === 'snapshot') {
    throw new ArrayError('EROFS', `${copyName(copy)} is a snapshot: clone it to write`);
  }
  if (write && host.readOnly) throw new ArrayError('EROFS', 'the array is mounted read-only');
  if (write && copy.kind === 'volume') checkHostWrites(copy);
  return new Image(host, copy, write, onRequest);
}

class Image implements ImageHandle {
  private isOpen = true;
  private readonly reader: ImageReader;

  constructor(
    private readonly host: ImageHost,
    readonly copy: AnyCopy,
    private readonly writable: boolean,
    private readonly onRequest: RequestWitness | undefined,
  ) {
    this.reader = new ImageReader(copy);
    copy.openCount += 1;
    if (copy.kind === 'volume' && writable) {
      copy.writerCount += 1;
      copy.writerOpens += 1;
    }
    if (copy.kind === 'snapshot') copy.pool.content.lineages.pinOpen(copy.lineage, copy.viewEpoch);
  }

  read(offset: number, target: Uint8Array): number | Promise<number> {
    const fetched = this.fetch(offset, target.length);
    const answer =
      fetched === undefined
        ? this.readNow(offset, target)
        : fetched.then(() => this.readNow(offset, target));
    return this.told(target.length, answer);
  }

  write(offset: number, data: Uint8Array): number | Promise<number> {
    return this.told(data.length, this.tryWrite(offset, data));
  }

  private told(bytes: number, answer: number | Promise<number>): number | Promise<number> {
    this.onRequest?.(bytes, typeof answer === 'number' ? undefined : answer);
    return answer;
  }

  private tryWrite(offset: number, data: Uint8Array): number | Promise<number> {
    const volume = this.writableVolume();
    if (data.length === 0) return 0;
    if (roundUpToSector(offset + data.length) > VOLUME_BYTES_MAX) {
      throw new ArrayError('EFBIG', `a volume has at most ${formatSize(VOLUME_BYTES_MAX)}`);
    }
    if (volume.roles.length > 0) checkPairedSize(volume, offset + data.length);
    // One block more than the data: growing may have to zero the old last block.
    const length = data.length + BLOCK_BYTES;
    const isFull = !volume.pool.content.admission.canAccept(volume.lineage, offset, length);
    if (isFull || volume.overlay?.isPending(offset, data.length)) {
      return this.writeLater(volume, offset, data);
    }
    this.writeNow(volume, offset, data);
    return data.length;
  }

  /** What the range still lacks of the other side of a pair is copied first. */
  private async writeLater(volume: Volume, offset: number, data: Uint8Array): Promise<number> {
    const { admission } = volume.pool.content;
    const length = data.length + BLOCK_BYTES;
    let isWritten = false;
    const write = () => {
      this.writableVolume();
      if (volume.overlay?.isPending(offset, data.length)) return;
      this.writeNow(volume, offset, data);
      isWritten = true;
    };
    try {
      while (!isWritten) {
        await volume.overlay?.fill(offset, data.length);
        await admission.acceptLater(() => ({ lineage: volume.lineage, offset, length }), write);
      }
    } catch (error) {
      if (error instanceof ArrayError && error.code === 'ENOSPC') {
        this.host.writeRefused(volume, error.reason);
      }
      throw error;
    }
    return data.length;
  }

  async resize(sizeBytes: number): Promise<void> {
    const volume = this.writableVolume();
    if (sizeBytes === volume.sizeBytes) return;
    if (sizeBytes < volume.sizeBytes) checkNoOtherWriter(volume);
    await resizeVolume(this.host, volume, sizeBytes);
  }

  discard(offset: number, sizeBytes: number): Promise<void> {
    const volume = this.writableVolume();
    return discardRange(volume, offset, sizeBytes, {
      check: () => this.writableVolume(),
      changed: () => noteModified(this.host, volume),
    });
  }

  nextData(offset: number): Promise<number | undefined> {
    return nextData(this.copy, offset);
  }

  nextHole(offset: number, before?: number): Promise<number> {
    return nextHole(this.copy, offset, before);
  }

  copyTo(
    offset: number,
    target: ImageHandle,
    targetOffset: number,
    sizeBytes: number,
  ): Promise<number> {
    if (!(target instanceof Image)) throw new ArrayError('EXDEV', 'the images are in two arrays');
    const volume = target.writableVolume();
    return shareRange(
      { source: this.copy, offset, target: volume, targetOffset, sizeBytes },
      {
        grow: (bytes) => resizeVolume(target.host, volume, roundUpToSector(bytes)),
        write: (at, data) => target.write(at, data),
        check: () => target.writableVolume(),
        changed: () => noteModified(target.host, volume),
      },
    );
  }

  async sync(): Promise<void> {
    const { copy } = this;
    const roles = copy.kind === 'volume' ? copy.roles : [];
    // What is accepted by now: asked before anything is waited for.
    const synchronised = roles.map((role) => role.synchronised());
    await copy.pool.content.confirmed({ lineage: copy.lineage, source: copy });
    await Promise.all(synchronised);
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    const { copy } = this;
    this.host.readAhead.forget(this.reader);
    copy.openCount -= 1;
    if (copy.kind === 'snapshot') {
      copy.pool.content.lineages.unpinOpen(copy.lineage, copy.viewEpoch);
      return;
    }
    if (this.writable) copy.writerCount -= 1;
    if (copy.deleted && copy.openCount === 0) this.host.unused(copy);
  }

  /** Blocks that are on disk only; of a reader that goes on where it stopped also those ahead. */
  private fetch(offset: number, length: number): Promise<unknown> | undefined {
    const { copy } = this;
    const { content } = copy.pool;
    const end = Math.min(offset + length, copy.sizeBytes);
    const { overlay, view } = copy;
    const follows = this.reader.follows(offset, end);
    if (overlay !== undefined) return overlay.fetch(offset, end - offset);
    const fetched = content.map.fetch(view, offset, end - offset);
    if (fetched !== undefined && follows) {
      const aheadEnd = Math.min(end + READ_AHEAD_BYTES, copy.sizeBytes);
      // Nobody waits for it: a read that comes too early fetches what it needs itself.
      content.map.fetch(view, end, aheadEnd - end)?.catch(() => undefined);
    }
    return fetched;
  }

  /** After a fetch the image is looked at anew: it may have changed meanwhile. */
  private readNow(offset: number, target: Uint8Array): number {
    const { copy } = this;
    const size = Math.max(0, Math.min(target.length, copy.sizeBytes - offset));
    if (copy.kind === 'volume') checkWhole(copy);
    const filled = target.subarray(0, size);
    const { overlay } = copy;
    if (overlay !== undefined) overlay.read(offset, filled);
    else copy.pool.content.read(copy.view, offset, filled, this.reader.ahead);
    this.host.readAhead.answered(this.reader, size);
    return size;
  }

  private writeNow(volume: Volume, offset: number, data: Uint8Array): void {
    const dataEnd = offset + data.length;
    const end = roundUpToSector(dataEnd);
    volume.writing(offset, data.length);
    if (end > volume.sizeBytes) {
      // What lies before the data is zeros, and so is the rest of its last sector.
      zeroTail(volume, dataEnd === end ? offset : end);
      volume.setSize(end);
    }
    volume.pool.content.write(volume.lineage, offset, data);
    noteModified(this.host, volume);
  }

  private writableVolume(): Volume {
    const { copy } = this;
    if (!this.writable || copy.kind !== 'volume') {
      throw new ArrayError('EBADF', `${copyName(copy)} is not open for writing`);
    }
    const { failure } = copy;
    if (failure !== undefined) throw new ArrayError('EIO', failure);
    if (copy.roles.length > 0 || copy.condition.isReserved) checkHostWrites(copy);
    return copy;
  }
}
