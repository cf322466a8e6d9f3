/** Map entries of lineages that have no record. */
import type { Catalogue } from './check-catalogue.js';
import type { MapCheck } from './check-map.js';
import { scanMap, scanTable } from './check-scan.js';
import { bornKey, EPOCH_MAX, mapKey } from './keys.js';

/** Looks into the gaps between the lineages there are; one finding for each that is not there. */
export function checkOrphanEntries(check: MapCheck, catalogue: Catalogue): void {
  const known = [...catalogue.lineages.keys()].sort((a, b) => a - b);
  let from = 0;
  for (const id of [...known, EPOCH_MAX]) {
    if (id > from) checkGap(check, from, id);
    from = id + 1;
  }
}

function checkGap(check: MapCheck, from: number, to: number): void {
  let found: { lineage: number; entries: number; block: number } | undefined;
  const report = (): void => {
    if (found === undefined) return;
    const { lineage, entries } = found;
    const repaired = check.sound && check.repairs.enabled;
    const detail = `${entries} map entries of lineage ${lineage}, which has no record`;
    check.findings.add('orphan map entry', '-', detail, repaired);
    if (repaired) removeBorn(check, lineage);
  };
  for (const version of scanMap(check.reader, check.poolSeed, from, to)) {
    const { lineage, block, epoch, location } = version;
    if (found?.lineage !== lineage) {
      report();
      found = { lineage, entries: 0, block };
    }
    found.entries += 1;
    check.newestId = Math.max(check.newestId, location?.id ?? 0);
    // Its block is found without references later, whatever its share count says now.
    if (check.sound) {
      check.repairs.add((transaction) => transaction.remove('map', mapKey(lineage, block, epoch)));
    }
  }
  report();
}

function removeBorn(check: MapCheck, lineage: number): void {
  const start = bornKey(lineage, 0, 0);
  for (const { key } of scanTable(check.reader, 'born', start, bornKey(lineage + 1, 0, 0))) {
    check.repairs.add((transaction) => transaction.remove('born', key));
  }
}
