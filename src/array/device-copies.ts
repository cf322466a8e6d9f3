/** Whole images to and from backup devices: labelled backups on tape, images on disks and other arrays. */
import { ArrayError } from '../base/errors.js';
import { formatSize } from '../base/sizes.js';
import { newUuid, uuidText } from '../base/uuid.js';
import type { Management } from '../device/backup-manifest.js';
import type { SanConfiguration } from '../san/configuration.js';
import { deviceNamed } from '../san/devices.js';
import { devicePorts, type PathRequest, type UsablePorts } from '../san/discovery.js';
import { parsePort } from '../san/port-id.js';
import { describeResults } from '../san/search-reasons.js';
import type { ArrayContext } from './array-context.js';
import type { BackupPath, ImageSink, RestoredImage, Transfer } from './backup-path.js';
import { copyName } from './copies.js';
import {
  type CopyMemo,
  informationOfKept,
  type KeptBackup,
  managementOfKept,
} from './copy-memo.js';
import { addressOf, DeviceWay, progressLines, type WayEnd } from './device-way.js';
import type { ImageCopyRequest } from './ecopy-contract.js';
import type { OpenOrigin } from './image-origin.js';
import { FrozenImageSource } from './image-source.js';
import type { ImageTarget } from './image-target.js';
import type { Job } from './jobs.js';
import { SurvivingBackup } from './surviving-backup.js';

/** A medium of a device, and the way to it. */
export interface DeviceEnd extends WayEnd {
  readonly medium: string;
  readonly plain: boolean;
  readonly backup: string | undefined;
  /** What the order says, in the place of what the image has. */
  readonly information: Uint8Array | undefined;
}

type DeviceRequest = Pick<
  ImageCopyRequest,
  'group' | 'port' | 'plain' | 'backup' | 'information' | 'since'
>;
type DeviceHost = ArrayContext & { readonly identity: { readonly serial: string } };

/** Names of volumes have no slash. */
export function isDeviceEnd(text: string): boolean {
  return text.includes('/');
}

/** ENOENT for an unknown device, port or group, EINVAL for a port that is not in the group. */
export function deviceEnd(
  text: string,
  request: DeviceRequest,
  san: () => SanConfiguration,
): DeviceEnd {
  const slash = text.indexOf('/');
  const device = deviceNamed(san(), text.slice(0, slash));
  const medium = text.slice(slash + 1);
  if (medium === '') throw new ArrayError('EINVAL', `which medium? Write ${device.name}/MEDIUM`);
  const { group, port, plain = false, backup, since } = request;
  if (device.kind !== 'tape' && (plain || backup !== undefined)) {
    throw new ArrayError('EINVAL', `plain= and backup= are for tapes: ${device.name} is none`);
  }
  if (since !== undefined && (device.kind === 'disk' || plain)) {
    const what = plain ? 'a plain backup' : `the disk ${device.name}`;
    throw new ArrayError('EINVAL', `${what} takes whole images: since= is for tapes and arrays`);
  }
  const forced = port === undefined ? undefined : parsePort(port);
  const path = {
    ...(group !== undefined && { group }),
    ...(forced !== undefined && { port: forced }),
  };
  devicePorts(san(), device.name, path);
  const ports = portsNow(san, device.name, path);
  const information = informationOfKept(request.information);
  return { device, medium, plain, backup, information, ports, port: forced };
}

/** Asked again and again while a copy runs; none where the group has gone meanwhile. */
export function portsNow(
  san: () => SanConfiguration,
  device: string,
  path: PathRequest,
): () => UsablePorts {
  return () => {
    try {
      return devicePorts(san(), device, path);
    } catch (error) {
      if (error instanceof ArrayError) return { ports: [], refused: [] };
      throw error;
    }
  };
}

/** A medium of the first device of the kind that is reached and has one to write to; ENODEV with all reasons. */
export async function availableEnd(
  job: Job,
  { destination, anyKind, ...request }: ImageCopyRequest,
  san: () => SanConfiguration,
  path: BackupPath,
): Promise<DeviceEnd> {
  const reasons: string[] = [];
  for (const device of san().devices.filter(({ kind }) => kind === anyKind)) {
    const end = deviceEnd(`${device.name}/${destination || '?'}`, request, san);
    const probes = await path.probe(addressOf(end, job.id));
    const media = probes.find(({ sighting }) => sighting !== undefined)?.sighting?.media;
    const medium = media?.find(({ name, isProtected, holder, labelOf }) => {
      const isFree = !isProtected && (holder ?? labelOf) === undefined;
      return (destination === '' || name === destination) && isFree;
    });
    if (medium !== undefined) return { ...end, medium: medium.name };
    const searched = describeResults(probes);
    reasons.push(`${device.name}: ${media === undefined ? searched : 'no medium is free'}`);
  }
  const why = reasons.length === 0 ? 'there is none' : reasons.join('. ');
  throw new ArrayError('ENODEV', `no ${anyKind} is available: ${why}`);
}

