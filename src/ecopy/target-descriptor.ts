/**
 * Target descriptors E0h-E4h of a parameter list, 32 bytes each (SPC-2, 7.2.6):
 *
 *    0 type code   1 LU ID TYPE (7-6), NUL (5), peripheral device type (4-0)   2-3 initiator port
 *    4-27 who is meant, by type (LAYOUTS)   28-31 parameters, by peripheral device type
 *
 * With NUL set bytes 4-27 mean nothing: a place to flush residual data to, reached by no command.
 */
import { type DeviceParameters, readParameters, writeParameters } from './device-parameters.js';
import { SenseError } from './sense.js';
import { SENSE, type SenseCode } from './sense-codes.js';
import {
  bit,
  bits,
  hex,
  readFields,
  u8,
  u16,
  u24,
  type WireLayout,
  type WireValues,
  writeFields,
} from './wire-field.js';

export const TARGET_DESCRIPTOR_BYTES = 32;
const IDENTIFIER_BYTES_MAX = 20;
const CODE_SETS: readonly number[] = [1, 2, 3];
const ASSOCIATION_MAX = 2;
const IDENTIFIER_TYPE_MAX = 8;

const LUN = hex(4, 8);
const WWN = hex(12, 8);
const N_PORT = u24(21);
/** Kind -> type code and fields. LUNs and world wide names are hex digits. */
const LAYOUTS = {
  'port-name': { code: 0xe0, fields: { lun: LUN, wwn: WWN } },
  'n-port': { code: 0xe1, fields: { lun: LUN, portId: N_PORT } },
  'n-port-checked': { code: 0xe2, fields: { lun: LUN, wwn: WWN, portId: N_PORT } },
  parallel: { code: 0xe3, fields: { lun: LUN, targetId: u8(13) } },
  identification: {
    code: 0xe4,
    fields: { codeSet: bits(4, 0, 4), association: bits(5, 4, 2), identifierType: bits(5, 0, 4) },
  },
} as const;

const HEADER = {
  code: u8(0),
  unitIdType: bits(1, 6, 2),
  nul: bit(1, 5),
  deviceType: bits(1, 0, 5),
  initiatorPort: u16(2),
} as const;
const IDENTIFIER_LENGTH = u8(7);
const IDENTIFIER_AT = 8;

type Kind = keyof typeof LAYOUTS;
type Address = {
  [K in Kind]: { readonly kind: K } & WireValues<(typeof LAYOUTS)[K]['fields']> &
    (K extends 'identification'
      ? /** Up to 20 bytes as hex digits. */ { readonly identifier: string }
      : unknown);
}[Kind];
/** Whom a descriptor names; `none` has the type code alone (NUL). */
export type TargetAddress = Address | { readonly kind: 'none'; readonly code: number };

export interface TargetDescriptor {
  readonly address: TargetAddress;
  /** As INQUIRY of the target must show it. */
  readonly deviceType: number;
  /** Relative initiator port identifier, 0 for any. */
  readonly initiatorPort: number;
  readonly parameters: DeviceParameters;
}

/** Type codes that are understood, ascending, as OPERATING PARAMETERS lists them. */
export const TARGET_CODES: readonly number[] = Object.values(LAYOUTS).map(({ code }) => code);

/** Decodes the descriptor at `offset` of a parameter list, whose type code is a known one. */
export function decodeTarget(list: Buffer, offset: number): TargetDescriptor {
  const view = list.subarray(offset, offset + TARGET_DESCRIPTOR_BYTES);
  const refuse = (byte: number) => targetError(SENSE.invalidField, offset + byte);
  const { code, unitIdType, nul, deviceType, initiatorPort } = readFields(HEADER, view);
  if (unitIdType !== 0) throw refuse(HEADER.unitIdType.offset);
  const parameters = readParameters(view, deviceType, nul);
  if (typeof parameters === 'number') throw refuse(parameters);
  const address = nul ? ({ kind: 'none', code } as const) : readAddress(view, code);
  if (typeof address === 'number') throw refuse(address);
  return { address, deviceType, initiatorPort, parameters };
}

export function encodeTarget(target: TargetDescriptor): Uint8Array {
  const view = Buffer.alloc(TARGET_DESCRIPTOR_BYTES);
  const { address, deviceType, initiatorPort, parameters } = target;
  const nul = address.kind === 'none';
  const code = address.kind === 'none' ? address.code : LAYOUTS[address.kind].code;
  writeFields(HEADER, view, { code, unitIdType: 0, nul, deviceType, initiatorPort });
  if (address.kind !== 'none') {
    writeFields<WireLayout>(LAYOUTS[address.kind].fields, view, { ...address });
  }
  if (address.kind === 'identification') {
    IDENTIFIER_LENGTH.write(view, address.identifier.length / 2);
    view.write(address.identifier, IDENTIFIER_AT, IDENTIFIER_BYTES_MAX, 'hex');
  }
  writeParameters(view, parameters);
  return view;
}

/** Key 05h: something about a target descriptor, found before the first segment is processed. */
export function targetError(code: SenseCode, byte: number): SenseError {
  return new SenseError({ code, pointer: { in: 'parameter-list', byte } });
}

/** SAM form of a small logical unit number: `00 n 00..`, or `4x xx 00..` from 256 on. */
export function lunDigits(lun: number): string {
  const first = lun < 256 ? lun : 0x4000 | lun;
  return first.toString(16).padStart(4, '0').padEnd(16, '0');
}

/** The logical unit number that the SAM form names; undefined in every other addressing method. */
export function lunNumber(digits: string): number | undefined {
  const first = Number.parseInt(digits.slice(0, 4), 16);
  if (!/^0+$/.test(digits.slice(4))) return undefined;
  if (first < 256) return first;
  return first >= 0x4000 && first < 0x8000 ? first & 0x3fff : undefined;
}

/** A number is the offset of the field that is not allowed. */
function readAddress(view: Buffer, code: number): Address | number {
  const kinds = Object.keys(LAYOUTS) as Kind[];
  const kind = kinds.find((name) => LAYOUTS[name].code === code);
  if (kind === undefined) return HEADER.code.offset;
  if (kind !== 'identification') {
    return { kind, ...readFields(LAYOUTS[kind].fields, view) } as Address;
  }
  const { fields } = LAYOUTS.identification;
  const values = readFields(fields, view);
  const length = IDENTIFIER_LENGTH.read(view);
  if (!CODE_SETS.includes(values.codeSet)) return fields.codeSet.offset;
  if (values.association > ASSOCIATION_MAX) return fields.association.offset;
  if (values.identifierType > IDENTIFIER_TYPE_MAX) return fields.identifierType.offset;
  if (length === 0 || length > IDENTIFIER_BYTES_MAX) return IDENTIFIER_LENGTH.offset;
  const identifier = view.toString('hex', IDENTIFIER_AT, IDENTIFIER_AT + length);
  return { kind, ...values, identifier };
}
