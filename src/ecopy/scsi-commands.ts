/**
 * The commands that a target port knows: operation code, length and fields of the CDB (SPC-3, SBC-2). The
 * last byte of each is CONTROL. EXTENDED COPY and RECEIVE COPY RESULTS are decoded in copy-commands.ts.
 */
import { EXTENDED_COPY, RECEIVE_COPY_RESULTS } from './copy-commands.js';
import { SenseError } from './sense.js';
import { SENSE } from './sense-codes.js';
import { bit, bits, u8, u16, u32, u64, type WireLayout } from './wire-field.js';

/** Of a CDB without additional length (SAM-2, 5.2). */
export const CDB_BYTES_MAX = 16;

export const COMMANDS = {
  testUnitReady: { code: 0x00, bytes: 6, text: 'TEST UNIT READY', fields: {} },
  requestSense: {
    ...{ code: 0x03, bytes: 6, text: 'REQUEST SENSE' },
    fields: { descriptorFormat: bit(1, 0), allocationLength: u8(4) },
  },
  inquiry: {
    ...{ code: 0x12, bytes: 6, text: 'INQUIRY' },
    fields: {
      /** EVPD. */
      vitalProductData: bit(1, 0),
      /** CMDDT, obsolete. */
      commandSupport: bit(1, 1),
      pageCode: u8(2),
      allocationLength: u16(3),
    },
  },
  readCapacity10: {
    ...{ code: 0x25, bytes: 10, text: 'READ CAPACITY(10)' },
    fields: { logicalBlock: u32(2), partialMedium: bit(8, 0) },
  },
  extendedCopy: {
    ...{ code: EXTENDED_COPY, bytes: 16, text: 'EXTENDED COPY' },
    fields: { serviceAction: bits(1, 0, 5), parameterListLength: u32(10) },
  },
  receiveCopyResults: {
    ...{ code: RECEIVE_COPY_RESULTS, bytes: 16, text: 'RECEIVE COPY RESULTS' },
    fields: { serviceAction: bits(1, 0, 5), listIdentifier: u8(2), allocationLength: u32(10) },
  },
  serviceActionIn: {
    ...{ code: 0x9e, bytes: 16, text: 'READ CAPACITY(16)' },
    fields: {
      serviceAction: bits(1, 0, 5),
      logicalBlock: u64(2),
      allocationLength: u32(10),
      partialMedium: bit(14, 0),
    },
  },
  reportLuns: {
    ...{ code: 0xa0, bytes: 12, text: 'REPORT LUNS' },
    fields: { selectReport: u8(2), allocationLength: u32(6) },
  },
} as const satisfies Record<
  string,
  { code: number; bytes: number; text: string; fields: WireLayout }
>;

export type CommandName = keyof typeof COMMANDS;

export function commandOfCode(code: number | undefined): CommandName | undefined {
  const names = Object.keys(COMMANDS) as CommandName[];
  return names.find((name) => COMMANDS[name].code === code);
}

/** ILLEGAL REQUEST, INVALID FIELD IN CDB: the byte, and the bit where it is one. */
export function fieldError(byte: number, bitNumber?: number): SenseError {
  const bitOfIt = bitNumber === undefined ? {} : { bit: bitNumber };
  return new SenseError({
    code: SENSE.invalidCommandField,
    pointer: { in: 'command', byte, ...bitOfIt },
  });
}

/** ILLEGAL REQUEST, INVALID COMMAND OPERATION CODE. */
export function unknownCommand(): SenseError {
  return new SenseError({ code: SENSE.invalidCommand, pointer: { in: 'command', byte: 0 } });
}
