/** /pairs: each mirror pair, PRIMARY:SECONDARY, and its JSON twin. */
import type { DiskArray } from '../array/disk-array.js';
import type { PairView } from '../array/pair-contract.js';
import { ArrayError } from '../base/errors.js';
import { pairJson, pairText } from '../control/pair-tables.js';
import type { DirectoryEntry } from './file-tree.js';
import { ReadOnlyDirectory } from './fixed-directory.js';
import { FollowedFile } from './followed-file.js';
import { TextReaders } from './text-file.js';
import { FIXED_INODES, inodeOf } from './tree-nodes.js';

const ADVICE = 'pairs are made and deleted by ctl/paircreate and ctl/pairdelete';

export class PairsDirectory extends ReadOnlyDirectory {
  private readonly readers = new TextReaders();

  constructor(array: DiskArray) {
    super(array, FIXED_INODES.pairs, ADVICE);
  }

  lookup(name: string): PairFile | undefined {
    const pairName = name.replace(/\.json$/, '');
    const pair = this.array.findPair(pairName);
    // By its name alone: '#3' is no second path to a pair.
    if (pair?.name !== pairName) return undefined;
    return this.file(pair, name === pairName ? 'text' : 'json');
  }

  list(): readonly DirectoryEntry[] {
    return this.array.pairs().flatMap((pair) => [
      { name: pair.name, node: this.file(pair, 'text') },
      { name: `${pair.name}.json`, node: this.file(pair, 'json') },
    ]);
  }

  private file(pair: PairView, format: 'text' | 'json'): PairFile {
    return new PairFile(this.array, this.readers, pair, format);
  }
}

class PairFile extends FollowedFile {
  private readonly number: number;
  private readonly name: string;
  private readonly madeMs: number;

  constructor(
    array: DiskArray,
    readers: TextReaders,
    pair: PairView,
    private readonly format: 'text' | 'json',
  ) {
    super(array, inodeOf(format === 'text' ? 'pairText' : 'pairJson', pair.number), readers);
    this.number = pair.number;
    this.name = pair.name;
    this.madeMs = pair.createdMs;
  }

  /** A pair that was deleted while its file is open has no text any more. */
  content(): Buffer {
    const pair = this.pair();
    if (pair === undefined) throw new ArrayError('ENOENT', `no pair ${this.name}`);
    return Buffer.from(this.format === 'text' ? pairText(pair) : pairJson(pair));
  }

  protected modifiedMs(): number {
    const pair = this.pair();
    return Math.max(this.madeMs, pair?.splitMs ?? 0, pair?.synchronisedMs ?? 0);
  }

  /** By its number: its volumes may have been renamed. */
  private pair(): PairView | undefined {
    return this.array.pairs().find((pair) => pair.number === this.number);
  }
}
