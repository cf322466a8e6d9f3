/**
 * The load of ports and controllers ([002] figs. 5 and 6), counted from requests of hosts that passed a port, and from nothing
 * else. Numbers are of the last whole period. The transfer amount of a read is its length; of a write four times its
 * length while the volume is duplexed: that is how often the data is moved then ([002], the text on fig. 5).
 *
 * A request is sequential if it begins where one of the last requests of the port ended: of several, as the kernel sends
 * parts of one large read side by side. The access of a port is what most of its requests of the period were.
 */
import { PeriodCounts } from './period-counts.js';
import { CONTROLLER_IDS, type ControllerId, PORT_IDS, type PortId, portsOf } from './port-id.js';

export const LOAD_PERIOD_MS = 1_000;
const WRITE_FACTOR = 4;
const ENDS_KEPT = 8;

export type PortAccess = 'none' | 'random' | 'sequential';

export interface PortLoad {
  readonly port: PortId;
  readonly ios: number;
  /** Bytes, writes of duplexed volumes counted four times. */
  readonly transfer: number;
  readonly access: PortAccess;
}

export interface ControllerLoad {
  readonly controller: ControllerId;
  readonly ios: number;
  readonly transfer: number;
}

/** What a choice of path is made from. */
export interface LoadTable {
  readonly periodMs: number;
  /** In the order of PORT_IDS. */
  readonly ports: readonly PortLoad[];
  /** CL1, CL2: the sums of their ports. */
  readonly controllers: readonly ControllerLoad[];
}

export interface HostRequest {
  readonly operation: 'read' | 'write';
  readonly volume: number;
  readonly offset: number;
  readonly length: number;
  /** The volume is the primary of a pair that copies its updates. */
  readonly isDuplexed: boolean;
}

interface Counts {
  ios: number;
  transfer: number;
  sequentialIos: number;
}

interface RequestEnd {
  readonly volume: number;
  readonly offset: number;
}

export class LoadCounters {
  private readonly counts: PeriodCounts<Counts[]>;
  /** Of the last requests of each port, newest last. */
  private readonly ends: RequestEnd[][] = PORT_IDS.map(() => []);

  /** `nowMs`, here and below, on a clock that never goes back. */
  constructor(nowMs: number, periodMs = LOAD_PERIOD_MS) {
    this.counts = new PeriodCounts(() => PORT_IDS.map(noCounts), periodMs, nowMs);
  }

  record(port: PortId, request: HostRequest, nowMs: number): void {
    const index = PORT_IDS.indexOf(port);
    const counts = this.counts.current(nowMs)[index] as Counts;
    const { operation, length, isDuplexed } = request;
    counts.ios += 1;
    counts.transfer += length * (operation === 'write' && isDuplexed ? WRITE_FACTOR : 1);
    if (continues(this.ends[index] as RequestEnd[], request)) counts.sequentialIos += 1;
  }

  table(nowMs: number): LoadTable {
    const last = this.counts.last(nowMs);
    const ports = PORT_IDS.map((port, index) => portLoad(port, last[index] as Counts));
    return loadTable(ports, this.counts.periodMs);
  }
}

/** The table of these ports; controllers are the sums. */
export function loadTable(ports: readonly PortLoad[], periodMs = LOAD_PERIOD_MS): LoadTable {
  const controllers = CONTROLLER_IDS.map((controller) => {
    const own = ports.filter(({ port }) => portsOf(controller).includes(port));
    const sum = (value: (load: PortLoad) => number) =>
      own.reduce((total, load) => total + value(load), 0);
    return { controller, ios: sum(({ ios }) => ios), transfer: sum(({ transfer }) => transfer) };
  });
  return { periodMs, ports, controllers };
}

/** Whether the request begins where one of `ends` is; its own end takes that place, as the newest. */
function continues(ends: RequestEnd[], { volume, offset, length }: HostRequest): boolean {
  const known = ends.findIndex((end) => end.volume === volume && end.offset === offset);
  if (known >= 0) ends.splice(known, 1);
  else if (ends.length >= ENDS_KEPT) ends.shift();
  ends.push({ volume, offset: offset + length });
  return known >= 0;
}

function portLoad(port: PortId, { ios, transfer, sequentialIos }: Counts): PortLoad {
  const busy = sequentialIos * 2 > ios ? 'sequential' : 'random';
  return { port, ios, transfer, access: ios === 0 ? 'none' : busy };
}

function noCounts(): Counts {
  return { ios: 0, transfer: 0, sequentialIos: 0 };
}
