/**
 * The tables of a store in memory, and transactions on them that can be undone. For tests and simulation.
 */
import {
  type BlockContainer,
  type StoreEntry,
  type StoreTransaction,
  TABLE_NAMES,
  type TableName,
} from './block-store.js';
import { keyOfText, keyText } from './keys.js';

/** Ordered bytes: a map and its keys in order, as texts that compare as the bytes do. */
class OrderedTable {
  private readonly values = new Map<string, Uint8Array>();
  private readonly keys: string[] = [];

  get(key: string): Uint8Array | undefined {
    return this.values.get(key);
  }

  put(key: string, value: Uint8Array): void {
    if (!this.values.has(key)) this.keys.splice(this.position(key), 0, key);
    this.values.set(key, value);
  }

  remove(key: string): void {
    if (this.values.delete(key)) this.keys.splice(this.position(key), 1);
  }

  /** The first key not before `key`, undefined at the end. */
  keyFrom(key: string): string | undefined {
    return this.keys[this.position(key)];
  }

  copy(): OrderedTable {
    const table = new OrderedTable();
    for (const key of this.keys) {
      table.keys.push(key);
      table.values.set(key, this.values.get(key) as Uint8Array);
    }
    return table;
  }

  private position(key: string): number {
    let low = 0;
    let high = this.keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.keys[middle] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export class MemoryState {
  readonly tables = new Map<TableName, OrderedTable>();
  readonly contents = new Map<number, Uint8Array>();

  constructor(from?: MemoryState) {
    for (const name of TABLE_NAMES) {
      this.tables.set(name, from?.table(name).copy() ?? new OrderedTable());
    }
    for (const [id, content] of from?.contents ?? []) this.contents.set(id, content);
  }

  table(name: TableName): OrderedTable {
    return this.tables.get(name) as OrderedTable;
  }
}

/** Reads and writes a MemoryState, remembering how to undo. */
export class MemoryTransaction implements StoreTransaction {
  private readonly undo: (() => void)[] = [];
  readonly blocks: BlockContainer;

  constructor(
    private readonly state: MemoryState,
    private readonly ids: { next: number },
    blocks?: BlockContainer,
  ) {
    this.blocks = blocks ?? this.own;
  }

  /** Blocks as values of the state. */
  private readonly own = {
    read: (id: number) => this.state.contents.get(id),
    prefetch: () => undefined,
    ids: (fromId: number) =>
      [...this.state.contents.keys()].filter((id) => id >= fromId).sort(ascending),
    put: (content: Uint8Array) => {
      const id = this.ids.next;
      this.ids.next += 1;
      this.setContent(id, Uint8Array.prototype.slice.call(content));
      return id;
    },
    free: (id: number) => {
      const stored = this.state.contents.has(id);
      if (stored) this.setContent(id, undefined);
      return stored;
    },
    marksApart: false,
    markedCount: () => undefined,
    has: (id: number) => this.state.contents.has(id),
    keep: () => {},
    nextId: () => this.ids.next,
    discardUnpublished: (nextId: number, limit: number) => {
      const orphans = this.own.ids(nextId).slice(0, limit);
      for (const id of orphans) this.own.free(id);
      return orphans.length;
    },
    sync: () => {},
  };

  get(table: TableName, key: Uint8Array): Uint8Array | undefined {
    return this.state.table(table).get(keyText(key));
  }

  *range(table: TableName, start: Uint8Array, end: Uint8Array): Generator<StoreEntry> {
    const last = keyText(end);
    let key = this.state.table(table).keyFrom(keyText(start));
    while (key !== undefined && key < last) {
      const value = this.state.table(table).get(key) as Uint8Array;
      yield { key: keyOfText(key), value };
      key = this.state.table(table).keyFrom(`${key}\u0000`);
    }
  }

  put(table: TableName, key: Uint8Array, value: Uint8Array): void {
    this.set(table, keyText(key), new Uint8Array(value));
  }

  remove(table: TableName, key: Uint8Array): void {
    this.set(table, keyText(key), undefined);
  }

  rollBack(): void {
    for (const action of this.undo.reverse()) action();
  }

  private set(name: TableName, key: string, value: Uint8Array | undefined): void {
    const table = this.state.table(name);
    const old = table.get(key);
    this.undo.push(() => (old === undefined ? table.remove(key) : table.put(key, old)));
    if (value === undefined) table.remove(key);
    else table.put(key, value);
  }

  private setContent(id: number, content: Uint8Array | undefined): void {
    const { contents } = this.state;
    const old = contents.get(id);
    this.undo.push(() => (old === undefined ? contents.delete(id) : contents.set(id, old)));
    if (content === undefined) contents.delete(id);
    else contents.set(id, content);
  }
}

function ascending(a: number, b: number): number {
  return a - b;
}
