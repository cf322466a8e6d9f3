/**
 * Copies of whole images, as people order them: a volume or snapshot to another volume, to a backup device, and back. Each
 * is a job. What can be known at once is refused at once; the source is as of the moment the copy begins.
 */
import { ArrayError, asArrayError } from '../base/errors.js';
import { formatSize } from '../base/sizes.js';
import type { SanConfiguration } from '../san/configuration.js';
import type { BackupPath } from './backup-path.js';
import type { Snapshot } from './copies.js';
import {
  CopyMemo,
  informationOfKept,
  type KeptBackup,
  readMemo,
  type StoredMemo,
} from './copy-memo.js';
import { CopySource, dropCopySnapshots } from './copy-source.js';
import {
  availableEnd,
  backUp,
  type DeviceEnd,
  deviceEnd,
  isDeviceEnd,
  restoreFrom,
} from './device-copies.js';
import type { ImageCopyRequest } from './ecopy-contract.js';
import { baseOfIncrement, ImageChanges } from './image-changes.js';
import { ImageOrigin, type OpenOrigin, type OriginHost } from './image-origin.js';
import { HALF_A_COPY, ImageTarget } from './image-target.js';
import { INTERRUPTED, type Job, type Jobs, type Work } from './jobs.js';
import { checkTime, waitUntil } from './later.js';

/** What copies of images need of the array around them. */
export interface ImageCopyHost extends OriginHost {
  readonly jobList: Jobs;
  readonly identity: { readonly serial: string };
}

/** Of what is still with the other side of a pair so much is waited for at a time. */
const READY_BYTES = 2 ** 20;
/** Of an image that is a snapshot: no pair copies it. */
const NOTHING_COPIED = { pointer: undefined, sharedBytes: 0 };

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
    const memo = new CopyMemo(request);
    const work = this.prepare(request, memo);
    const subject = `${source} ${destination}`.trim();
    const inTime = async (job: Job) => {
      if (atMs === undefined) return work(job);
      await waitUntil(job, host.clock, atMs);
      return job.cancelled ? 'cancelled before its time' : work(job);
    };
    const started = host.jobList.start('ecopy', subject, 'bytes', inTime, memo.text);
    if (request.group !== undefined) this.noteGroup(request.group, started);
    return started;
  }

  /** The same order again, as it would be carried out now: EBUSY while it runs, EINVAL where there is nothing to do again. */
  retry(job: Job): Job {
    const memo = readMemo(job.memo());
    if (job.state === 'running') throw new ArrayError('EBUSY', `job ${job.id} is running`);
    if (job.state === 'done') throw new ArrayError('EINVAL', `job ${job.id} is done`);
    if (memo === undefined) {
      throw new ArrayError('EINVAL', `the order of job ${job.id} was not kept: give it again`);
    }
    const { atMs: _past, ...request } = memo.request;
    return this.start(request);
  }

  /** At mount: what was interrupted goes on, or has failed; what nobody goes on with is cleared away. */
  takeUp(): void {
    const { host } = this;
    host.jobList.takeUp((job, text) => {
      const memo = readMemo(text);
      const { result } = memo ?? {};
      if (result !== undefined) return async () => result;
      const next = this.decide(job, memo);
      const named = `job ${job.id} ${job.kind} ${job.subject}`;
      if (typeof next === 'string') host.recordEvent('JOB-FAILED', '-', `${named}: ${next}`);
      else host.recordEvent('JOB-RESUMED', '-', `${named} goes on at ${placeOf(job)}`);
      return next;
    });
    if (!host.readOnly) dropCopySnapshots(host);
  }

  private decide(job: Job, memo: StoredMemo | undefined): Work | string {
    const { host } = this;
    const target = memo?.target === undefined ? undefined : host.copies.findVolume(memo.target);
    target?.condition.fail(HALF_A_COPY);
    if (target !== undefined) return `${INTERRUPTED}: volume ${target.name} holds half a copy`;
    if (memo?.obstacle !== undefined) return `${INTERRUPTED}: ${memo.obstacle}`;
    if (memo?.backup === undefined) return INTERRUPTED;
    if (host.readOnly) return `${INTERRUPTED}: mounted for writing, it goes on`;
    try {
      return this.goOn(job, memo, memo.backup);
    } catch (error) {
      return `${INTERRUPTED}, and cannot go on: ${asArrayError(error).reason}`;
    }
  }

  private goOn(job: Job, { request }: StoredMemo, before: KeptBackup): Work {
    const { host, path } = this;
    const { device, medium } = before;
    const end = this.deviceEnd(`${device}/${medium}`, request);
    if (end.device.path !== before.path) {
      throw new ArrayError('ENODEV', `device ${device} was at ${before.path}`);
    }
    const { copies } = host;
    const snapshot = copies.hiddenSnapshot(before.source) ?? copies.find(before.source);
    if (snapshot?.kind !== 'snapshot') {
      throw new ArrayError('ENOENT', 'the snapshot it was made from is not there');
    }
    const changes = this.changesOf(snapshot, request, before);
    const source = CopySource.reopen(host, snapshot);
    const memo = new CopyMemo(request);
    memo.backup = () => before;
    job.memo = memo.text;
    if (request.group !== undefined) this.noteGroup(request.group, job);
    job.done = before.pointer?.nextOffset ?? 0;
    return async () => {
      try {
        const image = { source, before: () => undefined, copying: NOTHING_COPIED };
        const origin = changes === undefined ? image : { ...image, changes };
        return await backUp(host, job, origin, end, path, memo, before);
      } finally {
        changes?.close();
        source.close(job.isLeft);
      }
    };
  }

  /** Since the same snapshot as before. */
  private changesOf(
    snapshot: Snapshot,
    { since }: ImageCopyRequest,
    { manifest }: KeptBackup,
  ): ImageChanges | undefined {
    if (since === undefined) return undefined;
    const { base, image } = baseOfIncrement(this.host, snapshot, since);
    if (base.uuid !== manifest.base?.image) {
      throw new ArrayError('ENOENT', `${since} is another snapshot now`);
    }
    return ImageChanges.open(this.host, image, base);
  }

  /** A port group is not deleted while a job goes through it. */
  noteGroup(group: string, job: Job): void {
    this.groupsInUse = [...this.groupsInUse, group];
    void job.whenEnded().then(() => {
      const place = this.groupsInUse.indexOf(group);
      this.groupsInUse = this.groupsInUse.filter((_name, index) => index !== place);
    });
  }

  /** Checks all that can be checked before the job begins. */
  private prepare(request: ImageCopyRequest, memo: CopyMemo): Work {
    const { source, destination } = request;
    if (isDeviceEnd(source)) {
      if (isDeviceEnd(destination)) {
        throw new ArrayError(
          'EINVAL',
          'one of the two is a volume: devices are not copied to each other',
        );
      }
      if (request.since !== undefined) {
        throw new ArrayError(
          'EINVAL',
          'since= is for snapshots: a backup says what it is based on',
        );
      }
      return this.restore(request, this.deviceEnd(source, request), memo);
    }
    const origin = ImageOrigin.of(this.host, request);
    const isToDevice = isDeviceEnd(destination) || request.anyKind !== undefined;
    if (!isToDevice) return this.copyToVolume(request, origin, memo);
    if (request.force || request.poolName !== undefined) {
      throw new ArrayError('EINVAL', 'force= and pool= are for copies to a volume');
    }
    const { host, san, path } = this;
    if (request.atMs === undefined) path.prepare();
    if (request.anyKind !== undefined) {
      return (job) =>
        origin.use(job, async (from) => {
          return backUp(host, job, from, await availableEnd(job, request, san, path), path, memo);
        });
    }
    const end = this.deviceEnd(destination, request);
    return (job) => origin.use(job, (from) => backUp(host, job, from, end, path, memo));
  }

  private copyToVolume(request: ImageCopyRequest, origin: ImageOrigin, memo: CopyMemo): Work {
    if (request.group !== undefined || request.port !== undefined || request.plain) {
      throw new ArrayError('EINVAL', 'group=, port= and plain= are for backup devices');
    }
    const target = new ImageTarget(this.host, request, memo);
    target.check(origin.copy.sizeBytes, origin.base);
    if (target.volume === origin.copy)
      throw new ArrayError('EINVAL', 'source and destination are one volume');
    const given = informationOfKept(request.information);
    return (job) => origin.use(job, (from) => copyImage(this.host, job, from, target, given));
  }

  private restore(request: ImageCopyRequest, end: DeviceEnd, memo: CopyMemo): Work {
    const target = new ImageTarget(this.host, request, memo);
    target.check(undefined);
    return (job) => restoreFrom(this.host, job, end, target, this.path);
  }

  private deviceEnd(text: string, request: ImageCopyRequest): DeviceEnd {
    return deviceEnd(text, request, this.san);
  }
}

