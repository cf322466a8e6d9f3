/**
 * What the target descriptors of a parameter list name. Only what the host may name through that port is looked at
 * (CVE-2020-28374 was the other way): by port and LUN as by identifier, a hidden volume is like one that is not there.
 */
import { unreachable } from '../base/assert.js';
import { CODE_SET, NAME_TYPE, vendorName } from '../ecopy/scsi-inquiry.js';
import type { Nexus } from '../ecopy/scsi-target.js';
import {
  lunNumber,
  type TargetAddress,
  type TargetDescriptor,
} from '../ecopy/target-descriptor.js';
import type { Host, SanConfiguration, SanDevice } from '../san/configuration.js';
import { findHost } from '../san/hosts.js';
import { nameablePorts, nameableVolumes, volumeOfLun } from '../san/lun-map.js';
import {
  deviceOfNPortId,
  deviceOfTargetId,
  portOfNPortId,
  portOfTargetId,
} from '../san/port-addresses.js';
import { deviceWwn, type PortId, portOfNumber, portOfWwn } from '../san/port-id.js';
import type { AnyCopy } from './copies.js';
import type { NamedTarget } from './copy-targets.js';
import { portsNow } from './device-copies.js';

const ABSENT: NamedTarget = { kind: 'absent' };

/** What there is to be named. */
export interface Naming {
  /** As it is now. */
  readonly san: () => SanConfiguration;
  /** Of the array. */
  readonly serial: string;
  /** The volume or snapshot with this number, if it is there. */
  readonly copyOf: (number: number) => AnyCopy | undefined;
}

export function namedTarget(target: TargetDescriptor, nexus: Nexus, naming: Naming): NamedTarget {
  const { address, initiatorPort } = target;
  if (address.kind === 'none') return { kind: 'none' };
  const san = naming.san();
  const host = findHost(san, nexus.host);
  if (host === undefined) return ABSENT;
  const device = deviceOfAddress(address, san, naming.serial);
  if (device !== undefined) {
    const lun = 'lun' in address ? lunNumber(address.lun) : 0;
    if (lun === undefined) return ABSENT;
    const port = portOfNumber(initiatorPort);
    const request = { arrivedAt: nexus.port, ...(port !== undefined && { port }) };
    const ports = portsNow(naming.san, device.name, request);
    return { kind: 'device', name: { device, lun, ports, port } };
  }
  const number =
    address.kind === 'identification'
      ? volumeOfName(address, host, nexus.port, naming)
      : volumeAtPort(address, host, nexus.port, naming);
  const copy = number === undefined ? undefined : naming.copyOf(number);
  return copy === undefined ? ABSENT : { kind: 'volume', copy };
}

type Identification = Extract<TargetAddress, { kind: 'identification' }>;
type PortAddress = Exclude<TargetAddress, { kind: 'identification' | 'none' }>;

/** By the names that page 83h tells of the unit itself; a label is none, for two volumes may have the same. */
function volumeOfName(
  address: Identification,
  host: Host,
  port: PortId,
  { san, copyOf }: Naming,
): number | undefined {
  if (address.association !== 0) return undefined;
  const isMeant = (number: number) => {
    const copy = copyOf(number);
    return copy !== undefined && nameDigits(address, copy) === address.identifier;
  };
  return [...nameableVolumes(san(), host, port)].find(isMeant);
}

/** The name of the volume in the form that is asked for, as hex digits. */
function nameDigits({ codeSet, identifierType }: Identification, copy: AnyCopy): string {
  if (codeSet === CODE_SET.binary && identifierType === NAME_TYPE.naa) return copy.naa;
  const isText = codeSet === CODE_SET.ascii && identifierType === NAME_TYPE.t10Vendor;
  return isText ? Buffer.from(vendorName(copy.number)).toString('hex') : '';
}

function volumeAtPort(
  address: PortAddress,
  host: Host,
  through: PortId,
  { san, serial }: Naming,
): number | undefined {
  const port = portOfAddress(address, serial);
  const lun = lunNumber(address.lun);
  if (port === undefined || lun === undefined) return undefined;
  if (!nameablePorts(san(), through).includes(port)) return undefined;
  return volumeOfLun(san(), host, port, lun);
}

function portOfAddress(address: PortAddress, serial: string): PortId | undefined {
  switch (address.kind) {
    case 'port-name':
      return portOfWwn(serial, address.wwn);
    case 'n-port':
      return portOfNPortId(address.portId);
    case 'n-port-checked': {
      const port = portOfNPortId(address.portId);
      return port === portOfWwn(serial, address.wwn) ? port : undefined;
    }
    case 'parallel':
      return portOfTargetId(address.targetId);
  }
}

/** A backup device by its world wide name, or the addresses that are made from its number. */
function deviceOfAddress(
  address: Exclude<TargetAddress, { kind: 'none' }>,
  san: SanConfiguration,
  serial: string,
): SanDevice | undefined {
  const isNamed = (name: string, { number }: SanDevice) => deviceWwn(serial, number) === name;
  const isNumbered = (number: number | undefined, device: SanDevice) => device.number === number;
  return san.devices.find((device) => {
    switch (address.kind) {
      case 'identification':
        return (
          address.codeSet === CODE_SET.binary &&
          address.identifierType === NAME_TYPE.naa &&
          isNamed(address.identifier, device)
        );
      case 'port-name':
        return isNamed(address.wwn, device);
      case 'n-port':
        return isNumbered(deviceOfNPortId(address.portId), device);
      case 'n-port-checked':
        return isNumbered(deviceOfNPortId(address.portId), device) && isNamed(address.wwn, device);
      case 'parallel':
        return isNumbered(deviceOfTargetId(address.targetId), device);
      default:
        return unreachable(address);
    }
  });
}
