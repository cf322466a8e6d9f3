/**
 * The store over LMDB: the event loop reads the memory-mapped file, the writer thread changes it.
 */

import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { ArrayError } from '../base/errors.js';
import type { BlockReader, BlockStore, StoreEntry, TableName } from './block-store.js';
import { FileBlocks } from './file-blocks.js';
import { FileLog } from './file-log.js';
import { readIndex } from './index-reading.js';
import { DATA_FILE, LmdbEnvironment } from './lmdb-environment.js';
import type { WriterData, WriterReply, WriterRequest } from './lmdb-writer.js';
import type { StoreTask, StoreTaskResult } from './tasks.js';

interface Pending {
  readonly resolve: (result: never) => void;
  readonly reject: (error: ArrayError) => void;
}

/** Opens the pool in `directory`, which createPool has made. */
export class LmdbStore implements BlockStore {
  readonly log: FileLog;
  private readonly environment: LmdbEnvironment;
  private readonly worker: Worker;
  private readonly pending = new Map<number, Pending>();
  private nextTask = 1;
  private closed: (() => void) | undefined;
  /** Why the writer thread ended before `close`. */
  private broken: ArrayError | undefined;
  private readonly closing = new AbortController();

  constructor(directory: string, capacityBytes: number) {
    this.environment = new LmdbEnvironment(directory, { capacityBytes });
    this.log = new FileLog(directory, capacityBytes);
    this.worker = new Worker(new URL('./lmdb-writer.js', import.meta.url), {
      workerData: { directory, capacityBytes } satisfies WriterData,
    });
    if (this.environment.blocks instanceof FileBlocks) {
      void readIndex(join(directory, DATA_FILE), this.closing.signal);
    }
    this.worker.on('message', (reply: WriterReply) => this.receive(reply));
    this.worker.on('error', (error) => this.fail(error));
    this.worker.on('exit', () => this.fail(new Error('the writer thread ended')));
  }

  get blocks(): BlockReader {
    return this.environment.blocks;
  }

  get(table: TableName, key: Uint8Array): Uint8Array | undefined {
    return this.environment.get(table, key);
  }

  range(table: TableName, start: Uint8Array, end: Uint8Array): Iterable<StoreEntry> {
    return this.environment.range(table, start, end);
  }

  run<T extends StoreTask>(task: T): Promise<StoreTaskResult<T>> {
    if (this.broken !== undefined) return Promise.reject(this.broken);
    const id = this.nextTask;
    this.nextTask += 1;
    return new Promise<StoreTaskResult<T>>((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      this.post({ kind: 'task', id, task });
    });
  }

  shareSlab(slab: SharedArrayBuffer): void {
    this.post({ kind: 'slab', slab });
  }

  get blockCostBytes(): number {
    return this.environment.blocks.costBytes;
  }

  fileBytes(): number {
    return this.environment.fileBytes();
  }

  hostFreeBytes(): number {
    return this.environment.hostFreeBytes();
  }

  async close(): Promise<void> {
    this.closing.abort();
    if (this.broken === undefined) {
      await new Promise<void>((resolve) => {
        this.closed = resolve;
        this.post({ kind: 'close' });
      });
    }
    await this.environment.close();
  }

  private post(request: WriterRequest): void {
    this.worker.postMessage(request);
  }

  private receive(reply: WriterReply): void {
    if (reply.kind === 'closed') {
      this.closed?.();
      return;
    }
    const pending = this.pending.get(reply.id);
    this.pending.delete(reply.id);
    this.environment.refresh();
    if (reply.kind === 'done') pending?.resolve(reply.result as never);
    else pending?.reject(new ArrayError(reply.code, reply.reason, reply.isFinal));
  }

  private fail(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.broken ??= new ArrayError('EIO', `the pool's writer stopped: ${reason}`, true);
    for (const { reject } of this.pending.values()) reject(this.broken);
    this.pending.clear();
    this.closed?.();
  }
}
