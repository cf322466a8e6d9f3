/**
 * A volume that a copy writes to, as any other writer does: difference bits of its pairs are set, a secondary or a reserved
 * volume is refused, and nothing is written past its end. Within a pool whole blocks are shared instead of copied.
 */
import { ArrayError } from '../base/errors.js';
import { BLOCK_BYTES } from '../base/sizes.js';
import type { ArrayContext } from './array-context.js';
import { type AnyCopy, copyName } from './copies.js';
import type { SourcePart } from './copy-source.js';
import type { ImageHandle } from './disk-array.js';
import { openForCopy } from './faulty-image.js';

/** Moved between two turns of the event loop. */
const MOVED_BYTES = 2 ** 20;
const SHARED_BYTES = 16 * 2 ** 20;

export class CopyDestination {
  private image: ImageHandle | undefined;

  constructor(
    private readonly context: ArrayContext,
    readonly copy: AnyCopy,
  ) {}

  /** It was written to. */
  get isOpen(): boolean {
    return this.image !== undefined;
  }

  get sizeBytes(): number {
    return this.copy.sizeBytes;
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    for (let done = 0; done < data.length; done += MOVED_BYTES) {
      const part = data.subarray(done, done + MOVED_BYTES);
      await this.writable(offset + done, part.length).write(offset + done, part);
    }
  }

  /** Makes the range zeros and gives its blocks back. */
  async zero(offset: number, length: number): Promise<void> {
    await this.writable(offset, length).discard(offset, length);
  }

  /**
   * Copies the beginning of a part of a source to `to`, a hole as a hole and by reference where that can be. Returns
   * how much that was; a source that cannot be read is told apart by `reading`.
   */
  async copyPart(
    part: SourcePart,
    from: number,
    to: number,
    reading: (work: () => Promise<void>) => Promise<void>,
  ): Promise<number> {
    const hole = await holeAt(part, from);
    if (hole >= BLOCK_BYTES) {
      await this.zero(to, hole);
      return hole;
    }
    const shared = await this.share(part, from, to);
    if (shared > 0) return shared;
    const data = new Uint8Array(Math.min(part.length, MOVED_BYTES, untilShareable(from, to)));
    await reading(() => part.read(from, data));
    await this.write(to, data);
    return data.length;
  }

  /** The array wrote, and no host: whoever keeps content of it is told. */
  noteChanged(): void {
    const { image, copy, context } = this;
    if (image !== undefined) context.watcher.contentChanged(copy);
  }

  /** Resolves when what was written is durable. */
  async sync(): Promise<void> {
    await this.image?.sync();
  }

  close(): void {
    this.image?.close();
    this.image = undefined;
  }

  /** Shares whole blocks at the beginning of the part; returns how much that was. */
  private async share({ image, length }: SourcePart, from: number, to: number): Promise<number> {
    const isAligned = from % BLOCK_BYTES === 0 && to % BLOCK_BYTES === 0;
    const bytes = Math.min(length - (length % BLOCK_BYTES), SHARED_BYTES);
    if (image === undefined || !isAligned || bytes === 0) return 0;
    const target = this.writable(to, bytes);
    try {
      return await image.copyTo(from, target, to, bytes);
    } catch (error) {
      const cannot = error instanceof ArrayError && ['EXDEV', 'EOPNOTSUPP'].includes(error.code);
      if (cannot) return 0;
      throw error;
    }
  }

  /** The open image, where the range lies in it; looked at anew before each write, as a volume may become smaller. */
  private writable(offset: number, length: number): ImageHandle {
    const { copy } = this;
    if (copy.deleted) throw new ArrayError('ENXIO', `${copyName(copy)} was deleted`);
    if (offset + length > copy.sizeBytes) {
      throw new ArrayError('EINVAL', `${copyName(copy)} ends before byte ${offset + length}`);
    }
    this.image ??= openForCopy(this.context, copy, { write: true });
    return this.image;
  }
}

/** Bytes of the part from `from` on that are a hole. */
async function holeAt({ image, length }: SourcePart, from: number): Promise<number> {
  if (image === undefined) return 0;
  const data = (await image.nextData(from)) ?? Number.POSITIVE_INFINITY;
  return Math.min(length, data - from);
}

/** Bytes to copy until both offsets are at the beginning of a block; more than any part where they never are. */
function untilShareable(from: number, to: number): number {
  if ((from - to) % BLOCK_BYTES !== 0) return Number.POSITIVE_INFINITY;
  const past = from % BLOCK_BYTES;
  return past === 0 ? Number.POSITIVE_INFINITY : BLOCK_BYTES - past;
}
