/**
 * The blocks of a sparse data file: 65,536 bytes each, numbers big-endian. Any block says by itself
 * where its content belongs, so a backup goes on after the last whole one.
 *
 *     0   8  format id "AFSDATA1"
 *     8  16  UUID of the backup
 *    24   8  number of the block in the data file, from 0, over all its volumes
 *    32   2  flags, bit 0: the last block of the file
 *    34   2  number of extents n, 0 to 28
 *    36  12  zero
 *    48 16n  extents: u64 offset in the image, u32 bytes, u32 0, or 1: zeros, without content
 *   508   4  CRC-32 of bytes 512-65535 and 0-507, in this order
 *   512      content of the extents one after the other, then zeros
 *
 * Offsets and lengths are multiples of 512; extents ascend, within a block and from block to block,
 * and neither overlap nor, within a block, meet one of their kind. What no extent covers is zeros, or, of an increment,
 * what its base has there; only in an increment are zeros extents.
 */
import { crc32 } from 'node:zlib';
import { assert } from '../base/assert.js';
import { STREAM_TRANSFER_BYTES_MAX } from '../base/limits.js';
import { SECTOR_BYTES } from '../base/sizes.js';
import { DeviceError } from './device-error.js';

export const DATA_BLOCK_BYTES = STREAM_TRANSFER_BYTES_MAX;
const FORMAT_ID = Buffer.from('AFSDATA1', 'latin1');
const UUID_AT = 8;
const NUMBER_AT = 24;
const FLAGS_AT = 32;
const COUNT_AT = 34;
const EXTENTS_AT = 48;
const EXTENT_BYTES = 16;
const CRC_AT = 508;
const CONTENT_AT = 512;
const FLAG_LAST = 1;
const KIND_AT = 12;
const KIND_CONTENT = 0;
const KIND_ZEROS = 1;
/** Their length is a 32-bit number. */
const ZEROS_BYTES_MAX = 2 ** 31;
const EXTENTS_MAX = Math.floor((CRC_AT - EXTENTS_AT) / EXTENT_BYTES);

assert(EXTENTS_MAX === 28, 'the layout above');

export interface ImageExtent {
  readonly offset: number;
  readonly data: Uint8Array;
  /** All of it is. */
  readonly isZeros?: true;
}

export interface BlockExtent {
  readonly offset: number;
  readonly bytes: number;
  /** A view of the block; undefined for zeros. */
  readonly data: Uint8Array | undefined;
}

export interface DataBlock {
  readonly number: number;
  readonly isLast: boolean;
  readonly extents: readonly BlockExtent[];
}

/**
 * Fills one block after the other, in the same memory. Extents that meet become one, so the blocks do
 * not depend on the pieces in which an image comes.
 */
export class DataBlockBuilder {
  private readonly block = Buffer.alloc(DATA_BLOCK_BYTES);
  private contentEnd = CONTENT_AT;
  private count = 0;
  /** Of the last extent: where it begins in the block (zeros: in the image), and ends in the image. */
  private extentStart = 0;
  private imageEnd = 0;
  private kind = KIND_CONTENT;

  constructor(backup: string) {
    this.block.set(FORMAT_ID);
    this.block.set(uuidBytes(backup), UUID_AT);
  }

  /** Takes as much of an extent as fits; the bytes taken. 0: the block is full. */
  add(offset: number, data: Uint8Array): number {
    const taken = Math.min(data.length, DATA_BLOCK_BYTES - this.contentEnd);
    const goesOn = this.goesOn(offset, KIND_CONTENT);
    if (taken === 0 || (!goesOn && this.count === EXTENTS_MAX)) return 0;
    if (!goesOn) this.beginExtent(offset, KIND_CONTENT);
    this.block.set(data.subarray(0, taken), this.contentEnd);
    this.contentEnd += taken;
    this.imageEnd = offset + taken;
    this.setLength(this.contentEnd - this.extentStart);
    return taken;
  }

  /** The same of zeros, which take no room but that of an extent. */
  addZeros(offset: number, bytes: number): number {
    const goesOn = this.goesOn(offset, KIND_ZEROS);
    const before = goesOn ? offset - this.extentStart : 0;
    const taken = Math.min(bytes, ZEROS_BYTES_MAX - before);
    if (taken === 0 || (!goesOn && this.count === EXTENTS_MAX)) return 0;
    if (!goesOn) this.beginExtent(offset, KIND_ZEROS);
    this.imageEnd = offset + taken;
    this.setLength(before + taken);
    return taken;
  }

