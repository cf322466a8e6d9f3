/**
 * What a check finds, and what it repairs. Both are bounded: of each kind the first findings are
 * listed and the rest only counted, and repairs go into the store in transactions of limited size.
 */
import type {
  BlockContainer,
  StoreReader,
  StoreTransaction,
  TableName,
  TransactionRunner,
} from './block-store.js';

export interface CheckFinding {
  readonly kind: string;
  readonly pool: string;
  /** All volumes (VOLUME) and snapshots (VOLUME@SNAPSHOT) concerned; '-' where there is none. */
  readonly subject: string;
  readonly detail: string;
  readonly repaired: boolean;
}

/** A store that is checked: tables to read, and transactions for what is repaired. */
export interface CheckTarget extends StoreReader, Pick<TransactionRunner, 'transaction'> {
  readonly blocks: BlockContainer;
  /** Entries a table says it has, where the store keeps such a count. */
  entryCount?(table: TableName | 'blocks'): number | undefined;
}

/** Findings of one kind that are listed. */
export const FINDINGS_PER_KIND_MAX = 10_000;
/** Changes of one transaction of repairs. */
const REPAIRS_PER_TRANSACTION = 512;

export class Findings {
  readonly list: CheckFinding[] = [];
  private readonly counts = new Map<string, { all: number; left: number }>();

  constructor(
    /** Name of the pool, once it is known. */
    public pool: string,
  ) {}

  add(kind: string, subject: string, detail: string, repaired = false): void {
    const count = this.counts.get(kind) ?? { all: 0, left: 0 };
    this.counts.set(kind, count);
    count.all += 1;
    if (count.all <= FINDINGS_PER_KIND_MAX) {
      this.list.push({ kind, pool: this.pool, subject, detail, repaired });
    } else if (!repaired) {
      count.left += 1;
    }
  }

  /** Findings of the kind so far. */
  count(kind: string): number {
    return this.counts.get(kind)?.all ?? 0;
  }

  /** The list, with one line for what was only counted. */
  finish(): readonly CheckFinding[] {
    for (const [kind, { all, left }] of this.counts) {
      const more = all - FINDINGS_PER_KIND_MAX;
      if (more <= 0) continue;
      const detail = `${more} more of this kind are not listed`;
      this.list.push({ kind, pool: this.pool, subject: '-', detail, repaired: left === 0 });
    }
    return this.list;
  }
}

/** Changes that repair the store, collected into transactions; without `enabled` none is made. */
export class Repairs {
  private waiting: ((transaction: StoreTransaction) => void)[] = [];

  constructor(
    private readonly target: CheckTarget,
    readonly enabled: boolean,
  ) {}

  /** Returns whether the change is (going to be) made. */
  add(change: (transaction: StoreTransaction) => void): boolean {
    if (!this.enabled) return false;
    this.waiting.push(change);
    if (this.waiting.length >= REPAIRS_PER_TRANSACTION) this.flush();
    return true;
  }

  /** Makes everything added so far durable, for passes that read what earlier ones repaired. */
  flush(): void {
    if (this.waiting.length === 0) return;
    const changes = this.waiting;
    this.waiting = [];
    this.target.transaction((transaction) => {
      for (const change of changes) change(transaction);
    });
  }
}
