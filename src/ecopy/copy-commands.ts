/**
 * The CDBs of EXTENDED COPY (83h, LID1) and RECEIVE COPY RESULTS (84h), 16 bytes each:
 *
 *   0 operation code   1 service action (4-0)   2 list identifier (84h)
 *   10-13 parameter list length (83h), allocation length (84h)   15 control
 */
import { COPY_DESCRIPTOR_BYTES_MAX, COPY_INLINE_BYTES_MAX } from '../base/limits.js';
import { HEADER_BYTES } from './parameter-list-header.js';
import { SenseError } from './sense.js';
import { SENSE, type SenseCode } from './sense-codes.js';
import { bits, readFields, u8, u32, viewOf, writeFields } from './wire-field.js';

export const EXTENDED_COPY = 0x83;
export const RECEIVE_COPY_RESULTS = 0x84;
export const COPY_CDB_BYTES = 16;
/** The longest list there can be. */
export const COPY_LIST_BYTES_MAX =
  HEADER_BYTES.standard + COPY_DESCRIPTOR_BYTES_MAX + COPY_INLINE_BYTES_MAX;

export type CopyResultAction =
  | 'copy-status'
  | 'receive-data'
  | 'operating-parameters'
  | 'failed-segment-details';

/** A CDB of one of the two commands. */
export type CopyCommand =
  /** With 0 bytes of parameter list nothing is done, and that is GOOD. */
  | { readonly kind: 'extended-copy'; readonly listBytes: number }
  | {
      readonly kind: 'receive-copy-results';
      readonly action: CopyResultAction;
      /** Means nothing for operating parameters. */
      readonly listIdentifier: number;
      readonly allocationBytes: number;
    };

const LAYOUT = {
  operationCode: u8(0),
  serviceAction: bits(1, 0, 5),
  listIdentifier: u8(2),
  bytes: u32(10),
} as const;
const ACTIONS: Readonly<Record<CopyResultAction, number>> = {
  'copy-status': 0x00,
  'receive-data': 0x01,
  'operating-parameters': 0x03,
  'failed-segment-details': 0x04,
};

/** Decodes a CDB whose first byte is 83h or 84h; a SenseError where a field is not supported. */
export function decodeCopyCommand(cdb: Uint8Array): CopyCommand {
  if (cdb.length !== COPY_CDB_BYTES) throw commandError(SENSE.invalidCommand, 0);
  const { operationCode, serviceAction, listIdentifier, bytes } = readFields(LAYOUT, viewOf(cdb));
  if (operationCode === EXTENDED_COPY) {
    if (serviceAction !== 0) throw commandError(SENSE.invalidCommand, 1);
    if (bytes > COPY_LIST_BYTES_MAX) throw new SenseError({ code: SENSE.listLength });
    return { kind: 'extended-copy', listBytes: bytes };
  }
  if (operationCode !== RECEIVE_COPY_RESULTS) throw commandError(SENSE.invalidCommand, 0);
  const action = copyResultAction(serviceAction);
  if (action === undefined) throw commandError(SENSE.invalidCommandField, 1);
  return { kind: 'receive-copy-results', action, listIdentifier, allocationBytes: bytes };
}

/** What a service action of RECEIVE COPY RESULTS asks for; undefined for an unknown one. */
export function copyResultAction(serviceAction: number): CopyResultAction | undefined {
  const names = Object.keys(ACTIONS) as CopyResultAction[];
  return names.find((name) => ACTIONS[name] === serviceAction);
}

export function encodeCopyCommand(command: CopyCommand): Uint8Array {
  const cdb = Buffer.alloc(COPY_CDB_BYTES);
  if (command.kind === 'extended-copy') {
    const bytes = command.listBytes;
    const operationCode = EXTENDED_COPY;
    writeFields(LAYOUT, cdb, { operationCode, serviceAction: 0, listIdentifier: 0, bytes });
    return cdb;
  }
  writeFields(LAYOUT, cdb, {
    operationCode: RECEIVE_COPY_RESULTS,
    serviceAction: ACTIONS[command.action],
    listIdentifier: command.listIdentifier,
    bytes: command.allocationBytes,
  });
  return cdb;
}

/** The answer where nothing, or nothing yet, is kept under a list identifier. */
export function unknownListIdentifier(): SenseError {
  return commandError(SENSE.invalidCommandField, LAYOUT.listIdentifier.offset);
}

function commandError(code: SenseCode, byte: number): SenseError {
  return new SenseError({ code, pointer: { in: 'command', byte } });
}
