/**
 * Replay: publishes what the intent log holds of generations that never were published, as one
 * generation, before anything is read from the pool. Layers are stored one after the other in the
 * order of the steps, each over what lies below it by then; the publish at the end is atomic, so a
 * crash in between starts the same again.
 */

import { BLOCK_BYTES } from '../base/sizes.js';
import type { BlockStore, StoreEntry, StoreReader, TableName } from '../store/block-store.js';
import { keyText } from '../store/keys.js';
import { emptyLocations, locationAt, putLocation } from '../store/locations.js';
import type { LayerPlace, LogEntry, LoggedBlock } from '../store/log-entries.js';
import { ALL_SECTORS, type Location } from '../store/records.js';
import { clipFloor, levelVersions, loadChain, ZEROS } from '../store/resolve.js';
import { placeSectors } from '../store/sector-runs.js';
import type { BlocksToStore, LayerStep, Level, PublishStep, RecordChange } from '../store/tasks.js';
import type { CacheMemory } from './cache-memory.js';
import type { CacheSpan } from './cache-slabs.js';

/** Blocks stored by one task. */
const BLOCKS_PER_TASK = 64;

/** Writes of one lineage and epoch, from all batches. */
interface ReplayedLayer {
  readonly place: LayerPlace;
  readonly order: number;
  readonly blocks: Map<number, ReplayedBlock>;
}

interface ReplayedBlock {
  /** 16 KiB with the sectors in `sectors`. */
  readonly bytes: Uint8Array;
  sectors: number;
  /** The block is a reference to this one, where nothing was written over it. */
  readonly reference: Location | undefined;
}

/** What a layer stored, for the layers over it. */
interface StoredLayer {
  readonly lineage: number;
  readonly epoch: number;
  readonly locations: ReadonlyMap<number, Location>;
}

export interface ReplayHost {
  readonly store: BlockStore;
  readonly tagSeed: number;
  readonly memory: CacheMemory;
}

/** Publishes the entries of generations after `publishedSequence`. */
export async function replay(
  host: ReplayHost,
  entries: readonly LogEntry[],
  publishedSequence: number,
): Promise<void> {
  const fresh = entries.filter((entry) => entry.sequence > publishedSequence);
  if (fresh.length === 0) return;
  const records = recordsOf(fresh);
  const work = new Replay(host, new RecordOverlay(host.store, records));
  const steps: { order: number; step: PublishStep }[] = [];
  const others = fresh.filter((entry) => entry.kind === 'usage' || entry.kind === 'clip');
  for (const clip of others) if (clip.step.kind === 'clip') work.addClip(clip.step);
  for (const layer of layersOf(fresh)) {
    steps.push({ order: layer.order, step: await work.storeLayer(layer) });
  }
  for (const { order, step } of others) steps.push({ order, step });
  steps.sort((a, b) => a.order - b.order);
  await host.store.run({
    kind: 'publish',
    sequence: Math.max(...fresh.map(({ sequence }) => sequence)),
    steps: steps.map(({ step }) => step),
    records,
    blocksAreDurable: false,
    discards: [],
  });
}

class Replay {
  private readonly stored: StoredLayer[] = [];
  private readonly clips: { lineage: number; epoch: number; block: number }[] = [];

  constructor(
    private readonly host: ReplayHost,
    private readonly reader: StoreReader,
  ) {}

  addClip(clip: { lineage: number; epoch: number; block: number }): void {
    this.clips.push(clip);
  }

  async storeLayer({ place, blocks }: ReplayedLayer): Promise<LayerStep> {
    const { lineage, epoch, previousView } = place;
    const levels = this.levels(lineage, epoch);
    const numbers = [...blocks.keys()].sort((a, b) => a - b);
    const locations = new Map<number, Location>();
    for (let from = 0; from < numbers.length; from += BLOCKS_PER_TASK) {
      const part = numbers.slice(from, from + BLOCKS_PER_TASK);
      await this.storePart(part, blocks, levels, locations);
    }
    this.stored.push({ lineage, epoch, locations });
    const step = {
      kind: 'layer' as const,
      lineage,
      epoch,
      previousView,
      levels,
      blocks: Float64Array.from(numbers),
      locations: emptyLocations(numbers.length),
      shared: new Uint8Array(numbers.length),
    };
    for (const [index, block] of numbers.entries()) {
      putLocation(step.locations, index, locations.get(block) ?? ZEROS);
      step.shared[index] = isReference(blocks.get(block)) ? 1 : 0;
    }
    return step;
  }

