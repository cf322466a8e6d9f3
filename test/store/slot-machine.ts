/** Blocks in slots without a store around them, for tests of what commits, syncs and crashes do to them. */
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { FileBlocks } from '../../src/store/file-blocks.js';
import { MemorySlots } from '../../src/store/memory-slots.js';
import { MemoryState, MemoryTransaction } from '../../src/store/memory-transaction.js';

/** Tables whose commits can fail, the slots beside them, and the container over both. */
export class SlotMachine {
  readonly blocks: FileBlocks;
  growthLimit = Number.POSITIVE_INFINITY;
  /** The tables if a commit that failed has reached the disk all the same. */
  inDoubt: MemoryState | undefined;
  private current: MemoryTransaction;

  constructor(
    readonly state = new MemoryState(),
    readonly slots = new MemorySlots(),
  ) {
    this.current = this.newTransaction();
    this.blocks = new FileBlocks(
      {
        get: (table, key) => this.current.get(table, key),
        range: (table, start, end) => this.current.range(table, start, end),
        put: (table, key, value) => this.current.put(table, key, value),
        remove: (table, key) => this.current.remove(table, key),
      },
      slots,
      () => this.growthLimit,
    );
    this.blocks.startPuts(1);
  }

  put(byte: number): number {
    return this.blocks.put(new Uint8Array(BLOCK_BYTES).fill(byte));
  }

  transaction(action: () => void, outcome: 'commits' | 'is undone' | 'fails' = 'commits'): void {
    this.current = this.newTransaction();
    action();
    if (outcome !== 'is undone') this.blocks.prepare();
    if (outcome === 'commits') {
      this.inDoubt = undefined;
      this.blocks.committed();
      return;
    }
    if (outcome === 'fails') this.inDoubt = new MemoryState(this.state);
    this.current.rollBack();
    this.blocks.undone();
  }

  /** Ends a transaction whose action has thrown. */
  giveUp(): void {
    this.current.rollBack();
    this.blocks.undone();
  }

  /** What a new daemon finds. */
  crash(lost: (slot: number) => boolean = () => false, state = this.state): SlotMachine {
    return new SlotMachine(new MemoryState(state), this.slots.crash(lost));
  }

  ids(): number[] {
    return [...this.blocks.ids(1)];
  }

  byte(id: number): number | undefined {
    const content = this.blocks.read(id);
    return content && content[0] === content[BLOCK_BYTES - 1] ? content[0] : undefined;
  }

  private newTransaction(): MemoryTransaction {
    return new MemoryTransaction(this.state, { next: 1 });
  }
}
