/**
 * Executes a SCSI command that came to a target port, and knows nothing of files: the file
 * /targets/PORT/scsi stands on it, and a network front end can. Every command has an answer; an error that is
 * neither the host's nor the copy's is HARDWARE ERROR. An EXTENDED COPY ends with the copy, all else at once.
 *
 * In this order: is there such a unit, is there such a command for it, the length of the CDB, CONTROL, its
 * fields. Reserved fields are not looked at.
 */
import { ArrayError } from '../base/errors.js';
import { decodeCopyCommand, unknownListIdentifier } from './copy-commands.js';
import {
  cutToAllocation,
  encodeCopyStatus,
  encodeFailedSegment,
  encodeReceivedData,
} from './copy-results.js';
import { encodeOperatingParameters, OPERATING_PARAMETERS } from './operating-parameters.js';
import { decodeParameterList } from './parameter-list.js';
import { encodeCapacity10, encodeCapacity16 } from './scsi-capacity.js';
import {
  CDB_BYTES_MAX,
  COMMANDS,
  type CommandName,
  commandOfCode,
  fieldError,
  unknownCommand,
} from './scsi-commands.js';
import { standardInquiry, vitalPage } from './scsi-inquiry.js';
import {
  type CopyResults,
  SCSI_STATUS,
  type ScsiAnswer,
  type ScsiRequest,
  type ScsiTarget,
  type ScsiVolume,
} from './scsi-target.js';
import { addressedUnit, encodeLuns, type LogicalUnit, reportedLuns } from './scsi-units.js';
import { encodeSense, type Sense, SenseError } from './sense.js';
import { SENSE, type SenseCode } from './sense-codes.js';
import { readFields, viewOf } from './wire-field.js';

/** A command at work. */
interface Execution {
  readonly request: ScsiRequest;
  readonly target: ScsiTarget;
  readonly volumes: readonly ScsiVolume[];
  readonly unit: LogicalUnit;
  /** The CDB, of the right length. */
  readonly cdb: Buffer;
}

type Executor = (execution: Execution) => Uint8Array | Promise<Uint8Array>;

const NONE = new Uint8Array();
/** Which units know the command, and what it does. */
const EXECUTORS: Readonly<
  Record<CommandName, { readonly units: readonly LogicalUnit['kind'][]; readonly run: Executor }>
> = {
  testUnitReady: { units: ['volume', 'array', 'report-luns'], run: testUnitReady },
  requestSense: { units: ['volume', 'array', 'report-luns', 'absent'], run: requestSense },
  inquiry: { units: ['volume', 'array', 'report-luns', 'absent'], run: inquiry },
  readCapacity10: { units: ['volume'], run: readCapacity10 },
  extendedCopy: { units: ['volume', 'array'], run: extendedCopy },
  receiveCopyResults: { units: ['volume', 'array'], run: receiveCopyResults },
  serviceActionIn: { units: ['volume'], run: readCapacity16 },
  reportLuns: { units: ['volume', 'array', 'report-luns', 'absent'], run: reportLuns },
};
const READ_CAPACITY_16 = 0x10;
/** Room for one LUN at least (SPC-3, 6.21). */
const REPORT_LUNS_BYTES_MIN = 16;
/** Bits of CONTROL that ask for something: NACA and LINK. */
const CONTROL_BITS = [2, 0];

/** The answer, always. Only an assertion of the program goes through. */
export async function executeCommand(
  request: ScsiRequest,
  target: ScsiTarget,
): Promise<ScsiAnswer> {
  try {
    const dataIn = await execute(request, target);
    return { status: SCSI_STATUS.good, sense: NONE, dataIn };
  } catch (error) {
    if (error instanceof SenseError) return checkCondition(error.sense);
    if (!(error instanceof ArrayError)) throw error;
    if (error.code === 'EBUSY') return { status: SCSI_STATUS.busy, sense: NONE, dataIn: NONE };
    return checkCondition({ code: SENSE.targetFailure });
  }
}

function execute(request: ScsiRequest, target: ScsiTarget): Uint8Array | Promise<Uint8Array> {
  const volumes = target.volumes(request);
  const unit = addressedUnit(request.lun, volumes);
  const cdb = viewOf(request.cdb);
  const name = commandOfCode(cdb[0]);
  const executor = name === undefined ? undefined : EXECUTORS[name];
  if (name === undefined || executor === undefined || !executor.units.includes(unit.kind)) {
    throw unit.kind === 'absent'
      ? new SenseError({ code: SENSE.unsupportedUnit })
      : unknownCommand();
  }
  const { bytes } = COMMANDS[name];
  if (cdb.length < bytes || cdb.length > CDB_BYTES_MAX) throw unknownCommand();
  const asked = CONTROL_BITS.find((position) => (cdb.readUInt8(bytes - 1) & (1 << position)) !== 0);
  if (asked !== undefined) throw fieldError(bytes - 1, asked);
  return executor.run({ request, target, volumes, unit, cdb });
}

function checkCondition(sense: Sense): ScsiAnswer {
  return { status: SCSI_STATUS.checkCondition, sense: encodeSense(sense), dataIn: NONE };
}

