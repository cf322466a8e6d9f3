/**
 * The SCSI target that the array is, and its copy manager ([000] figs. 2 and 10, target job): an accepted parameter list is a job,
 * and a snapshot of its sources.
 */
import type { ParameterList } from '../ecopy/parameter-list.js';
import type {
  CopyManager,
  CopyResults,
  Nexus,
  ScsiTarget,
  ScsiVolume,
} from '../ecopy/scsi-target.js';
import { SenseError } from '../ecopy/sense.js';
import { SENSE } from '../ecopy/sense-codes.js';
import type { SanConfiguration } from '../san/configuration.js';
import { findHost } from '../san/hosts.js';
import { visibleLuns } from '../san/lun-map.js';
import type { ArrayContext } from './array-context.js';
import { copyReport } from './copy-report.js';
import { namedTarget } from './copy-resolver.js';
import { CopyRun } from './copy-run.js';
import { dropCopySnapshots } from './copy-source.js';
import { CopyTargets, withBlockLengths } from './copy-targets.js';
import type { Jobs, StartedJob } from './jobs.js';
import { KeptCopies } from './kept-copies.js';

/** What copies need of the array around them. */
export interface CopyHost extends ArrayContext {
  readonly identity: { readonly serial: string };
  readonly jobList: Jobs;
}

export class Ecopies implements ScsiTarget, CopyManager {
  private readonly kept = new KeptCopies();

  constructor(
    private readonly host: CopyHost,
    /** Ports, hosts and LUNs as they are now. */
    private readonly san: () => SanConfiguration,
  ) {
    if (!host.readOnly) dropCopySnapshots(host);
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

  async copy(nexus: Nexus, list: ParameterList): Promise<void> {
    await this.start(nexus, list).ended;
  }

  /** Accepts a list, without waiting; a SenseError where it is refused, EBUSY with too many jobs. */
  start(nexus: Nexus, given: ParameterList): StartedJob {
    const { host } = this;
    if (host.readOnly) throw new SenseError({ code: SENSE.writeProtected });
    host.jobList.checkRoom();
    const list = withBlockLengths(given);
    const record = this.kept.begin(nexus, list.options);
    const naming = {
      san: this.san(),
      serial: this.serial,
      copyOf: (number: number) => host.copies.find(number),
    };
    const targets = CopyTargets.open(host, list, ({ address }) => {
      return namedTarget(address, nexus, naming);
    });
    const run = new CopyRun(host, list, targets, record);
    const { listIdentifier, listIdUsage } = list.options;
    const named = listIdUsage === 'none' ? 'list without identifier' : `list ${listIdentifier}`;
    const subject = `${named} of ${nexus.host} at ${nexus.port}`;
    return host.jobList.startWithEnd('ecopy', subject, (job) => {
      job.report = () => copyReport(record.results, list.segments.length);
      return run.run(job);
    });
  }

  results(nexus: Nexus, listIdentifier: number): CopyResults | undefined {
    return this.kept.results(nexus, listIdentifier);
  }

  forget(nexus: Nexus, listIdentifier: number, part: keyof CopyResults): void {
    this.kept.forget(nexus, listIdentifier, part);
  }
}
