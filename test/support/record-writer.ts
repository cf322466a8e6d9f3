/**
 * Writes numbered records to a volume and keeps, outside the mount, what was confirmed: so that after
 * a crash it can say whether the volume holds a prefix of what was written, and one long enough.
 *
 * Every 512-byte sector of record n is filled with n. The last record of a prefix is visible in
 * full, so the largest number found on the image names the only prefix it can be.
 */

import { closeSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { RandomSource } from './random-source.js';

const SECTOR = 512;
/** One request of any transport, so that a record is there in full or not at all. */
const RECORD_SECTORS_MAX = 96;

interface Extent {
  readonly sector: number;
  readonly count: number;
}

export class RecordWriter {
  /** All records written, acknowledged or not; record n is at n - 1. */
  private records: Extent[] = [];
  /** Records that returned from write(2). */
  private acknowledged = 0;
  /** Records covered by an fsync or an `ok`. */
  confirmed = 0;
  private file: FileHandle | undefined;

  constructor(
    private readonly sectors: number,
    private readonly random: RandomSource,
  ) {}

  get written(): number {
    return this.acknowledged;
  }

  async open(path: string): Promise<void> {
    this.file = await open(path, 'r+');
  }

  async close(): Promise<void> {
    await this.file?.close().catch(() => undefined);
    this.file = undefined;
  }

  async write(): Promise<void> {
    const count = this.random.integer(1, RECORD_SECTORS_MAX);
    const sector = this.random.integer(0, this.sectors - count);
    this.records.push({ sector, count });
    const number = this.records.length;
    const data = new Uint32Array((count * SECTOR) / 4).fill(number);
    await this.opened().write(data, 0, data.byteLength, sector * SECTOR);
    this.acknowledged = number;
  }

  async sync(): Promise<void> {
    const { acknowledged } = this;
    await this.opened().datasync();
    this.confirmed = acknowledged;
  }

  /** What is wrong with an image that must be a prefix of at least `least` records; else its length. */
  prefixOf(path: string, least: number): number | string {
    const image = this.readSectors(path);
    const length = image.reduce((most, number) => Math.max(most, number), 0);
    if (length < least) return `${path} ends at record ${length}, ${least} was confirmed`;
    const expected = new Uint32Array(this.sectors);
    this.records.slice(0, length).forEach(({ sector, count }, index) => {
      expected.fill(index + 1, sector, sector + count);
    });
    const wrong = image.findIndex((number, sector) => number !== expected[sector]);
    if (wrong < 0) return length;
    return `${path} of ${length} records: sector ${wrong} has ${image[wrong]}, not ${expected[wrong]}`;
  }

  /** Goes on after `length` records; those after it are as if never written. */
  continueAfter(length: number): void {
    this.records = this.records.slice(0, length);
    this.acknowledged = length;
    this.confirmed = length;
  }

  private opened(): FileHandle {
    if (this.file === undefined) throw new Error('the volume is not open');
    return this.file;
  }

  /** The number each sector is filled with; -1 where it is filled with several. */
  private readSectors(path: string): Int32Array {
    const bytes = Buffer.alloc(this.sectors * SECTOR);
    const file = openSync(path, 'r');
    let done = 0;
    while (done < bytes.length) {
      const count = readSync(file, bytes, done, bytes.length - done, done);
      if (count === 0) break;
      done += count;
    }
    closeSync(file);
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, done / 4);
    const numbers = new Int32Array(this.sectors);
    for (let sector = 0; sector < this.sectors; sector += 1) {
      const part = words.subarray((sector * SECTOR) / 4, ((sector + 1) * SECTOR) / 4);
      const first = part[0] ?? -1;
      numbers[sector] = part.every((word) => word === first) ? first : -1;
    }
    return numbers;
  }
}
