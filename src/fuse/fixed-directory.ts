/** A directory whose entries never change while mounted, and what all read-only directories refuse. */
import type { DiskArray } from '../array/disk-array.js';
import { ArrayError } from '../base/errors.js';
import type { Attributes, Caller, DirectoryEntry } from './file-tree.js';
import {
  type ArrayNode,
  type CreatedFile,
  type DirectoryNode,
  directoryAttributes,
  refused,
} from './tree-nodes.js';

/** A directory in which nothing is made, removed or renamed by file operations. */
export abstract class ReadOnlyDirectory implements DirectoryNode {
  readonly isDirectory = true;

  constructor(
    protected readonly array: DiskArray,
    readonly ino: number,
    /** What to do instead, for the refusal in /events. */
    private readonly advice: string,
  ) {}

  abstract lookup(name: string): ArrayNode | undefined;
  abstract list(): readonly DirectoryEntry[];

  attributes(): Attributes {
    return directoryAttributes(this.array, this.ino);
  }

  async create(name: string, _mode: number, _caller: Caller | undefined): Promise<CreatedFile> {
    throw this.refusal(name, 'made');
  }

  async remove(name: string): Promise<void> {
    throw this.refusal(name, 'removed');
  }

  async rename(name: string, _newName: string): Promise<void> {
    throw this.refusal(name, 'renamed');
  }

  protected refusal(name: string, verb: string): ArrayError {
    const error = new ArrayError('EPERM', `files here are not ${verb}: ${this.advice}`);
    return refused(this.array, name, error);
  }
}

export class FixedDirectory extends ReadOnlyDirectory {
  constructor(
    array: DiskArray,
    ino: number,
    advice: string,
    private readonly entries: ReadonlyMap<string, ArrayNode>,
  ) {
    super(array, ino, advice);
  }

  lookup(name: string): ArrayNode | undefined {
    return this.entries.get(name);
  }

  list(): readonly DirectoryEntry[] {
    return [...this.entries].map(([name, node]) => ({ name, node }));
  }
}
