/**
 * A host that works on a family of volumes of a mounted array, one step after the other, and marks in
 * the log of the recording file system which steps were begun and which answered.
 *
 * A mark is a line of the file MARKS beside the pool, `b FAMILY STEP` or `e FAMILY STEP`: so it stands
 * in one order with the pool's own writes, and everything logged after an `e` came after the answer.
 * Lines have one length, which divides a page: the kernel splits a write at the border of pages.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { MountedArray } from '../support/mounted-array.js';
import { doneLater } from '../support/programs.js';
import type { Progress, Step } from './history.js';
import type { LogEntry } from './programs/operation-log.js';
import type { StepChooser } from './step-chooser.js';
import { SECTOR_BYTES } from './survivals.js';

export const MARKS = 'marks';
/** In one call, which the kernel passes on as one request. */
const SHARING = `
import os, sys
source, target, sourceOffset, offset, size = sys.argv[1:]
done = os.copy_file_range(os.open(source, os.O_RDONLY), os.open(target, os.O_WRONLY), int(size),
                          int(sourceOffset), int(offset))
assert done == int(size), done
`;
const MARK_BYTES = 16;

export class MarkFile {
  private readonly file: number;

  constructor(path: string) {
    this.file = openSync(path, 'a');
  }

  put(letter: 'b' | 'e', family: number, step: number): void {
    writeSync(this.file, `${`${letter} ${family} ${step}`.padEnd(MARK_BYTES - 1)}\n`);
  }

  close(): void {
    closeSync(this.file);
  }
}

/** How far each family had come when the log had grown to a place. */
export class MarkReader {
  private marks: number | undefined;
  private readonly progress = new Map<number, Progress>();

  /** Returns whether the entry is one of the file of marks, which is no part of the pool. */
  read(entry: LogEntry): boolean {
    if (entry.kind === 'create' && entry.name === MARKS) this.marks = entry.node;
    if (this.marks === undefined || !('node' in entry) || entry.node !== this.marks) return false;
    if (entry.kind === 'write') this.note(entry.data);
    return true;
  }

  of(family: number): Progress {
    return this.progress.get(family) ?? { begun: 0, ended: 0 };
  }

  private note(line: Uint8Array): void {
    const [letter, ...numbers] = Buffer.from(line).toString().trimEnd().split(' ');
    const [family, step] = numbers.map(Number) as [number, number];
    const { begun } = this.of(family);
    this.progress.set(
      family,
      letter === 'b' ? { begun: step + 1, ended: step } : { begun, ended: step + 1 },
    );
  }
}

export class Family {
  readonly steps: Step[] = [];
  private readonly files = new Map<string, FileHandle>();

  constructor(
    readonly number: number,
    private readonly array: MountedArray,
    private readonly marks: MarkFile,
    private readonly chooser: StepChooser,
  ) {}

  async work(stepCount: number): Promise<void> {
    try {
      for (let index = 0; index < stepCount; index += 1) {
        const step = this.chooser.next();
        this.steps.push(step);
        this.marks.put('b', this.number, index);
        await this.perform(step);
        this.marks.put('e', this.number, index);
      }
    } finally {
      for (const file of this.files.values()) await file.close();
    }
  }

  private async perform(step: Step): Promise<void> {
    const { array } = this;
    switch (step.kind) {
      case 'create':
        return array.okLater('create', `${step.volume} ${step.sectors * SECTOR_BYTES}`);
      case 'write': {
        const data = new Int32Array((step.count * SECTOR_BYTES) / 4).fill(step.stamp);
        const file = await this.file(step.volume);
        const position = step.sector * SECTOR_BYTES;
        const { bytesWritten } = await file.write(data, 0, data.byteLength, position);
        if (bytesWritten !== data.byteLength) throw new Error(`a short write of ${bytesWritten}`);
        return;
      }
      case 'discard': {
        const range = ['-o', `${step.sector * SECTOR_BYTES}`, '-l', `${step.count * SECTOR_BYTES}`];
        await doneLater('fallocate', '-p', ...range, array.volume(step.volume));
        return;
      }
      case 'share': {
        const [volume = '', snapshot] = step.source.split('@');
        const source =
          snapshot === undefined ? array.volume(volume) : array.snapshot(volume, snapshot);
        const numbers = [step.sourceSector, step.sector, step.stamps.length].map(
          (sectors) => `${sectors * SECTOR_BYTES}`,
        );
        await doneLater('python3', '-c', SHARING, source, array.volume(step.volume), ...numbers);
        return;
      }
      case 'resize':
        return (await this.file(step.volume)).truncate(step.sectors * SECTOR_BYTES);
      case 'sync':
        return (await this.file(step.volume)).datasync();
      case 'syncAll':
        return array.okLater('sync', '\n');
      case 'snapshot':
        return array.okLater('snapshot', `${step.volumes.join(' ')} name=${step.name}`);
      case 'restore':
        return array.okLater('restore', `${step.volume}@${step.snapshot} force=yes`);
      case 'clone':
        return array.okLater('clone', `${step.volume}@${step.snapshot} ${step.newVolume}`);
      case 'drop':
        return array.okLater('delete', `${step.volume}@${step.snapshot}`);
      case 'delete':
        await this.files.get(step.volume)?.close();
        this.files.delete(step.volume);
        return array.okLater('delete', `${step.volume} snapshots=yes`);
    }
  }

  private async file(volume: string): Promise<FileHandle> {
    let file = this.files.get(volume);
    if (file === undefined) {
      file = await open(this.array.volume(volume), 'r+');
      this.files.set(volume, file);
    }
    return file;
  }
}
