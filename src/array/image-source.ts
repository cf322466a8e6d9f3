/**
 * A frozen image as a backup reads it: piece by piece, holes as zeros, and what is as in its base as that. Where its next hole is has been looked up some way ahead, as
 * looking costs more than reading a piece.
 */
import { SECTOR_BYTES } from '../base/sizes.js';
import type { ImageSource, SourcePiece } from './backup-path.js';
import type { SourcePart } from './copy-source.js';
import type { OpenOrigin } from './image-origin.js';

/** How far ahead a hole is looked for: never all of a large image before its first piece moves. */
const LOOKED_AHEAD_BYTES = 2 ** 24;

export class FrozenImageSource implements ImageSource {
  /** From `dataStart` to `dataEnd` all of this image is data. */
  private known: SourcePart['image'];
  private dataStart = 0;
  private dataEnd = 0;

  constructor(
    private readonly origin: OpenOrigin,
    private readonly imageBytes: number,
  ) {}

  async read(offset: number, target: Uint8Array, signal?: AbortSignal): Promise<SourcePiece> {
    const { origin, imageBytes } = this;
    const run = await origin.changes?.runAt(offset);
    const end = run?.end ?? imageBytes;
    const left = end - offset;
    if (run?.isChanged === false) return { kind: 'same', length: left };
    await origin.before(offset, Math.min(target.length, left), signal);
    const part = origin.source.part(offset, left);
    const hole = await this.holeAt(part, offset);
    if (hole >= SECTOR_BYTES) return { kind: 'zeros', length: hole - (hole % SECTOR_BYTES) };
    const data = part.image === undefined ? left : Math.max(SECTOR_BYTES, this.dataEnd - offset);
    const length = Math.min(part.length, target.length, data);
    await part.read(offset, target.subarray(0, length));
    return { kind: 'data', length };
  }

  /** Bytes of the part from `offset` on that are a hole. */
  private async holeAt({ image, length }: SourcePart, offset: number): Promise<number> {
    const isKnown = image === this.known && offset >= this.dataStart && offset < this.dataEnd;
    if (image === undefined || isKnown) return 0;
    const data = (await image.nextData(offset)) ?? this.imageBytes;
    if (data > offset) return Math.min(length, data - offset);
    this.dataEnd = await image.nextHole(offset, offset + LOOKED_AHEAD_BYTES);
    this.dataStart = offset;
    this.known = image;
    return 0;
  }
}
