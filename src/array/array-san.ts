/**
 * The commands on ports, controllers, port groups, hosts, LUNs, backup devices and faults. Each takes the configuration,
 * gives the next one, and answers when that is durable.
 */
import { ArrayError } from '../base/errors.js';
import type { LinkState, SanConfiguration } from '../san/configuration.js';
import {
  addDevice,
  connectDevice,
  type DeviceSetting,
  deleteDevice,
  deviceNamed,
  findDevice,
} from '../san/devices.js';
import { describeFault } from '../san/fault-text.js';
import type { Fault, FaultSetting, FaultTarget } from '../san/faults.js';
import { deleteHost, setHost } from '../san/hosts.js';
import { freeLun, mapLun, unmapLun, unmapVolume } from '../san/lun-map.js';
import { microprocessorsOf } from '../san/microprocessors.js';
import { deleteGroup, type PortGroupChange, setGroup } from '../san/port-groups.js';
import type { ControllerId, PortId } from '../san/port-id.js';
import { changeController, changePort, type PortChange } from '../san/ports.js';
import { shareText, type TurnRule } from '../san/turns.js';
import type {
  DeviceView,
  LunView,
  MapLunOptions,
  SanCommands,
  TapeLibraryOptions,
  UnmapLunOptions,
} from './san-contract.js';
import { SanState } from './san-state.js';

const MICROPROCESSORS = microprocessorsOf(2).map(({ name }) => name);

export class ArraySan extends SanState implements SanCommands {
  /** Whether a copy job uses a port group: asked before it is deleted. */
  isGroupInUse: (name: string) => boolean = () => false;

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

  setPriority(priority: TurnRule): Promise<void> {
    return this.change({ ...this.configuration, priority }, () => {
      const message = `online ${shareText(priority.online)}, backup ${shareText(priority.backup)}`;
      this.host.recordEvent('PRIORITY-SET', '-', message);
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

  async addDevice(setting: DeviceSetting, library: TapeLibraryOptions = {}): Promise<DeviceView> {
    const { name, kind, path } = setting;
    this.host.checkWritable();
    addDevice(this.configuration, setting);
    const media = await this.host.prepareDevice({ kind, path }, library);
    // Anew: others gave commands meanwhile.
    await this.change(addDevice(this.configuration, setting), () => {
      if (media !== undefined) this.noteMedia(name, media);
      this.host.recordEvent('DEVICE-ADDED', name, `${kind} ${path}`);
    });
    return this.deviceView(name);
  }

  async connectDevice(name: string, ports: readonly PortId[]): Promise<DeviceView> {
    await this.change(connectDevice(this.configuration, name, ports), () => {
      // What they told is of other zones.
      this.searches.forget(name);
      const message = ports.length === 0 ? 'no port reaches it' : `reached by ${ports.join(' ')}`;
      this.host.recordEvent('DEVICE-CHANGED', name, message);
    });
    return this.deviceView(name);
  }

  async addSlots(name: string, slots: number): Promise<DeviceView> {
    this.host.checkWritable();
    const { kind, path } = deviceNamed(this.configuration, name);
    const media = await this.host.prepareDevice({ kind, path }, { slots, isGrown: true });
    // Others gave commands meanwhile.
    if (media !== undefined && findDevice(this.configuration, name)?.path === path) {
      this.noteMedia(name, media);
    }
    this.host.recordEvent('DEVICE-CHANGED', name, `it has ${slots} slots`);
    await this.host.durable();
    return this.deviceView(name);
  }

  async deleteDevice(name: string): Promise<void> {
    const isBusy = this.tasks.list.some(({ kind, peer }) => kind === 'initiator' && peer === name);
    await this.change(deleteDevice(this.configuration, name, isBusy), () => {
      this.searches.forget(name);
      this.host.recordEvent('DEVICE-DELETED', name, 'what is in it stays');
    });
  }

  // ---- faults

  setFault(setting: FaultSetting): Fault {
    this.checkFaults();
    this.checkThere(setting.target);
    const fault = this.faults.add(setting);
    this.tellListeners();
    const { kind, name } = fault.target;
    this.host.recordEvent('FAULT-SET', `${kind}:${name}`, describeFault(fault));
    return fault;
  }

  clearFaults(which: number | FaultTarget | 'all'): number {
    this.checkFaults();
    const before = this.faults.list;
    if (typeof which === 'number') this.faults.clear(which);
    else this.faults.clearAll(which === 'all' ? undefined : which);
    const kept = new Set(this.faults.list);
    const cleared = before.filter((fault) => !kept.has(fault));
    for (const fault of cleared) {
      const { kind, name } = fault.target;
      this.host.recordEvent('FAULT-CLEARED', `${kind}:${name}`, `fault ${fault.number}`);
    }
    this.requestFaults.cleared(cleared);
    this.tellListeners();
    return cleared.length;
  }

  releaseHanging(): void {
    this.faults.clearAll();
    this.requestFaults.releaseAll();
    this.tellListeners();
  }

  // ---- inside

  private checkFaults(): void {
    if (this.host.allowFaults) return;
    throw new ArrayError('EPERM', 'faults need an array that was mounted with --allow-faults');
  }

  /** ENOENT where the target of a fault is not; a name that comes to be later has none. */
  private checkThere({ kind, name }: FaultTarget): void {
    if (kind === 'volume') this.host.copyNumber(name);
    if (kind === 'pool' && !this.host.hasPool(name))
      throw new ArrayError('ENOENT', `no pool ${name}`);
    if (kind === 'device') deviceNamed(this.configuration, name);
    if (kind === 'microprocessor' && !MICROPROCESSORS.includes(name)) {
      const known = `${MICROPROCESSORS[0]} to ${MICROPROCESSORS.at(-1)}`;
      throw new ArrayError('ENOENT', `there is no microprocessor ${name} (${known})`);
    }
  }

  private async change(next: SanConfiguration, tell: () => void): Promise<void> {
    this.host.checkWritable();
    if (next !== this.configuration) {
      this.replace(next);
      tell();
    }
    await this.host.durable();
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
