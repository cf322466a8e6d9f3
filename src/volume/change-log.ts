/**
 * What goes into the intent log: with every fsync and command all that commands changed, and of the
 * volumes it is about every write that is not logged yet. Larger amounts are published instead.
 *
 * Order: a volume's unlogged writes go into one batch with the clips between them, so after a crash it
 * holds a prefix of its writes. A record that tells of writes (a size) takes them along.
 */

import { ArrayError } from '../base/errors.js';
import { LOGGED_BYTES_MAX } from '../base/limits.js';
import { SECTOR_BYTES } from '../base/sizes.js';
import type { IntentLog } from '../store/intent-log.js';
import { type LogEntry, type LoggedBlock, packEntries } from '../store/log-entries.js';
import { ALL_SECTORS, type Location } from '../store/records.js';
import { sectorBytes, sectorCount } from '../store/sector-runs.js';
import type { Generation } from './generation.js';
import type { CachedBlock, Layer, Lineage } from './lineage.js';
import type { RecordSource } from './record-source.js';
import type { WriteCache } from './write-cache.js';

/** Bytes of an entry besides its content, about. */
const ENTRY_BYTES = 64;

/** A volume to be made durable: its record and what it writes to. */
export interface LoggedVolume {
  readonly lineage: Lineage;
  readonly source: RecordSource;
}

export interface ChangeLogHost {
  /** Newest view before the layer's epoch, -1 for none. */
  viewBefore(layer: Layer): number;
  /** Content of a stored block, undefined where it is damaged. */
  readStored(location: Location): Uint8Array | undefined;
  publishedSequence(): number;
}

export class ChangeLog {
  constructor(
    private readonly cache: WriteCache,
    private readonly log: IntentLog,
    private readonly host: ChangeLogHost,
  ) {}

  /**
   * Logs what commands changed, and the volume's writes; resolves when all of that is durable.
   * Undefined where that is too much for the log: nothing was logged.
   */
  append(volume: LoggedVolume | undefined): Promise<void> | undefined {
    const generations = [...this.cache.closed, this.cache.active];
    const lineages = this.lineagesToLog(generations, volume);
    const sizeBytes = this.size(generations, lineages);
    if (sizeBytes > LOGGED_BYTES_MAX || !this.log.hasRoom(sizeBytes)) return undefined;
    const entries: LogEntry[] = [];
    for (const source of this.passingToLog(generations, lineages, volume)) {
      for (const { unlogged } of generations) unlogged.passing.delete(source);
      entries.push(recordEntry(source, this.cache.active.sequence));
    }
    for (const generation of generations) this.takeRecords(generation, entries);
    for (const generation of generations) this.takeSteps(generation, lineages, entries);
    if (this.log.failure !== undefined) return undefined;
    if (entries.length === 0) return this.log.durable();
    return this.log.append(packEntries(entries, sizeBytes), this.cache.active.sequence);
  }

  /** The volume's lineages, and those that records to be logged tell of; each with all below it. */
  private lineagesToLog(
    generations: readonly Generation[],
    volume: LoggedVolume | undefined,
  ): ReadonlySet<Lineage> {
    const lineages = new Set<Lineage>();
    const add = (lineage: Lineage | undefined): void => {
      for (let next = lineage; next !== undefined; next = next.parent) lineages.add(next);
    };
    add(volume?.lineage);
    for (const left of leftUnpublished(volume?.lineage)) add(left);
    for (const { unlogged } of generations) {
      for (const { dependsOn } of unlogged.sources) {
        if (dependsOn === undefined) continue;
        if (dependsOn.sequence > this.host.publishedSequence()) add(dependsOn.lineage);
      }
    }
    return lineages;
  }

  /** Records that changed in passing: the volume's, and those that tell of writes to be logged. */
  private passingToLog(
    generations: readonly Generation[],
    lineages: ReadonlySet<Lineage>,
    volume: LoggedVolume | undefined,
  ): ReadonlySet<RecordSource> {
    const sources = new Set<RecordSource>();
    for (const { unlogged } of generations) {
      for (const source of unlogged.passing) {
        const { dependsOn } = source;
        if (source === volume?.source) sources.add(source);
        else if (dependsOn !== undefined && lineages.has(dependsOn.lineage)) sources.add(source);
      }
    }
    return sources;
  }

