/** The lineages of a pool in memory, and how many blocks each of their views shows. */
import type { StoreReader } from '../store/block-store.js';
import { parseRecordKey, recordKey, recordKeyEnd } from '../store/keys.js';
import { unpackCount } from '../store/records.js';
import { type IndexMaker, Lineage } from './lineage.js';
import { loadLineages } from './load-lineages.js';
import { UsageCounts } from './usage-counts.js';

export class PoolLineages {
  readonly usage = new UsageCounts();
  private readonly byId = new Map<number, Lineage>();

  constructor(private readonly makeIndex: IndexMaker) {}

  get(id: number): Lineage | undefined {
    return this.byId.get(id);
  }

  all(): Iterable<Lineage> {
    return this.byId.values();
  }

  /** `sequence`: of the generation its record is in. */
  add(id: number, parent: Lineage | undefined, parentEpoch: number, sequence: number): Lineage {
    const lineage = new Lineage(id, parent, parentEpoch, sequence, this.makeIndex);
    this.byId.set(id, lineage);
    return lineage;
  }

  forget(lineage: Lineage): void {
    this.byId.delete(lineage.id);
    lineage.index.clear();
    this.usage.forgetLineage(lineage.id);
  }

  /** Reads what is published. */
  load(store: StoreReader): void {
    loadLineages(store, (id, parent, parentEpoch) => this.add(id, parent, parentEpoch, 0));
    const start = recordKey('usage');
    for (const { key, value } of store.range('records', start, recordKeyEnd('usage'))) {
      const { first, second } = parseRecordKey(key);
      this.usage.set(first, second, unpackCount(value));
    }
  }
}
