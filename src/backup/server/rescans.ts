/** Rescans ([004] fig. 15): asked of every client that is connected, merged into the catalog as each answers. */
import { type Clock, isoTime } from '../../base/clock.js';
import { ArrayError } from '../../base/errors.js';
import type { ErrandView } from '../api.js';
import type { BackupLog } from '../backup-log.js';
import type { ErrandInput, ErrandOutput } from '../errands.js';
import { putEntry } from './catalog-entries.js';
import type { LiveErrandRecord } from './catalog-records.js';
import type { CatalogChange, CatalogStore } from './catalog-store.js';
import type { ClientBook } from './client-book.js';
import type { ErrandFollower, ErrandQueue } from './errand-queue.js';
import { withoutInput } from './errand-record.js';
import { mergeRescan } from './rescan-merge.js';
import type { ServerFile } from './server-file.js';

export interface RescanParts {
  readonly clock: Clock;
  readonly log: BackupLog;
  readonly store: CatalogStore;
  readonly file: ServerFile;
  readonly clients: ClientBook;
  readonly errands: ErrandQueue;
}

export class Rescans implements ErrandFollower {
  /** Ids removed while a rescan is under way, which may still find them. */
  private readonly removedIds = new Set<string>();

  constructor(private readonly parts: RescanParts) {
    parts.errands.follow(this);
  }

  /** ENXIO where no client is connected. */
  start(input: ErrandInput<'rescan'>): ErrandView[] {
    const { clients } = this.parts;
    const connected = clients.rows().filter(({ isConnected }) => isConnected);
    if (connected.length === 0) throw new ArrayError('ENXIO', 'no backup client is connected');
    return connected.map(({ name }) => this.startAt(name, input));
  }

  /** Of one client, such as one that has a new array ([004] (6): its backups are added). */
  startAt(client: string, input: ErrandInput<'rescan'>): ErrandView {
    return this.parts.errands.add({ kind: 'rescan', client, input });
  }

  /** These entries were removed from the catalog. */
  removed(ids: readonly string[]): void {
    if (!this.isUnderWay()) this.removedIds.clear();
    else for (const id of ids) this.removedIds.add(id);
  }

  ended(change: CatalogChange, record: LiveErrandRecord): void {
    if (record.kind !== 'rescan' || record.state !== 'done') return;
    const { clock, log, store, file } = this.parts;
    const output = record.output as ErrandOutput<'rescan'>;
    const { put, lines } = mergeRescan(
      {
        found: output.entries.map((entry) => this.withClient(entry, change)),
        records: store.range('entries').map(({ value }) => value),
        arrays: new Set(output.arrays),
        tapes: (record.input as ErrandInput<'rescan'>).tapes,
        unread: output.unread,
        askedMs: record.createdMs,
        removed: this.removedIds,
        when: isoTime(clock.nowMs()),
      },
      () => file.takeNumbers(1),
    );
    const highest = Math.max(0, ...output.entries.map(({ jobNumber }) => jobNumber));
    file.numberSeen(highest);
    for (const entry of put) putEntry(change, entry, clock.nowMs());
    const told = { ...output, lines: [...output.lines, ...lines] };
    change.put('errands', record.id, { ...withoutInput(record), output: told });
    log.info({ client: record.client, lines }, 'rescan merged');
  }

  afterEnd(): void {
    if (!this.isUnderWay()) this.removedIds.clear();
  }

  /** A backup that another client has, too, stays with that one. */
  private withClient<T extends { id: string; client: string; arrayUuid: string }>(
    entry: T,
    change: CatalogChange,
  ): T {
    const old = change.get('entries', entry.id)?.entry;
    if (old === undefined || old.arrayUuid !== entry.arrayUuid) return entry;
    const holder = this.parts.clients.rows().find(({ name }) => name === old.client);
    const reaches = holder?.arrays.some(({ uuid }) => uuid === entry.arrayUuid) === true;
    return reaches ? { ...entry, client: old.client } : entry;
  }

  private isUnderWay(): boolean {
    return this.parts.errands.liveRecords().some(({ kind }) => kind === 'rescan');
  }
}
