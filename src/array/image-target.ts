/**
 * The volume that a whole image is copied to. One that is not there is made, with the size of the image; one that is there
 * has this size already. Its volume information goes when the first byte comes, and is that of the image at the end.
 * Where the copy ends before that, also by a crash, the volume has failed: it holds half a copy. Changes alone go only onto a
 * volume that holds what they are changes of. It is remembered of which snapshot the image is that it holds in the end.
 */
import { ArrayError } from '../base/errors.js';
import { formatSize } from '../base/sizes.js';
import type { BackupBase } from '../device/backup-manifest.js';
import type { ArrayContext } from './array-context.js';
import { copyName, type Volume } from './copies.js';
import { CopyDestination } from './copy-destination.js';
import type { CopyMemo } from './copy-memo.js';
import type { CopyView } from './disk-array.js';
import type { ImageCopyRequest } from './ecopy-contract.js';
import type { Job } from './jobs.js';
import { setInfo } from './pair-info.js';
import { checkHostWrites, checkNoWriter } from './rules.js';
import { createVolume } from './volume-commands.js';
import { resizeVolume } from './volume-size.js';

type TargetRequest = Pick<ImageCopyRequest, 'destination' | 'force' | 'poolName' | 'owner'>;

/** Its information has gone, and it cannot be read before it is copied to again, or goes back to a snapshot. */
export const HALF_A_COPY = 'holds half a copy: the job that copied to it ended before it was whole';

export class ImageTarget {
  private opened: CopyDestination | undefined;
  private isWhole = false;
  /** How often it had been opened for writing before; undefined where somebody had it open. */
  private opensBefore: number | undefined;

  constructor(
    private readonly context: ArrayContext,
    private readonly request: TargetRequest,
    private readonly memo: CopyMemo,
  ) {}

  /** The volume, if it is there. */
  get volume(): Volume | undefined {
    return this.context.copies.findVolume(this.request.destination);
  }

  /** EINVAL, EBUSY or EROFS where an image of this size cannot be copied to it, EXDEV where it does not hold the base. */
  check(sizeBytes: number | undefined, base?: BackupBase): void {
    const { context, volume } = this;
    const { destination, force, poolName } = this.request;
    if (base !== undefined) checkHolds(destination, volume, base);
    if (volume === undefined) {
      if (poolName !== undefined) context.poolList.named(poolName);
      context.checkNewName(destination);
      return;
    }
    if (poolName !== undefined) {
      throw new ArrayError('EINVAL', `volume ${volume.name} is there: pool= is for a new one`);
    }
    context.checkWritable(volume);
    checkHostWrites(volume);
    checkNoWriter(volume, force, 'overwritten');
    if (base !== undefined || sizeBytes === undefined || sizeBytes === volume.sizeBytes) return;
    const sizes = `${formatSize(volume.sizeBytes)} and not ${formatSize(sizeBytes)}`;
    throw new ArrayError('EINVAL', `volume ${volume.name} has ${sizes}, as the image has`);
  }

  /** The volume, made or to be overwritten from now on. */
  async open(job: Job, sizeBytes: number, base?: BackupBase): Promise<CopyDestination> {
    this.check(sizeBytes, base);
    const { context } = this;
    const { destination: name, poolName, owner } = this.request;
    const there = this.volume;
    this.note(job, there === undefined ? name : `#${there.number}`);
    if (there !== undefined) setInfo(context, there, undefined);
    there?.condition.fail('');
    there?.condition.noteChange();
    if (there !== undefined && there.sizeBytes !== sizeBytes) {
      await resizeVolume(context, there, sizeBytes);
    }
    const volume =
      there ??
      (await createVolume(context, {
        ...{ name, sizeBytes },
        ...(poolName !== undefined && { poolName }),
        ...(owner !== undefined && { owner }),
      }));
    this.note(job, `#${volume.number}`);
    if (volume.writerCount === 0) this.opensBefore = volume.writerOpens;
    this.opened = new CopyDestination(context, volume);
    return this.opened;
  }

  /** All of the image is there: durable, with its information. Returns the result of the job. */
  async finish(
    job: Job,
    image: Pick<CopyView, 'info' | 'infoModified'> & { readonly snapshot?: string | undefined },
    result: (name: string) => string,
  ): Promise<string> {
    const { opened, context } = this;
    if (opened === undefined) throw new ArrayError('EIO', 'nothing was copied');
    await opened.sync();
    if (opened.copy.kind === 'volume') {
      setInfo(context, opened.copy, image);
      if (this.isAlone(opened.copy)) opened.copy.condition.hold(image.snapshot ?? '');
    }
    this.isWhole = true;
    const message = result(copyName(opened.copy));
    this.note(job, undefined, message);
    context.recordEvent('COPIED-TO', copyName(opened.copy), 'a whole image');
    await context.durable(opened.copy);
    return message;
  }

  /** Whatever came of it. */
  close(job: Job): void {
    const { opened, context } = this;
    if (opened === undefined) return;
    opened.noteChanged();
    opened.close();
    const { copy } = opened;
    if (this.isWhole) return;
    if (copy.kind === 'volume' && !copy.deleted) copy.condition.fail(HALF_A_COPY);
    context.watcher.attributesChanged(copy);
    this.note(job, undefined);
  }

  /** Nobody but the copy can have written to it: no host, and no pair. */
  private isAlone({ roles, writerOpens }: Volume): boolean {
    const own = this.opened?.isOpen ? 1 : 0;
    return (
      !roles.some(({ role }) => role === 'secondary') && writerOpens - own === this.opensBefore
    );
  }

  /** Stored before the first byte is. */
  private note(job: Job, target: string | undefined, result?: string): void {
    Object.assign(this.memo, { target, result });
    job.note();
  }
}

function checkHolds(name: string, volume: Volume | undefined, base: BackupBase): void {
  if (volume?.holds === base.image && volume.sizeBytes === base.imageBytes) return;
  const needed = `the copy has only what has changed since ${base.name} (${base.image})`;
  if (volume === undefined) throw new ArrayError('ENOENT', `no volume ${name}, and ${needed}`);
  throw new ArrayError('EXDEV', `volume ${name} holds something else, and ${needed}`);
}
