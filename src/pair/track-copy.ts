/**
 * Copies tracks from an instant of one volume onto another ([003] fig. 6): within a pool by reference, its
 * blocks get one more user; between pools the data is read, verified and written. The store tags each
 * block for its new place ([003] fig. 10B).
 *
 * The instant does not change, but whether a track is still to be copied from it may, at every `await`; so
 * that is asked again in the turn of each write.
 */
import { PENDING_BLOCKS_MAX } from '../base/limits.js';
import { BLOCK_BYTES, TRACK_BYTES } from '../base/sizes.js';
import { ALL_SECTORS, type Location } from '../store/records.js';
import type { Lineage } from '../volume/lineage.js';
import type { PoolContent } from '../volume/pool-content.js';
import type { View } from '../volume/view.js';
import { CopyBuffers } from './copy-buffers.js';
import type { TrackRun } from './track-bits.js';

const TRACK_BLOCKS = TRACK_BYTES / BLOCK_BYTES;

export interface TrackTransfer {
  readonly from: { readonly content: PoolContent; readonly view: View };
  readonly to: { readonly content: PoolContent; readonly lineage: Lineage };
  /** Blocks of either volume. */
  readonly blockCount: number;
  /** An older instant at which the target was equal: blocks that were not written since are left out. */
  readonly equalAt: View | undefined;
  /** The track is still to be copied from this instant. */
  isWanted(track: number): boolean;
  /** In the turn in which a part of the tracks is written, before it. */
  writing(track: number): void;
  /** Blocks of the instant were read, and are written next. `data` is borrowed: what follows is read into it, too. */
  read(block: number, data: Uint8Array): void;
  /** In the turn in which the last part of the track was written. */
  copied(track: number): void;
}

/** Blocks to be read and written as one piece, all with content. */
interface Piece {
  readonly block: number;
  count: number;
}

/**
 * Copies the tracks that are still wanted. All of the instant must be published. EIO where the source
 * cannot be read; ENOSPC or EIO where the target has no room or cannot be written. What was copied until then stays copied.
 */
export async function copyTracks(
  transfer: TrackTransfer,
  run: TrackRun,
  buffers = new CopyBuffers(),
): Promise<void> {
  const { from, to, blockCount } = transfer;
  const first = run.track * TRACK_BLOCKS;
  const end = Math.min(blockCount, (run.track + run.count) * TRACK_BLOCKS);
  const length = (end - first) * BLOCK_BYTES;
  if (to.content.cache.pendingBlocks > PENDING_BLOCKS_MAX) await to.content.durable();
  if (from.content !== to.content) {
    await from.content.map.fetch(from.view, first * BLOCK_BYTES, length);
  }
  for (const piece of writeKnown(transfer, first, end)) {
    await buffers.use(piece.count * BLOCK_BYTES, (data) => copyPiece(transfer, piece, data));
  }
  for (let track = run.track; track < run.track + run.count; track += 1) {
    if (transfer.isWanted(track)) transfer.copied(track);
  }
  to.content.storeSoon();
}

/** Writes what needs no data: holes, and within a pool whole blocks. Returns what is left. */
function writeKnown(transfer: TrackTransfer, first: number, end: number): Piece[] {
  const { from, to } = transfer;
  const pieces: Piece[] = [];
  for (let block = first; block < end; block += 1) {
    const location = from.content.map.publishedLocation(from.view, block);
    if (isUnchanged(transfer, block)) continue;
    if (location?.id === 0) zeroBlock(transfer, block);
    else if (from.content === to.content && location?.sectors === ALL_SECTORS) {
      shareBlock(transfer, block, location);
    } else addBlock(pieces, block);
  }
  return pieces;
}

/** What the instant shows was written before both were equal, or in a lineage below. */
function isUnchanged({ from, equalAt }: TrackTransfer, block: number): boolean {
  if (equalAt === undefined || equalAt.lineage !== from.view.lineage) return false;
  const version = from.content.map.storedVersion(from.view, block);
  if (version === undefined) return false;
  return version.lineage !== equalAt.lineage.id || version.epoch <= equalAt.epoch;
}

function addBlock(pieces: Piece[], block: number): void {
  const last = pieces.at(-1);
  if (last !== undefined && last.block + last.count === block) last.count += 1;
  else pieces.push({ block, count: 1 });
}

function zeroBlock(transfer: TrackTransfer, block: number): void {
  const { content, lineage } = transfer.to;
  if (!begin(transfer, block)) return;
  if (targetLocation(transfer, block)?.id === 0) return;
  content.zero(lineage, block * BLOCK_BYTES, BLOCK_BYTES);
}

function shareBlock(transfer: TrackTransfer, block: number, location: Location): void {
  const { content, lineage } = transfer.to;
  if (!begin(transfer, block)) return;
  if (targetLocation(transfer, block)?.id === location.id) return;
  content.share(lineage, block, location);
}

function targetLocation({ to }: TrackTransfer, block: number): Location | undefined {
  return to.content.map.publishedLocation({ lineage: to.lineage, epoch: to.lineage.epoch }, block);
}

/** False where somebody else has dealt with the track of this block. */
function begin(transfer: TrackTransfer, block: number): boolean {
  const track = Math.floor(block / TRACK_BLOCKS);
  if (!transfer.isWanted(track)) return false;
  transfer.writing(track);
  return true;
}

async function copyPiece(
  transfer: TrackTransfer,
  { block, count }: Piece,
  data: Uint8Array,
): Promise<void> {
  const { from, to } = transfer;
  from.content.read(from.view, block * BLOCK_BYTES, data);
  transfer.read(block, data);
  const place = { lineage: to.lineage, offset: block * BLOCK_BYTES, length: data.length };
  const write = () => {
    for (let done = 0; done < count; done += 1) {
      if (!begin(transfer, block + done)) continue;
      const part = data.subarray(done * BLOCK_BYTES, (done + 1) * BLOCK_BYTES);
      to.content.write(to.lineage, (block + done) * BLOCK_BYTES, part);
    }
  };
  if (to.content.admission.canAccept(place.lineage, place.offset, place.length)) write();
  else await to.content.admission.acceptOrFail(() => place, write);
}
