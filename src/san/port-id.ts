/**
 * Names of controllers and ports. Two controllers, CL1 and CL2, have ports A to D each ([000] fig. 12).
 *
 * A world wide name is of the form NAA 3h, locally assigned (SPC-3, 7.6.3.6.3), 16 hex digits: 3, the
 * array's serial (12 digits), and three digits for who is meant:
 *
 *    000       the array itself               800-fff   backup device 0 to 2,047
 *    01a-01d   ports A to D of CL1            02a-02d   of CL2
 */
import { assert } from '../base/assert.js';
import { ArrayError } from '../base/errors.js';
import { printable } from '../base/names.js';

export const CONTROLLER_IDS = ['CL1', 'CL2'] as const;
export type ControllerId = (typeof CONTROLLER_IDS)[number];

/** In the order in which ports are searched where nothing else is said. */
export const PORT_IDS = [
  ...(['CL1-A', 'CL1-B', 'CL1-C', 'CL1-D'] as const),
  ...(['CL2-A', 'CL2-B', 'CL2-C', 'CL2-D'] as const),
] as const;
export type PortId = (typeof PORT_IDS)[number];

const SERIAL = /^[0-9a-f]{12}$/;
const DEVICE_NUMBERS = 0x800;

export function isPortId(text: string): text is PortId {
  return (PORT_IDS as readonly string[]).includes(text);
}

export function isControllerId(text: string): text is ControllerId {
  return (CONTROLLER_IDS as readonly string[]).includes(text);
}

/** ENOENT where there is no such port. */
export function parsePort(text: string): PortId {
  if (isPortId(text)) return text;
  throw new ArrayError('ENOENT', `there is no port '${printable(text)}' (CL1-A to CL2-D)`);
}

/** Ports separated by commas, each once; ENOENT for an unknown one, EINVAL for one named twice. */
export function parsePorts(text: string): PortId[] {
  const ports = text.split(',').map(parsePort);
  const twice = ports.find((port, index) => ports.indexOf(port) !== index);
  if (twice !== undefined) throw new ArrayError('EINVAL', `port ${twice} is named twice`);
  return ports;
}

/** ENOENT where there is no such controller. */
export function parseController(text: string): ControllerId {
  if (isControllerId(text)) return text;
  throw new ArrayError('ENOENT', `there is no controller '${printable(text)}' (CL1, CL2)`);
}

export function controllerOf(port: PortId): ControllerId {
  return port.slice(0, 3) as ControllerId;
}

export function portsOf(controller: ControllerId): readonly PortId[] {
  return PORT_IDS.filter((port) => controllerOf(port) === controller);
}

/** 1 to 8: the relative port identifier of SCSI, and the number in records. */
export function portNumber(port: PortId): number {
  return PORT_IDS.indexOf(port) + 1;
}

/** The twin of `portNumber`; undefined for a number that no port has. */
export function portOfNumber(number: number): PortId | undefined {
  return PORT_IDS[number - 1];
}

export function arrayWwn(serial: string): string {
  return wwn(serial, '000');
}

export function portWwn(serial: string, port: PortId): string {
  return wwn(serial, `0${port.charAt(2)}${port.charAt(4).toLowerCase()}`);
}

export function deviceWwn(serial: string, deviceNumber: number): string {
  assert(deviceNumber >= 0 && deviceNumber < DEVICE_NUMBERS, 'a device number fits 11 bits');
  return wwn(serial, (DEVICE_NUMBERS + deviceNumber).toString(16));
}

/** The port of this array that a world wide name means, if it means one. */
export function portOfWwn(serial: string, name: string): PortId | undefined {
  return PORT_IDS.find((port) => portWwn(serial, port) === name.toLowerCase());
}

function wwn(serial: string, who: string): string {
  assert(SERIAL.test(serial), 'a serial is 12 hex digits');
  return `3${serial}${who}`;
}
