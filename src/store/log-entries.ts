/**
 * What a batch of the intent log says: entries one after the other, big-endian.
 *
 *   1 record  generation u48, key length u8, key, has a value u8, [length u32, value]
 *   2 usage   generation u48, order u48, lineage u32, epoch u32, to lineage u32, to epoch u32
 *   3 clip    generation u48, order u48, lineage u32, epoch u32, block u40, count u32, epochs u32
 *   4 layer   generation u48, order u48, lineage u32, epoch u32, previous view + 1 u40, count u32,
 *             then for each block: block u40, sectors u32, kind u8:
 *             0 zeros | 1 the sectors' bytes | 2 reference: id u48, CRC u32, valid sectors u32
 *
 * `order` is the place of a step among all steps of the mount: a layer logged twice has one order.
 */

import { ByteReader, ByteWriter } from '../base/byte-cursor.js';
import { ArrayError } from '../base/errors.js';
import { SECTOR_BYTES } from '../base/sizes.js';
import type { Location } from './records.js';
import { sectorCount } from './sector-runs.js';
import type { ClipStep, RecordChange, UsageStep } from './tasks.js';

/** Content of one block: bytes of its sectors, in order; a reference; neither: zeros. */
export interface LoggedBlock {
  readonly block: number;
  readonly sectors: number;
  readonly bytes?: Uint8Array | undefined;
  readonly location?: Location | undefined;
}

export interface LayerPlace {
  readonly lineage: number;
  readonly epoch: number;
  readonly previousView: number;
}

interface Placed {
  /** Sequence of the generation it is part of. */
  readonly sequence: number;
}

interface Ordered extends Placed {
  readonly order: number;
}

export type LogEntry =
  | (Placed & { readonly kind: 'record'; readonly change: RecordChange })
  | (Ordered & { readonly kind: 'usage'; readonly step: UsageStep })
  | (Ordered & { readonly kind: 'clip'; readonly step: ClipStep })
  | (Ordered & {
      readonly kind: 'layer';
      readonly place: LayerPlace;
      readonly blocks: readonly LoggedBlock[];
    });

const KIND = { record: 1, usage: 2, clip: 3, layer: 4 } as const;
const CONTENT = { zeros: 0, bytes: 1, reference: 2 } as const;

export function packEntries(entries: readonly LogEntry[], sizeHint: number): Uint8Array {
  const writer = new ByteWriter(sizeHint);
  for (const entry of entries) packEntry(writer, entry);
  return writer.finish();
}

/** EIO where the payload is not a sequence of entries. */
export function unpackEntries(payload: Uint8Array): LogEntry[] {
  const reader = new ByteReader(payload);
  const entries: LogEntry[] = [];
  while (!reader.isAtEnd) entries.push(unpackEntry(reader));
  return entries;
}

function packEntry(writer: ByteWriter, entry: LogEntry): void {
  writer.u8(KIND[entry.kind]).u48(entry.sequence);
  if (entry.kind === 'record') {
    const { key, value } = entry.change;
    writer
      .u8(key.length)
      .raw(key)
      .u8(value === undefined ? 0 : 1);
    if (value !== undefined) writer.u32(value.length).raw(value);
    return;
  }
  writer.u48(entry.order);
  if (entry.kind === 'usage') {
    const { lineage, epoch, toLineage, toEpoch } = entry.step;
    writer.u32(lineage).u32(epoch).u32(toLineage).u32(toEpoch);
  } else if (entry.kind === 'clip') {
    const { lineage, epoch, block, replaces } = entry.step;
    writer.u32(lineage).u32(epoch).u40(block).u32(replaces.length);
    for (const old of replaces) writer.u32(old);
  } else {
    const { lineage, epoch, previousView } = entry.place;
    writer
      .u32(lineage)
      .u32(epoch)
      .u40(previousView + 1)
      .u32(entry.blocks.length);
    for (const block of entry.blocks) packBlock(writer, block);
  }
}

function packBlock(writer: ByteWriter, { block, sectors, bytes, location }: LoggedBlock): void {
  writer.u40(block).u32(sectors);
  if (bytes !== undefined) writer.u8(CONTENT.bytes).raw(bytes);
  else if (location === undefined) writer.u8(CONTENT.zeros);
  else writer.u8(CONTENT.reference).u48(location.id).u32(location.crc).u32(location.sectors);
}

function unpackEntry(reader: ByteReader): LogEntry {
  const kind = reader.u8();
  const sequence = reader.u48();
  if (kind === KIND.record) {
    const key = reader.raw(reader.u8());
    const value = reader.u8() === 0 ? undefined : reader.raw(reader.u32());
    return { kind: 'record', sequence, change: { key, value } };
  }
  const order = reader.u48();
  const lineage = reader.u32();
  const epoch = reader.u32();
  if (kind === KIND.usage) {
    const [toLineage, toEpoch] = [reader.u32(), reader.u32()];
    const step = { kind: 'usage' as const, lineage, epoch, toLineage, toEpoch };
    return { kind: 'usage', sequence, order, step };
  }
  if (kind === KIND.clip) {
    const block = reader.u40();
    const replaces = Array.from({ length: reader.u32() }, () => reader.u32());
    const step = { kind: 'clip' as const, lineage, epoch, block, replaces };
    return { kind: 'clip', sequence, order, step };
  }
  if (kind !== KIND.layer)
    throw new ArrayError('EIO', `the intent log has an entry of kind ${kind}`);
  const place = { lineage, epoch, previousView: reader.u40() - 1 };
  const blocks = Array.from({ length: reader.u32() }, () => unpackBlock(reader));
  return { kind: 'layer', sequence, order, place, blocks };
}

function unpackBlock(reader: ByteReader): LoggedBlock {
  const block = reader.u40();
  const sectors = reader.u32();
  const content = reader.u8();
  if (content === CONTENT.zeros) return { block, sectors };
  if (content === CONTENT.bytes) {
    return { block, sectors, bytes: reader.raw(sectorCount(sectors) * SECTOR_BYTES) };
  }
  const location = { id: reader.u48(), crc: reader.u32(), sectors: reader.u32() };
  return { block, sectors, location };
}
