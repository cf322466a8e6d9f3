/**
 * Checking a pool that nothing has mounted: every record, map entry, block, count and bitmap, each
 * against all that must agree with it. A repair rebuilds what can be derived and never invents data:
 * damaged content stays an I/O error until it is overwritten or restored, and a damaged volume,
 * snapshot or lineage keeps everything that may hang on it.
 *
 *   trees -> records -> intent log -> how they refer to each other -> map, lineage by lineage -> born bitmaps -> blocks
 */
import { ArrayError } from '../base/errors.js';
import { BLOCK_BYTES } from '../base/sizes.js';
import { type BlocksCheck, checkBlocks, WINDOW_BLOCKS } from './check-blocks.js';
import { checkSurplusBorn } from './check-born.js';
import { Catalogue, readCatalogue } from './check-catalogue.js';
import { checkAllocation, checkCounters, settleCounters } from './check-counters.js';
import { type CheckFinding, type CheckTarget, Findings, Repairs } from './check-findings.js';
import { checkLineages } from './check-lineages.js';
import { type CheckedLog, checkLog } from './check-log.js';
import { checkLineageMap, type MapCheck } from './check-map.js';
import { MarkCheck } from './check-marks.js';
import { checkOrphanEntries } from './check-orphans.js';
import { checkTrees, TREE_KIND, treeDamage } from './check-tree.js';
import { checkUsage } from './check-usage.js';
import { Viewers } from './check-viewers.js';
import { createLogFile, FileLog, hasLogFile } from './file-log.js';
import { recordKey } from './keys.js';
import { LmdbEnvironment } from './lmdb-environment.js';
import { loadIdentity } from './pool-files.js';
import { type PoolIdentityRecord, unpackIdentity } from './records.js';

export type { CheckFinding, CheckTarget };

export interface CheckReport {
  readonly findings: readonly CheckFinding[];
  readonly blocksChecked: number;
  readonly bytesChecked: number;
  readonly volumes: number;
  readonly snapshots: number;
  /** Batches of the intent log that the next mount applies. */
  readonly logBatches: number;
}

export interface CheckOptions {
  readonly repair: boolean;
  /** Blocks read, of blocks stored. */
  readonly onProgress: (done: number, total: number) => void;
  /** Stored blocks looked at with one pass over the map; for tests. */
  readonly windowBlocks?: number;
  /** The pool's intent log; without it, it is not looked at. */
  readonly log?: CheckedLog;
}

/** Checks the pool in `directory`. ENOENT, ENOTDIR or EINVAL where there is none it can read. */
export async function checkPool(directory: string, options: CheckOptions): Promise<CheckReport> {
  const { capacityBytes } = loadIdentity(directory);
  const environment = new LmdbEnvironment(directory, { capacityBytes });
  try {
    const log = openCheckedLog(directory, capacityBytes);
    try {
      return await checkStore(environment, { ...options, log });
    } finally {
      await log.device?.close();
    }
  } finally {
    await environment.close();
  }
}

function openCheckedLog(directory: string, capacityBytes: number): CheckedLog {
  return {
    device: hasLogFile(directory) ? new FileLog(directory, capacityBytes) : undefined,
    replace: () => createLogFile(directory, capacityBytes),
  };
}

/** Checks (and repairs) one pool's store, which nothing else may change meanwhile. */
export async function checkStore(target: CheckTarget, options: CheckOptions): Promise<CheckReport> {
  return new StoreCheck(target, options).run();
}

class StoreCheck {
  private readonly findings = new Findings('-');
  private catalogue = new Catalogue();
  private blocksChecked = 0;
  private logBatches = 0;

  constructor(
    private readonly target: CheckTarget,
    private readonly options: CheckOptions,
  ) {}

  async run(): Promise<CheckReport> {
    try {
      const identity = this.readIdentity();
      if (identity !== undefined) await this.checkAll(identity);
    } catch (error) {
      const damage = treeDamage(error);
      // Trees that cannot be walked to their end have been found already.
      if (this.findings.count(TREE_KIND) === 0) this.findings.add(TREE_KIND, '-', damage);
    }
    return {
      findings: this.findings.finish(),
      blocksChecked: this.blocksChecked,
      bytesChecked: this.blocksChecked * BLOCK_BYTES,
      volumes: this.catalogue.volumes.length,
      snapshots: this.catalogue.snapshots.length,
      logBatches: this.logBatches,
    };
  }

  /** Without its identity no map entry of a pool can be told from a foreign one. */
  private readIdentity(): PoolIdentityRecord | undefined {
    const value = this.target.get('records', recordKey('identity'));
    try {
      const identity = unpackIdentity(value ?? new Uint8Array(0));
      this.findings.pool = identity.poolName;
      return identity;
    } catch (error) {
      if (!(error instanceof ArrayError)) throw error;
      if (error.code === 'EINVAL') throw error;
      this.findings.add('damaged record', '-', `identity: ${error.reason} (cannot be rebuilt)`);
      return undefined;
    }
  }

  private async checkAll(identity: PoolIdentityRecord): Promise<void> {
    const { target, findings, options } = this;
    const isWhole = checkTrees(target, findings);
    const repairs = new Repairs(target, options.repair && isWhole);
    this.catalogue = readCatalogue(target, findings, repairs);
    const { catalogue } = this;
    if (options.log !== undefined) {
      const { tagSeed } = identity;
      const publishedSequence = catalogue.counters?.publishedSequence ?? 0;
      const log = { ...options.log, tagSeed, publishedSequence };
      this.logBatches = checkLog(target, log, findings, repairs);
    }
    const lineages = checkLineages(catalogue, findings, repairs);
    repairs.flush();
    const check: MapCheck = {
      reader: target,
      marks: new MarkCheck(target),
      poolSeed: identity.tagSeed,
      findings,
      repairs,
      viewers: new Viewers(target, catalogue),
      sound: catalogue.sound,
      newestId: 0,
      damagedEntries: 0,
    };
    // Unsound lineages may be in no order, but their entries are verified all the same.
    for (const lineage of catalogue.sound ? lineages : catalogue.lineages.values()) {
      checkLineageMap(check, lineage);
      if (catalogue.sound) checkUsage(lineage, findings, repairs);
    }
    check.marks.report(findings, repairs);
    checkOrphanEntries(check, catalogue);
    repairs.flush();
    checkSurplusBorn(check, catalogue);
    checkAllocation(check, catalogue);
    const counters = checkCounters(check, catalogue);
    const total = catalogue.counters?.storedBlocks ?? 0;
    const blocks: BlocksCheck = Object.assign(check, {
      catalogue,
      nextBlockId: counters.nextBlockId,
      windowBlocks: options.windowBlocks ?? WINDOW_BLOCKS,
      onBlocks: (done: number) => {
        this.blocksChecked = done;
        options.onProgress(done, Math.max(done, total));
      },
    });
    settleCounters(check, catalogue, counters, await checkBlocks(blocks));
    repairs.flush();
  }
}
