/** Reads the lineages of a pool with their clips; who needs their epochs claims them afterwards. */
import type { StoreReader } from '../store/block-store.js';
import { recordKey, recordKeyEnd } from '../store/keys.js';
import { unpackLineage } from '../store/records.js';
import { loadClips } from '../store/resolve.js';
import type { Lineage } from './lineage.js';

type LineageMaker = (id: number, parent: Lineage | undefined, parentEpoch: number) => Lineage;

/** Calls `make` for every lineage, parents first: a merge can give a lineage a parent of any id. */
export function loadLineages(store: StoreReader, make: LineageMaker): void {
  const start = recordKey('lineage');
  const records = [];
  for (const { value } of store.range('records', start, recordKeyEnd('lineage'))) {
    records.push(unpackLineage(value));
  }
  const byId = new Map(records.map((record) => [record.id, record]));
  const made = new Map<number, Lineage>();
  const load = (id: number): Lineage | undefined => {
    const known = made.get(id);
    const record = byId.get(id);
    if (known !== undefined || record === undefined) return known;
    const parent = load(record.parent);
    const lineage = make(id, parent, record.parentEpoch);
    made.set(id, lineage);
    lineage.hasHead = false;
    if (parent !== undefined) {
      parent.pin(record.parentEpoch, 'stored');
      parent.epoch = Math.max(parent.epoch, record.parentEpoch + 1);
    }
    for (const clip of loadClips(store, id)) lineage.clips.push({ ...clip, published: true });
    return lineage;
  };
  for (const { id } of records) load(id);
}