/** `before`: of a backup that an earlier mount has begun. */
export async function backUp(
  host: DeviceHost,
  job: Job,
  origin: OpenOrigin,
  end: DeviceEnd,
  path: BackupPath,
  memo: CopyMemo,
  before?: KeptBackup,
): Promise<string> {
  if (job.cancelled) return 'cancelled before it began';
  const { source, changes } = origin;
  const imageBytes = source.sizeBytes;
  const { device, medium } = end;
  const way = new DeviceWay(host, job.id, end, origin.copying);
  const management = before ? managementOfKept(before) : managementOf(host, origin, end);
  const transfer = path.backup({
    ...way.request,
    medium,
    management,
    ...(before?.pointer !== undefined && { resume: before.pointer }),
    source: new FrozenImageSource(origin, imageBytes),
    onChange: () => job.progress(transfer.doneBytes, imageBytes, host.clock.nowMs()),
  });
  const surviving = new SurvivingBackup(job, memo, {
    ...{ source, device, medium, management, transfer },
  });
  surviving.begin(before !== undefined);
  let result: string | undefined;
  try {
    const media = await ended(job, way, transfer, imageBytes);
    if (job.cancelled || job.isLeft) return `cancelled after ${formatSize(transfer.doneBytes)}`;
    const size = formatSize(imageBytes);
    // Of what an earlier mount has moved nobody has kept count.
    const isCounted = changes !== undefined && before === undefined;
    const moved = isCounted ? `${formatSize(changes.changedBytes)} changed of ${size}` : size;
    result = `${moved} on ${media.map((name) => `${device.name}/${name}`).join(', ')}`;
    return result;
  } finally {
    surviving.end(result);
  }
}

export async function restoreFrom(
  host: DeviceHost,
  job: Job,
  end: DeviceEnd,
  target: ImageTarget,
  path: BackupPath,
): Promise<string> {
  const sink = new TargetSink(job, target);
  const way = new DeviceWay(host, job.id, end);
  const transfer = path.restore({
    ...way.request,
    medium: end.medium,
    ...(end.backup !== undefined && { reference: end.backup }),
    sink,
    onChange: () => job.progress(transfer.doneBytes, sink.imageBytes, host.clock.nowMs()),
  });
  try {
    await ended(job, way, transfer, sink.imageBytes);
    if (job.cancelled) return 'cancelled';
    const { image: snapshot, base } = sink.manifest ?? {};
    const info = end.information ?? sink.information;
    return await target.finish(job, { info, infoModified: false, snapshot }, (name) => {
      const since = base === undefined ? '' : `: what had changed since ${base.name}`;
      return `restored ${formatSize(sink.imageBytes)} to ${name}${since}`;
    });
  } finally {
    target.close(job);
  }
}

/** The media it is on; what went wrong is thrown. A cancelled job has ended when this resolves. */
async function ended(
  job: Job,
  way: DeviceWay,
  transfer: Transfer,
  imageBytes: number,
): Promise<readonly string[]> {
  way.follow(transfer);
  job.copyProgress = () => way.progress;
  job.report = () => progressLines(way.progress);
  job.whenCancelled(() => transfer.cancel());
  const end = await transfer.done.finally(() => way.close());
  switch (end.outcome) {
    case 'done':
      // What is done is done: a cancel came too late.
      job.cancelled = false;
      job.done = Math.max(job.done, imageBytes);
      return end.media;
    case 'failed':
      throw end.error;
    case 'stopped':
      job.isLeft = job.survives;
      job.cancelled = !job.isLeft;
      return [];
    case 'cancelled':
      job.cancelled = true;
      return [];
  }
}

function managementOf(
  host: DeviceHost,
  { source, changes }: OpenOrigin,
  end: DeviceEnd,
): Management {
  const { copy, sizeBytes, snapshotUuid } = source;
  const nowMs = host.clock.nowMs();
  const manifest = {
    backup: uuidText(newUuid(host.clock)),
    form: end.plain ? ('plain' as const) : ('sparse' as const),
    imageBytes: sizeBytes,
    name: copyName(copy),
    volumeNumber: copy.number,
    volumeUuid: copy.uuid,
    arraySerial: host.identity.serial,
    label: copy.label,
    takenMs: source.takenMs,
    startedMs: nowMs,
    ...(snapshotUuid !== undefined && { image: snapshotUuid }),
    ...(changes !== undefined && { base: changes.base }),
  };
  return { manifest, information: end.information ?? source.information.info };
}

/** A volume that takes what a device gives. */
class TargetSink implements ImageSink {
  imageBytes = 0;
  information: Uint8Array | undefined;
  manifest: RestoredImage['manifest'];
  private volume: Awaited<ReturnType<ImageTarget['open']>> | undefined;

  constructor(
    private readonly job: Job,
    private readonly target: ImageTarget,
  ) {}

  async begin({ imageBytes, information, manifest }: RestoredImage): Promise<void> {
    Object.assign(this, { imageBytes, information, manifest });
    this.volume = await this.target.open(this.job, imageBytes, manifest?.base);
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    // The data is only lent.
    await this.volume?.write(offset, new Uint8Array(data));
  }

  async zeros(offset: number, length: number): Promise<void> {
    await this.volume?.zero(offset, length);
  }
}
