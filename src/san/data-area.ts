/**
 * The backup data area of a request, a ring of chunks with sequence numbers, and the progress pointer ([002] fig. 7). For a
 * backup the array core puts chunks in and the microprocessor takes them out; for a restore it is the other way round.
 *
 * What has been consumed is said by the progress pointer alone, which lies here and not in the worker: it moves after the
 * device, or the volume, has the chunk. So when a worker ends, the next goes on at the pointer with the chunks that are still in
 * the ring, and repeats at most the one between device and pointer. The pointer has two copies, and a version that says which is
 * whole: a worker that ends in the middle of writing one leaves the other. Beside each copy is what the holder keeps of the
 * device for whoever goes on, in its own words.
 */
import { assert } from '../base/assert.js';
import { signalWord } from '../base/shared-words.js';
import type { RequestSlot } from './request-slots.js';
import { HEADER } from './shared-memory.js';

/**
 * Numbers in shared memory. `zeros` has a length and no content, `mark` and `end` have neither; of an increment `same` is what its
 * base has there, a length without content.
 */
export const CHUNK_KINDS = ['data', 'zeros', 'mark', 'end', 'same'] as const;
export type ChunkKind = (typeof CHUNK_KINDS)[number];

/** Word of a copy of the progress pointer. */
const KEPT_LENGTH = 6;

export interface ChunkHead {
  readonly kind: ChunkKind;
  readonly length: number;
  /** Number of the segment descriptor it belongs to. */
  readonly segment: number;
  /** Where it begins in the volume. */
  readonly position: number;
  /** Of a restore: where the device is when it has been read; else 0. */
  readonly devicePosition: number;
}

export interface Chunk extends ChunkHead {
  readonly sequence: number;
  /** Its content, in shared memory: until it is consumed. */
  readonly content: Buffer;
}

export interface Progress {
  /** Chunks consumed since the request was placed. */
  readonly chunks: number;
  readonly segment: number;
  /** Bytes consumed, zeros included. */
  readonly bytes: number;
  /** Where the device is after them; to be compared with where it is found. */
  readonly devicePosition: number;
}

export const NO_PROGRESS: Progress = { chunks: 0, segment: 0, bytes: 0, devicePosition: 0 };

/** The end that puts chunks in. */
export class ChunkProducer {
  constructor(private readonly slot: RequestSlot) {}

  get room(): number {
    const used = (publishedChunks(this.slot) - readProgress(this.slot).chunks) | 0;
    return this.slot.memory.shape.chunks - used;
  }

  /** Chunks that were ever put in, those before a fail-over too. */
  get published(): number {
    return publishedChunks(this.slot) >>> 0;
  }

  /** Everything has been consumed. */
  get isDrained(): boolean {
    return this.room === this.slot.memory.shape.chunks;
  }

  /** Kind of the newest chunk that is not consumed yet. */
  get waiting(): ChunkKind | undefined {
    if (this.isDrained) return undefined;
    const { memory, slot } = this.slot;
    const word = memory.chunkWord(slot, publishedChunks(this.slot) - 1, 'kind');
    return CHUNK_KINDS[memory.words[word] as number];
  }

  /** Where the content of the next chunk is put; there must be room. */
  nextContent(): Buffer {
    assert(this.room > 0, 'there is room for a chunk');
    return this.slot.memory.chunk(this.slot.slot, publishedChunks(this.slot));
  }

  publish({ kind, length, segment, position, devicePosition }: ChunkHead): void {
    assert(this.room > 0, 'there is room for a chunk');
    const { memory, slot } = this.slot;
    assert(kind !== 'data' || length <= memory.shape.chunkBytes, 'content fits its chunk');
    const sequence = publishedChunks(this.slot);
    memory.words[memory.chunkWord(slot, sequence, 'sequence')] = sequence;
    memory.words[memory.chunkWord(slot, sequence, 'length')] = length;
    memory.words[memory.chunkWord(slot, sequence, 'kind')] = CHUNK_KINDS.indexOf(kind);
    memory.words[memory.chunkWord(slot, sequence, 'segment')] = segment;
    memory.writeDouble(memory.chunkDouble(slot, sequence, 'position'), position);
    memory.writeDouble(memory.chunkDouble(slot, sequence, 'devicePosition'), devicePosition);
    this.slot.store('published', (sequence + 1) | 0);
    signalRing(this.slot);
  }
}

/** The end that takes them out, in order. */
export class ChunkConsumer {
  constructor(private readonly slot: RequestSlot) {}

  /** The chunk at the progress pointer, if it is there already. */
  next(): Chunk | undefined {
    const sequence = readProgress(this.slot).chunks | 0;
    if (publishedChunks(this.slot) === sequence) return undefined;
    const { memory, slot } = this.slot;
    const word = (field: 'sequence' | 'length' | 'kind' | 'segment') =>
      (memory.words[memory.chunkWord(slot, sequence, field)] as number) >>> 0;
    assert(word('sequence') === sequence >>> 0, 'a chunk stays until it is consumed');
    const kind = CHUNK_KINDS[word('kind')];
    assert(kind !== undefined, 'a chunk has a known kind');
    const length = word('length');
    return {
      sequence: sequence >>> 0,
      kind,
      length,
      segment: word('segment'),
      position: memory.readDouble(memory.chunkDouble(slot, sequence, 'position')),
      devicePosition: memory.readDouble(memory.chunkDouble(slot, sequence, 'devicePosition')),
      content: memory.chunk(slot, sequence).subarray(0, kind === 'data' ? length : 0),
    };
  }

