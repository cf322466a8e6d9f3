/**
 * The page of vital product data 8Fh, third party copy (SPC-4, 7.8.17): what OPERATING PARAMETERS say, for who asks
 * before the first copy. It is a list of descriptors, each a multiple of four bytes:
 *
 *    0-1 type   2-3 bytes that follow   4.. by type:
 *
 *    0001h  4 length of the list   5.. operation code, number of service actions, service actions
 *    0004h  8-9 targets   10-11 segments   12-15 descriptors, bytes   16-19 inline data, bytes
 *    0008h  4 length of the list   5.. descriptor type codes
 *    8001h  4-7 copies of all   8-11 copies with identifier   12-15 segment, bytes   16, 17 granularity
 *    9101h  4-7 stream transfer, bytes
 *    c001h  4-7 held data, bytes   8 granularity
 */
import { EXTENDED_COPY, RECEIVE_COPY_RESULTS } from './copy-commands.js';
import { OPERATING_PARAMETERS } from './operating-parameters.js';
import {
  readFields,
  u8,
  u16,
  u32,
  viewOf,
  type WireLayout,
  type WireValues,
  writeFields,
} from './wire-field.js';

export const THIRD_PARTY_COPY_PAGE = 0x8f;
const HEADER = { type: u16(0), length: u16(2) } as const;
const HEADER_BYTES = 4;
const LIST_AT = HEADER_BYTES + 1;
const COMMAND_LIST = 0x0001;
const TYPE_CODES = 0x0008;

const COMMAND_ACTIONS: readonly (readonly [code: number, actions: readonly number[]])[] = [
  [EXTENDED_COPY, [0x00]],
  [RECEIVE_COPY_RESULTS, [0x00, 0x01, 0x03, 0x04]],
];

/** Descriptors that are fields: name, type, bytes that follow the header, fields. */
export const COPY_LIMITS = {
  parameterData: {
    ...{ type: 0x0004, bytes: 28 },
    fields: {
      targetsMax: u16(8),
      segmentsMax: u16(10),
      descriptorBytesMax: u32(12),
      inlineBytesMax: u32(16),
    },
  },
  generalOperations: {
    ...{ type: 0x8001, bytes: 32 },
    fields: {
      copiesMax: u32(4),
      copiesOfOneMax: u32(8),
      segmentBytesMax: u32(12),
      segmentGranularity: u8(16),
      inlineGranularity: u8(17),
    },
  },
  streamOperations: {
    ...{ type: 0x9101, bytes: 12 },
    fields: { streamTransferBytesMax: u32(4) },
  },
  heldData: {
    ...{ type: 0xc001, bytes: 28 },
    fields: { heldBytesMax: u32(4), heldGranularity: u8(8) },
  },
} as const;

/** Without the header of the page. */
export function encodeThirdPartyCopy(): Uint8Array {
  const commands = COMMAND_ACTIONS.flatMap(([code, actions]) => [code, actions.length, ...actions]);
  const { parameterData, generalOperations, streamOperations, heldData } = COPY_LIMITS;
  return Buffer.concat([
    listDescriptor(COMMAND_LIST, commands),
    limitDescriptor(parameterData, OPERATING_PARAMETERS),
    listDescriptor(TYPE_CODES, OPERATING_PARAMETERS.typeCodes),
    limitDescriptor(generalOperations, OPERATING_PARAMETERS),
    limitDescriptor(streamOperations, OPERATING_PARAMETERS),
    limitDescriptor(heldData, OPERATING_PARAMETERS),
  ]);
}

/** One descriptor of the page: a list of numbers, or named limits. */
export interface CopyDescriptor {
  readonly type: number;
  readonly list: readonly number[];
  readonly limits: Readonly<Record<string, unknown>>;
}

/** The descriptors that are whole in `bytes`, which begin behind the header of the page. */
export function decodeThirdPartyCopy(bytes: Uint8Array): readonly CopyDescriptor[] {
  const descriptors: CopyDescriptor[] = [];
  let rest = viewOf(bytes);
  while (rest.length >= HEADER_BYTES) {
    const end = HEADER_BYTES + HEADER.length.read(rest);
    if (rest.length < end) break;
    descriptors.push(decodeDescriptor(rest.subarray(0, end)));
    rest = rest.subarray(end);
  }
  return descriptors;
}

function decodeDescriptor(view: Buffer): CopyDescriptor {
  const type = HEADER.type.read(view);
  if (type === COMMAND_LIST || type === TYPE_CODES) {
    const list = view.subarray(LIST_AT, LIST_AT + (view[HEADER_BYTES] ?? 0));
    return { type, list: [...list], limits: {} };
  }
  const known = Object.values(COPY_LIMITS).find((limit) => limit.type === type);
  const isWhole = known !== undefined && view.length >= HEADER_BYTES + known.bytes;
  const limits = isWhole ? readFields<WireLayout>(known.fields, view) : {};
  return { type, list: [], limits };
}

function listDescriptor(type: number, list: readonly number[]): Uint8Array {
  const length = Math.ceil((1 + list.length) / 4) * 4;
  const view = Buffer.alloc(HEADER_BYTES + length);
  writeFields(HEADER, view, { type, length });
  view[HEADER_BYTES] = list.length;
  view.set(list, LIST_AT);
  return view;
}

function limitDescriptor<L extends WireLayout>(
  { type, bytes, fields }: { type: number; bytes: number; fields: L },
  limits: WireValues<L>,
): Uint8Array {
  const view = Buffer.alloc(HEADER_BYTES + bytes);
  writeFields(HEADER, view, { type, length: bytes });
  writeFields(fields, view, limits);
  return view;
}
