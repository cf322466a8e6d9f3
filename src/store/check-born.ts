/** The born bitmaps: exactly the versions the map holds. */
import { BLOCK_BYTES } from '../base/sizes.js';
import type { StoreReader } from './block-store.js';
import { packBorn, setBits, unpackBorn } from './born-bitmaps.js';
import type { Catalogue, CheckedLineage } from './check-catalogue.js';
import type { Findings, Repairs } from './check-findings.js';
import { namesOf } from './check-lineages.js';
import { scanTable } from './check-scan.js';
import { bornKey, CHUNK_BLOCKS, mapKey, parseBornKey } from './keys.js';

const BORN_KEY_BYTES = 12;
const KIND = 'wrong born bitmap';

export interface BornCheck {
  readonly reader: StoreReader;
  readonly findings: Findings;
  readonly repairs: Repairs;
}

/** What the bitmaps of one chunk must be, by epoch. */
export interface BornChunk {
  readonly chunk: number;
  readonly bitmaps: Map<number, Uint8Array>;
}

export function checkBornChunk(check: BornCheck, lineage: CheckedLineage, chunk: BornChunk): void {
  for (const [epoch, expected] of chunk.bitmaps) {
    const key = bornKey(lineage.id, epoch, chunk.chunk);
    const stored = check.reader.get('born', key);
    const bitmap = stored && unpackBorn(stored);
    if (bitmap !== undefined && Buffer.compare(bitmap, expected) === 0) continue;
    const repaired = check.repairs.add((transaction) => {
      transaction.put('born', key, packBorn(expected));
    });
    const first = chunk.chunk * CHUNK_BLOCKS;
    const what = bitmap === undefined ? 'missing or damaged' : difference(bitmap, expected, first);
    const place = `lineage ${lineage.id}, epoch ${epoch}, from byte ${first * BLOCK_BYTES}`;
    check.findings.add(KIND, namesOf(lineage), `${place}: ${what}`, repaired);
  }
}

/** A bit too many may stand for a map entry that was lost: say where. */
function difference(stored: Uint8Array, expected: Uint8Array, first: number): string {
  const surplus = stored.map((byte, index) => byte & ~(expected[index] as number));
  const missing = expected.map((byte, index) => byte & ~(stored[index] as number));
  const parts: string[] = [];
  for (const [bits, what] of [
    [surplus, 'the map lacks'],
    [missing, 'the bitmap lacks'],
  ] as const) {
    const blocks = [...setBits(bits)];
    if (blocks.length === 0) continue;
    const more = blocks.length > 1 ? ` and ${blocks.length - 1} more` : '';
    parts.push(`${what} byte ${(first + (blocks[0] as number)) * BLOCK_BYTES}${more}`);
  }
  return parts.join(', ');
}

/**
 * Bitmaps of versions the map does not have at all. One with a bit that the map has was compared as a
 * whole by `checkBornChunk`, so most need one look-up.
 */
export function checkSurplusBorn(check: BornCheck, catalogue: Catalogue): void {
  for (const { key, value } of scanTable(check.reader, 'born')) {
    if (key.length === BORN_KEY_BYTES && hasVersion(check.reader, key, value)) continue;
    const repaired =
      catalogue.sound && check.repairs.add((transaction) => transaction.remove('born', key));
    check.findings.add(KIND, '-', surplusDetail(key), repaired);
  }
}

function surplusDetail(key: Uint8Array): string {
  if (key.length !== BORN_KEY_BYTES) return `key ${Buffer.from(key).toString('hex')} is none`;
  const { lineage, epoch, chunk } = parseBornKey(key);
  const from = chunk * CHUNK_BLOCKS * BLOCK_BYTES;
  return `lineage ${lineage}, epoch ${epoch}, from byte ${from}: the map has none of its versions`;
}

function hasVersion(reader: StoreReader, key: Uint8Array, value: Uint8Array): boolean {
  const { lineage, epoch, chunk } = parseBornKey(key);
  const bitmap = unpackBorn(value);
  const first = chunk * CHUNK_BLOCKS;
  if (bitmap === undefined) return hasAnyOf(reader, lineage, epoch, first);
  for (const bit of setBits(bitmap)) {
    if (reader.get('map', mapKey(lineage, first + bit, epoch)) !== undefined) return true;
  }
  // Bits may be missing rather than surplus.
  return hasAnyOf(reader, lineage, epoch, first);
}

function hasAnyOf(reader: StoreReader, lineage: number, epoch: number, first: number): boolean {
  for (let block = first; block < first + CHUNK_BLOCKS; block += 1) {
    if (reader.get('map', mapKey(lineage, block, epoch)) !== undefined) return true;
  }
  return false;
}
