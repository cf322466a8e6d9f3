/**
 * The array as lines of operations, for crashes: commands are one line, and the writes of each lineage
 * are one. A volume writes to a line; a restore or clone begins a new one on what a snapshot holds.
 * What is certain to survive is folded into the beginning of its line.
 */
import { type ByteOperation, changedBytes, type ModelCommand } from './array-model.js';

/** A line after some of its operations: a snapshot. */
export class View {
  constructor(
    readonly line: Line,
    /** Operations of the line that it shows. */
    readonly count: number,
    /** What it showed when it was made. */
    readonly bytes: Uint8Array,
  ) {}

  /** A crash takes nothing of it. */
  get isCertain(): boolean {
    return this.count <= this.line.certain && this.line.isBaseCertain;
  }
}

export class Line {
  /** What it shows now. */
  bytes: Uint8Array;
  /** Operations that survive a crash, and what they made. */
  certain = 0;
  certainBytes: Uint8Array;
  /** What followed the certain operations. */
  readonly operations: ByteOperation[] = [];

  constructor(
    readonly number: number,
    /** What it began on; undefined: with `bytes`. */
    readonly base: View | undefined,
    bytes: Uint8Array,
  ) {
    this.bytes = bytes;
    this.certainBytes = bytes;
  }

  get count(): number {
    return this.certain + this.operations.length;
  }

  get isBaseCertain(): boolean {
    return this.base?.isCertain ?? true;
  }

  apply(operation: ByteOperation): void {
    this.bytes = changedBytes(this.bytes, operation);
    this.operations.push(operation);
  }

  /** The first `count` operations survive a crash, and what the line began on. */
  confirm(count: number): void {
    this.base?.line.confirm(this.base.count);
    while (this.certain < count) {
      const operation = this.operations.shift();
      if (operation === undefined) throw new Error('a line is confirmed past its end');
      this.certainBytes = changedBytes(this.certainBytes, operation);
      this.certain += 1;
    }
  }
}

export interface HistoryVolume {
  readonly line: Line;
  readonly snapshots: ReadonlyMap<string, View>;
}

export type Catalogue = ReadonlyMap<string, HistoryVolume>;

/** A moment: what was done until then. */
export interface Moment {
  readonly commands: number;
  readonly lines: readonly { readonly line: Line; readonly count: number }[];
}

export class ArrayHistory {
  /** What each command made of the array, from the newest that is certain on. */
  readonly catalogues: Catalogue[] = [new Map()];
  /** Commands before the first catalogue. */
  private certainCommands = 0;
  private lines: Line[] = [];
  private nextLine = 1;

  get catalogue(): Catalogue {
    return this.catalogues[this.catalogues.length - 1] as Catalogue;
  }

  volume(name: string): HistoryVolume {
    const volume = this.catalogue.get(name);
    if (volume === undefined) throw new Error(`the history has no volume ${name}`);
    return volume;
  }

  write(operation: ByteOperation): void {
    this.volume(operation.name).line.apply(operation);
  }

  command(command: ModelCommand): void {
    const next = new Map(this.catalogue);
    this.change(next, command);
    this.catalogues.push(next);
  }

  /** What an answer to something asked now confirms: all commands, and the writes of `lines`. */
  now(lines: readonly Line[] | 'all'): Moment {
    return {
      commands: this.certainCommands + this.catalogues.length - 1,
      lines: (lines === 'all' ? this.lines : lines).map((line) => ({ line, count: line.count })),
    };
  }

  confirm({ commands, lines }: Moment): void {
    while (this.certainCommands < commands) {
      this.catalogues.shift();
      this.certainCommands += 1;
    }
    for (const { line, count } of lines) line.confirm(count);
  }

  /** Goes on with what was found, as `catalogue` names it: all of that is certain. */
  startAgain(catalogue: Catalogue, found: ReadonlyMap<string, Uint8Array>): void {
    const volumes = new Map<string, HistoryVolume>();
    this.lines = [];
    for (const [name, { snapshots }] of catalogue) {
      const line = this.newLine(undefined, found.get(name) as Uint8Array);
      const views = [...snapshots.keys()].map((snapshot): [string, View] => {
        const bytes = found.get(`${name}@${snapshot}`) as Uint8Array;
        return [snapshot, new View(this.newLine(undefined, bytes), 0, bytes)];
      });
      volumes.set(name, { line, snapshots: new Map(views) });
    }
    this.certainCommands += this.catalogues.length;
    this.catalogues.splice(0, this.catalogues.length, volumes);
  }

  private change(volumes: Map<string, HistoryVolume>, command: ModelCommand): void {
    if (command.kind === 'create') {
      const line = this.newLine(undefined, new Uint8Array(command.size));
      volumes.set(command.name, { line, snapshots: new Map() });
      return;
    }
    if (command.kind === 'snapshot') {
      for (const name of command.names) {
        const { line, snapshots } = this.volume(name);
        const view = new View(line, line.count, line.bytes);
        volumes.set(name, { line, snapshots: new Map(snapshots).set(command.snapshot, view) });
      }
      return;
    }
    const volume = this.volume(command.name);
    const { line, snapshots } = volume;
    switch (command.kind) {
      case 'restore': {
        const view = snapshots.get(command.snapshot) as View;
        volumes.set(command.name, { line: this.newLine(view, view.bytes), snapshots });
        return;
      }
      case 'clone': {
        const view = snapshots.get(command.snapshot) as View;
        const clone = this.newLine(view, view.bytes);
        volumes.set(command.newName, { line: clone, snapshots: new Map() });
        return;
      }
      case 'drop': {
        const left = new Map(snapshots);
        left.delete(command.snapshot);
        volumes.set(command.name, { line, snapshots: left });
        return;
      }
      case 'delete':
        volumes.delete(command.name);
        return;
      case 'rename':
        volumes.delete(command.name);
        volumes.set(command.newName, volume);
        return;
    }
  }

  private newLine(base: View | undefined, bytes: Uint8Array): Line {
    const line = new Line(this.nextLine, base, bytes);
    this.nextLine += 1;
    this.lines.push(line);
    return line;
  }
}

/** All volumes and snapshots as they are shown now, `VOLUME` or `VOLUME@SNAPSHOT`. */
export function shownContent(catalogue: Catalogue): Map<string, Uint8Array> {
  const content = new Map<string, Uint8Array>();
  for (const [name, { line, snapshots }] of catalogue) {
    content.set(name, line.bytes);
    for (const [snapshot, { bytes }] of snapshots) content.set(`${name}@${snapshot}`, bytes);
  }
  return content;
}
