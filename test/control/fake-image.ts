/** Copies of the in-memory array and an open image of one: contents are plain bytes. */

import type { ImageHandle, SnapshotView, VolumeView } from '../../src/array/disk-array.js';
import { ArrayError } from '../../src/base/errors.js';
import { roundUpToSector } from '../../src/base/sizes.js';
import { refuse } from './fake-history.js';

export type Writable<T> = { -readonly [K in keyof T]: T[K] };
export type FakeSnapshot = Writable<SnapshotView> & { content: Uint8Array };
export type FakeVolume = Omit<Writable<VolumeView>, 'snapshots'> & {
  content: Uint8Array;
  snapshots: FakeSnapshot[];
};
export type FakeCopy = FakeVolume | FakeSnapshot;

export class FakeImage implements ImageHandle {
  constructor(
    readonly copy: FakeCopy,
    private readonly writes: boolean,
    private readonly changed: () => void,
  ) {
    copy.openCount += 1;
    this.countWriter(1);
  }

  read(offset: number, target: Uint8Array): number {
    const length = Math.max(0, Math.min(target.length, this.copy.sizeBytes - offset));
    target.fill(0, 0, length);
    target.set(this.copy.content.subarray(offset, offset + length));
    return length;
  }

  write(offset: number, data: Uint8Array): number {
    const end = offset + data.length;
    if (end > this.copy.content.length) {
      const grown = new Uint8Array(end);
      grown.set(this.copy.content);
      this.copy.content = grown;
    }
    this.copy.content.set(data, offset);
    this.copy.sizeBytes = Math.max(this.copy.sizeBytes, roundUpToSector(end));
    this.copy.allocatedBytes = this.copy.content.length;
    this.changed();
    return data.length;
  }

  async resize(sizeBytes: number): Promise<void> {
    const others = this.copy.kind === 'volume' ? this.copy.writerCount - 1 : 0;
    if (sizeBytes < this.copy.sizeBytes && others > 0) refuse('EBUSY', 'open for writing');
    setSize(this.copy, sizeBytes);
    this.changed();
  }

  async discard(offset: number, sizeBytes: number): Promise<void> {
    this.copy.content.fill(0, offset, offset + sizeBytes);
    this.changed();
  }

  /** Plain bytes have no holes. */
  async nextData(offset: number): Promise<number | undefined> {
    return offset < this.copy.sizeBytes ? offset : undefined;
  }

  async nextHole(): Promise<number> {
    return this.copy.sizeBytes;
  }

  copyTo(): Promise<number> {
    throw new ArrayError('EOPNOTSUPP', 'a fake shares no blocks');
  }

  async sync(): Promise<void> {}

  close(): void {
    this.copy.openCount -= 1;
    this.countWriter(-1);
  }

  private countWriter(step: number): void {
    if (this.writes && this.copy.kind === 'volume') this.copy.writerCount += step;
  }
}

export function setSize(copy: FakeCopy, sizeBytes: number): void {
  copy.content = copy.content.slice(0, sizeBytes);
  copy.sizeBytes = sizeBytes;
}
