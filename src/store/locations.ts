/** Locations of many blocks as numbers in a few arrays, which can cross a thread border. */
import type { Location } from './records.js';

/** Arrays of one length: id (0 for zeros), CRC-32, valid sectors. */
export interface Locations {
  readonly ids: Float64Array;
  readonly crcs: Uint32Array;
  readonly sectors: Uint32Array;
}

/** Locations of `count` blocks, all zeros for now. */
export function emptyLocations(count: number): Locations {
  return {
    ids: new Float64Array(count),
    crcs: new Uint32Array(count),
    sectors: new Uint32Array(count),
  };
}

export function locationAt({ ids, crcs, sectors }: Locations, index: number): Location {
  return {
    id: ids[index] as number,
    crc: crcs[index] as number,
    sectors: sectors[index] as number,
  };
}

export function putLocation(locations: Locations, index: number, location: Location): void {
  locations.ids[index] = location.id;
  locations.crcs[index] = location.crc;
  locations.sectors[index] = location.sectors;
}
