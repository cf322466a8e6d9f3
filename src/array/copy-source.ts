/**
 * A volume or snapshot as a copy reads it: as of the moment the copy was accepted, whatever hosts write later. A volume
 * is frozen by a hidden snapshot, and what is with the other side of its pair at that moment is read from there.
 * What the copy itself has written to the volume in earlier segments is seen by later ones; within a segment
 * nothing of what it writes is seen, so ranges of one volume may overlap.
 */
import { type ArrayError, asArrayError } from '../base/errors.js';
import type { ArrayContext } from './array-context.js';
import { ByteRanges } from './byte-ranges.js';
import type { AnyCopy, Snapshot, Volume } from './copies.js';
import type { CopyView, ImageHandle } from './disk-array.js';
import { openForCopy } from './faulty-image.js';
import { checkWhole } from './rules.js';
import { cutPools, dropSnapshot, takeHiddenSnapshot } from './snapshot-commands.js';
import type { FrozenContent } from './volume-role.js';

/** How the names of their hidden snapshots begin. */
export const COPY_SNAPSHOTS = '.ecopy-';

/** A part of the source that lies in one place. */
export interface SourcePart {
  readonly length: number;
  /** The image that has it at the same offset; undefined for what is read from the other side of a pair. */
  readonly image: ImageHandle | undefined;
  /** Fills the target, which is not longer than the part. */
  read(offset: number, target: Uint8Array): Promise<void>;
}

/** An open snapshot; `hidden`: to be dropped with it. */
interface FrozenImage {
  readonly image: ImageHandle;
  readonly hidden: Snapshot | undefined;
}

export class CopySource {
  /** Written by earlier segments, and in `own` there. */
  private readonly written = new ByteRanges();
  /** Written by the segment under way. */
  private readonly fresh = new ByteRanges();
  private own: FrozenImage | undefined;
  /** The instant of the image, of one that this mount has frozen. */
  readonly takenMs: number;
  /** Of the snapshot that is copied, by which others know the image; undefined before `settle`, and of a volume. */
  snapshotUuid: string | undefined;

  private constructor(
    private readonly context: ArrayContext,
    readonly copy: AnyCopy,
    private base: FrozenImage | ArrayError,
    private readonly overlay: FrozenContent | undefined,
  ) {
    this.takenMs = copy.kind === 'snapshot' ? copy.createdMs : context.clock.nowMs();
  }

  /** All of one instant, without waiting. What cannot be frozen is refused when it is read. */
  static freezeAll(context: ArrayContext, copies: readonly AnyCopy[]): CopySource[] {
    cutPools(copies.filter((copy) => copy.kind === 'volume').filter(({ pool }) => !pool.isFailed));
    return copies.map((copy) => {
      try {
        if (copy.kind === 'volume') context.checkWritable(copy);
        if (copy.kind === 'volume') checkWhole(copy);
        copy.pool.checkPresent();
        const overlay = copy.overlay?.freeze();
        return new CopySource(context, copy, freeze(context, copy), overlay);
      } catch (error) {
        return new CopySource(context, copy, asArrayError(error), undefined);
      }
    });
  }

  /** What an earlier mount has frozen. */
  static reopen(context: ArrayContext, snapshot: Snapshot): CopySource {
    snapshot.pool.checkPresent();
    const hidden = snapshot.isHidden ? snapshot : undefined;
    const copy = hidden === undefined ? snapshot : snapshot.volume;
    const image = openForCopy(context, snapshot, { write: false, faultsOf: copy });
    return new CopySource(context, copy, { image, hidden }, undefined);
  }

  /**
   * Before a snapshot is read of which a copy remembers that it has its image: all it shows is on disk then. A crash before that takes
   * back what was copied already. Where the pool takes no writes the copy is one of an unknown image.
   */
  async settle(): Promise<void> {
    const { copy } = this;
    if (copy.kind !== 'snapshot') return;
    try {
      if (copy.lineage.hasUnpublishedUpTo(copy.viewEpoch)) await copy.pool.content.durable();
      this.snapshotUuid = copy.uuid;
    } catch {
      // Told by whoever needs what is on disk; reading goes on.
    }
  }

