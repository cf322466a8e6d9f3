/**
 * Which blocks two views of one pool show differently, without a look at those that cannot be. Each view is a chain of levels; below the
 * lineage that both chains have, both are the same. Above it, and there between the two epochs, a block that is different was born in
 * one of these epochs, or lies behind a clip of one of them: these are the candidates. A candidate is different where the two views
 * show stored blocks of different number: as long as both views are there no number is used for another content.
 *
 * Both views must be published and stay pinned. A merge in the background moves versions from level to level, and changes a chain in the
 * end: what was gathered along a chain that has changed meanwhile is gathered again. Reclaim takes away only what neither of them shows.
 */
import type { Clock } from '../base/clock.js';
import { CHANGE_WINDOW_CHUNKS, SLICE_VERSIONS } from '../base/limits.js';
import { BLOCK_BYTES, blocksCovering } from '../base/sizes.js';
import type { StoreReader } from '../store/block-store.js';
import { setBits, unpackBorn } from '../store/born-bitmaps.js';
import { bornKey, CHUNK_BITMAP_BYTES, CHUNK_BLOCKS, parseBornKey } from '../store/keys.js';
import { ALL_SECTORS } from '../store/records.js';
import { ZEROS } from '../store/resolve.js';
import type { BlockMap } from './block-map.js';
import type { Lineage } from './lineage.js';
import type { View } from './view.js';

/** Compared without giving way: each may have to load a region of both views. */
const COMPARED_MAX = 32;
const WINDOW_BLOCKS = CHANGE_WINDOW_CHUNKS * CHUNK_BLOCKS;

/** A view, as far as an image of this size goes. */
export interface SizedView extends View {
  readonly sizeBytes: number;
}

/** Blocks from where it was asked up to `end`, all of one kind. */
export interface BlockRun {
  readonly isChanged: boolean;
  readonly end: number;
}

/** Epochs of a lineage that only one of the two views sees: behind `after`, up to `upTo`. */
interface Leg {
  readonly lineage: Lineage;
  readonly after: number;
  readonly upTo: number;
}

export class ChangedBlocks {
  /** Candidates of the window from block `start` on, by chunk. */
  private candidates = new Map<number, Uint8Array>();
  private start: number | undefined;

  constructor(
    private readonly store: StoreReader,
    private readonly map: BlockMap,
    private readonly clock: Clock,
    private readonly base: SizedView,
    private readonly next: SizedView,
  ) {}

  /** The run that begins at `block`, a block of `next`; a long one may come in parts. */
  async runAt(block: number): Promise<BlockRun> {
    const start = block - (block % WINDOW_BLOCKS);
    if (start !== this.start) await this.gather(start);
    const limit = Math.min(start + WINDOW_BLOCKS, blocksCovering(this.next.sizeBytes));
    const isChanged = this.isChanged(block);
    let end = block + 1;
    for (let compared = 0; end < limit && compared < COMPARED_MAX; compared += 1) {
      if (!isChanged) end = this.nextCandidate(end, limit);
      if (end === limit || this.isChanged(end) !== isChanged) break;
      end += 1;
    }
    return { isChanged, end };
  }

  private isChanged(block: number): boolean {
    const { base, next, map } = this;
    const bitmap = this.candidates.get(Math.floor(block / CHUNK_BLOCKS));
    const bit = block % CHUNK_BLOCKS;
    if (bitmap === undefined || (((bitmap[bit >> 3] as number) >> (bit & 7)) & 1) === 0) {
      return false;
    }
    if (block === tornBlock(base, next)) return true;
    const before = block < blocksCovering(base.sizeBytes) ? map.locate(base, block) : ZEROS;
    const now = map.locate(next, block);
    return before.id !== now.id || now.sectors !== ALL_SECTORS;
  }

  private nextCandidate(from: number, limit: number): number {
    for (let block = from; block < limit; ) {
      const chunk = Math.floor(block / CHUNK_BLOCKS);
      const bitmap = this.candidates.get(chunk);
      for (const bit of setBits(bitmap ?? NONE, block % CHUNK_BLOCKS)) {
        return Math.min(limit, chunk * CHUNK_BLOCKS + bit);
      }
      block = (chunk + 1) * CHUNK_BLOCKS;
    }
    return limit;
  }

  private async gather(start: number): Promise<void> {
    const { base, next } = this;
    this.start = undefined;
    let chains: string;
    do {
      chains = chainText(base) + chainText(next);
      this.candidates = new Map();
      const legs = legsBetween(base, next);
      for (const leg of legs) await this.addBorn(leg, start);
      await this.addBehind(clipBetween(legs), start);
      const torn = tornBlock(base, next);
      if (torn !== undefined) this.add(torn, start);
    } while (chains !== chainText(base) + chainText(next));
    this.start = start;
  }

