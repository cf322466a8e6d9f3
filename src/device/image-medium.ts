/** An image in a file or block device, the medium of disk and array devices. */
import { INFO_BYTES } from '../base/limits.js';
import { formatSize, SECTOR_BYTES } from '../base/sizes.js';
import type { BlockMedium } from './backup-device.js';
import type { BackupBase } from './backup-manifest.js';
import { asDeviceError, DeviceError } from './device-error.js';
import { type OpenMode, PositionedBytes } from './positioned-bytes.js';

/** Zeros are written in pieces of this size. */
const ZEROS = new Uint8Array(1024 * 1024);

/** Where the 512 bytes of volume information of an image are, and what is known of its content. */
export interface InformationPlace {
  read(): Uint8Array | undefined;
  write(sector: Uint8Array): void;
  clear(): void;
  /** UUID of the snapshot whose content the image has; undefined where nobody knows. */
  held(): string | undefined;
  hold(image: string): void;
}

export interface ImageOptions {
  readonly mode: OpenMode;
  /** A block device has the size it has, and what was written to it before. */
  readonly isBlockDevice: boolean;
  readonly information?: InformationPlace;
}

export class ImageMedium implements BlockMedium {
  private readonly file: PositionedBytes;
  private readonly canWrite: boolean;

  constructor(
    private readonly path: string,
    private readonly options: ImageOptions,
  ) {
    this.file = PositionedBytes.open(path, options.mode);
    this.canWrite = options.mode !== 'read';
  }

  get sizeBytes(): number {
    return this.file.bytes;
  }

  get startsAsZeros(): boolean {
    return !this.options.isBlockDevice;
  }

  beginImage(imageBytes: number): void {
    this.checkWritable();
    checkRange(0, imageBytes);
    if (this.options.isBlockDevice && imageBytes > this.sizeBytes) {
      const sizes = `${formatSize(imageBytes)} does not fit the ${formatSize(this.sizeBytes)}`;
      throw new DeviceError('full', `an image of ${sizes} of ${this.path}`);
    }
    this.options.information?.clear();
    if (this.options.isBlockDevice) return;
    this.resize(0);
    this.resize(imageBytes);
  }

  beginIncrement({ image, name, imageBytes }: BackupBase): void {
    this.checkWritable();
    const { information } = this.options;
    if (information === undefined) throw otherBase(`nobody knows what ${this.path} holds`);
    if (information.held() !== image || this.sizeBytes !== imageBytes) {
      throw otherBase(`${this.path} does not hold ${name}, or was changed since`);
    }
    information.clear();
  }

  setSize(sizeBytes: number): void {
    this.checkWritable();
    if (!this.options.isBlockDevice) this.resize(sizeBytes);
  }

  read(position: number, count: number): Uint8Array {
    checkRange(position, count);
    const data = this.file.read(position, count);
    if (data.length < count) {
      const end = position + data.length;
      throw new DeviceError('damaged', `${this.path} ends at byte ${end}`);
    }
    return data;
  }

  write(position: number, data: Uint8Array): void {
    this.checkWritable();
    checkRange(position, data.length);
    this.file.write(position, data);
  }

  writeZeros(position: number, count: number): void {
    for (let done = 0; done < count; done += ZEROS.length) {
      this.write(position + done, ZEROS.subarray(0, count - done));
    }
  }

  readInformation(): Uint8Array | undefined {
    return this.options.information?.read();
  }

  writeInformation(sector: Uint8Array): boolean {
    this.checkWritable();
    if (sector.length !== INFO_BYTES) {
      throw new DeviceError('invalid', `volume information has ${INFO_BYTES} bytes`);
    }
    this.options.information?.write(sector);
    return this.options.information !== undefined;
  }

  noteHeld(image: string): void {
    this.options.information?.hold(image);
  }

  sync(): void {
    this.file.sync();
  }

  close(): void {
    this.file.close();
  }

  /** Another array does not shrink a volume that somebody else may write; the errno of that names nothing. */
  private resize(sizeBytes: number): void {
    try {
      this.file.truncate(sizeBytes);
    } catch (error) {
      if (asDeviceError(error).fault !== 'busy') throw error;
      const reason = `${this.path} is open for writing elsewhere: close or unmount it there first`;
      throw new DeviceError('busy', reason);
    }
  }

  private checkWritable(): void {
    if (!this.canWrite) {
      throw new DeviceError('write-protected', `${this.path} is open for reading alone`);
    }
  }
}

function otherBase(reason: string): DeviceError {
  return new DeviceError('invalid', `${reason}: make a full copy`, 'EXDEV');
}

function checkRange(position: number, count: number): void {
  if (position % SECTOR_BYTES === 0 && count % SECTOR_BYTES === 0 && position >= 0) return;
  const range = `${count} bytes at byte ${position}`;
  throw new DeviceError('invalid', `${range} are no whole sectors of ${SECTOR_BYTES}`);
}
