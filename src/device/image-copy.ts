/** Copies a backup into a file, holes as holes, or only checks it. */
import { createHash, type Hash } from 'node:crypto';
import { rmSync, type Stats, statSync } from 'node:fs';
import { ArrayError } from '../base/errors.js';
import type { BackupImage } from './backup-reader.js';
import { DeviceError } from './device-error.js';
import { ImageMedium } from './image-medium.js';

/** Told now and then: bytes of the image that are done. */
export type OnProgress = (doneBytes: number) => void;
const ZEROS = new Uint8Array(1024 * 1024);

/** Reads the whole backup; returns the bytes of content in it. Every wrong byte is `damaged`. */
export function verifyBackup(image: BackupImage, onProgress: OnProgress = () => {}): number {
  return copyBackup(image, () => {}, onProgress);
}

/**
 * Copies it into a new file, or into a file or block device that is there with `replace`, an increment into one that has its base;
 * returns the bytes of content in it. A file that was made here is removed again when the backup turns out to
 * be damaged.
 */
export function extractBackup(
  image: BackupImage,
  path: string,
  { replace = false, onto = false, onProgress = () => {} }: ExtractOptions = {},
): number {
  const stats = statSync(path, { throwIfNoEntry: false });
  const base = image.manifest?.base;
  checkBase(image, path, stats, onto);
  if (base === undefined && stats !== undefined && !replace)
    throw new ArrayError('EEXIST', `${path} exists already`);
  const isBlockDevice = stats?.isBlockDevice() ?? false;
  const mode = (stats === undefined && 'create') || (isBlockDevice && 'exclusive') || 'write';
  const medium = new ImageMedium(path, { mode, isBlockDevice });
  try {
    const fill = base === undefined ? fillMedium : changeMedium;
    const dataBytes = fill(medium, image, onProgress);
    medium.sync();
    return dataBytes;
  } catch (error) {
    if (stats === undefined) rmSync(path, { force: true });
    throw error;
  } finally {
    medium.close();
  }
}

interface ExtractOptions {
  readonly replace?: boolean;
  /** The file has what an increment is based on. */
  readonly onto?: boolean;
  readonly onProgress?: OnProgress;
}

/** EXDEV for an increment without what it is based on; that the content is right nobody can know here. */
function checkBase(
  { manifest }: BackupImage,
  path: string,
  stats: Stats | undefined,
  onto: boolean,
): void {
  const { name, base } = manifest ?? {};
  if (base === undefined) {
    if (onto) throw new ArrayError('EINVAL', `${name} is a whole image, it goes onto nothing`);
    return;
  }
  if (!onto) {
    const first = `extract ${base.name} first, then this onto the same file`;
    throw new ArrayError('EXDEV', `${name} is what has changed since ${base.name}: ${first}`);
  }
  if (stats === undefined) throw new ArrayError('ENOENT', `there is no ${path} with ${base.name}`);
  if (stats.isFile() && stats.size !== base.imageBytes) {
    const sizes = `${stats.size} bytes, ${base.name} has ${base.imageBytes}`;
    throw new ArrayError('EXDEV', `${path} has ${sizes}`);
  }
}

/** Puts what has changed into the image of the base. */
function changeMedium(medium: ImageMedium, image: BackupImage, onProgress: OnProgress): number {
  const write = (offset: number, data: Uint8Array) => medium.write(offset, data);
  const dataBytes = copyBackup(image, write, onProgress);
  medium.setSize(image.imageBytes);
  return dataBytes;
}

function fillMedium(medium: ImageMedium, image: BackupImage, onProgress: OnProgress): number {
  let end = 0;
  const passTo = (offset: number) => {
    if (!medium.startsAsZeros) medium.writeZeros(end, offset - end);
    end = offset;
  };
  medium.beginImage(image.imageBytes);
  const write = (offset: number, data: Uint8Array) => {
    passTo(offset);
    medium.write(offset, data);
    end += data.length;
  };
  const dataBytes = copyBackup(image, write, onProgress);
  passTo(image.imageBytes);
  return dataBytes;
}

function copyBackup(
  image: BackupImage,
  write: (offset: number, data: Uint8Array) => void,
  onProgress: OnProgress,
): number {
  // Of what an increment leaves out nothing is known here.
  const sha256 = image.manifest?.base ? undefined : image.manifest?.imageSha256;
  const digest = sha256 === undefined ? undefined : new ImageDigest();
  let dataBytes = 0;
  for (const { offset, data, isZeros } of image.extents()) {
    digest?.add(offset, data);
    write(offset, data);
    if (!isZeros) dataBytes += data.length;
    onProgress(offset + data.length);
  }
  if (digest !== undefined && digest.finish(image.imageBytes) !== sha256) {
    throw new DeviceError('damaged', `backup ${image.manifest?.backup}: the SHA-256 is another`);
  }
  return dataBytes;
}

/** SHA-256 of an image whose holes are zeros. */
class ImageDigest {
  private readonly hash: Hash = createHash('sha256');
  private end = 0;

  add(offset: number, data: Uint8Array): void {
    this.fillTo(offset);
    this.hash.update(data);
    this.end += data.length;
  }

  finish(imageBytes: number): string {
    this.fillTo(imageBytes);
    return this.hash.digest('hex');
  }

  private fillTo(offset: number): void {
    while (this.end < offset) {
      const zeros = ZEROS.subarray(0, offset - this.end);
      this.hash.update(zeros);
      this.end += zeros.length;
    }
  }
}
