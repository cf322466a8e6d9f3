/**
 * Ways in which a power cut treats what no sync has covered, from everything there to nothing, with
 * changes lost, torn into sectors or pages, and later ones there without the earlier ones.
 */
import type { RandomSource } from '../support/random-source.js';
import type { ContentChange, Survival } from './crash-disk.js';

export const SECTOR_BYTES = 512;
const PAGE_BYTES = 4_096;

/** Name of a way -> what it leaves of these unsynced changes. */
export const WAYS = {
  'nothing of it': () => () => [],
  'all of it': () => (change) => [change],
  'some changes': (_unsynced, random) => {
    const probability = random.pick([0.1, 0.5, 0.9]);
    return (change) => (random.chance(probability) ? [change] : []);
  },
  'some sectors': (_unsynced, random) => (change) => torn(change, SECTOR_BYTES, random),
  'some pages': (_unsynced, random) => (change) => torn(change, PAGE_BYTES, random),
  'only the last change of a file': (unsynced, random) => {
    const last = pickFile(unsynced, random).at(-1);
    return (change) => (change === last ? [change] : []);
  },
  'all but one change': (unsynced, random) => {
    const lost = pickOne(unsynced, random);
    return (change) => (change === lost ? [] : [change]);
  },
  'all, one of them torn': (unsynced, random) => {
    const damaged = pickOne(unsynced, random);
    const bytes = random.pick([SECTOR_BYTES, PAGE_BYTES]);
    return (change) => (change === damaged ? torn(change, bytes, random) : [change]);
  },
  'the first ones': (unsynced, random) => {
    const kept = new Set(unsynced.slice(0, random.integer(0, unsynced.length)));
    return (change) => (kept.has(change) ? [change] : []);
  },
  'the later ones without the first': (unsynced, random) => {
    const kept = new Set(unsynced.slice(random.integer(0, unsynced.length)));
    return (change) => (kept.has(change) ? [change] : []);
  },
} as const satisfies Record<
  string,
  (unsynced: readonly ContentChange[], random: RandomSource) => Survival
>;

export type Way = keyof typeof WAYS;

/** Some pieces of a write between borders of `pieceBytes` in the file; other changes wholly or not. */
export function torn(
  change: ContentChange,
  pieceBytes: number,
  random: RandomSource,
): ContentChange[] {
  if (change.kind !== 'write') return random.chance(0.5) ? [change] : [];
  const { offset, data } = change;
  const pieces: ContentChange[] = [];
  for (let done = 0; done < data.length; ) {
    const border = pieceBytes - ((offset + done) % pieceBytes);
    const end = Math.min(done + border, data.length);
    if (random.chance(0.5)) {
      pieces.push({ ...change, offset: offset + done, data: data.subarray(done, end) });
    }
    done = end;
  }
  return pieces;
}

/** Of a random file, as most changes may be those of one. */
function pickOne(
  unsynced: readonly ContentChange[],
  random: RandomSource,
): ContentChange | undefined {
  const changes = pickFile(unsynced, random);
  return changes.length === 0 ? undefined : random.pick(changes);
}

/** The changes of one file; none where there are none. */
function pickFile(
  unsynced: readonly ContentChange[],
  random: RandomSource,
): readonly ContentChange[] {
  const nodes = [...new Set(unsynced.map(({ node }) => node))];
  if (nodes.length === 0) return [];
  const chosen = random.pick(nodes);
  return unsynced.filter(({ node }) => node === chosen);
}
