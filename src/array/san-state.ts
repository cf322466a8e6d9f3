/**
 * Ports, hosts, LUNs and devices of the array as they are: what the user has set (`configuration`, in the store), and
 * what is known while it is mounted: load, tasks of ports, faults, results of searches. Whoever serves requests asks
 * `inEffect`, each time anew, or is told of changes (`whenChanged`). The commands are in array-san.ts.
 */
import type { Clock } from '../base/clock.js';
import { LUN_MAX } from '../base/limits.js';
import type { MediumInfo } from '../device/backup-device.js';
import type { Host, LunMapping, PortGroup, SanConfiguration } from '../san/configuration.js';
import { FaultList } from '../san/faults.js';
import { LoadCounters, type LoadTable } from '../san/load.js';
import { type PortId, portNumber } from '../san/port-id.js';
import { PortQueues } from '../san/port-queues.js';
import { PortTasks } from '../san/port-tasks.js';
import type { PortResult, SearchReason } from '../san/search-reasons.js';
import {
  changedRecords,
  restoreSan,
  type SanRecordChange,
  type StoredSan,
} from '../san/stored-configuration.js';
import type { PrepareDevice } from './device-preparer.js';
import { RequestFaults } from './request-faults.js';
import type {
  ControllerView,
  DeviceView,
  LunView,
  MediumBackups,
  PortView,
  TurnsView,
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
  /** Mounted with --allow-faults. */
  readonly allowFaults: boolean;
  readonly prepareDevice: PrepareDevice;
  hasPool(name: string): boolean;
  /** ENOENT where there is no such volume or snapshot. */
  copyNumber(reference: string): number;
  /** `VOLUME` or `VOLUME@SNAPSHOT`. */
  copyName(number: number): string | undefined;
}

export class SanState {
  /** As the user has set it, and as it is stored. */
  configuration: SanConfiguration;
  readonly loadCounters: LoadCounters;
  readonly faults = new FaultList();
  /** For requests in the array core: `FaultList.hits`, done. */
  readonly requestFaults: RequestFaults;
  readonly tasks = new PortTasks();
  /** Of requests of hosts and backup data, at ports that carry both. */
  readonly queues: PortQueues;
  protected readonly searches = new SearchResults();
  /** Nothing is stored before the first command: then all of it is. */
  private isStored: boolean;
  private readonly listeners: (() => void)[] = [];

  constructor(protected readonly host: SanHost) {
    const stored = host.load();
    this.isStored = stored.port.length > 0;
    const { san, problems } = restoreSan(stored, host.mountingUid);
    this.configuration = san;
    this.loadCounters = new LoadCounters(host.clock.monotonicMs());
    this.requestFaults = new RequestFaults(this.faults, host.clock, (...event) => {
      host.recordEvent(...event);
    });
    this.queues = new PortQueues(host.clock, san.priority);
    for (const problem of problems) host.recordEvent('SAN-LEFT-OUT', '-', problem);
  }

  get allowsFaults(): boolean {
    return this.host.allowFaults;
  }

  /** As it is now: ports and controllers that a fault has put down are down. */
  get inEffect(): SanConfiguration {
    return withFaults(this.configuration, this.faults);
  }

  /** From now on `listener` is told, too, when the configuration or the faults have changed. */
  whenChanged(listener: () => void): void {
    this.listeners.push(listener);
  }

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

  /** The array, then ports that hosts and backups share. */
  turns(): readonly TurnsView[] {
    const shared = this.configuration.ports.filter(({ role }) => role === 'both');
    const queues = shared.map(({ id }) => ({ name: id, queue: this.queues.of(id) }));
    return [{ name: 'array', queue: this.queues.array }, ...queues].map(({ name, queue }) => {
      const reason = this.queues.isAttended ? queue.reason : '';
      return { name, rule: queue.rule, reason, rates: queue.rates() };
    });
  }

  /** Of backup data through the port, in the last whole second. */
  backupRate(port: PortId): number {
    return this.queues.of(port).rates().backup;
  }

  load(): LoadTable {
    return this.loadCounters.table(this.host.clock.monotonicMs());
  }

  /** A port was searched for the device: status/devices shows what came of it. */
  noteSearch(device: string, result: PortResult): void {
    this.searches.note(device, result, this.host.clock.nowMs());
  }

  lastSearch(device: string, port: PortId): SearchReason | undefined {
    return this.searches.of(device).find((search) => search.port === port)?.reason;
  }

  /** A discovery saw what the device has. */
  noteMedia(device: string, media: readonly MediumInfo[]): void {
    this.searches.noteMedia(device, media);
  }

  /** A look at a cartridge: status/backups shows what is on it. */
  noteListing(device: string, listing: MediumBackups): void {
    this.searches.noteListing(device, listing);
  }

  protected lunView(mapping: LunMapping): LunView {
    return { ...mapping, copyName: this.host.copyName(mapping.volume) };
  }

  /** Everything is checked: this is what is so from now on; stored with what commands change. */
  protected replace(next: SanConfiguration): void {
    this.host.store(changedRecords(this.isStored ? this.configuration : undefined, next));
    this.isStored = true;
    if (next.priority !== this.configuration.priority) this.queues.setRule(next.priority);
    this.configuration = next;
    this.tellListeners();
  }

  protected tellListeners(): void {
    for (const listener of this.listeners) listener();
  }
}
