/**
 * What an image has that its base does not: of two snapshots, found by where their blocks are stored, so that only what has changed moves.
 * Whatever has the base, byte for byte, has the image when the changed blocks are there.
 */
import { ArrayError } from '../base/errors.js';
import { BLOCK_BYTES } from '../base/sizes.js';
import type { BackupBase } from '../device/backup-manifest.js';
import { type ChangedBlocks, haveCommonLineage } from '../volume/changed-blocks.js';
import type { ArrayContext } from './array-context.js';
import { type AnyCopy, copyName, type Snapshot } from './copies.js';
import { keptInformation } from './copy-memo.js';
import type { ImageHandle } from './disk-array.js';
import { openForCopy } from './faulty-image.js';

/** Bytes from where it was asked up to `end`, all of one kind. */
export interface ImageRun {
  readonly isChanged: boolean;
  readonly end: number;
}

export class ImageChanges {
  /** Bytes of the changed blocks that were told, as far as it was asked. */
  changedBytes = 0;
  private told = 0;
  private blocks: ChangedBlocks | undefined;

  private constructor(
    private readonly image: Snapshot,
    private readonly snapshot: Snapshot,
    private readonly open: ImageHandle,
  ) {}

  /** The base is pinned until `close`. */
  static open(context: ArrayContext, image: Snapshot, base: Snapshot): ImageChanges {
    return new ImageChanges(image, base, openForCopy(context, base, { write: false }));
  }

  get base(): BackupBase {
    return baseOf(this.snapshot);
  }

  /** The run at this place of the image, which is the beginning of a block, or inside a run that was told before. */
  async runAt(offset: number): Promise<ImageRun> {
    this.blocks ??= await this.begin();
    const run = await this.blocks.runAt(Math.floor(offset / BLOCK_BYTES));
    const end = Math.min(run.end * BLOCK_BYTES, this.image.sizeBytes);
    if (run.isChanged && end > this.told) this.changedBytes += end - Math.max(offset, this.told);
    this.told = Math.max(this.told, end);
    return { isChanged: run.isChanged, end };
  }

  close(): void {
    this.open.close();
  }

  private async begin(): Promise<ChangedBlocks> {
    const { image, snapshot } = this;
    const { content } = image.pool;
    const isPending = [image, snapshot].some(({ lineage, viewEpoch }) => {
      return lineage.hasUnpublishedUpTo(viewEpoch);
    });
    if (isPending) await content.durable();
    return content.changes(sizedView(snapshot), sizedView(image));
  }
}

/** The snapshot that `since` names, as base of `image`; ENOENT, EINVAL, and EXDEV where only a full copy helps. */
export function baseOfIncrement(
  { copies }: Pick<ArrayContext, 'copies'>,
  image: AnyCopy,
  since: string,
): { readonly image: Snapshot; readonly base: Snapshot } {
  const base = copies.copy(since);
  if (image.kind !== 'snapshot' || base.kind !== 'snapshot') {
    const which = image.kind === 'snapshot' ? copyName(base) : copyName(image);
    throw new ArrayError('EINVAL', `since= is between two snapshots, and ${which} is a volume`);
  }
  if (image === base) throw new ArrayError('EINVAL', `${copyName(image)} is its own base`);
  checkCommon(image, base);
  return { image, base };
}

export function baseOf(snapshot: Snapshot): BackupBase {
  const { uuid, number, sizeBytes, info } = snapshot;
  const information = keptInformation(info);
  return {
    ...{ image: uuid, name: copyName(snapshot), number, imageBytes: sizeBytes },
    ...(information !== undefined && { information }),
  };
}

function checkCommon(image: Snapshot, base: Snapshot): void {
  const isOneVolume = image.volume === base.volume;
  if (image.pool === base.pool && (isOneVolume || haveCommonLineage(image.view, base.view))) return;
  const names = `${copyName(image)} and ${copyName(base)}`;
  throw new ArrayError('EXDEV', `${names} share nothing that can be told: make a full copy`);
}

function sizedView({ lineage, viewEpoch, sizeBytes }: Snapshot) {
  return { lineage, epoch: viewEpoch, sizeBytes };
}
