/**
 * The stored blocks: content against checksum, and references against counts. A block's references
 * are the map entries that name it and its place in the lists of blocks to be freed; the share table
 * holds how many there are beyond the first.
 *
 * Ids only grow, so they are sparse in an old pool. They are taken in windows of up to 2^23 stored
 * blocks (128 GiB of content), each with one pass over the whole map: 17 bytes for each block, up to
 * 136 MiB of memory whatever the size of the pool, and 8 passes over the map for each TiB. Blocks are
 * read in the order of their ids, which is nearly their order in the file.
 */
import { crc32 } from 'node:zlib';
import { systemClock } from '../base/clock.js';
import { BLOCK_BYTES } from '../base/sizes.js';
import type { Catalogue } from './check-catalogue.js';
import { FINDINGS_PER_KIND_MAX } from './check-findings.js';
import type { MapCheck } from './check-map.js';
import { lowerBound, scanMap, scanTable } from './check-scan.js';
import { blockKey, parseBlockKey } from './keys.js';
import { setShareCount } from './recover.js';

export const WINDOW_BLOCKS = 2 ** 23;
const ID_END = 2 ** 48 - 1;
/** Blocks read before other work of the process has its turn. */
const BLOCKS_PER_TURN = 256;
const SHARE_BYTES = 4;
/** In place of a checksum; they suit no map entry. */
const WRONG_SIZE = -1;
const MISSING = -2;

export interface BlocksCheck extends MapCheck {
  readonly catalogue: Catalogue;
  /** Blocks from here on belong to a generation that was never published. */
  readonly nextBlockId: number;
  readonly windowBlocks: number;
  /** Blocks read so far. */
  readonly onBlocks: (done: number) => void;
}

export interface BlocksResult {
  /** Stored blocks below `nextBlockId`, before repairs. */
  readonly stored: number;
  readonly freed: number;
}

export async function checkBlocks(check: BlocksCheck): Promise<BlocksResult> {
  let from = 1;
  let stored = 0;
  let freed = 0;
  for (;;) {
    const window = new Window(check, from);
    const { count, end } = window;
    window.countReferences();
    await window.readBlocks(stored);
    freed += window.compareCounts();
    window.nameDamaged();
    stored += count;
    if (end >= ID_END) return { stored, freed };
    from = end;
  }
}

class Window {
  readonly count: number;
  /** First id of the next window. */
  readonly end: number;
  private readonly ids: Float64Array;
  /** References less the share count: 1 where both agree. */
  private readonly balance: Int32Array;
  /** Checksum by the map entries. */
  private readonly crcs: Uint32Array;
  /** 1: some map entry says the checksum. */
  private readonly mapped: Uint8Array;
  /** Ids whose content is not what some map entry says: its real checksum. */
  private readonly damaged = new Map<number, number>();

  constructor(
    private readonly check: BlocksCheck,
    private readonly start: number,
  ) {
    this.ids = this.storedIds();
    this.count = this.ids.length;
    const full = this.count === check.windowBlocks;
    this.end = full ? (this.ids[this.count - 1] as number) + 1 : ID_END;
    this.balance = new Int32Array(this.count);
    this.crcs = new Uint32Array(this.count);
    this.mapped = new Uint8Array(this.count);
  }

  countReferences(): void {
    const { check, crcs, mapped, balance } = this;
    for (const version of scanMap(check.reader, check.poolSeed)) {
      const { location } = version;
      if (location === undefined || !this.holds(location.id)) continue;
      const index = this.indexOf(location.id);
      if (index < 0) {
        this.report('missing block', version, `block id ${location.id} is not stored`);
        continue;
      }
      balance[index] = (balance[index] as number) + 1;
      if (mapped[index] === 0) crcs[index] = location.crc;
      else if (crcs[index] !== location.crc) this.noteDamaged(location.id);
      mapped[index] = 1;
    }
    for (const id of check.catalogue.deferredIds) {
      const index = this.holds(id) ? this.indexOf(id) : -1;
      if (index >= 0) balance[index] = (balance[index] as number) + 1;
    }
    this.subtractShares();
  }

  async readBlocks(before: number): Promise<void> {
    for (let index = 0; index < this.count; index += 1) {
      const id = this.ids[index] as number;
      const content = this.check.reader.blocks.read(id);
      const sound =
        this.mapped[index] === 0 ||
        (content?.length === BLOCK_BYTES && crc32(content) === this.crcs[index]);
      if (!sound) this.noteDamaged(id);
      this.check.onBlocks(before + index + 1);
      if (index % BLOCKS_PER_TURN === 0) await systemClock.yield();
    }
  }

