/**
 * Records of what is set about ports, port groups, hosts, LUNs, backup devices and priority. Ports and roles are texts
 * here; what they mean is checked by san, which also says which keys the records have (stored-configuration.ts).
 */
import type { ByteReader, ByteWriter } from '../base/byte-cursor.js';
import { seal, unseal } from './sealed-record.js';

export interface ControllerRecord {
  readonly id: string;
  readonly state: string;
}

export function packController(controller: ControllerRecord): Uint8Array {
  return seal((writer) => {
    writer.text(controller.id).text(controller.state);
  });
}

export function unpackController(value: Uint8Array): ControllerRecord {
  return unseal(value, (reader) => ({ id: reader.text(), state: reader.text() }));
}

export interface PortRecord {
  readonly id: string;
  readonly role: string;
  readonly usage: string;
  readonly state: string;
  /** Names of the devices it reaches. */
  readonly devices: readonly string[];
}

export function packPort(port: PortRecord): Uint8Array {
  return seal((writer) => {
    writer.text(port.id).text(port.role).text(port.usage).text(port.state);
    writeTexts(writer, port.devices);
  });
}

export function unpackPort(value: Uint8Array): PortRecord {
  return unseal(value, (reader) => ({
    id: reader.text(),
    role: reader.text(),
    usage: reader.text(),
    state: reader.text(),
    devices: readTexts(reader),
  }));
}

export interface PortGroupRecord {
  readonly number: number;
  readonly name: string;
  readonly targets: readonly string[];
  readonly initiators: readonly string[];
}

export function packPortGroup(group: PortGroupRecord): Uint8Array {
  return seal((writer) => {
    writer.u32(group.number).text(group.name);
    writeTexts(writer, group.targets);
    writeTexts(writer, group.initiators);
  });
}

export function unpackPortGroup(value: Uint8Array): PortGroupRecord {
  return unseal(value, (reader) => ({
    number: reader.u32(),
    name: reader.text(),
    targets: readTexts(reader),
    initiators: readTexts(reader),
  }));
}

export interface HostRecord {
  readonly number: number;
  readonly name: string;
  readonly uids: readonly number[];
}

export function packHost(host: HostRecord): Uint8Array {
  return seal((writer) => {
    writer.u32(host.number).text(host.name).u32(host.uids.length);
    for (const uid of host.uids) writer.u32(uid);
  });
}

export function unpackHost(value: Uint8Array): HostRecord {
  return unseal(value, (reader) => ({
    number: reader.u32(),
    name: reader.text(),
    uids: Array.from({ length: reader.u32() }, () => reader.u32()),
  }));
}

export interface LunMappingRecord {
  readonly port: string;
  readonly lun: number;
  /** Name of a host, or `any`. */
  readonly host: string;
  /** Number of a volume or snapshot. */
  readonly volume: number;
}

export function packLunMapping(mapping: LunMappingRecord): Uint8Array {
  return seal((writer) => {
    writer.text(mapping.port).u16(mapping.lun).text(mapping.host).u32(mapping.volume);
  });
}

export function unpackLunMapping(value: Uint8Array): LunMappingRecord {
  return unseal(value, (reader) => ({
    port: reader.text(),
    lun: reader.u16(),
    host: reader.text(),
    volume: reader.u32(),
  }));
}

export interface DeviceRecord {
  readonly number: number;
  readonly name: string;
  readonly kind: string;
  readonly path: string;
}

export function packDevice(device: DeviceRecord): Uint8Array {
  return seal((writer) => {
    writer.u32(device.number).text(device.name).text(device.kind).text(device.path);
  });
}

export function unpackDevice(value: Uint8Array): DeviceRecord {
  return unseal(value, (reader) => ({
    number: reader.u32(),
    name: reader.text(),
    kind: reader.text(),
    path: reader.text(),
  }));
}

/** What each may do in its turn: `bytes` or `ms`, and how many. */
export interface PriorityRecord {
  readonly online: ShareRecord;
  readonly backup: ShareRecord;
}

interface ShareRecord {
  readonly unit: string;
  readonly value: number;
}

export function packPriority({ online, backup }: PriorityRecord): Uint8Array {
  return seal((writer) => {
    for (const { unit, value } of [online, backup]) writer.text(unit).u32(value);
  });
}

export function unpackPriority(value: Uint8Array): PriorityRecord {
  return unseal(value, (reader) => {
    const share = () => ({ unit: reader.text(), value: reader.u32() });
    return { online: share(), backup: share() };
  });
}

function writeTexts(writer: ByteWriter, texts: readonly string[]): void {
  writer.u16(texts.length);
  for (const text of texts) writer.text(text);
}

function readTexts(reader: ByteReader): string[] {
  return Array.from({ length: reader.u16() }, () => reader.text());
}
