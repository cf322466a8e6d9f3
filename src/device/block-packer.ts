/** Makes the blocks of a data file out of extents, in either form. */
import type { BackupManifest } from './backup-manifest.js';
import { DATA_BLOCK_BYTES, DataBlockBuilder } from './data-block.js';

/** Takes a block, which is overwritten afterwards; everything below `end` is on tape with it. */
export type PutBlock = (block: Uint8Array, end: number) => void;

export interface Packer {
  add(offset: number, data: Uint8Array): void;
  /** Of an increment, which is always sparse: what is zeros now. */
  addZeros(offset: number, bytes: number): void;
  /** Puts what is left, at least one block in the whole file. */
  finish(): void;
}

/** `blocks` of the file are on tape already, and with them everything below `nextOffset`. */
export function makePacker(
  manifest: BackupManifest,
  written: { readonly blocks: number; readonly nextOffset: number },
  put: PutBlock,
): Packer {
  return manifest.form === 'plain'
    ? new PlainPacker(manifest.imageBytes, written.blocks, put)
    : new SparsePacker(manifest.backup, written, put);
}

class SparsePacker implements Packer {
  private readonly builder: DataBlockBuilder;
  private blocks: number;
  private end: number;

  constructor(
    backup: string,
    written: { readonly blocks: number; readonly nextOffset: number },
    private readonly put: PutBlock,
  ) {
    this.builder = new DataBlockBuilder(backup);
    this.blocks = written.blocks;
    this.end = written.nextOffset;
  }

  add(offset: number, data: Uint8Array): void {
    this.addAll(offset, data.length, (done) => {
      return this.builder.add(offset + done, data.subarray(done));
    });
  }

  addZeros(offset: number, bytes: number): void {
    this.addAll(offset, bytes, (done) => this.builder.addZeros(offset + done, bytes - done));
  }

  /** A full block waits until something follows: it could be the last one. */
  private addAll(offset: number, bytes: number, add: (done: number) => number): void {
    for (let done = 0; done < bytes; ) {
      const taken = add(done);
      if (taken === 0) this.putBlock(false);
      done += taken;
      this.end = Math.max(this.end, offset + done);
    }
  }

  finish(): void {
    this.putBlock(true);
  }

  private putBlock(isLast: boolean): void {
    this.put(this.builder.finish(this.blocks, isLast), this.end);
    this.blocks += 1;
  }
}

class PlainPacker implements Packer {
  private readonly block = new Uint8Array(DATA_BLOCK_BYTES);
  /** Offset in the image of the block's first byte, and bytes in it. */
  private start: number;
  private filled = 0;

  constructor(
    private readonly imageBytes: number,
    blocks: number,
    private readonly put: PutBlock,
  ) {
    this.start = blocks * DATA_BLOCK_BYTES;
  }

  add(offset: number, data: Uint8Array): void {
    this.fillTo(offset);
    for (let done = 0; done < data.length; ) {
      const taken = Math.min(data.length - done, DATA_BLOCK_BYTES - this.filled);
      this.block.set(data.subarray(done, done + taken), this.filled);
      done += taken;
      this.advance(taken);
    }
  }

  addZeros(offset: number, bytes: number): void {
    this.fillTo(offset + bytes);
  }

  finish(): void {
    this.fillTo(this.imageBytes);
    if (this.filled > 0) this.put(this.block.subarray(0, this.filled), this.imageBytes);
  }

  /** Zeros up to an offset of the image. */
  private fillTo(offset: number): void {
    while (this.start + this.filled < offset) {
      const count = Math.min(offset - this.start, DATA_BLOCK_BYTES) - this.filled;
      this.block.fill(0, this.filled, this.filled + count);
      this.advance(count);
    }
  }

  private advance(count: number): void {
    this.filled += count;
    if (this.filled < DATA_BLOCK_BYTES) return;
    this.put(this.block, this.start + DATA_BLOCK_BYTES);
    this.start += DATA_BLOCK_BYTES;
    this.filled = 0;
  }
}
