/**
 * What a store needs of the container it keeps its blocks in, beside the contract the tasks see
 * (block-store.ts): how blocks take part in its transactions. There are two, chosen when a pool is
 * made: lmdb-blocks (values in the environment) and file-blocks (slots of a file beside it).
 */
import type { BlockContainer, StoreTransaction } from './block-store.js';

/** The tables a container may keep records of its own in. */
export type ContainerTables = Pick<StoreTransaction, 'get' | 'range' | 'put' | 'remove'>;

export interface TransactionBlocks extends BlockContainer {
  /** What a stored block counts against the capacity, with its share of the tables. */
  readonly costBytes: number;
  /** As a TransactionRunner has it. */
  startPuts(nextId: number): void;
  endPuts(): number;
  /** The end of a transaction, inside it: puts the container's own records. */
  prepare(): void;
  /** The transaction is durable. */
  committed(): void;
  /** The transaction was undone; after `prepare` its commit may have reached the disk all the same. */
  undone(): void;
  /** Bytes on the host's disk beside the environment's. */
  fileBytes(): number;
  close(): void;
}
