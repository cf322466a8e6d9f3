/** The born bitmaps: exactly the versions the map holds. */
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
    const what = bitmap === undefined ? 'is missing or damaged' : 'differs from the map';
    const place = `lineage ${lineage.id}, epoch ${epoch}, chunk ${chunk.chunk}`;
    check.findings.add(KIND, namesOf(lineage), `${place} ${what}`, repaired);
  }
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
    const detail = `key ${Buffer.from(key).toString('hex')} names versions the map does not have`;
    check.findings.add(KIND, '-', detail, repaired);
  }
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
