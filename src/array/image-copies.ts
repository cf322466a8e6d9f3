/**
 * Copies of whole images, as people order them: a volume or snapshot to another volume, to a backup device, and back. Each
 * is a job. What can be known at once is refused at once; the source is as of the moment the copy begins.
 */
import { ArrayError } from '../base/errors.js';
import { formatSize } from '../base/sizes.js';
import type { SanConfiguration } from '../san/configuration.js';
import type { BackupPath } from './backup-path.js';
import {
  availableEnd,
  backUp,
  type DeviceEnd,
  deviceEnd,
  isDeviceEnd,
  restoreFrom,
} from './device-copies.js';
import type { ImageCopyRequest } from './ecopy-contract.js';
import { ImageOrigin, type OpenOrigin, type OriginHost } from './image-origin.js';
import { ImageTarget } from './image-target.js';
import type { Job, Jobs } from './jobs.js';
import { checkTime, waitUntil } from './later.js';

/** What copies of images need of the array around them. */
export interface ImageCopyHost extends OriginHost {
  readonly jobList: Jobs;
  readonly identity: { readonly serial: string };
}

/** What a job of this kind does. */
type Work = (job: Job) => Promise<string>;

export class ImageCopies {
  /** Of jobs that run, each as often as there are. */
  private groupsInUse: readonly string[] = [];

  constructor(
    private readonly host: ImageCopyHost,
    private readonly san: () => SanConfiguration,
    private readonly path: BackupPath,
  ) {
    host.san.isGroupInUse = (name) => this.groupsInUse.includes(name);
  }

  start(request: ImageCopyRequest): Job {
    const { host } = this;
    const { source, destination, atMs } = request;
    host.checkWritable();
    if (atMs !== undefined) checkTime(host.clock, atMs);
    const work = this.prepare(request);
    const subject = `${source} ${destination}`.trim();
    const started = host.jobList.start('ecopy', subject, 'bytes', async (job) => {
      if (atMs === undefined) return work(job);
      await waitUntil(job, host.clock, atMs);
      return job.cancelled ? 'cancelled before its time' : work(job);
    });
    if (request.group !== undefined) this.noteGroup(request.group, started);
    return started;
  }

  /** A port group is not deleted while a job goes through it. */
  private noteGroup(group: string, job: Job): void {
    this.groupsInUse = [...this.groupsInUse, group];
    void job.whenEnded().then(() => {
      const place = this.groupsInUse.indexOf(group);
      this.groupsInUse = this.groupsInUse.filter((_name, index) => index !== place);
    });
  }

  /** Checks all that can be checked before the job begins. */
  private prepare(request: ImageCopyRequest): Work {
    const { source, destination } = request;
    if (isDeviceEnd(source)) {
      if (isDeviceEnd(destination)) {
        throw new ArrayError(
          'EINVAL',
          'one of the two is a volume: devices are not copied to each other',
        );
      }
      return this.restore(request, this.deviceEnd(source, request));
    }
    const origin = ImageOrigin.of(this.host, request);
    const isToDevice = isDeviceEnd(destination) || request.anyKind !== undefined;
    if (!isToDevice) return this.copyToVolume(request, origin);
    if (request.force || request.poolName !== undefined) {
      throw new ArrayError('EINVAL', 'force= and pool= are for copies to a volume');
    }
    const { host, san, path } = this;
    if (request.atMs === undefined) path.prepare();
    if (request.anyKind !== undefined) {
      return (job) =>
        origin.use(job, async (from) => {
          return backUp(host, job, from, await availableEnd(job, request, san, path), path);
        });
    }
    const end = this.deviceEnd(destination, request);
    return (job) => origin.use(job, (from) => backUp(host, job, from, end, path));
  }

  private copyToVolume(request: ImageCopyRequest, origin: ImageOrigin): Work {
    if (request.group !== undefined || request.port !== undefined || request.plain) {
      throw new ArrayError('EINVAL', 'group=, port= and plain= are for backup devices');
    }
    const target = new ImageTarget(this.host, request);
    target.check(origin.copy.sizeBytes);
    if (target.volume === origin.copy)
      throw new ArrayError('EINVAL', 'source and destination are one volume');
    return (job) => origin.use(job, (from) => copyImage(this.host, job, from, target));
  }

  private restore(request: ImageCopyRequest, end: DeviceEnd): Work {
    const target = new ImageTarget(this.host, request);
    target.check(undefined);
    return (job) => restoreFrom(this.host, job, end, target, this.path);
  }

  private deviceEnd(text: string, request: ImageCopyRequest): DeviceEnd {
    return deviceEnd(text, request, this.san);
  }
}

async function copyImage(
  { clock }: ImageCopyHost,
  job: Job,
  { source, before }: OpenOrigin,
  target: ImageTarget,
): Promise<string> {
  const { sizeBytes } = source;
  try {
    const volume = await target.open(sizeBytes);
    for (let done = 0; done < sizeBytes; ) {
      if (job.cancelled) return `cancelled after ${formatSize(done)}`;
      const part = source.part(done, sizeBytes - done);
      await before(done, part.length);
      done += await volume.copyPart(part, done, done, (work) => work());
      job.progress(done, sizeBytes, clock.nowMs());
      await clock.yield();
    }
    const name = await target.finish(source.information);
    return `copied ${formatSize(sizeBytes)} to ${name}`;
  } finally {
    target.close();
  }
}
