/**
 * Ports, hosts, LUNs and devices of the array: what the user has set (`configuration`, in the store), and what is
 * known while it is mounted: load, tasks of ports, faults, results of searches. A command takes the configuration,
 * gives the next one, and answers when that is durable. Whoever serves requests asks `inEffect`, each time anew.
 */
import type { Clock } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import { LUN_MAX } from '../base/limits.js';
import type {
  Host,
  LinkState,
  LunMapping,
  PortGroup,
  SanConfiguration,
} from '../san/configuration.js';
import { addDevice, connectDevice, type DeviceSetting, deleteDevice } from '../san/devices.js';
import { FaultList } from '../san/faults.js';
import { deleteHost, setHost } from '../san/hosts.js';
import { LoadCounters, type LoadTable } from '../san/load.js';
import { freeLun, mapLun, unmapLun, unmapVolume } from '../san/lun-map.js';
import { deleteGroup, type PortGroupChange, setGroup } from '../san/port-groups.js';
import { type ControllerId, type PortId, portNumber } from '../san/port-id.js';
import { PortTasks } from '../san/port-tasks.js';
import { changeController, changePort, type PortChange } from '../san/ports.js';
import type { PortResult } from '../san/search-reasons.js';
import {
  changedRecords,
  restoreSan,
  type SanRecordChange,
  type StoredSan,
} from '../san/stored-configuration.js';
import type {
  ControllerView,
  DeviceView,
  LunView,
  MapLunOptions,
  PortView,
  SanCommands,
  UnmapLunOptions,
} from './san-contract.js';
import { controllerViews, deviceViews, portViews, SearchResults, withFaults } from './san-views.js';

/** What it needs of the array around it. */
export interface SanHost {
  /** 12 hex digits. */
  readonly serial: string;
  /** Of who mounted the array: the one host of a new array. */
  readonly mountingUid: number;
  readonly clock: Clock;
  /** EROFS or EIO where nothing may be set. */
  checkWritable(): void;
  recordEvent(code: string, subject: string, message: string): void;
  /** What earlier mounts have stored. */
  load(): StoredSan;
  /** Durable with what commands change. */
  store(changes: readonly SanRecordChange[]): void;
  durable(): Promise<void>;
  /** ENOENT where there is no such volume or snapshot. */
  copyNumber(reference: string): number;
  /** `VOLUME` or `VOLUME@SNAPSHOT`. */
  copyName(number: number): string | undefined;
}

export class ArraySan implements SanCommands {
  /** As the user has set it, and as it is stored. */
  configuration: SanConfiguration;
  readonly loadCounters: LoadCounters;
  readonly faults = new FaultList();
  readonly tasks = new PortTasks();
  /** Whether a copy job uses a port group: asked before it is deleted. */
  isGroupInUse: (name: string) => boolean = () => false;
  /** Nothing is stored before the first command: then all of it is. */
  private isStored: boolean;
  private readonly searches = new SearchResults();

  constructor(private readonly host: SanHost) {
    const stored = host.load();
    this.isStored = stored.port.length > 0;
    const { san, problems } = restoreSan(stored, host.mountingUid);
    this.configuration = san;
    this.loadCounters = new LoadCounters(host.clock.monotonicMs());
    for (const problem of problems) host.recordEvent('SAN-LEFT-OUT', '-', problem);
  }

  /** As it is now: ports and controllers that a fault has put down are down. */
  get inEffect(): SanConfiguration {
    return withFaults(this.configuration, this.faults);
  }

  // ---- looking

  controllers(): readonly ControllerView[] {
    return controllerViews(this.configuration, this.inEffect);
  }

  ports(): readonly PortView[] {
    return portViews(this.host.serial, this.configuration, this.inEffect, this.tasks);
  }

  groups(): readonly PortGroup[] {
    return this.configuration.groups;
  }

  hosts(): readonly Host[] {
    return this.configuration.hosts;
  }

  luns(): readonly LunView[] {
    const order = ({ port, lun }: LunMapping) => portNumber(port) * (LUN_MAX + 1) + lun;
    return this.configuration.mappings
      .map((mapping) => this.lunView(mapping))
      .sort((one, other) => order(one) - order(other) || (one.host < other.host ? -1 : 1));
  }

  devices(): readonly DeviceView[] {
    return deviceViews(this.host.serial, this.configuration, this.searches);
  }

  load(): LoadTable {
    return this.loadCounters.table(this.host.clock.monotonicMs());
  }

  // ---- ports and controllers

  changePorts(ports: readonly PortId[], change: PortChange): Promise<void> {
    const next = ports.reduce((san, port) => {
      return changePort(san, port, change, this.tasks.ofPort(port).length > 0);
    }, this.configuration);
    const message = Object.entries(change)
      .map((entry) => entry.join(' '))
      .join(', ');
    return this.change(next, () => {
      for (const port of ports) this.host.recordEvent('PORT-CHANGED', port, message);
    });
  }

  changeController(controller: ControllerId, state: LinkState): Promise<void> {
    return this.change(changeController(this.configuration, controller, state), () => {
      const code = state === 'up' ? 'CONTROLLER-UP' : 'CONTROLLER-DOWN';
      this.host.recordEvent(code, controller, 'set by command');
    });
  }

