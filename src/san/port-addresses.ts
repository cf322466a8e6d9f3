/**
 * Addresses of ports and backup devices in the forms that are no world wide names, as target descriptors of EXTENDED COPY
 * may have them: the N_Port identifier of Fibre Channel, 24 bits, and the target identifier of a parallel bus, 8 bits.
 *
 *                    N_Port identifier               target identifier
 *    ports           01 0c 0p: controller, port      1 to 8, in the order of PORT_IDS
 *                    0Ah to 0Dh as in its name
 *    device n        02 nnnn                         16 + n, to 255
 */
import { PORT_IDS, type PortId, portOfNumber } from './port-id.js';

const PORT_AREA = 0x010000;
const DEVICE_AREA = 0x020000;
const PARALLEL_DEVICES = 16;

/** `CL1-A` is 01010Ah. */
export function nPortId(port: PortId): number {
  const place = Number.parseInt(`${port.charAt(2)}0${port.charAt(4)}`, 16);
  return PORT_AREA + place;
}

export function deviceNPortId(deviceNumber: number): number {
  return DEVICE_AREA + deviceNumber;
}

export function portOfNPortId(id: number): PortId | undefined {
  return PORT_IDS.find((port) => nPortId(port) === id);
}

/** Undefined where it is no device's. */
export function deviceOfNPortId(id: number): number | undefined {
  return id > DEVICE_AREA && id <= DEVICE_AREA + 0xffff ? id - DEVICE_AREA : undefined;
}

export function portOfTargetId(id: number): PortId | undefined {
  return portOfNumber(id);
}

export function deviceOfTargetId(id: number): number | undefined {
  return id > PARALLEL_DEVICES ? id - PARALLEL_DEVICES : undefined;
}
