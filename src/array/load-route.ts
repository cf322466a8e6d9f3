/**
 * The initiator port that an errand goes through, by the load of ports and controllers ([002] figs. 5, 6, 8 and their text): chosen when
 * it begins, and looked at again at each period of the counters. Where another port is clearly lighter by then the errand is
 * handed over to it at its progress pointer. A port that the user has asked for stays.
 */
import type { Clock, Timer } from '../base/clock.js';
import type { UsablePorts } from '../san/discovery.js';
import { LOAD_PERIOD_MS, type LoadTable } from '../san/load.js';
import { choosePath, type PathDemand, reconsiderPath } from '../san/path-choice.js';
import type { PortId } from '../san/port-id.js';
import type { PortTasks } from '../san/port-tasks.js';
import { describeResult, type SearchReason } from '../san/search-reasons.js';
import type { Errand } from './backup-path.js';

/** A lighter port through which the device was not found is left alone for so long. */
const SHUNNED_MS = 60_000;

export interface RouteHost {
  readonly clock: Clock;
  readonly san: { readonly tasks: PortTasks; load(): LoadTable };
}

export interface RouteParts {
  /** Those that may be used now, in the order of the group. */
  readonly usable: () => UsablePorts;
  /** What came of the last search for the device through the port. */
  readonly lastSearch: (port: PortId) => SearchReason | undefined;
  /** The user's port. */
  readonly forced: PortId | undefined;
  /** It is being handed over: to which port, and why. */
  readonly onMove: (from: PortId, to: PortId, reason: string) => void;
}

/** Where an errand goes, and why. */
type Route = Pick<Errand, 'phase' | 'port' | 'handOver'>;

export class LoadRoute {
  private best: { readonly port: PortId | undefined; readonly reason: string } | undefined;
  private errand: Route | undefined;
  private timer: Timer | undefined;
  /** It was handed over to this port since the last look. */
  private movedTo: PortId | undefined;
  private readonly shunnedUntilMs = new Map<PortId, number>();

  constructor(
    private readonly host: RouteHost,
    private readonly parts: RouteParts,
  ) {}

  /** In the order of the search: the lightest first. */
  ports(): UsablePorts {
    const { ports, refused } = this.parts.usable();
    const { ranking, reason } = choosePath(this.demand(ports), this.host.san.load());
    const { movedTo } = this;
    if (movedTo !== undefined && ranking.includes(movedTo)) {
      return { ports: [movedTo, ...ranking.filter((port) => port !== movedTo)], refused };
    }
    // While it moves the order is only for the next search.
    const isSearch = this.best === undefined || this.errand?.phase !== 'moving';
    if (isSearch) this.best = { port: ranking[0], reason };
    return { ports: ranking, refused };
  }

  /** From now on its port is looked at again and again, until `end`. */
  follow(errand: Route): void {
    this.errand = errand;
    this.timer = this.host.clock.after(LOAD_PERIOD_MS, () => {
      this.reconsider(errand);
      if (errand.phase !== 'ended') this.follow(errand);
    });
  }

  end(): void {
    this.timer?.cancel();
  }

  /** Why it goes through the port; '' where it goes through none. */
  get reason(): string {
    const port = this.errand?.port;
    if (port === undefined || this.best === undefined) return '';
    if (port === this.best.port) return this.best.reason;
    const { best, parts } = this;
    if (best.port === undefined) return 'no other port reached the device';
    const refused = parts.usable().refused.find((result) => result.port === best.port);
    const searched = parts.lastSearch(best.port);
    if (refused !== undefined) return describeResult(refused);
    // What it found before it was left, for a port that is up again, says nothing.
    const isFailure = searched !== undefined && searched !== 'found';
    return isFailure
      ? describeResult({ port: best.port, reason: searched })
      : `the way through ${best.port} was lost`;
  }

  private reconsider(errand: Route): void {
    const { phase, port } = errand;
    if (phase !== 'moving' || port === undefined || this.parts.forced !== undefined) return;
    const nowMs = this.host.clock.monotonicMs();
    const { movedTo } = this;
    this.movedTo = undefined;
    if (movedTo !== undefined && port !== movedTo) {
      this.shunnedUntilMs.set(movedTo, nowMs + SHUNNED_MS);
    }
    const isShunned = (id: PortId) => id !== port && nowMs < (this.shunnedUntilMs.get(id) ?? 0);
    const ports = this.parts.usable().ports.filter((id) => !isShunned(id));
    const { moveTo, reason } = reconsiderPath(port, this.demand(ports), this.host.san.load());
    if (moveTo === undefined) return;
    this.movedTo = moveTo;
    this.best = { port: moveTo, reason };
    this.parts.onMove(port, moveTo, reason);
    errand.handOver();
  }

  /** Images are read from the first byte to the last. */
  private demand(ports: readonly PortId[]): PathDemand {
    const { forced } = this.parts;
    const backups = new Map(this.host.san.tasks.backups());
    const own = this.errand?.phase === 'ended' ? undefined : this.errand?.port;
    if (own !== undefined) backups.set(own, Math.max(0, (backups.get(own) ?? 0) - 1));
    return { ports, access: 'sequential', backups, ...(forced !== undefined && { forced }) };
  }
}
