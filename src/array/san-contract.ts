/**
 * Ports, controllers, port groups, hosts, LUNs, backup devices and faults as users of the array see them: part of the
 * contract in disk-array.ts. Each command checks all of what it names, then changes all of it, and its promise resolves
 * when that is durable; a refused command has changed nothing.
 */
import type { MediumInfo } from '../device/backup-device.js';
import type { MediumListing } from '../microprocessor/medium-listing.js';
import type {
  Controller,
  Host,
  LinkState,
  LunMapping,
  Port,
  PortGroup,
  SanDevice,
} from '../san/configuration.js';
import type { DeviceSetting } from '../san/devices.js';
import type { Fault, FaultList, FaultSetting, FaultTarget } from '../san/faults.js';
import type { LoadTable } from '../san/load.js';
import type { PortGroupChange } from '../san/port-groups.js';
import type { ControllerId, PortId } from '../san/port-id.js';
import type { PortTask } from '../san/port-tasks.js';
import type { PortChange } from '../san/ports.js';
import type { PortResult } from '../san/search-reasons.js';
import type { TurnRule } from '../san/turns.js';

export interface ControllerView extends Controller {
  /** As it is now: with the faults that are set. */
  readonly condition: LinkState;
}

export interface PortView extends Port {
  readonly wwn: string;
  readonly controller: ControllerId;
  /** As it is now: also the controller's state and faults count. `state` is what the user has set. */
  readonly condition: 'up' | 'down' | 'controller-down';
  readonly tasks: readonly PortTask[];
}

export interface LunView extends LunMapping {
  /** `VOLUME` or `VOLUME@SNAPSHOT`; undefined where its pool is missing, or lost with the volume. */
  readonly copyName: string | undefined;
}

export interface DeviceView extends SanDevice {
  readonly wwn: string;
  /** In whose zones it is. */
  readonly ports: readonly PortId[];
  /** What came of the last search through each port, and when; none before the first. */
  readonly searches: readonly DeviceSearch[];
  /** As they were when the device was defined, or as the last discovery saw them; undefined since the mount before one that reached it. */
  readonly media: readonly MediumInfo[] | undefined;
  /** Of a tape library: cartridges that were looked at since it was defined, or the array mounted. */
  readonly backups: readonly MediumBackups[];
}

/** What the last look at a cartridge saw on it. */
export interface MediumBackups {
  readonly medium: string;
  readonly listing: MediumListing;
  /** Why it was not seen; ''. */
  readonly problem: string;
  readonly atMs: number;
}

/** How requests of hosts and backup data go beside each other. */
export interface TurnsView {
  /** `array`, or a port. */
  readonly name: string;
  readonly rule: TurnRule;
  /** Bytes in the last whole second; of hosts as long as a backup is under way. */
  readonly rates: Readonly<Record<'online' | 'backup', number>>;
  /** Who goes at the moment, and why; '' while no backup is under way. */
  readonly reason: string;
}

export interface DeviceSearch extends PortResult {
  readonly atMs: number;
}

export interface MapLunOptions {
  readonly ports: readonly PortId[];
  /** Absent: the lowest that is free at all of the ports. */
  readonly lun?: number;
  /** Name of a host, or `any`. */
  readonly host: string;
}

/** Of a library that is made; of one that is there, what it has to be. */
export interface TapeLibraryOptions {
  readonly slots?: number;
  readonly drives?: number;
  readonly cartridgeBytes?: number;
  /** Barcodes are this and a number. */
  readonly prefix?: string;
}

/** Absent: whatever it is. */
export interface UnmapLunOptions {
  readonly ports?: readonly PortId[];
  readonly lun?: number;
  readonly host?: string;
}

export interface SanCommands {
  /** CL1, CL2. */
  controllers(): readonly ControllerView[];
  /** CL1-A to CL2-D. */
  ports(): readonly PortView[];
  groups(): readonly PortGroup[];
  hosts(): readonly Host[];
  /** By port, LUN and host. */
  luns(): readonly LunView[];
  devices(): readonly DeviceView[];
  /** Of the last whole period. */
  load(): LoadTable;
  /** Of the array, and of each port that hosts and backups share. */
  turns(): readonly TurnsView[];
  /** Bytes of backup data through the port in the last whole second. */
  backupRate(port: PortId): number;
  /** Those that are set, for as long as the array is mounted. */
  readonly faults: Pick<FaultList, 'list'>;

  /** EBUSY for the role of a port in use. Setting a port down is always possible. */
  changePorts(ports: readonly PortId[], change: PortChange): Promise<void>;
  changeController(controller: ControllerId, state: LinkState): Promise<void>;
  /** Makes the group, or replaces its ports. */
  setGroup(group: PortGroupChange): Promise<void>;
  deleteGroup(name: string): Promise<void>;
  /** Makes the host, or replaces its users. */
  setHost(name: string, uids: readonly number[]): Promise<void>;
  deleteHost(name: string): Promise<void>;
  /** Maps a volume or snapshot at each of the ports under one LUN. */
  mapLun(reference: string, options: MapLunOptions): Promise<readonly LunView[]>;
  /** ENOENT where there is no such mapping. Tells how many there were. */
  unmapLuns(reference: string, which: UnmapLunOptions): Promise<number>;
  /** What is wrong with the device itself is told by the error, too; a tape library is made where there is none. */
  addDevice(device: DeviceSetting, library?: TapeLibraryOptions): Promise<DeviceView>;
  /** From now on, also for backups that run. */
  setPriority(rule: TurnRule): Promise<void>;
  /** Puts it into the zones of these ports and no others. */
  connectDevice(name: string, ports: readonly PortId[]): Promise<DeviceView>;
  /** So many from now on, also for backups that run; those that are new have empty cartridges. EINVAL for fewer, and for what is no tape library. */
  addSlots(name: string, slots: number): Promise<DeviceView>;
  /** EBUSY while it is in use; what is in it stays. */
  deleteDevice(name: string): Promise<void>;

  /** EPERM where the array was not mounted with --allow-faults, ENOENT for an unknown target. */
  setFault(fault: FaultSetting): Fault;
  /** By number (ENOENT), of a target, or all; what hangs at them goes on. Tells how many there were. */
  clearFaults(which: number | FaultTarget | 'all'): number;
  /** All faults are gone without a word, so that what hangs at them ends: nobody can reach the array any more. */
  releaseHanging(): void;
}
