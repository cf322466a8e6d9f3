/** What the catalog learns from errands that are done: a deleted backup, where mirrors could be. */
import type { ErrandInput, ErrandOutput } from '../errands.js';
import { removeEntry } from './catalog-entries.js';
import type { LiveErrandRecord } from './catalog-records.js';
import type { CatalogChange } from './catalog-store.js';
import type { ErrandFollower } from './errand-queue.js';

export class ErrandResults implements ErrandFollower {
  ended(change: CatalogChange, record: LiveErrandRecord): void {
    if (record.state !== 'done') return;
    if (record.kind === 'delete' && record.entry !== null) removeEntry(change, record.entry);
    if (record.kind === 'destinations') this.destinations(change, record);
  }

  /** Only a whole answer replaces the last one. */
  private destinations(change: CatalogChange, { client, input, output }: LiveErrandRecord): void {
    if ((input as ErrandInput<'destinations'>).path !== null) return;
    change.put('destinations', client, (output as ErrandOutput<'destinations'>).rows);
  }
}
