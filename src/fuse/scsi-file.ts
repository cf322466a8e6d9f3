/**
 * /targets/PORT/scsi: each open file sends commands, one after the other, and reads their answers. Answers are read in
 * order, whatever the position of the file is, which the writes have moved; a read at 0 begins the answer again.
 */
import type { DiskArray } from '../array/disk-array.js';
import type { ScsiExchange, TargetPort } from '../array/target-contract.js';
import type {
  Answer,
  AttributeChanges,
  Attributes,
  Caller,
  OpenFile,
  OpenFlags,
} from './file-tree.js';
import { openFileAttributes } from './target-attributes.js';
import { copyFrom } from './text-file.js';
import { type FileNode, inodeOf, refuseAttributeChange } from './tree-nodes.js';
import type { Watched } from './watched.js';

export const SCSI_NAME = 'scsi';

export class ScsiNode implements FileNode {
  readonly isDirectory = false;
  readonly isVolatile = true;
  readonly ino: number;

  constructor(
    private readonly array: DiskArray,
    private readonly port: TargetPort,
    private readonly watched: Watched,
  ) {
    this.ino = inodeOf('targetScsi', port.number);
  }

  attributes(caller?: Caller): Attributes {
    const file = { sizeBytes: 0, modifiedMs: this.array.mountedMs };
    return openFileAttributes(this.array, this.ino, file, caller);
  }

  /** A shell's `>` truncates before it writes: accepted, without effect. */
  setAttributes(changes: AttributeChanges): void {
    refuseAttributeChange(changes);
  }

  open(_flags: OpenFlags, caller: Caller | undefined): OpenFile {
    const exchange = this.port.openScsi(caller?.uid, () => this.watched.readable(this));
    return new OpenScsi(this, exchange);
  }
}

class OpenScsi implements OpenFile {
  readonly mayWait = true;
  /** The answer that is being read, and how much of it is. */
  private answer: Uint8Array | undefined;
  private readBytes = 0;

  constructor(
    readonly node: ScsiNode,
    private readonly exchange: ScsiExchange,
  ) {}

  read(offset: number, target: Uint8Array, interrupted?: AbortSignal): Answer<number> {
    if (this.answer !== undefined && offset > 0) return this.readOn(this.answer, target);
    const answer = this.exchange.answer(interrupted);
    if (!(answer instanceof Promise)) return this.begin(answer, target);
    return answer.then((bytes) => this.begin(bytes, target));
  }

  write(_offset: number, data: Uint8Array): number {
    this.exchange.write(data);
    this.answer = undefined;
    return data.length;
  }

  isReadable(): boolean {
    const { answer } = this;
    return this.exchange.isAnswered && (answer === undefined || this.readBytes < answer.length);
  }

  flush(): void {}
  sync(): void {}

  close(): void {
    this.exchange.close();
  }

  private begin(answer: Uint8Array, target: Uint8Array): number {
    this.answer = answer;
    this.readBytes = 0;
    return this.readOn(answer, target);
  }

  private readOn(answer: Uint8Array, target: Uint8Array): number {
    const count = copyFrom(answer, this.readBytes, target);
    this.readBytes += count;
    return count;
  }
}
