/**
 * Backup devices as the array knows them: a name for a library, disk or other array. What they are like inside is
 * known to device alone; who reaches them is in the ports' zones (ports.ts, `setReach`).
 */
import { ArrayError } from '../base/errors.js';
import { DEVICES_MAX } from '../base/limits.js';
import { checkName, printable } from '../base/names.js';
import {
  type DeviceKind,
  lowestFree,
  portOf,
  type SanConfiguration,
  type SanDevice,
} from './configuration.js';
import { PORT_IDS, type PortId } from './port-id.js';
import { reaches, setReach } from './ports.js';

export interface DeviceSetting {
  readonly name: string;
  readonly kind: DeviceKind;
  readonly path: string;
  /** In whose zones it is; absent: those of all initiator ports. */
  readonly ports?: readonly PortId[];
}

/** EEXIST for a name or path in use, EINVAL for a path that is none and for a port that is no initiator. */
export function addDevice(san: SanConfiguration, setting: DeviceSetting): SanConfiguration {
  const { name, kind, path, ports = initiatorPorts(san) } = setting;
  checkName(name);
  if (!path.startsWith('/') || printable(path) !== path) {
    throw new ArrayError('EINVAL', `a device has a path from / on, not '${printable(path)}'`);
  }
  if (findDevice(san, name) !== undefined) {
    throw new ArrayError('EEXIST', `device ${name} exists: delete it first`);
  }
  const other = san.devices.find((device) => device.path === path);
  if (other !== undefined) throw new ArrayError('EEXIST', `${path} is device ${other.name}`);
  if (san.devices.length >= DEVICES_MAX) {
    throw new ArrayError('ENOSPC', `there are ${DEVICES_MAX} devices already`);
  }
  const device: SanDevice = { number: lowestFree(san.devices), name, kind, path };
  return connectDevice({ ...san, devices: [...san.devices, device] }, name, ports);
}

/** These ports reach it and no others. ENOENT for an unknown one, EINVAL for a port that is no initiator. */
export function connectDevice(
  san: SanConfiguration,
  name: string,
  ports: readonly PortId[],
): SanConfiguration {
  deviceNamed(san, name);
  const target = ports.find((port) => portOf(san, port).role === 'target');
  if (target !== undefined) {
    throw new ArrayError('EINVAL', `port ${target} is no initiator port: change its role first`);
  }
  return setReach(san, name, ports);
}

/** EBUSY where it is in use. What is in it stays. */
export function deleteDevice(
  san: SanConfiguration,
  name: string,
  isBusy: boolean,
): SanConfiguration {
  const device = deviceNamed(san, name);
  if (isBusy) throw new ArrayError('EBUSY', `device ${name} is in use`);
  const unreached = setReach(san, name, []);
  return { ...unreached, devices: san.devices.filter((other) => other !== device) };
}

export function findDevice(san: SanConfiguration, name: string): SanDevice | undefined {
  return san.devices.find((device) => device.name === name);
}

/** ENOENT where there is none. */
export function deviceNamed(san: SanConfiguration, name: string): SanDevice {
  const device = findDevice(san, name);
  if (device === undefined) throw new ArrayError('ENOENT', `there is no device ${name}`);
  return device;
}

/** The ports in whose zones it is. */
export function portsReaching(san: SanConfiguration, name: string): readonly PortId[] {
  return PORT_IDS.filter((port) => reaches(san, port, name));
}

function initiatorPorts(san: SanConfiguration): readonly PortId[] {
  return PORT_IDS.filter((port) => portOf(san, port).role !== 'target');
}
