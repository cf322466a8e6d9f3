/**
 * A SCSI command and its answer as text, for who sends commands by hand:
 *
 *    RECEIVE COPY RESULTS (84h): copy status, service action: 0, list identifier: 34 (22h), ...
 *    status: GOOD (00h)
 *    data-in: 12 bytes
 *      the copy is done, segments processed: 1, bytes written: 65536
 *
 * Sense is told in words. Data that this program does not know, or that are cut where nothing can be
 * said of them, are shown as bytes; it is never an error, whatever the answer holds.
 */
import { ArrayError } from '../base/errors.js';
import { type CopyResultAction, copyResultAction } from './copy-commands.js';
import {
  type CopyState,
  decodeCopyStatus,
  decodeFailedSegment,
  decodeReceivedData,
} from './copy-results.js';
import { codesText, fieldLines, hexByte, hexLines, valueLines } from './field-text.js';
import { describeInquiry } from './inquiry-description.js';
import { decodeOperatingParameters } from './operating-parameters.js';
import { CAPACITY10, CAPACITY16 } from './scsi-capacity.js';
import { COMMANDS, type CommandName, commandOfCode } from './scsi-commands.js';
import { SCSI_STATUS, type ScsiAnswer } from './scsi-target.js';
import { decodeLuns } from './scsi-units.js';
import { decodeSense, describeSense } from './sense.js';
import { lunNumber } from './target-descriptor.js';
import { viewOf, type WireField } from './wire-field.js';

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  [SCSI_STATUS.good]: 'GOOD',
  [SCSI_STATUS.checkCondition]: 'CHECK CONDITION',
  [SCSI_STATUS.busy]: 'BUSY',
};
const COPY_STATES: Readonly<Record<CopyState, string>> = {
  'in-progress': 'the copy is in progress',
  done: 'the copy is done',
  failed: 'the copy has failed',
};

/** Data-in as lines; an ArrayError where the bytes are too few. */
type DataDescriber = (data: Uint8Array, cdb: Uint8Array) => string[];

const DATA_DESCRIBERS: Readonly<Record<CommandName, DataDescriber>> = {
  testUnitReady: hexLines,
  requestSense: (data) => [senseText(data)],
  inquiry: describeInquiry,
  readCapacity10: (data) => capacityLines(CAPACITY10, data),
  extendedCopy: hexLines,
  receiveCopyResults: (data, cdb) => copyResultLines(data, actionOf(cdb)),
  serviceActionIn: (data) => capacityLines(CAPACITY16, data),
  reportLuns: (data) => decodeLuns(data).map(lunText),
};

/** Several lines, the last without its end. */
export function describeAnswer(cdb: Uint8Array, answer: ScsiAnswer): string {
  const { status, sense, dataIn } = answer;
  const name = STATUS_TEXTS[status] ?? 'UNKNOWN STATUS';
  return [
    describeCommand(cdb),
    `status: ${name} (${hexByte(status)}h)`,
    ...(sense.length === 0 ? [] : [`sense: ${orBytes(sense, () => [senseText(sense)]).join(' ')}`]),
    ...(dataIn.length === 0 ? [] : [`data-in: ${dataIn.length} bytes`]),
    ...dataLines(cdb, dataIn).map((line) => `  ${line}`),
  ].join('\n');
}

/** One line: the name of the command, and its fields by name. */
export function describeCommand(cdb: Uint8Array): string {
  const [code] = cdb;
  if (code === undefined) return 'an empty command';
  const name = commandOfCode(code);
  if (name === undefined) return `unknown command (${hexByte(code)}h)`;
  const { text, fields } = COMMANDS[name];
  const action = name === 'receiveCopyResults' ? actionOf(cdb) : undefined;
  const actionText = action === undefined ? '' : `: ${action.replaceAll('-', ' ')}`;
  return [`${text} (${hexByte(code)}h)${actionText}`, ...fieldLines(fields, cdb)].join(', ');
}

function dataLines(cdb: Uint8Array, data: Uint8Array): string[] {
  const name = commandOfCode(cdb[0]);
  if (data.length === 0) return [];
  if (name === undefined) return hexLines(data);
  return orBytes(data, () => DATA_DESCRIBERS[name](data, cdb));
}

/** What `describe` says; the bytes where it says nothing, or they are too few for it. */
function orBytes(bytes: Uint8Array, describe: () => string[]): string[] {
  try {
    const lines = describe();
    return lines.length > 0 ? lines : hexLines(bytes);
  } catch (error) {
    if (error instanceof ArrayError) return hexLines(bytes);
    throw error;
  }
}

function senseText(sense: Uint8Array): string {
  return describeSense(decodeSense(sense));
}

function capacityLines(
  layout: { lastLogicalBlock: WireField<number | bigint>; blockLength: WireField<number> },
  data: Uint8Array,
): string[] {
  const lines = fieldLines(layout, data);
  if (lines.length < Object.keys(layout).length) return lines;
  const last = BigInt(layout.lastLogicalBlock.read(viewOf(data)));
  const isTooLarge = layout === CAPACITY10 && last === 0xffff_ffffn;
  const size = (last + 1n) * BigInt(layout.blockLength.read(viewOf(data)));
  return [...lines, isTooLarge ? 'size: larger than this command can say' : `size: ${size} bytes`];
}

function lunText(digits: string): string {
  const number = lunNumber(digits);
  return number === undefined ? `unit ${digits}` : `LUN ${number}`;
}

/** What RECEIVE COPY RESULTS gives, as lines. */
export function copyResultLines(data: Uint8Array, action: CopyResultAction | undefined): string[] {
  switch (action) {
    case 'copy-status':
      return [copyStatusText(data)];
    case 'receive-data':
      return hexLines(decodeReceivedData(data));
    case 'operating-parameters':
      return valueLines({ ...decodeOperatingParameters(data) });
    case 'failed-segment-details':
      return [failedSegmentText(data)];
    case undefined:
      return [];
  }
}

/** The action that a CDB of RECEIVE COPY RESULTS asks for. */
function actionOf(cdb: Uint8Array): CopyResultAction | undefined {
  const { serviceAction } = COMMANDS.receiveCopyResults.fields;
  return copyResultAction(serviceAction.read(viewOf(cdb)));
}

function copyStatusText(data: Uint8Array): string {
  const { state, segmentsProcessed, writtenBytes, heldDataDiscarded } = decodeCopyStatus(data);
  const held = heldDataDiscarded ? ', held data discarded' : '';
  const counts = `segments processed: ${segmentsProcessed}, bytes written: ${writtenBytes}`;
  return `${COPY_STATES[state]}, ${counts}${held}`;
}

function failedSegmentText(data: Uint8Array): string {
  const failed = decodeFailedSegment(data);
  if (failed === undefined) return 'no segment failed';
  return `status ${codesText([failed.status])}, ${senseText(failed.sense)}`;
}
