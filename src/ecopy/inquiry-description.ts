/** The data of INQUIRY as lines for people, as far as they reach; the twin of scsi-inquiry.ts. */
import { codesText, fieldLines, hexByte, plainText, valueLines } from './field-text.js';
import { COMMANDS } from './scsi-commands.js';
import {
  ASSOCIATION,
  CODE_SET,
  DESIGNATOR,
  DESIGNATOR_HEADER_BYTES,
  DEVICE_TYPES,
  NAME_TYPE,
  STANDARD_INQUIRY,
  VITAL_HEADER,
  VITAL_HEADER_BYTES,
  VITAL_PAGES,
} from './scsi-inquiry.js';
import { decodeThirdPartyCopy } from './third-party-copy.js';
import { readFields, viewOf } from './wire-field.js';

/** Association and type of a name, in words. */
const OWNERS = new Map<number, string>([
  [ASSOCIATION.unit, 'unit'],
  [ASSOCIATION.port, 'port'],
  [ASSOCIATION.device, 'array'],
]);
const NAME_TYPES = new Map<number, string>([
  [NAME_TYPE.vendorSpecific, 'label'],
  [NAME_TYPE.t10Vendor, 'T10 vendor name'],
  [NAME_TYPE.naa, 'NAA'],
  [NAME_TYPE.relativePort, 'relative number'],
]);

/** Peripheral qualifier and device type, the first byte of all data of INQUIRY. */
const UNITS = new Map<number | undefined, string>([
  [DEVICE_TYPES.volume, 'a disk'],
  [DEVICE_TYPES.array, 'a storage array controller'],
  [DEVICE_TYPES['report-luns'], 'a well-known logical unit'],
  [DEVICE_TYPES.absent, 'no logical unit'],
]);

/** None where nothing can be said. */
export function describeInquiry(data: Uint8Array, cdb: Uint8Array): string[] {
  const unit = UNITS.get(data[0]) ?? 'another logical unit';
  const { vitalProductData } = COMMANDS.inquiry.fields;
  if (!vitalProductData.read(viewOf(cdb))) return [unit, ...fieldLines(STANDARD_INQUIRY, data)];
  if (data.length < VITAL_HEADER_BYTES) return [];
  const { pageCode, pageLength } = readFields(VITAL_HEADER, viewOf(data));
  const content = viewOf(data).subarray(VITAL_HEADER_BYTES, VITAL_HEADER_BYTES + pageLength);
  return [unit, ...fieldLines(VITAL_HEADER, data), ...pageLines(pageCode, content)];
}

function pageLines(page: number, content: Buffer): string[] {
  switch (page) {
    case VITAL_PAGES.supportedPages:
      return [`pages: ${codesText(content)}`];
    case VITAL_PAGES.serialNumber:
      return [`serial number: ${plainText(content)}`];
    case VITAL_PAGES.names:
      return nameLines(content);
    case VITAL_PAGES.thirdPartyCopy:
      return decodeThirdPartyCopy(content).flatMap(({ type, list, limits }) => {
        const codes = list.length > 0 ? [`list: ${codesText(list)}`] : [];
        const lines = [...codes, ...valueLines(limits)];
        return [
          `descriptor ${hexByte(type).padStart(4, '0')}h`,
          ...lines.map((line) => `  ${line}`),
        ];
      });
    default:
      return [];
  }
}

/** A line for each designator that is whole. */
function nameLines(content: Buffer): string[] {
  const lines: string[] = [];
  let rest = content;
  while (rest.length >= DESIGNATOR_HEADER_BYTES) {
    const { codeSet, association, nameType, nameLength } = readFields(DESIGNATOR, rest);
    const end = DESIGNATOR_HEADER_BYTES + nameLength;
    if (rest.length < end) break;
    const name = rest.subarray(DESIGNATOR_HEADER_BYTES, end);
    const text = codeSet === CODE_SET.binary ? name.toString('hex') : plainText(name);
    const owner = OWNERS.get(association) ?? `association ${association}`;
    lines.push(`${owner}, ${NAME_TYPES.get(nameType) ?? `type ${nameType}`}: ${text}`);
    rest = rest.subarray(end);
  }
  return lines;
}