  /** Returns how many blocks are freed as nothing refers to them. */
  compareCounts(): number {
    let freed = 0;
    for (let index = 0; index < this.count; index += 1) {
      const balance = this.balance[index] as number;
      if (balance === 1) continue;
      const id = this.ids[index] as number;
      const references = balance + this.storedShares(id);
      if (references === 0) freed += this.reportOrphan(id);
      else this.reportCount(id, references);
    }
    return freed;
  }

  /** One more pass over the map tells who shows the damaged blocks. */
  nameDamaged(): void {
    if (this.damaged.size === 0) return;
    for (const version of scanMap(this.check.reader, this.check.poolSeed)) {
      const { location } = version;
      const crc = location && this.damaged.get(location.id);
      if (crc === undefined || crc === location?.crc) continue;
      if (crc === MISSING) {
        this.report('missing block', version, `block id ${location?.id} cannot be read`);
      } else this.report('wrong checksum', version, `block id ${location?.id}`);
    }
  }

  private storedIds(): Float64Array {
    const { reader, nextBlockId, windowBlocks } = this.check;
    let ids = new Float64Array(Math.min(windowBlocks, 2 ** 12));
    let count = 0;
    for (const id of reader.blocks.ids(this.start)) {
      if (id >= nextBlockId || count === windowBlocks) break;
      if (count === ids.length) {
        const grown = new Float64Array(Math.min(windowBlocks, count * 2));
        grown.set(ids);
        ids = grown;
      }
      ids[count] = id;
      count += 1;
    }
    return ids.subarray(0, count);
  }

  private holds(id: number): boolean {
    return id >= this.start && id < this.end;
  }

  private indexOf(id: number): number {
    const index = lowerBound(this.ids, id, this.count);
    return this.ids[index] === id ? index : -1;
  }

  private subtractShares(): void {
    const { check, balance } = this;
    const { findings, repairs } = check;
    const range = [blockKey(this.start), blockKey(this.end)] as const;
    for (const { key, value } of scanTable(check.reader, 'share', ...range)) {
      const id = key.length === 6 ? parseBlockKey(key) : 0;
      const index = this.indexOf(id);
      if (value.length !== SHARE_BYTES) {
        const repaired = repairs.add((transaction) => transaction.remove('share', key));
        findings.add('damaged record', '-', `share count of block ${id}`, repaired);
      } else if (index < 0) {
        const repaired = repairs.add((transaction) => transaction.remove('share', key));
        findings.add('wrong share count', '-', `block id ${id} is not stored`, repaired);
      } else {
        const shares = Buffer.from(value).readUInt32BE(0);
        balance[index] = (balance[index] as number) - shares;
      }
    }
  }

  /** A damaged count is taken as none, as `subtractShares` has done. */
  private storedShares(id: number): number {
    const value = this.check.reader.get('share', blockKey(id));
    return value?.length === SHARE_BYTES ? Buffer.from(value).readUInt32BE(0) : 0;
  }

  private reportOrphan(id: number): number {
    const { check } = this;
    const repaired =
      this.referencesAreKnown &&
      check.repairs.add((transaction) => {
        setShareCount(transaction, id, 0);
        transaction.blocks.free(id);
      });
    check.findings.add('orphan block', '-', `block id ${id} belongs to nothing`, repaired);
    return repaired ? 1 : 0;
  }

  private reportCount(id: number, references: number): void {
    const { check } = this;
    const shares = this.storedShares(id);
    // A count that is too high keeps a block too long; one too low loses content.
    const repaired =
      (this.referencesAreKnown || references - 1 > shares) &&
      check.repairs.add((transaction) => setShareCount(transaction, id, references - 1));
    const kind = shares === 0 ? 'block referenced twice' : 'wrong share count';
    const detail = `block id ${id} has ${references} references, the share count says ${shares + 1}`;
    check.findings.add(kind, '-', detail, repaired);
  }

  /** A damaged map entry may be the reference that seems to be missing. */
  private get referencesAreKnown(): boolean {
    return this.check.sound && this.check.damagedEntries === 0;
  }

  private noteDamaged(id: number): void {
    if (this.damaged.has(id)) return;
    if (this.damaged.size >= FINDINGS_PER_KIND_MAX) {
      this.check.findings.add('wrong checksum', '-', `block id ${id}`);
      return;
    }
    const content = this.check.reader.blocks.read(id);
    const isWhole = content?.length === BLOCK_BYTES;
    const crc = isWhole ? crc32(content) : WRONG_SIZE;
    this.damaged.set(id, content === undefined ? MISSING : crc);
  }

  private report(
    kind: string,
    version: { lineage: number; block: number; epoch: number },
    what: string,
  ): void {
    const { lineage, block, epoch } = version;
    const subject = this.check.viewers.of(lineage, block, epoch);
    this.check.findings.add(kind, subject, `byte ${block * BLOCK_BYTES}: ${what}`);
  }
}
