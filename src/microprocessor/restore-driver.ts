/**
 * Reads a backup into the backup data area: first what it is, then the whole image in ascending pieces, zeros told by their
 * length; of an increment what it has, and where its base is unchanged only a length. Whoever goes on passes over what is in the area already: reading from there on a disk, from the beginning on a tape.
 */
import { openBackup } from '../device/backup-image.js';
import type { BackupManifest } from '../device/backup-manifest.js';
import type { BackupImage } from '../device/backup-reader.js';
import type { ImageExtent } from '../device/data-block.js';
import { type ChunkKind, readPosition } from '../san/data-area.js';
import type { Driver, DriverParts, Step } from './driver.js';
import type { WorkOf } from './errand-order.js';

/** Numbers of the `segment` of a chunk. */
export const HEADER_SEGMENT = 0;
export const IMAGE_SEGMENT = 1;
/** Of one chunk of zeros; its length is a 32-bit word. */
const ZEROS_BYTES_MAX = 2 ** 30;
/** As many bytes of data as one of a backup has. */
const DATA_BYTES_MAX = 256 * 1024;

/** The content of the first chunk, as JSON. */
export interface RestoreHeader {
  readonly imageBytes: number;
  /** Base64 of the volume-information sector. */
  readonly information: string | undefined;
  readonly manifest: BackupManifest | undefined;
}

export class RestoreDriver implements Driver {
  private image: BackupImage | undefined;
  private extents: Iterator<ImageExtent> | undefined;
  /** What is left of the last extent that was read. */
  private rest: ImageExtent | undefined;
  /** Bytes of the image that are in the area, or were. */
  private end = 0;
  private isAtEnd = false;

  constructor(
    private readonly parts: DriverParts,
    private readonly work: WorkOf<'restore'>,
  ) {}

  begin(): void {
    const { session, transfer } = this.parts;
    const { medium, reference } = this.work;
    this.image = openBackup(session, medium, reference);
    this.end = readPosition(transfer.slot);
    this.extents = this.image.extents(this.end)[Symbol.iterator]();
    this.isAtEnd = transfer.producer.waiting === 'end';
  }

  step(): Step {
    const { producer } = this.parts.transfer;
    if (this.isAtEnd) return producer.isDrained ? 'done' : 'idle';
    if (producer.room === 0) return 'idle';
    if (producer.published === 0) return this.tellHeader();
    // Not more than one extent for a look at what others want: passing over may take long.
    this.rest ??= this.nextExtent();
    const { rest, imageBytes } = this;
    const dataAt = rest?.offset ?? imageBytes;
    if (rest !== undefined && dataAt < this.end) {
      const passed = Math.min(this.end - dataAt, rest.data.length);
      this.rest = after(rest, passed);
    } else if (dataAt > this.end) {
      const isIncrement = this.image?.manifest?.base !== undefined;
      this.publish(isIncrement ? 'same' : 'zeros', Math.min(dataAt - this.end, ZEROS_BYTES_MAX));
    } else if (rest === undefined) {
      this.publish('end', 0);
      this.isAtEnd = true;
    } else if (rest.isZeros) {
      this.rest = undefined;
      this.publish('zeros', rest.data.length);
    } else {
      this.publish('data', this.fill());
    }
    return 'moved';
  }

  suspend(): void {}

  /** Extents that follow each other share a chunk. */
  private fill(): number {
    const content = this.parts.transfer.producer.nextContent().subarray(0, DATA_BYTES_MAX);
    let length = 0;
    while (this.rest?.offset === this.end + length && length < content.length) {
      const { data, isZeros } = this.rest;
      if (isZeros) break;
      const taken = Math.min(data.length, content.length - length);
      content.set(data.subarray(0, taken), length);
      length += taken;
      this.rest = after(this.rest, taken) ?? this.nextExtent();
    }
    return length;
  }

  private publish(kind: ChunkKind, length: number): void {
    this.parts.gate({ start: this.end, end: this.end + Math.max(1, length) });
    const position = this.end;
    this.end += length;
    this.parts.transfer.producer.publish({
      ...{ kind, length, segment: IMAGE_SEGMENT, position, devicePosition: this.end },
    });
  }

  private tellHeader(): Step {
    const { producer } = this.parts.transfer;
    const { imageBytes, information, manifest } = this.image ?? unopened();
    const header: RestoreHeader = {
      imageBytes,
      information: information && Buffer.from(information).toString('base64'),
      manifest,
    };
    const length = producer.nextContent().write(JSON.stringify(header));
    producer.publish({
      ...{ kind: 'data', length, segment: HEADER_SEGMENT, position: 0, devicePosition: 0 },
    });
    return 'moved';
  }

  private get imageBytes(): number {
    return (this.image ?? unopened()).imageBytes;
  }

  private nextExtent(): ImageExtent | undefined {
    const next = this.extents?.next();
    return next === undefined || next.done === true ? undefined : next.value;
  }
}

function after({ offset, data, ...kind }: ImageExtent, bytes: number): ImageExtent | undefined {
  if (bytes === data.length) return undefined;
  return { ...kind, offset: offset + bytes, data: data.subarray(bytes) };
}

function unopened(): never {
  throw new Error('a backup is opened before it is read');
}