/** What is behind the last pointer that was kept is found on the medium. */
function placeOf({ done }: Job): string {
  return done === 0 ? 'the place where its medium is' : `${formatSize(done)} or later`;
}

async function copyImage(
  { clock }: ImageCopyHost,
  job: Job,
  { source, before, changes }: OpenOrigin,
  target: ImageTarget,
  given: Uint8Array | undefined,
): Promise<string> {
  const { sizeBytes } = source;
  try {
    const volume = await target.open(job, sizeBytes, changes?.base);
    for (let done = 0; done < sizeBytes; ) {
      if (job.cancelled) return `cancelled after ${formatSize(done)}`;
      const { isChanged, end } = (await changes?.runAt(done)) ?? {
        isChanged: true,
        end: sizeBytes,
      };
      const part = source.part(done, end - done);
      if (isChanged) await before(done, Math.min(part.length, READY_BYTES));
      done += isChanged ? await volume.copyPart(part, done, done, (work) => work()) : part.length;
      job.progress(done, sizeBytes, clock.nowMs());
      await clock.yield();
    }
    const { info, infoModified } = given
      ? { info: given, infoModified: false }
      : source.information;
    const snapshot = source.snapshotUuid;
    return await target.finish(job, { info, infoModified, snapshot }, (name) => {
      const changed = changes && `${formatSize(changes.changedBytes)} changed of `;
      return `copied ${changed ?? ''}${formatSize(sizeBytes)} to ${name}`;
    });
  } finally {
    target.close(job);
  }
}
