/**
 * Records of mirror pairs ([003] fig. 3) and of volumes that are not as usual.
 *
 *   pair         first: number of the pair. In both pools; the one of the higher version is right.
 *   pairBits     first: number of the pair * 2^16 + slot, second: chunk of 4,096 tracks (64 KiB each), 512 bytes,
 *                lowest bit first; no record where no bit is set. A slot is a bitmap of one side: 0, 1 pending (to be
 *                copied onto the primary, the secondary), 2, 3 copied (since the side's kept snapshot), and
 *                4 + 2 * (round mod 2^14), and that plus 1, changed by hosts in that round
 *   volumeState  first: number of the volume
 *
 * Sealed as all records are (sealed-record.ts); times in ms since 1970, 0: never.
 */
import { seal, unseal } from './sealed-record.js';

/** A side of a pair: where its volume is. */
export interface PairSideRecord {
  readonly poolUuid: Uint8Array;
  readonly volumeNumber: number;
}

export interface PairRecord {
  readonly number: number;
  /** Counts the changes of the record. */
  readonly version: number;
  /** A version that both pools had: a pool with an older one was put back from a copy. */
  readonly confirmed: number;
  readonly primary: PairSideRecord;
  readonly secondary: PairSideRecord;
  readonly mode: string;
  readonly state: string;
  readonly pace: string;
  readonly sync: boolean;
  /** Hosts may write to the secondary: of a split pair, also after the primary's pool was lost. */
  readonly isSecondaryOpen: boolean;
  /** Counts the instants: changed bits of earlier rounds have become pending bits. */
  readonly round: number;
  /** Hidden snapshot that is copied from, and the one that can be gone back to; 0: none. */
  readonly instantNumber: number;
  readonly keptNumber: number;
  /** Why it is suspended or its copying does not go on, and since when. */
  readonly reason: string;
  readonly reasonMs: number;
  readonly createdMs: number;
  readonly splitMs: number;
  readonly synchronisedMs: number;
}

const FLAG = { sync: 1, secondaryOpen: 2 } as const;

export function packPair(pair: PairRecord): Uint8Array {
  return seal((writer) => {
    writer.u32(pair.number).u32(pair.version).u32(pair.confirmed);
    for (const side of [pair.primary, pair.secondary]) {
      writer.raw(side.poolUuid).u32(side.volumeNumber);
    }
    writer
      .text(pair.mode)
      .text(pair.state)
      .text(pair.pace)
      .u8((pair.sync ? FLAG.sync : 0) | (pair.isSecondaryOpen ? FLAG.secondaryOpen : 0))
      .u32(pair.round)
      .u32(pair.instantNumber)
      .u32(pair.keptNumber)
      .text(pair.reason)
      .u64(pair.createdMs)
      .u64(pair.splitMs)
      .u64(pair.synchronisedMs)
      .u64(pair.reasonMs);
  });
}

export function unpackPair(value: Uint8Array): PairRecord {
  return unseal(value, (reader) => {
    const side = (): PairSideRecord => ({ poolUuid: reader.raw(16), volumeNumber: reader.u32() });
    return {
      number: reader.u32(),
      version: reader.u32(),
      confirmed: reader.u32(),
      primary: side(),
      secondary: side(),
      mode: reader.text(),
      state: reader.text(),
      pace: reader.text(),
      ...unpackFlags(reader.u8()),
      round: reader.u32(),
      instantNumber: reader.u32(),
      keptNumber: reader.u32(),
      reason: reader.text(),
      createdMs: reader.u64(),
      splitMs: reader.u64(),
      synchronisedMs: reader.u64(),
      // Not there in records of the first builds with pairs.
      reasonMs: reader.isAtEnd ? 0 : reader.u64(),
    };
  });
}

function unpackFlags(flags: number): Pick<PairRecord, 'sync' | 'isSecondaryOpen'> {
  return {
    sync: (flags & FLAG.sync) !== 0,
    isSecondaryOpen: (flags & FLAG.secondaryOpen) !== 0,
  };
}

const CHUNK_BYTES = 512;

export function packPairBits(chunk: Uint8Array): Uint8Array {
  return seal((writer) => {
    writer.raw(chunk);
  });
}

export function unpackPairBits(value: Uint8Array): Uint8Array {
  return unseal(value, (reader) => reader.raw(CHUNK_BYTES));
}

/** A volume that hosts may not write, or that holds half a copy. */
export interface VolumeStateRecord {
  readonly isReserved: boolean;
  /** Empty where it has not failed. */
  readonly failure: string;
  /** UUID of the snapshot whose content it has; empty where that is not known. */
  readonly holds: string;
}

export function packVolumeState(state: VolumeStateRecord): Uint8Array {
  return seal((writer) => {
    writer.u8(state.isReserved ? 1 : 0).text(state.failure);
    if (state.holds !== '') writer.text(state.holds);
  });
}

export function unpackVolumeState(value: Uint8Array): VolumeStateRecord {
  return unseal(value, (reader) => ({
    isReserved: reader.u8() === 1,
    failure: reader.text(),
    holds: reader.isAtEnd ? '' : reader.text(),
  }));
}

/** Slots of the three bitmaps of one side; in a pool that has both sides they are told apart by the side. */
const SLOTS = 2 ** 16;
const ROUNDS = 2 ** 14;
export type PairRole = 'primary' | 'secondary';
export type PairBitsKind = 'pending' | 'copied' | { readonly changedInRound: number };

/** First field of the keys of a bitmap. */
export function pairBitsKey(pairNumber: number, role: PairRole, kind: PairBitsKind): number {
  const side = role === 'primary' ? 0 : 1;
  if (kind === 'pending') return pairNumber * SLOTS + side;
  if (kind === 'copied') return pairNumber * SLOTS + 2 + side;
  return pairNumber * SLOTS + 4 + (kind.changedInRound % ROUNDS) * 2 + side;
}

/** The first key field after all bitmaps of the pair. */
export function pairBitsEnd(pairNumber: number): number {
  return (pairNumber + 1) * SLOTS;
}

/** The round that a key of changed bits of this side is of, `round` being the newest; undefined for any other key. */
export function changedRoundOf(first: number, role: PairRole, round: number): number | undefined {
  const slot = (first % SLOTS) - 4 - (role === 'primary' ? 0 : 1);
  if (slot < 0 || slot % 2 !== 0) return undefined;
  const behind = (round - slot / 2 + ROUNDS) % ROUNDS;
  return round - behind;
}
