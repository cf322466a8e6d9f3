/**
 * What the user has set about ports, port groups, hosts, LUNs and backup devices: plain records, never changed in place. A
 * command takes a configuration and gives the next one, or throws; parts that did not change stay
 * the same objects, which is how `changedRecords` finds what there is to store.
 */
import {
  CONTROLLER_IDS,
  type ControllerId,
  controllerOf,
  PORT_IDS,
  type PortId,
} from './port-id.js';
import { FIRST_RULE, type TurnRule } from './turns.js';

/** Who a port talks to: hosts send commands to a target, an initiator sends them to devices. */
export const PORT_ROLES = ['target', 'initiator', 'both'] as const;
export type PortRole = (typeof PORT_ROLES)[number];
/** What the user allows a port to carry ([002] fig. 8). */
export const PORT_USAGES = ['online', 'backup', 'both'] as const;
export type PortUsage = (typeof PORT_USAGES)[number];
export const LINK_STATES = ['up', 'down'] as const;
export type LinkState = (typeof LINK_STATES)[number];

export interface Controller {
  readonly id: ControllerId;
  readonly state: LinkState;
}

export interface Port {
  readonly id: PortId;
  readonly role: PortRole;
  readonly usage: PortUsage;
  readonly state: LinkState;
  /** Names of the backup devices in its zone, which it reaches as an initiator. */
  readonly devices: readonly string[];
}

/** A command that comes through one of the targets is carried out by the initiators ([000] fig. 8). */
export interface PortGroup {
  /** 1 and up; the key of its record. */
  readonly number: number;
  readonly name: string;
  readonly targets: readonly PortId[];
  /** In the order in which they are searched. */
  readonly initiators: readonly PortId[];
}

export interface Host {
  /** 1 and up; the key of its record. */
  readonly number: number;
  readonly name: string;
  /** Users of the machine whose requests are this host's. */
  readonly uids: readonly number[];
}

/** Every host may use the LUN. A reserved word among names. */
export const ANY_HOST = 'any';

export interface LunMapping {
  readonly port: PortId;
  readonly lun: number;
  /** Name of a host, or ANY_HOST. */
  readonly host: string;
  /** Number of a volume or snapshot. */
  readonly volume: number;
}

export const DEVICE_KINDS = ['tape', 'disk', 'array'] as const;
export type DeviceKind = (typeof DEVICE_KINDS)[number];

/** A backup device; which ports reach it is said by the ports. */
export interface SanDevice {
  /** 1 and up; the key of its record, and part of its world wide name. */
  readonly number: number;
  readonly name: string;
  readonly kind: DeviceKind;
  /** Absolute: directory of a tape library, file or block device, mount point of another array. */
  readonly path: string;
}

export interface SanConfiguration {
  /** CL1, CL2. */
  readonly controllers: readonly Controller[];
  /** All eight, in the order of PORT_IDS. */
  readonly ports: readonly Port[];
  readonly groups: readonly PortGroup[];
  readonly hosts: readonly Host[];
  readonly mappings: readonly LunMapping[];
  readonly devices: readonly SanDevice[];
  /** Requests of hosts and backup data beside each other ([002] fig. 11). */
  readonly priority: TurnRule;
}

/** Of a new array: A and B are target ports, C and D initiator ports, one host is who mounted it. */
export function initialSan(mountingUid: number): SanConfiguration {
  return {
    controllers: CONTROLLER_IDS.map((id) => ({ id, state: 'up' })),
    ports: PORT_IDS.map((id) => ({
      id,
      role: id.endsWith('A') || id.endsWith('B') ? 'target' : 'initiator',
      usage: 'both',
      state: 'up',
      devices: [],
    })),
    groups: [],
    hosts: [{ number: 1, name: 'local', uids: [mountingUid] }],
    mappings: [],
    devices: [],
    priority: FIRST_RULE,
  };
}

export function portOf(san: SanConfiguration, id: PortId): Port {
  return san.ports[PORT_IDS.indexOf(id)] as Port;
}

export function controllerStateOf(san: SanConfiguration, port: PortId): LinkState {
  return (san.controllers[CONTROLLER_IDS.indexOf(controllerOf(port))] as Controller).state;
}

/** The lowest number from 1 on that none of `used` has. */
export function lowestFree(used: readonly { readonly number: number }[]): number {
  const numbers = new Set(used.map(({ number }) => number));
  let number = 1;
  while (numbers.has(number)) number += 1;
  return number;
}
