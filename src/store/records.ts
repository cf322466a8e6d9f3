/**
 * Records of a pool: every value begins with a version byte and, in table `records`, ends with the
 * CRC-32 of all before it. Pack and unpack stand side by side, fields in the same order. Numbers are
 * big-endian, texts UTF-8 with a u16 length, times milliseconds since 1970 (u64).
 *
 *   map entry   version u8, block id u48, CRC-32 of the content u32, valid sectors u32, tag u32
 *               id 0: zeros. A sector outside the mask is lost and reads as EIO.
 *               tag = CRC-32 over pool, lineage, block, epoch, id, CRC and mask.
 */
import { crc32 } from 'node:zlib';
import { ArrayError } from '../base/errors.js';
import { type BlockContainerKind, isBlockContainer } from './container-kind.js';
import { RECORD_VERSION, seal, unseal } from './sealed-record.js';

/**
 * Version of the whole layout; a pool with a higher one is refused, and one of a lower becomes one of this when
 * it is opened. Version 1 had no intent log and its blocks in LMDB, version 2 knew of no other pools: it would
 * change one of several without the others being able to tell.
 */
export const LAYOUT_VERSION = 3;

// ---- map entries

export const MAP_ENTRY_BYTES = 19;
export const ALL_SECTORS = 0xffff_ffff;

/** Where a block's content is: block id, its CRC-32, and which sectors of it are valid. */
export interface Location {
  readonly id: number;
  readonly crc: number;
  readonly sectors: number;
}

const tagInput = Buffer.alloc(27);

/** Binds a map entry to its place; `poolSeed` is the CRC-32 of the pool's UUID. */
export function mapTag(
  poolSeed: number,
  lineage: number,
  block: number,
  epoch: number,
  location: Location,
): number {
  tagInput.writeUInt32BE(lineage, 0);
  tagInput.writeUIntBE(block, 4, 5);
  tagInput.writeUInt32BE(epoch, 9);
  tagInput.writeUIntBE(location.id, 13, 6);
  tagInput.writeUInt32BE(location.crc, 19);
  tagInput.writeUInt32BE(location.sectors, 23);
  return crc32(tagInput, poolSeed);
}

export function packMapEntry(location: Location, tag: number): Uint8Array {
  const value = Buffer.allocUnsafe(MAP_ENTRY_BYTES);
  value.writeUInt8(RECORD_VERSION, 0);
  value.writeUIntBE(location.id, 1, 6);
  value.writeUInt32BE(location.crc, 7);
  value.writeUInt32BE(location.sectors, 11);
  value.writeUInt32BE(tag, 15);
  return value;
}

/** EIO where version or size is wrong; the tag is returned unchecked. */
export function unpackMapEntry(value: Uint8Array): Location & { readonly tag: number } {
  if (value.length !== MAP_ENTRY_BYTES || value[0] !== RECORD_VERSION) {
    throw new ArrayError('EIO', 'map entry has a wrong size or version');
  }
  const view = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return {
    id: view.readUIntBE(1, 6),
    crc: view.readUInt32BE(7),
    sectors: view.readUInt32BE(11),
    tag: view.readUInt32BE(15),
  };
}

// ---- identity of a pool

export interface PoolIdentityRecord {
  readonly layoutVersion: number;
  readonly arrayUuid: Uint8Array;
  /** 12 hex digits. */
  readonly arraySerial: string;
  readonly arrayLabel: string;
  readonly poolUuid: Uint8Array;
  /** Seed of the map tags: CRC-32 of the UUID the pool was made with. */
  readonly tagSeed: number;
  readonly poolName: string;
  readonly createdMs: number;
  readonly capacityBytes: number;
  readonly blockContainer: BlockContainerKind;
}

/** Layout version first and outside the checks of the rest, so that any version can be read. */
export function packIdentity(identity: PoolIdentityRecord): Uint8Array {
  return seal((writer) => {
    writer
      .u16(identity.layoutVersion)
      .raw(identity.arrayUuid)
      .text(identity.arraySerial)
      .text(identity.arrayLabel)
      .raw(identity.poolUuid)
      .u32(identity.tagSeed)
      .text(identity.poolName)
      .u64(identity.createdMs)
      .u64(identity.capacityBytes)
      .text(identity.blockContainer);
  });
}

