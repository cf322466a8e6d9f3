/** The ways in which a power cut treats unsynced changes. */
import { describe, expect, it } from 'vitest';
import { RandomSource } from '../support/random-source.js';
import type { ContentChange } from './crash-disk.js';
import { torn, WAYS, type Way } from './survivals.js';

const changes: readonly ContentChange[] = [2, 2, 3, 2, 3].map((node, index) => ({
  kind: 'write',
  node,
  handle: 1,
  offset: index * 10_000 + 100,
  data: Buffer.alloc(6_000, index + 1),
}));

/** A change as it is, in part, or not there. */
function letterOf(change: ContentChange, parts: readonly ContentChange[]): string {
  if (parts.length === 0) return '-';
  return parts.length === 1 && parts[0] === change ? 'A' : 'p';
}

/** The same with what is there of it. */
function partsOf(_change: ContentChange, parts: readonly ContentChange[]): string {
  return parts.map((part) => (part.kind === 'write' ? part.offset : part.kind)).join();
}

/** What survives of the changes, over many seeds. */
function outcomes(way: Way, describeParts = letterOf): Set<string> {
  const seen = new Set<string>();
  for (let seed = 1; seed <= 200; seed += 1) {
    const survival = WAYS[way](changes, new RandomSource(seed));
    seen.add(changes.map((change) => describeParts(change, survival(change))).join(''));
  }
  return seen;
}

describe('ways to lose changes', () => {
  it.each<[Way, string[]]>([
    ['nothing of it', ['-----']],
    ['all of it', ['AAAAA']],
    ['only the last change of a file', ['---A-', '----A']],
    ['all but one change', ['-AAAA', 'A-AAA', 'AA-AA', 'AAA-A', 'AAAA-']],
    ['all, one of them torn', ['pAAAA', 'ApAAA', 'AApAA', 'AAApA', 'AAAAp']],
    ['the first ones', ['-----', 'A----', 'AA---', 'AAA--', 'AAAA-', 'AAAAA']],
    ['the later ones without the first', ['AAAAA', '-AAAA', '--AAA', '---AA', '----A', '-----']],
  ])('%s', (way, expected) => {
    // A torn change may be lost in all its pieces.
    const seen = [...outcomes(way)].filter((outcome) => !/^A*-A*$/.test(outcome) || way !== TORN);
    expect(seen.sort()).toEqual(expected.sort());
  });

  it.each<Way>(['some changes', 'some sectors', 'some pages'])('%s: many choices', (way) => {
    expect(outcomes(way, partsOf).size).toBeGreaterThan(15);
  });

  it('are no more than nothing where nothing is unsynced', () => {
    for (const way of Object.keys(WAYS) as Way[]) {
      expect(() => WAYS[way]([], new RandomSource(1))).not.toThrow();
    }
  });

  it.each([512, 4_096])('tear at borders of %i bytes in the file', (pieceBytes) => {
    const change = changes[1] as ContentChange & { kind: 'write' };
    const end = change.offset + change.data.length;
    const seen = new Set<number>();
    for (let seed = 1; seed <= 50; seed += 1) {
      for (const piece of torn(change, pieceBytes, new RandomSource(seed))) {
        if (piece.kind !== 'write') throw new Error('a write is torn into writes');
        const pieceEnd = piece.offset + piece.data.length;
        expect(piece.offset === change.offset || piece.offset % pieceBytes === 0).toBe(true);
        expect(pieceEnd === end || pieceEnd % pieceBytes === 0).toBe(true);
        expect(piece.data.length).toBeLessThanOrEqual(pieceBytes);
        seen.add(piece.offset);
      }
    }
    expect(seen.size).toBe(Math.ceil(end / pieceBytes) - Math.floor(change.offset / pieceBytes));
  });
});

const TORN: Way = 'all, one of them torn';
