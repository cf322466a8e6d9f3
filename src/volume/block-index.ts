/**
 * Where the stored blocks of one view are, kept in memory region by region: loaded from the map on
 * first touch, updated when a generation is published, dropped when the memory of all indexes reaches
 * its bound. So a read costs one lookup whatever the number of snapshots, clones and restores.
 */
import { PAGES_PER_BLOCK } from '../base/sizes.js';
import { ALL_SECTORS, type Location } from '../store/records.js';

/** Blocks of one region: 4 MiB of a volume. */
export const REGION_BLOCKS = 256;

/** Bytes a region takes: an id and checksums for each block, and the objects around them. */
export const REGION_BYTES = REGION_BLOCKS * (8 + 4 + 4 * PAGES_PER_BLOCK + 1) + 256;

export interface Region {
  readonly ids: Float64Array;
  readonly crcs: Uint32Array;
  /** Checksums of the blocks' pages, where `verified` says so; made by the first one. */
  pageCrcs: Uint32Array | undefined;
  /** 1 where the block's content was verified as a whole. */
  verified: Uint8Array | undefined;
  /** Sectors of blocks that are not valid in whole, by position; nearly always absent. */
  partial: Map<number, number> | undefined;
  /** Touched since the last sweep for regions to drop. */
  touched: boolean;
}

export function emptyRegion(): Region {
  return {
    ids: new Float64Array(REGION_BLOCKS),
    crcs: new Uint32Array(REGION_BLOCKS),
    pageCrcs: undefined,
    verified: undefined,
    partial: undefined,
    touched: true,
  };
}

export function setLocation(region: Region, position: number, location: Location): void {
  region.ids[position] = location.id;
  region.crcs[position] = location.crc;
  if (region.verified !== undefined) region.verified[position] = 0;
  if (location.sectors !== ALL_SECTORS) {
    region.partial ??= new Map();
    region.partial.set(position, location.sectors);
  } else {
    region.partial?.delete(position);
  }
}

/** The memory bound over all indexes of an array; drops what was not touched for longest. */
export class IndexBudget {
  private readonly owners = new Map<Region, { index: BlockIndex; number: number }>();

  constructor(private readonly bytesMax: number) {}

  add(index: BlockIndex, number: number, region: Region): void {
    while ((this.owners.size + 1) * REGION_BYTES > this.bytesMax && this.owners.size > 0) {
      this.dropOne();
    }
    this.owners.set(region, { index, number });
  }

  forget(region: Region): void {
    this.owners.delete(region);
  }

  /** Second chance: the oldest region that was not touched since it was last passed over. */
  private dropOne(): void {
    for (const [region, owner] of this.owners) {
      this.owners.delete(region);
      if (region.touched) {
        region.touched = false;
        this.owners.set(region, owner);
        continue;
      }
      owner.index.dropRegion(owner.number);
      return;
    }
  }
}

export class BlockIndex {
  /** Counts what changed in the state it shows. */
  changeCount = 0;
  private readonly regions = new Map<number, Region>();

  constructor(
    private readonly budget: IndexBudget,
    /** Reads a region's locations from the map. */
    private readonly load: (firstBlock: number) => Region,
  ) {}

  /** Location of the stored content the view shows at `block`; id 0 for zeros. */
  locate(block: number): Location {
    const region = this.region(block);
    const position = block % REGION_BLOCKS;
    return {
      id: region.ids[position] as number,
      crc: region.crcs[position] as number,
      sectors: region.partial?.get(position) ?? ALL_SECTORS,
    };
  }

  /** The region that holds `block`. */
  region(block: number): Region {
    const number = Math.floor(block / REGION_BLOCKS);
    let region = this.regions.get(number);
    if (region === undefined) {
      region = this.load(number * REGION_BLOCKS);
      this.budget.add(this, number, region);
      this.regions.set(number, region);
    }
    region.touched = true;
    return region;
  }

  /** A generation with this block was published; regions not in memory find it in the map. */
  update(block: number, location: Location): void {
    this.changeCount += 1;
    const region = this.regions.get(Math.floor(block / REGION_BLOCKS));
    if (region !== undefined) setLocation(region, block % REGION_BLOCKS, location);
  }

  /** A published clip hides everything from `block` on. */
  clip(block: number): void {
    this.changeCount += 1;
    for (const [number, region] of this.regions) {
      const first = number * REGION_BLOCKS;
      if (first + REGION_BLOCKS <= block) continue;
      this.regions.delete(number);
      this.budget.forget(region);
    }
  }

  /** Releases the memory; the index stays usable. */
  clear(): void {
    for (const region of this.regions.values()) this.budget.forget(region);
    this.regions.clear();
  }

  /** For the budget: takes the region out of memory. */
  dropRegion(number: number): void {
    this.regions.delete(number);
  }
}