  /** The snapshot that has the whole image, also in a later mount; undefined where a part is with the other side of a pair. */
  get snapshotNumber(): number | undefined {
    return 'image' in this.base && this.overlay === undefined
      ? this.base.image.copy.number
      : undefined;
  }

  /** Of the image as it was frozen. */
  get sizeBytes(): number {
    return 'image' in this.base ? this.base.image.copy.sizeBytes : this.copy.sizeBytes;
  }

  /** The volume information of the image as it was frozen. */
  get information(): Pick<CopyView, 'info' | 'infoModified'> {
    return 'image' in this.base ? this.base.image.copy : this.copy;
  }

  /** What `take` can fill of what is with the other side of the pair is not read there. */
  serveFrom(take: (offset: number, target: Uint8Array) => boolean): void {
    this.overlay?.serveFrom(take);
  }

  /** Before a segment that reads: what earlier ones wrote is frozen, too. */
  refresh(): void {
    if (this.fresh.isEmpty || this.copy.kind !== 'volume') return;
    this.written.addAll(this.fresh);
    this.fresh.clear();
    const before = this.own;
    cutPools([this.copy]);
    this.own = freeze(this.context, this.copy);
    if (before !== undefined) this.end(before);
  }

  /** The copy itself has written here. */
  noteWritten(offset: number, length: number): void {
    this.fresh.add(offset, length);
  }

  /** The part that begins at `offset`, at most this long; throws why the source cannot be read. */
  part(offset: number, lengthMax: number): SourcePart {
    const { base, own, overlay } = this;
    if (!('image' in base)) throw base;
    const { isInside, end } = this.written.at(offset);
    const length = Math.min(lengthMax, end - offset);
    if (isInside && own !== undefined) return imagePart(own.image, length);
    if (overlay === undefined) return imagePart(base.image, length);
    const run = overlay.runAt(offset);
    const runLength = Math.min(length, run.end - offset);
    if (!run.isElsewhere) return imagePart(base.image, runLength);
    const read = (at: number, target: Uint8Array) => overlay.read(at, target);
    return { length: runLength, image: undefined, read };
  }

  async read(offset: number, target: Uint8Array): Promise<void> {
    for (let done = 0; done < target.length; ) {
      const { length, read } = this.part(offset + done, target.length - done);
      await read(offset + done, target.subarray(done, done + length));
      done += length;
    }
  }

  /** The hidden snapshots are gone; `isLeft`: the next mount reads them. */
  close(isLeft = false): void {
    this.overlay?.release();
    if ('image' in this.base) this.end(this.base, isLeft);
    if (this.own !== undefined) this.end(this.own, isLeft);
  }

  private end({ image, hidden }: FrozenImage, isLeft = false): void {
    image.close();
    if (hidden === undefined || isLeft || this.context.readOnly) return;
    dropSnapshot(this.context, hidden);
  }
}

/** What a crash has left of copies, but for the snapshots that are open again. */
export function dropCopySnapshots(context: ArrayContext): void {
  for (const snapshot of context.copies.hiddenSnapshots()) {
    const isOurs = snapshot.name.startsWith(COPY_SNAPSHOTS) && snapshot.openCount === 0;
    if (isOurs && !snapshot.pool.isFailed) dropSnapshot(context, snapshot);
  }
}

/** Whether a copy that runs has frozen the volume. */
export function isBeingCopied(context: ArrayContext, volume: Volume): boolean {
  return context.copies
    .hiddenSnapshots()
    .some((snapshot) => snapshot.volume === volume && snapshot.name.startsWith(COPY_SNAPSHOTS));
}

/** Content is cut by the caller. */
function freeze(context: ArrayContext, copy: AnyCopy): FrozenImage {
  if (copy.kind === 'snapshot') {
    return { image: openForCopy(context, copy, { write: false }), hidden: undefined };
  }
  // A number that no other has, as names are unique in a volume.
  const name = `${COPY_SNAPSHOTS}${context.poolList.nextNumber('nextNumber')}`;
  const hidden = takeHiddenSnapshot(context, copy, name);
  return { image: openForCopy(context, hidden, { write: false, faultsOf: copy }), hidden };
}

function imagePart(image: ImageHandle, length: number): SourcePart {
  return {
    length,
    image,
    read: async (offset, target) => {
      await image.read(offset, target);
    },
  };
}
