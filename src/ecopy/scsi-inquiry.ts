/**
 * The data of INQUIRY (SPC-3, 6.4 and 7.6): standard data, and the pages of vital product data
 *
 *    00h  the pages there are         83h  names of the unit, the port and the array
 *    80h  unit serial number          8Fh  third party copy (third-party-copy.ts)
 *
 *    0 peripheral qualifier and device type   1 page code   2-3 bytes that follow
 *
 * A name (designator) of page 83h: 0 code set   1 association (5-4), type (3-0)   3 length   4.. name
 */
import { arrayWwn, type PortId, portNumber, portWwn } from '../san/port-id.js';
import { DISK_TYPE } from './device-parameters.js';
import type { ScsiVolume } from './scsi-target.js';
import type { LogicalUnit } from './scsi-units.js';
import { encodeThirdPartyCopy, THIRD_PARTY_COPY_PAGE } from './third-party-copy.js';
import { ascii, bit, bits, u8, u16, writeFields } from './wire-field.js';

export const VITAL_PAGES = {
  supportedPages: 0x00,
  serialNumber: 0x80,
  names: 0x83,
  thirdPartyCopy: THIRD_PARTY_COPY_PAGE,
} as const;
export const VITAL_HEADER = { deviceType: u8(0), pageCode: u8(1), pageLength: u16(2) } as const;
export const VITAL_HEADER_BYTES = 4;

export const STANDARD_INQUIRY = {
  peripheralQualifier: bits(0, 5, 3),
  deviceType: bits(0, 0, 5),
  /** 5: SPC-3. */
  version: u8(2),
  /** HISUP: LUNs have the form of SAM-2. */
  hierarchicalLuns: bit(3, 4),
  responseFormat: bits(3, 0, 4),
  additionalLength: u8(4),
  /** 3PC. */
  thirdPartyCopy: bit(5, 3),
  /** MULTIP. */
  severalPorts: bit(6, 4),
  /** CMDQUE. */
  commandQueue: bit(7, 1),
  vendor: ascii(8, 8),
  product: ascii(16, 16),
  revision: ascii(32, 4),
} as const;
const STANDARD_BYTES = 36;

const VENDOR = 'ARRAYFS';
const REVISION = '1';
/** Peripheral qualifier and device type in one byte (SPC-3, 6.4.2); 7Fh: nothing can be there. */
export const DEVICE_TYPES = {
  volume: DISK_TYPE,
  array: 0x0c,
  'report-luns': 0x1e,
  absent: 0x7f,
} as const;
const PRODUCTS = { volume: 'VOLUME', array: 'ARRAY', 'report-luns': 'REPORT LUNS', absent: '' };

/** Fields of designators (SPC-3, 7.6.3). */
export const CODE_SET = { binary: 1, ascii: 2, utf8: 3 } as const;
export const ASSOCIATION = { unit: 0, port: 1, device: 2 } as const;
export const NAME_TYPE = { vendorSpecific: 0, t10Vendor: 1, naa: 3, relativePort: 4 } as const;
export const DESIGNATOR = {
  codeSet: bits(0, 0, 4),
  association: bits(1, 4, 2),
  nameType: bits(1, 0, 4),
  nameLength: u8(3),
} as const;
export const DESIGNATOR_HEADER_BYTES = 4;

/** Where the unit is looked at. */
export interface InquiryPlace {
  /** Of the array. */
  readonly serial: string;
  readonly port: PortId;
}

export function standardInquiry({ kind }: LogicalUnit): Uint8Array {
  const view = Buffer.alloc(STANDARD_BYTES);
  writeFields(STANDARD_INQUIRY, view, {
    peripheralQualifier: DEVICE_TYPES[kind] >> 5,
    deviceType: DEVICE_TYPES[kind] & 0x1f,
    version: 5,
    hierarchicalLuns: true,
    responseFormat: 2,
    additionalLength: STANDARD_BYTES - 5,
    thirdPartyCopy: kind === 'volume' || kind === 'array',
    severalPorts: true,
    commandQueue: true,
    ...{ vendor: VENDOR, product: PRODUCTS[kind], revision: REVISION },
  });
  return view;
}

