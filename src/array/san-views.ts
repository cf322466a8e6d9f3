/** Ports, controllers, devices and LUNs as they are shown: what the user has set, and how it is now. */
import type { MediumInfo } from '../device/backup-device.js';
import type { SanConfiguration } from '../san/configuration.js';
import { portsReaching } from '../san/devices.js';
import type { FaultList } from '../san/faults.js';
import { controllerOf, deviceWwn, type PortId, portWwn } from '../san/port-id.js';
import type { PortTasks } from '../san/port-tasks.js';
import { changeController, downProblem } from '../san/ports.js';
import type { PortResult } from '../san/search-reasons.js';
import type {
  ControllerView,
  DeviceSearch,
  DeviceView,
  MediumBackups,
  PortView,
} from './san-contract.js';

/** The configuration with what faults have put down. */
export function withFaults(san: SanConfiguration, faults: FaultList): SanConfiguration {
  if (faults.list.length === 0) return san;
  const isDown = (kind: 'port' | 'controller', name: string) => faults.has({ kind, name }, 'down');
  const controllers = san.controllers.filter(({ id }) => isDown('controller', id));
  const next = controllers.reduce((last, { id }) => changeController(last, id, 'down'), san);
  const ports = next.ports.map((port) =>
    isDown('port', port.id) ? { ...port, state: 'down' as const } : port,
  );
  return { ...next, ports };
}

export function controllerViews(
  san: SanConfiguration,
  inEffect: SanConfiguration,
): readonly ControllerView[] {
  return san.controllers.map((controller, index) => ({
    ...controller,
    condition: inEffect.controllers[index]?.state ?? controller.state,
  }));
}

export function portViews(
  serial: string,
  san: SanConfiguration,
  inEffect: SanConfiguration,
  tasks: PortTasks,
): readonly PortView[] {
  return san.ports.map((port) => {
    const problem = downProblem(inEffect, port.id);
    return {
      ...port,
      wwn: portWwn(serial, port.id),
      controller: controllerOf(port.id),
      condition: problem === undefined ? 'up' : problem === 'port-down' ? 'down' : problem,
      tasks: tasks.ofPort(port.id),
    };
  });
}

export function deviceViews(
  serial: string,
  san: SanConfiguration,
  results: SearchResults,
): readonly DeviceView[] {
  return san.devices.map((device) => ({
    ...device,
    wwn: deviceWwn(serial, device.number),
    ports: portsReaching(san, device.name),
    searches: results.of(device.name),
    media: results.mediaOf(device.name),
    backups: results.listingsOf(device.name),
  }));
}

/** What came of the last search for each device through each port, for as long as the array is mounted. */
export class SearchResults {
  private readonly byDevice = new Map<string, Map<PortId, DeviceSearch>>();
  private readonly media = new Map<string, readonly MediumInfo[]>();
  private readonly listings = new Map<string, readonly MediumBackups[]>();

  of(device: string): readonly DeviceSearch[] {
    return [...(this.byDevice.get(device)?.values() ?? [])];
  }

  /** The newest comes last. */
  note(device: string, result: PortResult, atMs: number): void {
    const known = this.byDevice.get(device) ?? new Map<PortId, DeviceSearch>();
    known.delete(result.port);
    known.set(result.port, { ...result, atMs });
    this.byDevice.set(device, known);
  }

  mediaOf(device: string): readonly MediumInfo[] | undefined {
    return this.media.get(device);
  }

  /** Cartridges that are not there any more are forgotten. */
  noteMedia(device: string, media: readonly MediumInfo[]): void {
    const names = new Set(media.map(({ name }) => name));
    const left = this.listingsOf(device).filter(({ medium }) => names.has(medium));
    this.listings.set(device, left);
    this.media.set(device, media);
  }

  /** In the order of their names. */
  listingsOf(device: string): readonly MediumBackups[] {
    const known = this.listings.get(device) ?? [];
    return [...known].sort((one, other) => (one.medium < other.medium ? -1 : 1));
  }

  noteListing(device: string, listing: MediumBackups): void {
    const known = this.listings.get(device) ?? [];
    const others = known.filter(({ medium }) => medium !== listing.medium);
    this.listings.set(device, [...others, listing]);
  }

  forget(device: string): void {
    this.listings.delete(device);
    this.media.delete(device);
    this.byDevice.delete(device);
  }
}
