/** Layers as the store's contract suite writes them down, before and after their blocks are stored. */
import { PAGES_PER_BLOCK } from '../../src/base/sizes.js';
import {
  emptyLocations,
  type Locations,
  locationAt,
  putLocation,
} from '../../src/store/locations.js';
import { ALL_SECTORS, type Location } from '../../src/store/records.js';
import { ZEROS } from '../../src/store/resolve.js';
import {
  type BlocksToStore,
  type LayerStep,
  type Level,
  type PublishStep,
  type PublishTask,
  UNKNOWN_BASE,
} from '../../src/store/tasks.js';

/** What one block of a layer is: from which slot, which sectors of it, over which base. */
export interface LayerBlock {
  readonly block: number;
  /** Without it the block is zeros, which need no memory. */
  readonly slot?: number;
  /** Only the first page of the slot is given; the sectors say which page of the block it is. */
  readonly single?: boolean;
  readonly sectors?: number;
  /** Without it the writer looks for what lies under a partial block. */
  readonly base?: Location;
  /** One more reference to a block of another version. */
  readonly shared?: Location;
}

/** A layer before its blocks are stored. */
export interface LayerToStore {
  readonly kind: 'toStore';
  readonly lineage: number;
  readonly epoch: number;
  readonly previousView: number;
  readonly blocks: readonly LayerBlock[];
}

export type Step = LayerToStore | PublishStep;

/** Without `previousView` there is a view of every epoch before: nothing is replaced for good. */
export function layer(
  lineage: number,
  epoch: number,
  blocks: readonly LayerBlock[],
  previousView = epoch - 1,
): LayerToStore {
  return { kind: 'toStore', lineage, epoch, previousView, blocks };
}

/** What is stored of a layer: the blocks whose content lies in memory. */
export function blocksToStore(step: LayerToStore, levels: Level[]): BlocksToStore {
  const blocks = contentBlocks(step);
  const part = {
    levels,
    blocks: Float64Array.from(blocks, ({ block }) => block),
    pages: Int32Array.from(blocks, ({ slot = 0 }) => slot * PAGES_PER_BLOCK),
    single: Uint8Array.from(blocks, ({ single }) => (single ? 1 : 0)),
    sectors: Uint32Array.from(blocks, ({ sectors }) => sectors ?? ALL_SECTORS),
    bases: emptyLocations(blocks.length),
  };
  for (const [index, { base }] of blocks.entries()) {
    putLocation(part.bases, index, base ?? UNKNOWN_BASE);
  }
  return part;
}

/** The blocks whose content lies in memory. */
function contentBlocks({ blocks }: LayerToStore): readonly LayerBlock[] {
  return blocks.filter(({ slot }) => slot !== undefined);
}

export function locatedLayer(step: LayerToStore, levels: Level[], stored: Locations): LayerStep {
  const { lineage, epoch, previousView, blocks } = step;
  const locations = emptyLocations(blocks.length);
  const content = contentBlocks(step);
  for (const [index, entry] of blocks.entries()) {
    const position = content.indexOf(entry);
    const location = position < 0 ? (entry.shared ?? ZEROS) : locationAt(stored, position);
    putLocation(locations, index, location);
  }
  return {
    kind: 'layer',
    lineage,
    epoch,
    previousView,
    levels,
    blocks: Float64Array.from(blocks, ({ block }) => block),
    locations,
    shared: Uint8Array.from(blocks, ({ shared }) => (shared === undefined ? 0 : 1)),
  };
}

export function publishTask(sequence: number, steps: readonly PublishStep[]): PublishTask {
  return {
    kind: 'publish',
    sequence,
    steps,
    records: [],
    discards: [],
    blocksAreDurable: false,
  };
}