/** Undefined where the unit has no such page. */
export function vitalPage(
  page: number,
  unit: LogicalUnit,
  place: InquiryPlace,
): Uint8Array | undefined {
  const content = pageContents(unit, place).get(page);
  if (content === undefined) return undefined;
  const header = Buffer.alloc(VITAL_HEADER_BYTES);
  writeFields(VITAL_HEADER, header, {
    deviceType: DEVICE_TYPES[unit.kind],
    pageCode: page,
    pageLength: content.length,
  });
  return Buffer.concat([header, content]);
}

/** `ARRAYFS VOL00007`, the T10 vendor identification of a volume: who names it by a descriptor says this. */
export function vendorName(volumeNumber: number): string {
  return `${VENDOR.padEnd(8)}VOL${String(volumeNumber).padStart(5, '0')}`;
}

/** All pages of the unit, ascending, the first being their list. */
function pageContents(unit: LogicalUnit, place: InquiryPlace): ReadonlyMap<number, Uint8Array> {
  const pages = new Map<number, Uint8Array>([[VITAL_PAGES.supportedPages, new Uint8Array()]]);
  if (unit.kind === 'volume' || unit.kind === 'array') {
    pages.set(VITAL_PAGES.serialNumber, Buffer.from(serialNumber(unit, place.serial)));
  }
  if (unit.kind !== 'absent') pages.set(VITAL_PAGES.names, names(unit, place));
  if (unit.kind === 'volume' || unit.kind === 'array') {
    pages.set(VITAL_PAGES.thirdPartyCopy, encodeThirdPartyCopy());
  }
  return pages.set(VITAL_PAGES.supportedPages, Uint8Array.from(pages.keys()));
}

/** Of the array, and the number of the volume in 8 hex digits. */
function serialNumber(unit: LogicalUnit, serial: string): string {
  if (unit.kind !== 'volume') return serial;
  return serial + unit.volume.number.toString(16).padStart(8, '0');
}

/** A well-known unit has no name of its own (SPC-3, 7.6.3.1). */
function names(unit: LogicalUnit, { serial, port }: InquiryPlace): Uint8Array {
  const relativePort = Buffer.alloc(4);
  relativePort.writeUInt16BE(portNumber(port), 2);
  return Buffer.concat([
    ...(unit.kind === 'volume' ? volumeNames(unit.volume) : []),
    naaName('port', portWwn(serial, port)),
    designator(CODE_SET.binary, ASSOCIATION.port, NAME_TYPE.relativePort, relativePort),
    naaName('device', arrayWwn(serial)),
  ]);
}

/** NAA, T10 vendor identification, and the label as a vendor specific name: labels are not unique. */
function volumeNames({ naa, number, label }: ScsiVolume): readonly Uint8Array[] {
  const { ascii: asciiText, utf8 } = CODE_SET;
  const { t10Vendor, vendorSpecific } = NAME_TYPE;
  return [
    naaName('unit', naa),
    designator(asciiText, ASSOCIATION.unit, t10Vendor, Buffer.from(vendorName(number))),
    ...(label === ''
      ? []
      : [designator(utf8, ASSOCIATION.unit, vendorSpecific, Buffer.from(label))]),
  ];
}

function naaName(of: keyof typeof ASSOCIATION, digits: string): Uint8Array {
  return designator(CODE_SET.binary, ASSOCIATION[of], NAME_TYPE.naa, Buffer.from(digits, 'hex'));
}

function designator(
  codeSet: number,
  association: number,
  nameType: number,
  name: Uint8Array,
): Uint8Array {
  const header = Buffer.alloc(DESIGNATOR_HEADER_BYTES);
  writeFields(DESIGNATOR, header, { codeSet, association, nameType, nameLength: name.length });
  return Buffer.concat([header, name]);
}