  /**
   * The chunk is where it belongs: the pointer moves behind it. `bytes` replaces the count of those consumed, `kept` what was
   * kept before.
   */
  consumed(
    chunk: Chunk,
    devicePosition: number,
    { bytes, kept }: { readonly bytes?: number; readonly kept?: string } = {},
  ): void {
    const before = readProgress(this.slot);
    assert(before.chunks === chunk.sequence, 'chunks are consumed in order');
    const progress = {
      chunks: (chunk.sequence + 1) >>> 0,
      segment: chunk.segment,
      bytes: bytes ?? before.bytes + chunk.length,
      devicePosition,
    };
    writeProgress(this.slot, progress, kept ?? readKept(this.slot));
    signalRing(this.slot);
  }

  /** The pointer stays, and leaves this for whoever goes on. */
  keep(kept: string): void {
    writeProgress(this.slot, readProgress(this.slot), kept);
    signalRing(this.slot);
  }
}

/** How far a request is. */
export function readProgress({ memory, slot }: RequestSlot): Progress {
  const place = memory.slotWord(slot, 'progressVersion');
  for (;;) {
    const version = Atomics.load(memory.words, place);
    const first = memory.progressWord(slot, version);
    const progress = {
      chunks: (memory.words[first] as number) >>> 0,
      segment: (memory.words[first + 1] as number) >>> 0,
      bytes: memory.readDouble(first + 2),
      devicePosition: memory.readDouble(first + 4),
    };
    // Two steps further the copy may have been written again meanwhile.
    if (Atomics.load(memory.words, place) === version) return progress;
  }
}

/** What the holder, or the one before, has kept beside the progress pointer; '' at the beginning. */
export function readKept({ memory, slot }: RequestSlot): string {
  const place = memory.slotWord(slot, 'progressVersion');
  for (;;) {
    const version = Atomics.load(memory.words, place);
    const length = memory.words[memory.progressWord(slot, version) + KEPT_LENGTH] as number;
    const kept = memory.kept(slot, version).toString('utf8', 0, length);
    if (Atomics.load(memory.words, place) === version) return kept;
  }
}

/** Where the next worker of a restore reads on: behind the last chunk that is there, consumed or not. */
export function readPosition(slot: RequestSlot): number {
  const { chunks, devicePosition } = readProgress(slot);
  const published = publishedChunks(slot);
  if (published === (chunks | 0)) return devicePosition;
  const { memory } = slot;
  return memory.readDouble(memory.chunkDouble(slot.slot, published - 1, 'devicePosition'));
}

/** Before the request is placed: nothing is in the ring, and it begins at `progress`. */
export function resetDataArea(slot: RequestSlot, progress: Progress, kept = ''): void {
  slot.store('published', progress.chunks | 0);
  slot.store('feed', 0);
  writeProgress(slot, progress, kept);
}

/** Of a backup: what the holder wants to be given, from a position on, by its attempt. Chunks of another feed are passed over. */
export interface Feed {
  /** As the `segment` of its chunks. */
  readonly feed: number;
  readonly from: number;
}

/** For a holder that has looked where the device stands. */
export function wantFeed(slot: RequestSlot, from: number): number {
  const feed = slot.status().attempt + 1;
  slot.memory.writeDouble(slot.memory.feedFromDouble(slot.slot), from);
  slot.store('feed', feed);
  signalRing(slot);
  return feed;
}

/** Undefined as long as nobody wants anything. */
export function wantedFeed(slot: RequestSlot): Feed | undefined {
  const feed = slot.load('feed');
  if (feed === 0) return undefined;
  return { feed, from: slot.memory.readDouble(slot.memory.feedFromDouble(slot.slot)) };
}

/** To be read before looking for chunks or room, and then given to `waitForRing`. */
export function ringSignal(slot: RequestSlot): number {
  return slot.load('ringSignal');
}

/** For a worker: sleeps until something happened to the ring or the request, or for `timeoutMs`. */
export function waitForRing(slot: RequestSlot, seen: number, timeoutMs: number): void {
  const { memory } = slot;
  Atomics.wait(memory.words, memory.slotWord(slot.slot, 'ringSignal'), seen, timeoutMs);
}

/** Wakes the worker that waits at the ring, and the array core. */
export function signalRing({ memory, slot }: RequestSlot): void {
  signalWord(memory.words, memory.slotWord(slot, 'ringSignal'));
  signalWord(memory.words, HEADER.arraySignal);
}

function writeProgress({ memory, slot }: RequestSlot, progress: Progress, kept: string): void {
  const place = memory.slotWord(slot, 'progressVersion');
  const version = (Atomics.load(memory.words, place) + 1) | 0;
  const first = memory.progressWord(slot, version);
  memory.words[first] = progress.chunks | 0;
  memory.words[first + 1] = progress.segment;
  memory.writeDouble(first + 2, progress.bytes);
  memory.writeDouble(first + 4, progress.devicePosition);
  const keptBytes = Buffer.byteLength(kept);
  assert(keptBytes <= memory.shape.keptBytes, 'what is kept fits its place');
  memory.words[first + KEPT_LENGTH] = keptBytes;
  memory.kept(slot, version).write(kept);
  Atomics.store(memory.words, place, version);
}

function publishedChunks(slot: RequestSlot): number {
  return slot.load('published');
}