  /** Bytes the entries take at most. */
  private size(generations: readonly Generation[], lineages: ReadonlySet<Lineage>): number {
    let sizeBytes = 0;
    for (const { unlogged, steps } of generations) {
      for (const { value } of unlogged.changes.values()) {
        sizeBytes += ENTRY_BYTES + (value?.length ?? 0);
      }
      // The packed records are small: a volume-information sector, names, numbers.
      sizeBytes += 1024 * (unlogged.sources.size + unlogged.passing.size);
      sizeBytes += ENTRY_BYTES * unlogged.usages.length;
      for (const step of steps) {
        if (step.kind === 'usage' || !lineages.has(step.lineage)) continue;
        if (step.kind === 'clip')
          sizeBytes += step.logged ? 0 : 2 * ENTRY_BYTES + 4 * step.replaces.length;
        else sizeBytes += layerBytes(step);
        if (sizeBytes > LOGGED_BYTES_MAX) return sizeBytes;
      }
    }
    return sizeBytes;
  }

  private takeRecords({ unlogged, sequence }: Generation, entries: LogEntry[]): void {
    for (const change of unlogged.changes.values()) {
      entries.push({ kind: 'record', sequence, change });
    }
    for (const source of unlogged.sources) entries.push(recordEntry(source, sequence));
    for (const { order, ...step } of unlogged.usages) {
      entries.push({ kind: 'usage', sequence, order, step });
    }
    unlogged.clearCommands();
  }

  private takeSteps(
    { steps, sequence }: Generation,
    lineages: ReadonlySet<Lineage>,
    entries: LogEntry[],
  ): void {
    for (const step of steps) {
      if (step.kind === 'usage' || !lineages.has(step.lineage)) continue;
      if (step.kind === 'layer') this.takeLayer(step, sequence, entries);
      else if (!step.logged) {
        step.logged = true;
        const { lineage, clip, replaces, reclaim, order } = step;
        if (reclaim !== undefined) entries.push({ kind: 'record', sequence, change: reclaim });
        const { epoch, block } = clip;
        entries.push({
          kind: 'clip',
          sequence,
          order,
          step: {
            kind: 'clip',
            lineage: lineage.id,
            epoch,
            block,
            replaces: replaces.map((old) => old.epoch),
          },
        });
      }
    }
  }

  private takeLayer(layer: Layer, sequence: number, entries: LogEntry[]): void {
    const { lineage, epoch, order, unlogged } = layer;
    if (unlogged.size === 0) return;
    const blocks: LoggedBlock[] = [];
    for (const block of unlogged) {
      const entry = layer.blocks.get(block);
      if (entry === undefined || entry.unlogged === 0) continue;
      blocks.push(this.loggedBlock(block, entry));
      entry.unlogged = 0;
    }
    unlogged.clear();
    const place = { lineage: lineage.id, epoch, previousView: this.host.viewBefore(layer) };
    entries.push({ kind: 'layer', sequence, order, place, blocks });
  }

  private loggedBlock(block: number, entry: CachedBlock): LoggedBlock {
    const { span, start, location, unlogged: sectors } = entry;
    if (span !== undefined) {
      return { block, sectors, bytes: sectorBytes(span.bytes, start, sectors) };
    }
    if (location === undefined || location.id === 0) return { block, sectors: ALL_SECTORS };
    if (entry.shared) return { block, sectors: ALL_SECTORS, location };
    const content = this.host.readStored(location);
    if (content === undefined) {
      // Damaged since it was stored: no log can be complete any more.
      this.log.fail(new ArrayError('EIO', `block ${location.id} is damaged`));
      return { block, sectors };
    }
    // Sectors lost with a damaged base are not the host's.
    const valid = (sectors & location.sectors) >>> 0;
    return { block, sectors: valid, bytes: sectorBytes(content, 0, valid) };
  }
}

/** What a volume wrote to before it was restored, and that snapshots show; forgets what is published. */
function* leftUnpublished(lineage: Lineage | undefined): Generator<Lineage> {
  for (let last = lineage; last !== undefined; last = last.left) {
    while (last.left !== undefined && (last.left.isAbandoned || !last.left.hasUnpublished)) {
      last.left = last.left.left;
    }
    if (last.left !== undefined) yield last.left;
  }
}

function recordEntry(source: RecordSource, sequence: number): LogEntry {
  const change = { key: source.recordKey, value: source.packRecord() };
  return { kind: 'record', sequence, change };
}

function layerBytes({ unlogged, blocks }: Layer): number {
  let sizeBytes = unlogged.size === 0 ? 0 : ENTRY_BYTES;
  for (const block of unlogged) {
    const entry = blocks.get(block);
    if (entry === undefined) continue;
    sizeBytes += 32;
    if (entry.span !== undefined || !entry.shared) {
      sizeBytes += sectorCount(entry.unlogged) * SECTOR_BYTES;
    }
    if (sizeBytes > LOGGED_BYTES_MAX) return sizeBytes;
  }
  return sizeBytes;
}
