/**
 * What a pool remembers of the array it belongs to, so that each opens as the array by itself: the
 * `members` record (who the pools are, and the state in which each was last there), the `reached` record (which
 * generation each other pool had published at least) and one `foreignVolume` record for each volume of the other
 * pools, by which a lost one's volumes are still known.
 *
 *   state of a pool: generation u32, nonce 8. Each mount that may change the array begins a new generation
 *   with a nonce of its own, in all pools that are there.
 */
import type { ByteReader, ByteWriter } from '../base/byte-cursor.js';
import { seal, unseal } from './sealed-record.js';

/** Which mount has last changed a pool. */
export interface MountState {
  readonly generation: number;
  /** 8 random bytes: two mounts that went apart have the same generation, never the same nonce. */
  readonly nonce: Uint8Array;
}

export const NONCE_BYTES = 8;

export interface Member {
  readonly uuid: Uint8Array;
  readonly name: string;
  /** As last given. */
  readonly directory: string;
  /** It takes part in the record's mount. */
  readonly isPresent: boolean;
  /** The state in which it was left; several where it may have been any of them. */
  readonly states: readonly MountState[];
}

export interface MembersRecord {
  /** The mount that wrote the record. */
  readonly state: MountState;
  /** In the array's order; none in a pool that was removed from it. */
  readonly members: readonly Member[];
}

export function packMembers(record: MembersRecord): Uint8Array {
  return seal((writer) => {
    writeState(writer, record.state).u16(record.members.length);
    for (const { uuid, name, directory, isPresent, states } of record.members) {
      writer
        .raw(uuid)
        .text(name)
        .text(directory)
        .u8(isPresent ? 1 : 0)
        .u8(states.length);
      for (const state of states) writeState(writer, state);
    }
  });
}

export function unpackMembers(value: Uint8Array): MembersRecord {
  return unseal(value, (reader) => ({
    state: readState(reader),
    members: Array.from({ length: reader.u16() }, () => ({
      uuid: reader.raw(16),
      name: reader.text(),
      directory: reader.text(),
      isPresent: reader.u8() === 1,
      states: Array.from({ length: reader.u8() }, () => readState(reader)),
    })),
  }));
}

function writeState(writer: ByteWriter, { generation, nonce }: MountState): ByteWriter {
  return writer.u32(generation).raw(nonce);
}

function readState(reader: ByteReader): MountState {
  return { generation: reader.u32(), nonce: reader.raw(NONCE_BYTES) };
}

/** What another pool had published at least when the record was written. */
export interface ReachedPool {
  readonly uuid: Uint8Array;
  /** Of its last generation. */
  readonly sequence: number;
}

export function packReached(pools: readonly ReachedPool[]): Uint8Array {
  return seal((writer) => {
    writer.u16(pools.length);
    for (const { uuid, sequence } of pools) writer.raw(uuid).u48(sequence);
  });
}

export function unpackReached(value: Uint8Array): ReachedPool[] {
  return unseal(value, (reader) =>
    Array.from({ length: reader.u16() }, () => ({ uuid: reader.raw(16), sequence: reader.u48() })),
  );
}

/** A volume of another pool. */
export interface ForeignVolumeRecord {
  readonly number: number;
  readonly poolUuid: Uint8Array;
  readonly uuid: Uint8Array;
  readonly name: string;
  readonly label: string;
  readonly sizeBytes: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly createdMs: number;
}

export function packForeignVolume(volume: ForeignVolumeRecord): Uint8Array {
  return seal((writer) => {
    writer
      .u32(volume.number)
      .raw(volume.poolUuid)
      .raw(volume.uuid)
      .text(volume.name)
      .text(volume.label)
      .u64(volume.sizeBytes)
      .u16(volume.mode)
      .u32(volume.uid)
      .u32(volume.gid)
      .u64(volume.createdMs);
  });
}

export function unpackForeignVolume(value: Uint8Array): ForeignVolumeRecord {
  return unseal(value, (reader) => ({
    number: reader.u32(),
    poolUuid: reader.raw(16),
    uuid: reader.raw(16),
    name: reader.text(),
    label: reader.text(),
    sizeBytes: reader.u64(),
    mode: reader.u16(),
    uid: reader.u32(),
    gid: reader.u32(),
    createdMs: reader.u64(),
  }));
}
