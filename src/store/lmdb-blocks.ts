/**
 * The block container inside LMDB: a block is a value of the transaction that stores it. Ids only grow;
 * those of a publish that did not end are found again by being at or after the counters' next id.
 */
import type { Database } from 'lmdb';
import { BLOCK_COST_BYTES } from '../base/limits.js';
import { BLOCK_BYTES } from '../base/sizes.js';
import type { TransactionBlocks } from './block-container.js';
import { blockKey, parseBlockKey } from './keys.js';

export class LmdbBlocks implements TransactionBlocks {
  readonly costBytes = BLOCK_COST_BYTES;
  readonly marksApart = false;
  private readonly ownMemory = Buffer.alloc(BLOCK_BYTES);
  private next = 1;

  constructor(private readonly content: Database<Uint8Array, Uint8Array>) {}

  read(id: number): Uint8Array | undefined {
    const value = this.content.getBinaryFast(blockKey(id));
    // The buffer is larger than its own `length` says: view exactly the value.
    return value && new Uint8Array(value.buffer, value.byteOffset, value.length);
  }

  prefetch(ids: readonly number[]): Promise<void> {
    return new Promise((resolve) => this.content.prefetch(ids.map(blockKey), () => resolve()));
  }

  *ids(fromId: number): Generator<number> {
    for (const key of this.content.getKeys({ start: blockKey(fromId) })) yield parseBlockKey(key);
  }

  put(content: Uint8Array): number {
    const id = this.next;
    this.next += 1;
    // lmdb takes the address of the value's buffer, which it gets wrong for shared memory.
    this.ownMemory.set(content);
    this.content.putSync(blockKey(id), this.ownMemory);
    return id;
  }

  free(id: number): boolean {
    return this.content.removeSync(blockKey(id));
  }

  has(id: number): boolean {
    return this.content.doesExist(blockKey(id));
  }

  markedCount(): undefined {}

  discardUnpublished(nextId: number, limit: number): number {
    const orphans: number[] = [];
    for (const id of this.ids(nextId)) {
      orphans.push(id);
      if (orphans.length === limit) break;
    }
    for (const id of orphans) this.free(id);
    return orphans.length;
  }

  startPuts(nextId: number): void {
    this.next = nextId;
  }

  endPuts(): number {
    return this.next;
  }

  nextId(): number {
    return this.next;
  }

  // Blocks are values of the transaction that stores them: there is nothing of their own to do.
  sync(): void {}
  keep(): void {}
  prepare(): void {}
  committed(): void {}
  undone(): void {}
  close(): void {}

  fileBytes(): number {
    return 0;
  }
}