  /** The block as it is written; it is overwritten by what is added after that. */
  finish(number: number, isLast: boolean): Uint8Array {
    this.block.writeBigUInt64BE(BigInt(number), NUMBER_AT);
    this.block.writeUInt16BE(isLast ? FLAG_LAST : 0, FLAGS_AT);
    this.block.writeUInt16BE(this.count, COUNT_AT);
    this.block.fill(0, EXTENTS_AT + this.count * EXTENT_BYTES, CRC_AT);
    this.block.fill(0, this.contentEnd);
    this.block.writeUInt32BE(checksum(this.block), CRC_AT);
    this.count = 0;
    this.contentEnd = CONTENT_AT;
    return this.block;
  }

  private goesOn(offset: number, kind: number): boolean {
    return this.count > 0 && offset === this.imageEnd && kind === this.kind;
  }

  private setLength(bytes: number): void {
    this.block.writeUInt32BE(bytes, EXTENTS_AT + (this.count - 1) * EXTENT_BYTES + 8);
  }

  private beginExtent(offset: number, kind: number): void {
    const at = EXTENTS_AT + this.count * EXTENT_BYTES;
    this.block.fill(0, at, at + EXTENT_BYTES);
    this.block.writeBigUInt64BE(BigInt(offset), at);
    this.block.writeUInt32BE(kind, at + KIND_AT);
    this.kind = kind;
    this.extentStart = kind === KIND_ZEROS ? offset : this.contentEnd;
    this.count += 1;
  }
}

/**
 * The twin of the builder; `damaged` where the block is not the one of this number of this backup,
 * or reaches outside an image of `imageBytes`, or before `from`.
 */
export function decodeDataBlock(
  bytes: Uint8Array,
  expected: { backup: string; number: number; imageBytes: number; from: number },
): DataBlock {
  const block = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { backup, number } = expected;
  const fail = (what: string) =>
    new DeviceError('damaged', `block ${number} of backup ${backup}: ${what}`);
  if (block.length !== DATA_BLOCK_BYTES || !FORMAT_ID.equals(block.subarray(0, UUID_AT))) {
    throw fail('no block of a backup');
  }
  if (block.readUInt32BE(CRC_AT) !== checksum(block)) throw fail('wrong checksum');
  if (!uuidBytes(backup).equals(block.subarray(UUID_AT, NUMBER_AT))) {
    throw fail('it is of another backup');
  }
  const found = block.readBigUInt64BE(NUMBER_AT);
  if (found !== BigInt(number)) throw fail(`it is block ${found}`);
  const extents = readExtents(block, expected);
  if (extents === undefined) throw fail('extents that cannot be');
  return { number, isLast: (block.readUInt16BE(FLAGS_AT) & FLAG_LAST) !== 0, extents };
}

function readExtents(
  block: Buffer,
  { imageBytes, from }: { imageBytes: number; from: number },
): BlockExtent[] | undefined {
  const extents: BlockExtent[] = [];
  const count = block.readUInt16BE(COUNT_AT);
  if (count > EXTENTS_MAX) return undefined;
  let contentAt = CONTENT_AT;
  let end = from;
  for (let at = EXTENTS_AT; extents.length < count; at += EXTENT_BYTES) {
    const offset = Number(block.readBigUInt64BE(at));
    const bytes = block.readUInt32BE(at + 8);
    const isWhole = offset % SECTOR_BYTES === 0 && bytes % SECTOR_BYTES === 0 && bytes > 0;
    if (!isWhole || offset < end || offset + bytes > imageBytes) return undefined;
    end = offset + bytes;
    const kind = block.readUInt32BE(at + KIND_AT);
    if (kind === KIND_ZEROS) {
      extents.push({ offset, bytes, data: undefined });
      continue;
    }
    if (kind !== KIND_CONTENT || contentAt + bytes > DATA_BLOCK_BYTES) return undefined;
    extents.push({ offset, bytes, data: block.subarray(contentAt, contentAt + bytes) });
    contentAt += bytes;
  }
  return extents;
}

function checksum(block: Buffer): number {
  return crc32(block.subarray(0, CRC_AT), crc32(block.subarray(CONTENT_AT)));
}

function uuidBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}