/** EINVAL for a pool of a newer version, EIO for a damaged record. */
export function unpackIdentity(value: Uint8Array): PoolIdentityRecord {
  const layoutVersion = value.length >= 3 ? ((value[1] ?? 0) << 8) | (value[2] ?? 0) : 0;
  if (layoutVersion > LAYOUT_VERSION) {
    throw new ArrayError(
      'EINVAL',
      `the array has layout version ${layoutVersion}, this program knows up to ` +
        `${LAYOUT_VERSION}: use a newer arrayfs`,
    );
  }
  return unseal(value, (reader) => ({
    layoutVersion: reader.u16(),
    arrayUuid: reader.raw(16),
    arraySerial: reader.text(),
    arrayLabel: reader.text(),
    poolUuid: reader.raw(16),
    tagSeed: reader.u32(),
    poolName: reader.text(),
    createdMs: reader.u64(),
    capacityBytes: reader.u64(),
    blockContainer: readContainer(reader.text()),
  }));
}

function readContainer(kind: string): BlockContainerKind {
  if (isBlockContainer(kind)) return kind;
  throw new ArrayError('EINVAL', `the array keeps its blocks in ${kind}: use a newer arrayfs`);
}

// ---- counters

/** Kept by the writer, in every transaction that changes them. */
export interface CountersRecord {
  /** Blocks with this id and above belong to an unpublished generation. */
  readonly nextBlockId: number;
  readonly storedBlocks: number;
  /** Sequence number of the last published generation. */
  readonly publishedSequence: number;
}

export function packCounters(counters: CountersRecord): Uint8Array {
  return seal((writer) => {
    writer.u48(counters.nextBlockId).u48(counters.storedBlocks).u48(counters.publishedSequence);
  });
}

export function unpackCounters(value: Uint8Array): CountersRecord {
  return unseal(value, (reader) => ({
    nextBlockId: reader.u48(),
    storedBlocks: reader.u48(),
    publishedSequence: reader.u48(),
  }));
}

/** Next numbers the array hands out; written with whatever used one. */
export interface AllocationRecord {
  readonly nextLineage: number;
  readonly nextNumber: number;
  readonly nextJob: number;
  readonly nextEvent: number;
}

export function packAllocation(allocation: AllocationRecord): Uint8Array {
  return seal((writer) => {
    writer
      .u32(allocation.nextLineage)
      .u32(allocation.nextNumber)
      .u32(allocation.nextJob)
      .u48(allocation.nextEvent);
  });
}

export function unpackAllocation(value: Uint8Array): AllocationRecord {
  return unseal(value, (reader) => ({
    nextLineage: reader.u32(),
    nextNumber: reader.u32(),
    nextJob: reader.u32(),
    nextEvent: reader.u48(),
  }));
}

// ---- lineages, clips, reclaims, usage

/** A lineage sees its parent's content as of `parentEpoch`; parent 0: none. Its epochs begin at 1. */
export interface LineageRecord {
  readonly id: number;
  readonly parent: number;
  readonly parentEpoch: number;
}

export function packLineage(lineage: LineageRecord): Uint8Array {
  return seal((writer) => {
    writer.u32(lineage.id).u32(lineage.parent).u32(lineage.parentEpoch);
  });
}

export function unpackLineage(value: Uint8Array): LineageRecord {
  return unseal(value, (reader) => ({
    id: reader.u32(),
    parent: reader.u32(),
    parentEpoch: reader.u32(),
  }));
}

/** A number on its own: clip (first block hidden), usage (mapped blocks). */
export function packCount(count: number): Uint8Array {
  return seal((writer) => {
    writer.u48(count);
  });
}

export function unpackCount(value: Uint8Array): number {
  return unseal(value, (reader) => reader.u48());
}

/** Block ids replaced by a published generation, freed by the next transaction. */
export function packIds(ids: readonly number[]): Uint8Array {
  return seal((writer) => {
    writer.u32(ids.length);
    for (const id of ids) writer.u48(id);
  });
}

export function unpackIds(value: Uint8Array): number[] {
  return unseal(value, (reader) => Array.from({ length: reader.u32() }, () => reader.u48()));
}
