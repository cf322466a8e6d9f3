/**
 * A file or block device with synchronous calls, read and written at positions: for worker threads
 * and programs. Every error is a DeviceError; after `close` each call is `unloaded`. A file that others
 * delete, replace or cut off while it is written is `changed`: at the next write, or at `sync`.
 */
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  type Stats,
  statSync,
  writeSync,
  writevSync,
} from 'node:fs';
import { ArrayError } from '../base/errors.js';
import { SECTOR_BYTES } from '../base/sizes.js';
import { DeviceError, withDeviceErrors } from './device-error.js';

export type OpenMode = 'read' | 'write' | 'create' | 'exclusive';
const FLAGS: Readonly<Record<OpenMode, number>> = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR,
  /** The file must not be there. */
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
  /** Of a block device, which then nobody else opens so, and no mount or swap has: else busy. */
  exclusive: constants.O_RDWR | constants.O_EXCL,
};
const NEW_FILE_MODE = 0o600;
const CLOSED = -1;
/** Read at a time by who looks at a few bytes here and there. */
const PAGE_BYTES = 4_096;

export class PositionedBytes {
  /** The page that `peek` has read last; none after a change. */
  private page: { readonly start: number; readonly bytes: Buffer } | undefined;

  private constructor(
    private readonly path: string,
    private descriptor: number,
    private size: number,
  ) {}

  static open(path: string, mode: OpenMode): PositionedBytes {
    return withDeviceErrors(() => {
      const file = new PositionedBytes(path, openSync(path, FLAGS[mode], NEW_FILE_MODE), 0);
      try {
        const stats = fstatSync(file.descriptor);
        if (stats.isDirectory())
          throw new ArrayError('EISDIR', `${path} is a directory, not a file`);
        file.size = sizeOf(stats);
        return file;
      } catch (error) {
        file.close();
        throw error;
      }
    });
  }

  get bytes(): number {
    return this.size;
  }

  /** Up to `count` bytes; fewer at the end of the file alone. */
  read(position: number, count: number): Buffer {
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(count, this.size - position)));
    let done = 0;
    while (done < buffer.length) {
      const got = this.call((descriptor) =>
        readSync(descriptor, buffer, done, buffer.length - done, position + done),
      );
      if (got === 0) break;
      done += got;
    }
    return buffer.subarray(0, done);
  }

  /** As `read`, for a few bytes: those near each other are read once. The result is only borrowed. */
  peek(position: number, count: number): Buffer {
    const start = position - (position % PAGE_BYTES);
    if (position + count > start + PAGE_BYTES) return this.read(position, count);
    if (this.page?.start !== start) this.page = { start, bytes: this.read(start, PAGE_BYTES) };
    return this.page.bytes.subarray(position - start, position - start + count);
  }

  /** Writes all of it, or throws after a part. */
  write(position: number, data: Uint8Array): void {
    this.page = undefined;
    this.checkLength();
    for (let done = 0; done < data.length; ) {
      done += this.call((descriptor) =>
        writeSync(descriptor, data, done, data.length - done, position + done),
      );
    }
    this.size = Math.max(this.size, position + data.length);
  }

  /** Writes all pieces, or none: what was written before an error is cut off again. */
  append(pieces: readonly Uint8Array[]): void {
    this.page = undefined;
    this.checkLength();
    const start = this.size;
    const total = pieces.reduce((sum, piece) => sum + piece.length, 0);
    try {
      const done = this.call((descriptor) => writevSync(descriptor, [...pieces], start));
      this.size = start + done;
      if (done < total) this.append([Buffer.concat(pieces).subarray(done)]);
    } catch (error) {
      this.cutBack(start);
      throw error;
    }
  }

  truncate(size: number): void {
    this.page = undefined;
    this.checkLength();
    this.call((descriptor) => ftruncateSync(descriptor, size));
    this.size = size;
  }

  /** Durable, and still what its path leads to. */
  sync(): void {
    this.call((descriptor) => fdatasyncSync(descriptor));
    this.checkPlace(this.checkLength());
  }

  close(): void {
    this.page = undefined;
    if (this.descriptor === CLOSED) return;
    closeSync(this.descriptor);
    this.descriptor = CLOSED;
  }

  /** A write behind the end would fill with zeros what somebody has cut off. */
  private checkLength(): Stats {
    const stats = this.call((descriptor) => fstatSync(descriptor));
    if (stats.isFile() && stats.size < this.size) {
      const sizes = `${stats.size} bytes, not ${this.size}`;
      throw new DeviceError('changed', `${this.path} was cut off by somebody: it has ${sizes}`);
    }
    return stats;
  }

  private checkPlace(opened: Stats): void {
    const now = withDeviceErrors(() => statSync(this.path, { throwIfNoEntry: false }));
    const what = now === undefined ? 'is gone' : 'is another file now';
    if (now !== undefined && isSame(now, opened)) return;
    throw new DeviceError('changed', `${this.path} ${what}: what was written is not there`);
  }

  /** The number of a closed descriptor may be somebody else's by now. */
  private call<T>(action: (descriptor: number) => T): T {
    const { descriptor } = this;
    if (descriptor === CLOSED) throw new DeviceError('unloaded', 'the medium is unloaded');
    return withDeviceErrors(() => action(descriptor));
  }

  /** The error that led here is told, not one of this. */
  private cutBack(size: number): void {
    this.size = size;
    try {
      ftruncateSync(this.descriptor, size);
    } catch {
      // The file keeps a torn end, as after a crash.
    }
  }
}

function isSame(one: Stats, other: Stats): boolean {
  if (one.isBlockDevice()) return other.isBlockDevice() && one.rdev === other.rdev;
  return one.dev === other.dev && one.ino === other.ino;
}

/** `stat` says nothing of the size of a block device, /sys does, in sectors. */
export function sizeOf(stats: Stats): number {
  return stats.isBlockDevice() ? blockAttribute(stats, 'size') * SECTOR_BYTES : stats.size;
}

export function isReadOnlyDevice(stats: Stats): boolean {
  return stats.isBlockDevice() && blockAttribute(stats, 'ro') === 1;
}

function blockAttribute(stats: Stats, name: string): number {
  const major = (stats.rdev >>> 8) & 0xfff;
  const minor = (stats.rdev & 0xff) | ((stats.rdev >>> 12) & 0xfff00);
  return Number(readFileSync(`/sys/dev/block/${major}:${minor}/${name}`, 'latin1'));
}