  private async storePart(
    numbers: readonly number[],
    blocks: ReadonlyMap<number, ReplayedBlock>,
    levels: readonly Level[],
    locations: Map<number, Location>,
  ): Promise<void> {
    const written: number[] = [];
    for (const block of numbers) {
      const replayed = blocks.get(block);
      if (isReference(replayed)) locations.set(block, replayed.reference);
      else written.push(block);
    }
    const spans: CacheSpan[] = [];
    const part: BlocksToStore = {
      levels: [],
      blocks: Float64Array.from(written),
      pages: new Int32Array(written.length),
      single: new Uint8Array(written.length),
      sectors: new Uint32Array(written.length),
      bases: emptyLocations(written.length),
    };
    for (const [index, block] of written.entries()) {
      const { bytes, sectors, reference } = blocks.get(block) as ReplayedBlock;
      const span = this.host.memory.takeBlock();
      spans.push(span);
      span.bytes.set(bytes);
      part.pages[index] = span.page;
      part.sectors[index] = sectors;
      putLocation(part.bases, index, reference ?? this.base(levels, block));
    }
    const result = await this.host.store.run({ kind: 'storeBlocks', parts: [part] });
    for (const span of spans) this.host.memory.release(span);
    const stored = result.parts[0] ?? emptyLocations(0);
    for (const [index, block] of written.entries()) {
      locations.set(block, locationAt(stored, index));
    }
  }

  /** What the chain shows at the block: replayed layers over what is published. */
  private base(levels: readonly Level[], block: number): Location {
    const { tagSeed } = this.host;
    for (const level of levels) {
      const floor = clipFloor(level.clips, level.epoch, block);
      const replayed = this.newest(level, floor, block);
      if (replayed !== undefined) return replayed;
      for (const { location } of levelVersions(this.reader, tagSeed, level, block, block + 1)) {
        return location;
      }
      if (floor >= 0) return ZEROS;
    }
    return ZEROS;
  }

  /** Replayed layers are newer than any published version of their lineage. */
  private newest(level: Level, floor: number, block: number): Location | undefined {
    for (let index = this.stored.length - 1; index >= 0; index -= 1) {
      const { lineage, epoch, locations } = this.stored[index] as StoredLayer;
      if (lineage !== level.lineage || epoch > level.epoch || epoch < floor) continue;
      const location = locations.get(block);
      if (location !== undefined) return location;
    }
    return undefined;
  }

  private levels(lineage: number, epoch: number): Level[] {
    return loadChain(this.reader, lineage, epoch).map((level) => {
      const added = this.clips.filter((clip) => {
        return clip.lineage === level.lineage && clip.epoch <= level.epoch;
      });
      return { ...level, clips: [...level.clips, ...added] };
    });
  }
}

/** Record changes in the order they were logged; the last one of a record counts. */
function recordsOf(entries: readonly LogEntry[]): RecordChange[] {
  const changes = new Map<string, RecordChange>();
  for (const entry of entries) {
    if (entry.kind !== 'record') continue;
    changes.set(keyText(entry.change.key), entry.change);
  }
  return [...changes.values()];
}

function layersOf(entries: readonly LogEntry[]): ReplayedLayer[] {
  const layers = new Map<string, ReplayedLayer>();
  for (const entry of entries) {
    if (entry.kind !== 'layer') continue;
    const { place, order } = entry;
    const name = `${place.lineage}/${place.epoch}`;
    const layer = layers.get(name) ?? { place, order, blocks: new Map() };
    layers.set(name, layer);
    for (const block of entry.blocks) addBlock(layer, block);
  }
  return [...layers.values()].sort((a, b) => a.order - b.order);
}

function addBlock({ blocks }: ReplayedLayer, logged: LoggedBlock): void {
  const { block, sectors, bytes, location } = logged;
  const known = blocks.get(block);
  if (bytes === undefined) {
    const valid = location === undefined ? ALL_SECTORS : 0;
    blocks.set(block, { bytes: new Uint8Array(BLOCK_BYTES), sectors: valid, reference: location });
    return;
  }
  const target = known ?? { bytes: new Uint8Array(BLOCK_BYTES), sectors: 0, reference: undefined };
  placeSectors(target.bytes, bytes, sectors);
  target.sectors = (target.sectors | sectors) >>> 0;
  blocks.set(block, target);
}

function isReference(
  block: ReplayedBlock | undefined,
): block is ReplayedBlock & { reference: Location } {
  return block?.sectors === 0 && block.reference !== undefined;
}

/** The store with record changes over it, which are published with what is replayed. */
class RecordOverlay implements StoreReader {
  private readonly changes: ReadonlyMap<string, Uint8Array | undefined>;

  constructor(
    private readonly inner: StoreReader,
    changes: readonly RecordChange[],
  ) {
    this.changes = new Map(changes.map(({ key, value }) => [keyText(key), value]));
  }

  get blocks(): StoreReader['blocks'] {
    return this.inner.blocks;
  }

  get(table: TableName, key: Uint8Array): Uint8Array | undefined {
    const name = keyText(key);
    if (table === 'records' && this.changes.has(name)) return this.changes.get(name);
    return this.inner.get(table, key);
  }

  /** Ranges of records are asked for clips only, which are steps and no record changes. */
  range(table: TableName, start: Uint8Array, end: Uint8Array): Iterable<StoreEntry> {
    return this.inner.range(table, start, end);
  }
}