  // ---- port groups and hosts

  setGroup(group: PortGroupChange): Promise<void> {
    const { name, targets, initiators } = group;
    return this.change(setGroup(this.configuration, group), () => {
      const message = `targets ${targets.join(' ')}, initiators ${initiators.join(' ')}`;
      this.host.recordEvent('GROUP-SET', name, message);
    });
  }

  deleteGroup(name: string): Promise<void> {
    return this.change(deleteGroup(this.configuration, name, this.isGroupInUse(name)), () => {
      this.host.recordEvent('GROUP-DELETED', name, 'port group deleted');
    });
  }

  setHost(name: string, uids: readonly number[]): Promise<void> {
    return this.change(setHost(this.configuration, name, uids), () => {
      const message = uids.length === 0 ? 'no users' : `users ${uids.join(' ')}`;
      this.host.recordEvent('HOST-SET', name, message);
    });
  }

  deleteHost(name: string): Promise<void> {
    return this.change(deleteHost(this.configuration, name), () => {
      this.host.recordEvent('HOST-DELETED', name, 'host deleted');
    });
  }

  // ---- LUNs

  async mapLun(reference: string, options: MapLunOptions): Promise<readonly LunView[]> {
    const { ports, host } = options;
    const volume = this.host.copyNumber(reference);
    const { lun = freeLun(this.configuration, ports, host) } = options;
    const mappings = ports.map((port) => ({ port, lun, host, volume }));
    await this.change(mappings.reduce(mapLun, this.configuration), () => {
      const message = `LUN ${lun} at ${ports.join(', ')} for ${host}`;
      this.host.recordEvent('LUN-MAPPED', this.host.copyName(volume) ?? reference, message);
    });
    return mappings.map((mapping) => this.lunView(mapping));
  }

  async unmapLuns(reference: string, which: UnmapLunOptions): Promise<number> {
    const { ports, lun, host } = which;
    const volume = this.mappedNumber(reference);
    const mappings = this.configuration.mappings.filter(
      (mapping) =>
        mapping.volume === volume &&
        (ports?.includes(mapping.port) ?? true) &&
        (lun ?? mapping.lun) === mapping.lun &&
        (host ?? mapping.host) === mapping.host,
    );
    if (mappings.length === 0) throw new ArrayError('ENOENT', `${reference} has no such LUN`);
    await this.change(mappings.reduce(unmapLun, this.configuration), () => {
      for (const mapping of mappings) {
        const message = `LUN ${mapping.lun} at ${mapping.port} for ${mapping.host}`;
        this.host.recordEvent('LUN-UNMAPPED', this.host.copyName(volume) ?? reference, message);
      }
    });
    return mappings.length;
  }

  /** A volume or snapshot is deleted, by a command that waits until that is durable. */
  forgetCopy(number: number): void {
    const next = unmapVolume(this.configuration, number);
    if (next !== this.configuration) this.replace(next);
  }

  // ---- devices

  async addDevice(setting: DeviceSetting): Promise<DeviceView> {
    const { name, kind, path } = setting;
    await this.change(addDevice(this.configuration, setting), () => {
      this.host.recordEvent('DEVICE-ADDED', name, `${kind} ${path}`);
    });
    return this.deviceView(name);
  }

  async connectDevice(name: string, ports: readonly PortId[]): Promise<DeviceView> {
    await this.change(connectDevice(this.configuration, name, ports), () => {
      const message = ports.length === 0 ? 'no port reaches it' : `reached by ${ports.join(' ')}`;
      this.host.recordEvent('DEVICE-CHANGED', name, message);
    });
    return this.deviceView(name);
  }

  async deleteDevice(name: string): Promise<void> {
    const isBusy = this.tasks.list.some(({ kind, peer }) => kind === 'initiator' && peer === name);
    await this.change(deleteDevice(this.configuration, name, isBusy), () => {
      this.searches.forget(name);
      this.host.recordEvent('DEVICE-DELETED', name, 'what is in it stays');
    });
  }

  /** A port was searched for the device: status/devices shows what came of it. */
  noteSearch(device: string, result: PortResult): void {
    this.searches.note(device, result, this.host.clock.nowMs());
  }

  // ---- inside

  /** Everything is checked: the next configuration is what is so from now on. */
  private async change(next: SanConfiguration, tell: () => void): Promise<void> {
    this.host.checkWritable();
    if (next !== this.configuration) {
      this.replace(next);
      tell();
    }
    await this.host.durable();
  }

  private replace(next: SanConfiguration): void {
    this.host.store(changedRecords(this.isStored ? this.configuration : undefined, next));
    this.isStored = true;
    this.configuration = next;
  }

  private lunView(mapping: LunMapping): LunView {
    return { ...mapping, copyName: this.host.copyName(mapping.volume) };
  }

  private deviceView(name: string): DeviceView {
    return this.devices().find((device) => device.name === name) as DeviceView;
  }

  /** The number of a lost volume still names its mappings. */
  private mappedNumber(reference: string): number {
    const number = /^#(\d{1,10})$/.exec(reference)?.[1];
    return number === undefined ? this.host.copyNumber(reference) : Number(number);
  }
}
