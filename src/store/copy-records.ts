/**
 * Records of volumes and snapshots. Numbers are big-endian, texts UTF-8 with a u16 length, times
 * milliseconds since 1970 (u64); fields stand in the order in which they are packed.
 */
import type { ByteReader, ByteWriter } from '../base/byte-cursor.js';
import { seal, unseal } from './sealed-record.js';

/** What a volume and a snapshot store alike. */
export interface CopyRecord {
  readonly number: number;
  readonly uuid: Uint8Array;
  readonly name: string;
  readonly label: string;
  readonly sizeBytes: number;
  readonly lineage: number;
  readonly epoch: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly createdMs: number;
  readonly accessedMs: number;
  readonly modifiedMs: number;
  readonly changedMs: number;
  readonly infoModified: boolean;
  /** 512 bytes or undefined. */
  readonly info: Uint8Array | undefined;
}

export interface SnapshotRecord extends CopyRecord {
  /** Number of the volume it belongs to. */
  readonly volumeNumber: number;
}

function writeCopy(writer: ByteWriter, copy: CopyRecord): void {
  writer
    .u32(copy.number)
    .raw(copy.uuid)
    .text(copy.name)
    .text(copy.label)
    .u64(copy.sizeBytes)
    .u32(copy.lineage)
    .u32(copy.epoch)
    .u16(copy.mode)
    .u32(copy.uid)
    .u32(copy.gid)
    .u64(copy.createdMs)
    .u64(copy.accessedMs)
    .u64(copy.modifiedMs)
    .u64(copy.changedMs)
    .u8(copy.infoModified ? 1 : 0)
    .u16(copy.info?.length ?? 0)
    .raw(copy.info ?? new Uint8Array(0));
}

function readCopy(reader: ByteReader): CopyRecord {
  return {
    number: reader.u32(),
    uuid: reader.raw(16),
    name: reader.text(),
    label: reader.text(),
    sizeBytes: reader.u64(),
    lineage: reader.u32(),
    epoch: reader.u32(),
    mode: reader.u16(),
    uid: reader.u32(),
    gid: reader.u32(),
    createdMs: reader.u64(),
    accessedMs: reader.u64(),
    modifiedMs: reader.u64(),
    changedMs: reader.u64(),
    infoModified: reader.u8() === 1,
    info: readInfo(reader),
  };
}

function readInfo(reader: ByteReader): Uint8Array | undefined {
  const size = reader.u16();
  return size === 0 ? undefined : reader.raw(size);
}

export function packVolume(volume: CopyRecord): Uint8Array {
  return seal((writer) => writeCopy(writer, volume));
}

export function unpackVolume(value: Uint8Array): CopyRecord {
  return unseal(value, readCopy);
}

export function packSnapshot(snapshot: SnapshotRecord): Uint8Array {
  return seal((writer) => {
    writer.u32(snapshot.volumeNumber);
    writeCopy(writer, snapshot);
  });
}

export function unpackSnapshot(value: Uint8Array): SnapshotRecord {
  return unseal(value, (reader) => ({ volumeNumber: reader.u32(), ...readCopy(reader) }));
}
