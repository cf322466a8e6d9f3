/**
 * How volumes, snapshots and lineages refer to each other: names, heads, parents, epochs. Links the
 * catalogue together and finds what does not fit.
 */
import type { Catalogue, CheckedCopy, CheckedLineage } from './check-catalogue.js';
import type { Findings, Repairs } from './check-findings.js';
import { recordKey } from './keys.js';
import { packCount } from './records.js';

/** An epoch every lineage can have a reclaim record for. */
const ANY_EPOCH = 1;

/** Returns the lineages, parents before their children; those that hang in the air are left out. */
export function checkLineages(
  catalogue: Catalogue,
  findings: Findings,
  repairs: Repairs,
): CheckedLineage[] {
  const broken = (subject: string, detail: string): void => {
    catalogue.sound = false;
    findings.add('broken lineage', subject, detail);
  };
  checkCopies(catalogue, findings);
  linkCopies(catalogue, findings, broken);
  for (const lineage of catalogue.lineages.values()) linkParent(catalogue, lineage, broken);
  for (const lineage of catalogue.lineages.values()) checkEpochs(lineage, broken);
  const ordered = parentsFirst(catalogue);
  if (ordered.length < catalogue.lineages.size && catalogue.sound) {
    const placed = new Set(ordered);
    for (const lineage of catalogue.lineages.values()) {
      if (placed.has(lineage)) continue;
      broken(namesOf(lineage), `lineage ${lineage.id} is among its own ancestors`);
    }
  }
  findSuperfluous(catalogue, findings, repairs);
  return ordered;
}

/** Names and numbers are unique, and each snapshot has its volume. */
function checkCopies(catalogue: Catalogue, findings: Findings): void {
  const byNumber = new Map<number, CheckedCopy>();
  const names = new Set<string>();
  for (const volume of catalogue.volumes) byNumber.set(volume.number, volume);
  for (const snapshot of catalogue.snapshots) {
    const volume = byNumber.get(snapshot.volumeNumber ?? 0);
    if (volume === undefined) {
      catalogue.sound = false;
      const detail = `snapshot number ${snapshot.number} is of volume ${snapshot.volumeNumber}, which has no record`;
      findings.add('snapshot without volume', snapshot.ownName, detail);
    }
    snapshot.name = `${volume?.name ?? `#${snapshot.volumeNumber}`}@${snapshot.ownName}`;
  }
  for (const copy of [...catalogue.volumes, ...catalogue.snapshots]) {
    if (names.has(copy.name)) {
      findings.add('duplicate name', copy.name, `number ${copy.number} has a name used before`);
    }
    names.add(copy.name);
    const other = byNumber.get(copy.number);
    if (other !== undefined && other !== copy) {
      findings.add('duplicate number', copy.name, `${other.name} has number ${copy.number} too`);
    }
  }
}

function linkCopies(
  catalogue: Catalogue,
  findings: Findings,
  broken: (subject: string, detail: string) => void,
): void {
  for (const copy of [...catalogue.volumes, ...catalogue.snapshots]) {
    const lineage = catalogue.lineage(copy.lineage);
    if (lineage === undefined) {
      broken(copy.name, `its lineage ${copy.lineage} has no record`);
      continue;
    }
    const other = lineage.copies[0];
    if (copy.volumeNumber === undefined) {
      if (lineage.head !== undefined) {
        catalogue.sound = false;
        const detail = `${other?.name} writes to lineage ${lineage.id} too`;
        findings.add('two volumes on one lineage', copy.name, detail);
      }
      lineage.head = Math.max(lineage.head ?? 0, copy.epoch);
    }
    lineage.copies.push(copy);
    lineage.views.push(copy.epoch);
  }
}

function linkParent(
  catalogue: Catalogue,
  lineage: CheckedLineage,
  broken: (subject: string, detail: string) => void,
): void {
  if (lineage.parentId === 0) return;
  const parent = catalogue.lineage(lineage.parentId);
  if (parent === undefined) {
    broken(
      namesOf(lineage),
      `lineage ${lineage.id} has parent ${lineage.parentId}, which has no record`,
    );
    return;
  }
  lineage.parent = parent;
  parent.children.push(lineage);
  parent.views.push(lineage.parentEpoch);
}

/** Only a volume's own epoch may be the newest of its lineage. */
function checkEpochs(
  lineage: CheckedLineage,
  broken: (subject: string, detail: string) => void,
): void {
  const { id, head, clips } = lineage;
  lineage.views = [...new Set(lineage.views)].sort((a, b) => a - b);
  if (head === undefined) return;
  for (const copy of lineage.copies) {
    if (copy.volumeNumber !== undefined && copy.epoch >= head) {
      broken(copy.name, `its epoch ${copy.epoch} is not before its lineage's newest, ${head}`);
    }
  }
  for (const child of lineage.children) {
    if (child.parentEpoch < head) continue;
    const detail = `lineage ${child.id} branches off lineage ${id} at epoch ${child.parentEpoch}`;
    broken(namesOf(child), `${detail}, which is not before its newest, ${head}`);
  }
  for (const clip of clips) {
    if (clip.epoch <= head) continue;
    broken(namesOf(lineage), `a shrink of epoch ${clip.epoch} is after the newest, ${head}`);
  }
}

/** The volumes and snapshots directly on a lineage. */
export function namesOf(lineage: CheckedLineage): string {
  return lineage.copies.map((copy) => copy.name).join(' ') || '-';
}

function parentsFirst(catalogue: Catalogue): CheckedLineage[] {
  const ordered = [...catalogue.lineages.values()].filter((lineage) => lineage.parentId === 0);
  // The list grows while it is walked.
  for (const lineage of ordered) for (const child of lineage.children) ordered.push(child);
  return ordered;
}

/** Lineages nobody needs and nobody is about to reclaim, and records of lineages that are gone. */
function findSuperfluous(catalogue: Catalogue, findings: Findings, repairs: Repairs): void {
  const removable = catalogue.sound;
  for (const lineage of catalogue.lineages.values()) {
    if (lineage.views.length > 0 || lineage.reclaims.length > 0) continue;
    const key = recordKey('reclaim', lineage.id, ANY_EPOCH);
    const repaired =
      removable &&
      repairs.add((transaction) => transaction.put('records', key, packCount(ANY_EPOCH)));
    if (repaired) lineage.reclaims.push(ANY_EPOCH);
    const detail = `lineage ${lineage.id} belongs to nothing`;
    const next = repaired ? '; the next mount gives its space back' : '';
    findings.add('orphan lineage', '-', detail + next, repaired);
  }
  for (const { kind, lineage, epoch } of catalogue.strays) {
    const key = recordKey(kind, lineage, epoch);
    const repaired = removable && repairs.add((transaction) => transaction.remove('records', key));
    const detail = `${kind} of epoch ${epoch} belongs to lineage ${lineage}, which has no record`;
    findings.add('orphan record', '-', detail, repaired);
  }
}
