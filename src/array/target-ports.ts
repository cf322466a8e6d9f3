/** Target ports: which host a caller is, what it sees, and the way of its requests and commands. */
import type { Clock } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import { STRANGERS_TOLD_MAX } from '../base/limits.js';
import { executeCommand } from '../ecopy/scsi-port.js';
import type { ScsiAnswer, ScsiCommand, ScsiTarget } from '../ecopy/scsi-target.js';
import { type Host, portOf, type SanConfiguration } from '../san/configuration.js';
import type { FaultTarget } from '../san/faults.js';
import { hostOfCaller, hostOfUid } from '../san/hosts.js';
import { visibleLuns } from '../san/lun-map.js';
import { controllerOf, PORT_IDS, type PortId, portNumber } from '../san/port-id.js';
import { checkPort } from '../san/ports.js';
import type { ArrayContext } from './array-context.js';
import type { ArraySan } from './array-san.js';
import type { AnyCopy } from './copies.js';
import type { ImageHandle } from './disk-array.js';
import { PortImage, type PortPassage } from './port-image.js';
import { ScsiConversation } from './scsi-conversation.js';
import type { ScsiExchange, TargetLun, TargetPort, TargetPorts } from './target-contract.js';

/** What they need of the array around them. */
export interface TargetHost {
  readonly clock: Clock;
  readonly san: ArraySan;
  readonly scsiTarget: ScsiTarget;
  /** Of who is meant where the transport is not told of callers. */
  readonly mountingUid: number;
  /** Undefined where it was lost with its pool. */
  findCopy(number: number): AnyCopy | undefined;
  openImage(copy: AnyCopy, options: { readonly write: boolean }): ImageHandle;
  recordEvent(code: string, subject: string, message: string): void;
  /** Something a status table shows has changed. */
  changed(): void;
}

/** The array as its target ports need it. */
export function targetHost(
  array: ArrayContext & Pick<TargetHost, 'openImage'>,
  scsiTarget: ScsiTarget,
): TargetHost {
  const { clock, san, copies, defaultOwner } = array;
  return {
    clock,
    san,
    scsiTarget,
    mountingUid: defaultOwner.uid,
    findCopy: (number) => copies.find(number),
    openImage: (copy, options) => array.openImage(copy, options),
    recordEvent: (code, subject, message) => array.recordEvent(code, subject, message),
    changed: () => array.changed(),
  };
}

export class ArrayTargets implements TargetPorts {
  private readonly all: readonly ArrayTargetPort[];

  constructor(private readonly host: TargetHost) {
    const callers = new Callers(host);
    this.all = PORT_IDS.map((port) => new ArrayTargetPort(port, host, callers));
  }

  list(): readonly TargetPort[] {
    const { configuration } = this.host.san;
    return this.all.filter(({ name }) => portOf(configuration, name).role !== 'initiator');
  }
}

/** Who asks. */
class Callers {
  /** Users who are no host, of whom /events tells. */
  private readonly strangers = new Set<number>();

  constructor(private readonly host: TargetHost) {}

  /** EACCES for a stranger. */
  hostOf(uid: number = this.host.mountingUid): Host {
    const { configuration } = this.host.san;
    if (hostOfUid(configuration, uid) === undefined) this.tellOf(uid);
    return hostOfCaller(configuration, uid);
  }

  private tellOf(uid: number): void {
    if (this.strangers.has(uid) || this.strangers.size >= STRANGERS_TOLD_MAX) return;
    this.strangers.add(uid);
    this.host.recordEvent('UNKNOWN-HOST', '-', `user ${uid} is no host, and is refused`);
  }
}

class ArrayTargetPort implements TargetPort {
  readonly number: number;
  /** Whose faults requests and commands meet. */
  private readonly faulty: readonly FaultTarget[];

  constructor(
    readonly name: PortId,
    private readonly host: TargetHost,
    private readonly callers: Callers,
  ) {
    this.number = portNumber(name);
    this.faulty = [
      { kind: 'port', name },
      { kind: 'controller', name: controllerOf(name) },
    ];
  }

  luns(uid: number | undefined): readonly TargetLun[] {
    const { configuration } = this.host.san;
    return visibleLuns(configuration, this.callers.hostOf(uid), this.name).flatMap((mapping) => {
      const copy = this.host.findCopy(mapping.volume);
      return copy === undefined ? [] : [{ lun: mapping.lun, copy }];
    });
  }

  openLun(
    volume: number,
    uid: number | undefined,
    options: { readonly write: boolean },
  ): ImageHandle {
    const host = this.callers.hostOf(uid);
    const copy = this.host.findCopy(volume);
    if (copy === undefined) throw this.noLun();
    const check = this.checkOf(copy, uid);
    check();
    const image = this.host.openImage(copy, options);
    const end = this.beginTask(host);
    return new PortImage(image, this.passage(copy, check, end));
  }

  openScsi(uid: number | undefined, onAnswer: () => void): ScsiExchange {
    this.callers.hostOf(uid);
    const check = () => checkPort(this.host.san.inEffect, this.name, 'commands');
    check();
    const execute = (command: ScsiCommand) => this.execute(this.callers.hostOf(uid), command);
    return new ScsiConversation({ clock: this.host.clock, check, execute, onAnswer });
  }

  private async execute(host: Host, command: ScsiCommand): Promise<ScsiAnswer> {
    const end = this.beginTask(host);
    try {
      await this.host.san.requestFaults.pass(this.faulty, 'other');
      const request = { host: host.name, port: this.name, ...command };
      return await executeCommand(request, this.host.scsiTarget);
    } finally {
      end();
    }
  }

  /** Whether a request of the user may pass now. That the host sees the volume is looked at where the configuration changed. */
  private checkOf(copy: AnyCopy, uid: number | undefined): () => void {
    const { san } = this.host;
    let seenIn: SanConfiguration | undefined;
    return () => {
      checkPort(san.inEffect, this.name, 'online');
      const { configuration } = san;
      if (configuration === seenIn) return;
      const luns = visibleLuns(configuration, this.callers.hostOf(uid), this.name);
      if (!luns.some(({ volume }) => volume === copy.number)) throw this.noLun();
      seenIn = configuration;
    };
  }

  private passage(copy: AnyCopy, check: () => void, end: () => void): PortPassage {
    const { clock, san } = this.host;
    const isBoth = () => portOf(san.configuration, this.name).role === 'both';
    return {
      check,
      end,
      suffer: (operation, range) => san.requestFaults.pass(this.faulty, operation, range),
      queue: () => (isBoth() ? san.queues.of(this.name) : undefined),
      isDuplexed: () => copy.kind === 'volume' && copy.isDuplexed,
      count: (request) => san.loadCounters.record(this.name, request, clock.monotonicMs()),
    };
  }

  /** A target task of the host, which has logged in; its end is what is returned. */
  private beginTask(host: Host): () => void {
    const { clock, san } = this.host;
    const task = san.tasks.begin(this.name, 'target', host.name, clock.nowMs());
    san.tasks.proceed(task);
    this.host.changed();
    return () => {
      san.tasks.end(task);
      this.host.changed();
    };
  }

  private noLun(): ArrayError {
    return new ArrayError('ENXIO', `the host sees no such LUN at port ${this.name}`);
  }
}