  /** What was born in these epochs. */
  private async addBorn({ lineage, after, upTo }: Leg, start: number): Promise<void> {
    const end = bornKey(lineage.id, upTo + 1, 0);
    let from: Uint8Array | undefined = bornKey(lineage.id, after + 1, 0);
    while (from !== undefined) {
      let seen = 0;
      let goOn: Uint8Array | undefined;
      for (const { key, value } of this.store.range('born', from, end)) {
        if (seen === SLICE_VERSIONS) {
          goOn = new Uint8Array(key);
          break;
        }
        seen += 1;
        const chunk = parseBornKey(key).chunk - start / CHUNK_BLOCKS;
        if (chunk < 0 || chunk >= CHANGE_WINDOW_CHUNKS) continue;
        // Of a damaged bitmap nothing is known: all are compared.
        const bits = unpackBorn(value) ?? ALL;
        const candidates = this.bitmap(start / CHUNK_BLOCKS + chunk);
        for (let byte = 0; byte < CHUNK_BITMAP_BYTES; byte += 1) {
          candidates[byte] = (candidates[byte] as number) | (bits[byte] as number);
        }
      }
      from = goOn;
      if (from !== undefined) await this.clock.yield();
    }
  }

  /** All that either view shows behind a clip. */
  private async addBehind(clip: number | undefined, start: number): Promise<void> {
    if (clip === undefined) return;
    for (const view of [this.base, this.next]) {
      let from: number | undefined = Math.max(clip, start);
      while (from !== undefined && from < start + WINDOW_BLOCKS) {
        const slice = this.map.mappedBlocks(view, from, start + WINDOW_BLOCKS, SLICE_VERSIONS);
        for (const block of slice.blocks) this.add(block, start);
        from = slice.next;
        if (from !== undefined) await this.clock.yield();
      }
    }
  }

  private add(block: number, start: number): void {
    if (block < start || block >= start + WINDOW_BLOCKS) return;
    const bitmap = this.bitmap(Math.floor(block / CHUNK_BLOCKS));
    const bit = block % CHUNK_BLOCKS;
    bitmap[bit >> 3] = (bitmap[bit >> 3] as number) | (1 << (bit & 7));
  }

  private bitmap(chunk: number): Uint8Array {
    let bitmap = this.candidates.get(chunk);
    if (bitmap === undefined) {
      bitmap = new Uint8Array(CHUNK_BITMAP_BYTES);
      this.candidates.set(chunk, bitmap);
    }
    return bitmap;
  }
}

const NONE = new Uint8Array(0);
const ALL = new Uint8Array(CHUNK_BITMAP_BYTES).fill(0xff);

/** Whether the chains of two views meet: else they have nothing in common, or nothing that can be told. */
export function haveCommonLineage(one: View, other: View): boolean {
  const others = new Set(chainOf(other).map(({ lineage }) => lineage));
  return chainOf(one).some(({ lineage }) => others.has(lineage));
}

/** The last block of the base where the image goes on behind its end: what the base has there is undefined. */
function tornBlock(base: SizedView, next: SizedView): number | undefined {
  const isTorn = base.sizeBytes % BLOCK_BYTES !== 0 && next.sizeBytes > base.sizeBytes;
  return isTorn ? Math.floor(base.sizeBytes / BLOCK_BYTES) : undefined;
}

function chainOf({ lineage, epoch }: View): View[] {
  const levels: View[] = [];
  for (let next: Lineage | undefined = lineage, at = epoch; next !== undefined; ) {
    levels.push({ lineage: next, epoch: at });
    at = next.parentEpoch;
    next = next.parent;
  }
  return levels;
}

function chainText(view: View): string {
  return chainOf(view)
    .map(({ lineage, epoch }) => `${lineage.id}/${epoch} `)
    .join('');
}

function legsBetween(base: View, next: View): Leg[] {
  const [one, other] = [chainOf(base), chainOf(next)];
  const lineages = other.map(({ lineage }) => lineage);
  const shared = one.findIndex(({ lineage }) => lineages.includes(lineage));
  const whole = (views: readonly View[]) =>
    views.map(({ lineage, epoch }) => ({ lineage, after: -1, upTo: epoch }));
  const meeting = one[shared];
  if (meeting === undefined) return [...whole(one), ...whole(other)];
  const place = lineages.indexOf(meeting.lineage);
  const epochs = [meeting.epoch, other[place]?.epoch ?? meeting.epoch];
  const between = {
    lineage: meeting.lineage,
    after: Math.min(...epochs),
    upTo: Math.max(...epochs),
  };
  return [...whole(one.slice(0, shared)), ...whole(other.slice(0, place)), between];
}

/** The first block that a clip of these epochs hides. */
function clipBetween(legs: readonly Leg[]): number | undefined {
  const blocks = legs.flatMap(({ lineage, after, upTo }) =>
    lineage.clips.filter(({ epoch }) => epoch > after && epoch <= upTo).map(({ block }) => block),
  );
  return blocks.length === 0 ? undefined : Math.min(...blocks);
}
