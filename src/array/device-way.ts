/**
 * The way of one errand to a backup device: through which port, by load (load-route.ts), when each piece of its data goes beside the
 * requests of hosts, and what can be told of it while it lasts.
 */
import { formatSize, TRACK_BYTES } from '../base/sizes.js';
import { CopyRate } from '../pair/copy-rate.js';
import { portOf, type SanDevice } from '../san/configuration.js';
import type { UsablePorts } from '../san/discovery.js';
import type { PortId } from '../san/port-id.js';
import type { ArrayContext } from './array-context.js';
import type { Errand, ProbeRequest, TransferRequest } from './backup-path.js';
import type { CopyProgress } from './ecopy-contract.js';
import type { OpenOrigin } from './image-origin.js';
import { LoadRoute } from './load-route.js';

export interface WayEnd {
  readonly device: SanDevice;
  /** Those that may be used now. */
  readonly ports: () => UsablePorts;
  /** The user's. */
  readonly port: PortId | undefined;
}

/** What every errand says: where to, and of which job. */
export function addressOf(
  { device, ports }: Pick<WayEnd, 'device' | 'ports'>,
  number: number,
): ProbeRequest {
  const { name, kind, path } = device;
  return { device: { name, definition: { kind, path } }, ports, number };
}

export class DeviceWay {
  private readonly route: LoadRoute;
  private readonly rate = new CopyRate();
  private errand: Errand | undefined;
  private moves = 0;
  private leave = () => {};

  constructor(
    private readonly host: ArrayContext,
    /** Of the job. */
    private readonly number: number,
    private readonly end: WayEnd,
    /** Of a copy whose source may still be copied by its pair. */
    private readonly copying?: OpenOrigin['copying'],
  ) {
    this.route = new LoadRoute(host, {
      usable: end.ports,
      lastSearch: (port) => host.san.lastSearch(end.device.name, port),
      forced: end.port,
      onMove: (from, to, reason) => this.moved(from, to, reason),
    });
  }

  /** Of the request of the errand. */
  get request(): Pick<TransferRequest, 'device' | 'ports' | 'number' | 'pace'> {
    const { device } = this.end;
    return {
      ...addressOf({ device, ports: () => this.route.ports() }, this.number),
      pace: (bytes, port) => this.pace(bytes, port),
    };
  }

  /** The errand has begun; from now on its port follows the load, until `close`. */
  follow<T extends Errand>(errand: T): T {
    this.errand = errand;
    this.leave = this.host.san.queues.attend();
    this.route.follow(errand);
    return errand;
  }

  close(): void {
    this.route.end();
    this.leave();
  }

  get progress(): CopyProgress {
    const { phase = 'waiting', port, microprocessor, attempts = 0 } = this.errand ?? {};
    const bytesPerSecond = this.rate.bytesPerSecond(this.host.clock.monotonicMs());
    const { moves, route, copying } = this;
    const { pointer, sharedBytes = 0 } = copying ?? {};
    return {
      ...{ phase, port, microprocessor, attempts, moves },
      portReason: route.reason,
      turn: this.turn,
      copyPointerBytes: pointer === undefined ? undefined : pointer * TRACK_BYTES,
      sharedBytes,
      bytesPerSecond: Math.round(bytesPerSecond),
    };
  }

  /** Each piece waits for its turn in the array, and then at its port, which hosts may use, too. */
  private pace(bytes: number, port: PortId | undefined): Promise<void> | undefined {
    const { queues } = this.host.san;
    this.rate.add(bytes, this.host.clock.monotonicMs());
    const atPort = () => (port === undefined ? undefined : queues.of(port).backup(bytes));
    const inArray = queues.array.backup(bytes);
    return inArray === undefined ? atPort() : inArray.then(atPort);
  }

  /** Who goes, hosts or backups; at a port that both use what is said there. */
  private get turn(): string {
    const { san } = this.host;
    const port = this.errand?.port;
    const isShared = port !== undefined && portOf(san.configuration, port).role === 'both';
    return (isShared ? san.queues.of(port) : san.queues.array).reason;
  }

  private moved(from: PortId, to: PortId, reason: string): void {
    this.moves += 1;
    const message = `job ${this.number} goes on through ${to}, no longer ${from}: ${reason}`;
    this.host.recordEvent('BACKUP-MOVED', this.end.device.name, message);
  }
}

/** Lines of the job's file. */
export function progressLines(progress: CopyProgress): readonly string[] {
  const { phase, port, microprocessor, attempts, moves, portReason, turn, sharedBytes } = progress;
  const where = port === undefined ? '' : ` through port ${port}`;
  const who = microprocessor === undefined ? '' : ` by microprocessor ${microprocessor}`;
  return [
    `${phase}${where}${who}`,
    ...(portReason === '' ? [] : [`why ${port}: ${portReason}`]),
    ...(turn === '' || phase === 'ended' ? [] : [`turns: ${turn}`]),
    `taken up: ${attempts}`,
    ...(sharedBytes === 0
      ? []
      : [`read once, for the pair and the copy: ${formatSize(sharedBytes)}`]),
    ...(moves === 0 ? [] : [`moved for the load: ${moves}`]),
  ];
}
