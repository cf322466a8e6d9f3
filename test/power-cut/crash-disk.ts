/**
 * What a disk may hold after a power cut, from the log of the recording file system.
 *
 * Content: all that was written to a file before its last answered sync is there. Of what came after
 * it, each change may be there, in part or not at all, whatever became of those before and after it.
 * Two changes of the same place never swap: the host keeps one page for it and writes that.
 *
 * Names: changes of names survive in their order up to some point, as in a journal. The sync of a
 * file keeps its own name, the sync of a directory the names in it, each with all changes before.
 */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { PagedFile } from './paged-file.js';
import type { LogEntry } from './programs/operation-log.js';

export type ContentChange = Extract<LogEntry, { kind: 'write' | 'truncate' | 'zero' }>;
export type NameChange = Extract<LogEntry, { kind: 'create' | 'remove' | 'rename' }>;

/** What is left of a change that no sync has covered: nothing, itself, or parts of it. */
export type Survival = (change: ContentChange) => readonly ContentChange[];

const ROOT = 1;

interface Pending {
  readonly change: ContentChange;
  /** Place in the log. */
  readonly sequence: number;
  /** Kept by a sync that did not cover what came before it. */
  isKept: boolean;
}

interface FileState {
  readonly synced: PagedFile;
  pending: Pending[];
}

type Names = Map<number, Map<string, number>>;

export class CrashDisk {
  private readonly files = new Map<number, FileState>();
  /** Names that survive any cut, and as programs see them. */
  private readonly syncedNames: Names = new Map([[ROOT, new Map()]]);
  private readonly currentNames: Names = new Map([[ROOT, new Map()]]);
  private sequence = 0;
  private pendingNames: { readonly change: NameChange; readonly node: number }[] = [];

  apply(entry: LogEntry): void {
    switch (entry.kind) {
      case 'create':
      case 'remove':
      case 'rename':
        this.changeName(entry);
        break;
      case 'sync':
        this.sync(entry.node, entry.handle);
        break;
      case 'syncDirectory':
        this.keepNames(({ change }) => isIn(change, entry.node));
        break;
      default:
        this.sequence += 1;
        this.file(entry.node).pending.push({
          change: entry,
          sequence: this.sequence,
          isKept: false,
        });
    }
  }

  /** Everything up to now survives any cut. */
  keepAll(): void {
    for (const node of this.files.keys()) this.sync(node, undefined);
    this.keepNames(() => true);
  }

  /** Changes of content that a cut may lose, in their order. */
  unsynced(): ContentChange[] {
    return [...this.files.values()]
      .flatMap(({ pending }) => pending.filter(({ isKept }) => !isKept))
      .sort((left, right) => left.sequence - right.sequence)
      .map(({ change }) => change);
  }

  /** How many changes of names a cut may lose. */
  unsyncedNames(): number {
    return this.pendingNames.length;
  }

  /** The files a cut leaves, by path, with the first `namesKept` of the unsynced changes of names. */
  image(survival: Survival, namesKept: number): DiskImage {
    const names: Names = new Map([...this.syncedNames].map(([node, map]) => [node, new Map(map)]));
    for (const { change } of this.pendingNames.slice(0, namesKept)) applyName(names, change);
    const image = new DiskImage();
    const walk = (directory: Map<string, number>, path: string): void => {
      for (const [name, node] of directory) {
        const inner = names.get(node);
        if (inner === undefined) image.files.set(join(path, name), this.surviving(node, survival));
        else {
          image.directories.push(join(path, name));
          walk(inner, join(path, name));
        }
      }
    };
    walk(names.get(ROOT) as Map<string, number>, '');
    return image;
  }

  private surviving(node: number, survival: Survival): PagedFile {
    const { synced, pending } = this.file(node);
    const file = synced.copy();
    for (const { change, isKept } of pending) {
      for (const part of isKept ? [change] : survival(change)) applyContent(file, part);
    }
    return file;
  }

  private changeName(change: NameChange): void {
    const node =
      change.kind === 'create'
        ? change.node
        : (this.currentNames.get(change.parent)?.get(change.name) as number);
    applyName(this.currentNames, change);
    this.pendingNames.push({ change, node });
  }

  private sync(node: number, handle: number | undefined): void {
    const file = this.file(node);
    for (const pending of file.pending) {
      const { change } = pending;
      if (handle === undefined || (change.kind === 'write' && change.handle === handle)) {
        pending.isKept = true;
      }
    }
    // A kept change may only go to the others once nothing before it can be lost.
    const kept = file.pending.findIndex(({ isKept }) => !isKept);
    const count = kept < 0 ? file.pending.length : kept;
    for (const { change } of file.pending.slice(0, count)) applyContent(file.synced, change);
    file.pending = file.pending.slice(count);
    this.keepNames((name) => name.node === node);
  }

  private keepNames(isMeant: (name: { change: NameChange; node: number }) => boolean): void {
    const count = this.pendingNames.findLastIndex(isMeant) + 1;
    for (const { change } of this.pendingNames.slice(0, count)) {
      applyName(this.syncedNames, change);
    }
    this.pendingNames = this.pendingNames.slice(count);
  }

  private file(node: number): FileState {
    let file = this.files.get(node);
    if (file === undefined) {
      file = { synced: PagedFile.empty(), pending: [] };
      this.files.set(node, file);
    }
    return file;
  }
}

export class DiskImage {
  /** Parents before their children. */
  readonly directories: string[] = [];
  readonly files = new Map<string, PagedFile>();

  /** Makes everything below `path` of the image in a directory of the host. */
  writeTo(target: string, path: string): void {
    for (const directory of this.directories) {
      if (directory.startsWith(path)) mkdirSync(join(target, directory), { recursive: true });
    }
    for (const [name, file] of this.files) {
      if (!name.startsWith(path)) continue;
      const descriptor = openSync(join(target, name), 'wx');
      try {
        file.writeTo(descriptor);
      } finally {
        closeSync(descriptor);
      }
    }
  }
}

function applyContent(file: PagedFile, change: ContentChange): void {
  if (change.kind === 'write') file.write(change.offset, change.data);
  else if (change.kind === 'truncate') file.truncate(change.size);
  // Inside the file when it was made; what made the file so long may be lost.
  else file.zero(change.offset, Math.max(0, Math.min(change.size, file.size - change.offset)));
}

function applyName(names: Names, change: NameChange): void {
  const directory = names.get(change.parent) as Map<string, number>;
  if (change.kind === 'create') {
    directory.set(change.name, change.node);
    if (change.isDirectory) names.set(change.node, new Map());
    return;
  }
  const node = directory.get(change.name) as number;
  directory.delete(change.name);
  if (change.kind === 'rename') names.get(change.newParent)?.set(change.newName, node);
}

function isIn(change: NameChange, directory: number): boolean {
  if (change.parent === directory) return true;
  return change.kind === 'rename' && change.newParent === directory;
}
