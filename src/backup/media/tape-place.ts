/** Where a backup on tape was found: the array that reaches it, its device and cartridges; no volume. */
import { type FoundAt, NO_UUID } from '../sector-entry.js';

export function tapeFoundAt(
  client: string,
  arrayUuid: string,
  place: { device: string; cartridges: readonly string[]; since: string | null },
): FoundAt {
  const { device, since } = place;
  return {
    ...{ client, arrayUuid, volumeNumber: 0, volumeUuid: NO_UUID, isModified: false },
    place: { kind: 'tape', device, cartridges: [...place.cartridges], since },
  };
}