function testUnitReady({ unit }: Execution): Uint8Array {
  const code = unitSense(unit);
  if (code !== SENSE.none) throw new SenseError({ code });
  return NONE;
}

/** Every answer has its sense with it; so this tells of the unit. */
function requestSense({ unit, cdb }: Execution): Uint8Array {
  const { descriptorFormat, allocationLength } = readFields(COMMANDS.requestSense.fields, cdb);
  if (descriptorFormat) throw fieldError(1, 0);
  return cutToAllocation(encodeSense({ code: unitSense(unit) }), allocationLength);
}

/** A volume without a sector waits until its user gives it a size. */
function unitSense(unit: LogicalUnit): SenseCode {
  if (unit.kind === 'absent') return SENSE.unsupportedUnit;
  return unit.kind === 'volume' && unit.volume.sizeBytes === 0 ? SENSE.notReady : SENSE.none;
}

function inquiry({ unit, cdb, request, target }: Execution): Uint8Array {
  const fields = COMMANDS.inquiry.fields;
  const { vitalProductData, commandSupport, pageCode, allocationLength } = readFields(fields, cdb);
  if (commandSupport) throw fieldError(1, 1);
  if (!vitalProductData && pageCode !== 0) throw fieldError(fields.pageCode.offset);
  const place = { serial: target.serial, port: request.port };
  const data = vitalProductData ? vitalPage(pageCode, unit, place) : standardInquiry(unit);
  if (data === undefined) throw fieldError(fields.pageCode.offset);
  return cutToAllocation(data, allocationLength);
}

function readCapacity10(execution: Execution): Uint8Array {
  const fields = COMMANDS.readCapacity10.fields;
  const { logicalBlock, partialMedium } = readFields(fields, execution.cdb);
  if (partialMedium) throw fieldError(fields.partialMedium.offset, 0);
  if (logicalBlock !== 0) throw fieldError(fields.logicalBlock.offset);
  return encodeCapacity10(readySize(execution));
}

function readCapacity16(execution: Execution): Uint8Array {
  const fields = COMMANDS.serviceActionIn.fields;
  const { serviceAction, logicalBlock, allocationLength, partialMedium } = readFields(
    fields,
    execution.cdb,
  );
  if (serviceAction !== READ_CAPACITY_16) throw fieldError(fields.serviceAction.offset);
  if (partialMedium) throw fieldError(fields.partialMedium.offset, 0);
  if (logicalBlock !== 0n) throw fieldError(fields.logicalBlock.offset);
  return cutToAllocation(encodeCapacity16(readySize(execution)), allocationLength);
}

function readySize(execution: Execution): number {
  testUnitReady(execution);
  return execution.unit.kind === 'volume' ? execution.unit.volume.sizeBytes : 0;
}

function reportLuns({ cdb, volumes }: Execution): Uint8Array {
  const fields = COMMANDS.reportLuns.fields;
  const { selectReport, allocationLength } = readFields(fields, cdb);
  const luns = reportedLuns(selectReport, volumes);
  if (luns === undefined) throw fieldError(fields.selectReport.offset);
  if (allocationLength < REPORT_LUNS_BYTES_MIN) throw fieldError(fields.allocationLength.offset);
  return cutToAllocation(encodeLuns(luns), allocationLength);
}

async function extendedCopy({ cdb, request, target }: Execution): Promise<Uint8Array> {
  const command = decodeCopyCommand(cdb);
  if (command.kind !== 'extended-copy' || command.listBytes === 0) return NONE;
  if (request.dataOut.length < command.listBytes) throw new SenseError({ code: SENSE.listLength });
  const list = decodeParameterList(request.dataOut.subarray(0, command.listBytes));
  await target.copyManager.copy(request, list);
  return NONE;
}

function receiveCopyResults({ cdb, request, target }: Execution): Uint8Array {
  const command = decodeCopyCommand(cdb);
  if (command.kind !== 'receive-copy-results') return NONE;
  const { action, listIdentifier, allocationBytes } = command;
  if (action === 'operating-parameters') {
    return cutToAllocation(encodeOperatingParameters(OPERATING_PARAMETERS), allocationBytes);
  }
  const results = target.copyManager.results(request, listIdentifier) ?? {};
  const { part, data } = RESULT_PARTS[action](results);
  if (data === undefined) throw unknownListIdentifier();
  const isOver = part !== 'status' || results.status?.state !== 'in-progress';
  if (isOver && (allocationBytes === 0 || allocationBytes >= data.length)) {
    target.copyManager.forget(request, listIdentifier, part);
  }
  return cutToAllocation(data, allocationBytes);
}

/** Which part of the results an action asks for, and its data; undefined where there is none, or not yet. */
const RESULT_PARTS = {
  'copy-status': ({ status }: CopyResults) => ({
    part: 'status' as const,
    data: status && encodeCopyStatus(status),
  }),
  'receive-data': ({ heldData }: CopyResults) => ({
    part: 'heldData' as const,
    data: heldData && encodeReceivedData(heldData),
  }),
  'failed-segment-details': ({ failure }: CopyResults) => ({
    part: 'failure' as const,
    data: failure && encodeFailedSegment(failure === 'none' ? undefined : failure),
  }),
};
