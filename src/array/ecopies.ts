/**
 * The SCSI target that the array is, and its copy manager ([000] figs. 2 and 10, target job): an accepted parameter list is a job,
 * and a snapshot of its sources.
 */
import { ArrayError } from '../base/errors.js';
import { decodeParameterList, type ParameterList } from '../ecopy/parameter-list.js';
import { announcedBytes } from '../ecopy/parameter-list-header.js';
import type {
  CopyManager,
  CopyResults,
  Nexus,
  ScsiTarget,
  ScsiVolume,
} from '../ecopy/scsi-target.js';
import { SenseError } from '../ecopy/sense.js';
import { SENSE } from '../ecopy/sense-codes.js';
import { viewOf } from '../ecopy/wire-field.js';
import type { SanConfiguration } from '../san/configuration.js';
import { findHost, hostOfCaller } from '../san/hosts.js';
import { visibleLuns } from '../san/lun-map.js';
import { groupOfTarget } from '../san/port-groups.js';
import { PORT_IDS, type PortId, parsePort } from '../san/port-id.js';
import { checkPort, portProblem } from '../san/ports.js';
import type { BackupPath } from './backup-path.js';
import { copyReport } from './copy-report.js';
import { namedTarget } from './copy-resolver.js';
import { CopyRun } from './copy-run.js';
import { CopyTargets, withBlockLengths } from './copy-targets.js';
import { progressLines } from './device-way.js';
import type {
  CopyProgress,
  EcopyCommands,
  ImageCopyRequest,
  ListOrigin,
} from './ecopy-contract.js';
import { ImageCopies, type ImageCopyHost } from './image-copies.js';
import type { Job, StartedJob } from './jobs.js';
import { KeptCopies } from './kept-copies.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export class Ecopies implements ScsiTarget, CopyManager, EcopyCommands {
  private readonly kept = new KeptCopies();
  private readonly images: ImageCopies;

  constructor(
    private readonly host: ImageCopyHost,
    /** Ports, hosts, LUNs and devices as they are now. */
    private readonly san: () => SanConfiguration,
    /** The way to backup devices. */
    private readonly path: BackupPath,
  ) {
    this.images = new ImageCopies(host, san, path);
  }

  /** When the mount is complete: what was interrupted goes on, or has failed. */
  takeUp(): void {
    this.images.takeUp();
  }

  get serial(): string {
    return this.host.identity.serial;
  }

  get copyManager(): CopyManager {
    return this;
  }

  volumes({ host: name, port }: Nexus): readonly ScsiVolume[] {
    const san = this.san();
    const host = findHost(san, name);
    const mappings = host === undefined ? [] : visibleLuns(san, host, port);
    return mappings.flatMap(({ lun, volume: number }) => {
      const copy = this.host.copies.find(number);
      if (copy === undefined) return [];
      return [{ lun, number, naa: copy.naa, label: copy.label, sizeBytes: copy.sizeBytes }];
    });
  }

  startList(bytes: Uint8Array, { uid, port }: ListOrigin): Job {
    const san = this.san();
    const host = hostOfCaller(san, uid ?? this.host.defaultOwner.uid);
    const through = port === undefined ? firstTarget(san) : parsePort(port);
    checkPort(san, through, 'commands');
    const list = decodeParameterList(bytes);
    checkEnd(bytes);
    return this.start({ host: host.name, port: through }, list).job;
  }

  isListIncomplete(bytes: Uint8Array): boolean {
    const announced = announcedBytes(viewOf(bytes));
    return announced === undefined || announced > bytes.length;
  }

  startImage(request: ImageCopyRequest): Job {
    return this.images.start(request);
  }

  retry(id: number): Job {
    return this.images.retry(this.host.jobList.get(id));
  }

  async setHeld(name: string, image: string): Promise<void> {
    const { host } = this;
    const volume = host.copies.volume(name);
    host.checkWritable(volume);
    if (!UUID.test(image)) throw new ArrayError('EINVAL', 'holds= is the UUID of a snapshot');
    volume.condition.hold(image);
    host.changed();
    await host.durable(volume);
  }

  /** BUSY where too many jobs run: the host is to send the command again. */
  async copy(nexus: Nexus, list: ParameterList): Promise<void> {
    if (!this.host.jobList.hasRoom) throw new ArrayError('EBUSY', 'too many jobs are running');
    await this.start(nexus, list).ended;
  }

  /** Accepts a list, without waiting; a SenseError where it is refused, ENOSPC with too many jobs. */
  start(nexus: Nexus, given: ParameterList): StartedJob {
    const { host } = this;
    if (host.readOnly) throw new SenseError({ code: SENSE.writeProtected });
    host.jobList.checkRoom();
    const list = withBlockLengths(given);
    const record = this.kept.begin(nexus, list.options);
    const naming = {
      san: this.san,
      serial: this.serial,
      copyOf: (number: number) => host.copies.find(number),
    };
    const targets = CopyTargets.open(host, list, (target) => {
      return namedTarget(target, nexus, naming);
    });
    const run = new CopyRun(host, list, targets, record, this.path);
    const { listIdentifier, listIdUsage } = list.options;
    const named = listIdUsage === 'none' ? 'list without identifier' : `list ${listIdentifier}`;
    const subject = `${named} of ${nexus.host} at ${nexus.port}`;
    const started = host.jobList.startWithEnd('ecopy', subject, (job) => {
      job.report = () => [
        ...copyReport(record.results, list.segments.length),
        ...deviceLines(job.copyProgress?.()),
      ];
      return run.run(job);
    });
    const group = targets.namesDevices ? groupOfTarget(this.san(), nexus.port) : undefined;
    if (group !== undefined) this.images.noteGroup(group.name, started.job);
    return started;
  }

  results(nexus: Nexus, listIdentifier: number): CopyResults | undefined {
    return this.kept.results(nexus, listIdentifier);
  }

  forget(nexus: Nexus, listIdentifier: number, part: keyof CopyResults): void {
    this.kept.forget(nexus, listIdentifier, part);
  }
}

/** EINVAL where more was written than the list says it has: with a CDB its length would say what belongs to it. */
function checkEnd(bytes: Uint8Array): void {
  const announced = announcedBytes(viewOf(bytes));
  if (announced === undefined || announced >= bytes.length) return;
  const reason = `the parameter list has ${announced} bytes by its header, not ${bytes.length}`;
  throw new ArrayError('EINVAL', reason);
}

function deviceLines(progress: CopyProgress | undefined): readonly string[] {
  return progress === undefined ? [] : progressLines(progress);
}

/** The first target port that carries commands, else the first there is. */
function firstTarget(san: SanConfiguration): PortId {
  const usable = PORT_IDS.find((port) => portProblem(san, port, 'commands') === undefined);
  return usable ?? PORT_IDS[0];
}
