/**
 * Takes the kernel's requests one by one, has each served by its operation and answers it exactly
 * once. A request that cannot be decoded is refused like any other error; nothing a request
 * holds stops the dispatcher.
 */
import { type Clock, systemClock } from '../base/clock.js';
import { ArrayError, asArrayError } from '../base/errors.js';
import type { FileTree } from './file-tree.js';
import {
  ERRNO,
  type FuseMessage,
  isSilent,
  messageProblem,
  OPCODES,
  type OpcodeName,
  REQUEST_HEADER_BYTES,
} from './fuse-format.js';
import { decodeInit, initFrame } from './fuse-format-init.js';
import { emptyFrame, sealFrame } from './fuse-format-replies.js';
import { InodeTable } from './inode-table.js';
import { InterruptTable } from './interrupt-table.js';
import { next, type Operation, type OperationContext } from './kernel-operation.js';
import { ATTRIBUTE_OPERATIONS } from './kernel-operations-attributes.js';
import { DIRECTORY_OPERATIONS } from './kernel-operations-directories.js';
import { FILE_OPERATIONS } from './kernel-operations-files.js';
import { NAME_OPERATIONS } from './kernel-operations-names.js';
import { OpenDirectoryTable } from './open-directory-table.js';
import { OpenFileTable } from './open-file-table.js';
import { PollTable } from './poll-table.js';
import { ReplyBuffers } from './reply-buffers.js';

/**
 * Opcodes without an operation answer ENOSYS, which the kernel remembers: xattr (then no look-up before
 * writes), ACCESS (it checks permissions itself), FSYNCDIR (what changes a directory is durable before
 * it is answered), STATX, locks, IOCTL.
 */
const OPERATIONS: Partial<Record<OpcodeName, Operation>> = {
  ...NAME_OPERATIONS,
  ...FILE_OPERATIONS,
  ...DIRECTORY_OPERATIONS,
  ...ATTRIBUTE_OPERATIONS,
  // The answer to a RETRIEVE, which is never sent.
  NOTIFY_REPLY: () => undefined,
  // Attributes that are kept for a while need a tree that tells when they change.
  INIT({ tree, keepsPages, kernel }, message) {
    const request = decodeInit(message);
    kernel.minor = request.minor;
    return initFrame(request, { listsAttributes: tree.watch !== undefined, keepsPages });
  },
};

const BY_CODE: readonly (Operation | undefined)[] = operationsByCode();

function operationsByCode(): (Operation | undefined)[] {
  const table: (Operation | undefined)[] = [];
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    table[OPCODES[name as OpcodeName].code] = operation;
  }
  return table;
}

export interface DispatcherParts {
  readonly tree: FileTree;
  /** Sends one whole reply. */
  readonly send: (frame: Buffer) => void;
  /** Told of exceptions that are no operating errors, and of requests that make no sense. */
  readonly onBug: (error: unknown) => void;
  readonly clock?: Clock;
  /** Files that may be cached are opened through the page cache. */
  readonly keepsPages?: boolean;
}

export class KernelDispatcher {
  readonly context: OperationContext;
  private pendingCount = 0;
  private whenIdle: (() => void)[] = [];

  constructor(private readonly parts: DispatcherParts) {
    const { tree, clock = systemClock, keepsPages = false } = parts;
    this.context = {
      tree,
      clock,
      // A tree that does not tell of its changes would leave old pages.
      keepsPages: keepsPages && tree.watch !== undefined,
      kernel: { minor: 0 },
      inodes: new InodeTable(tree.root),
      files: new OpenFileTable(),
      directories: new OpenDirectoryTable(),
      polls: new PollTable(),
      interrupts: new InterruptTable(),
      buffers: new ReplyBuffers(),
    };
  }

  /** Resolves when every request taken so far has been answered. */
  idle(): Promise<void> {
    if (this.pendingCount === 0) return Promise.resolve();
    return new Promise((resolve) => this.whenIdle.push(resolve));
  }

  /**
   * Serves one request. The message may be used again at once, or where a promise is returned, once
   * that resolves; it never rejects.
   */
  dispatch(message: FuseMessage): Promise<void> | undefined {
    const problem = messageProblem(message);
    if (problem !== undefined) return this.refuse(message, problem);
    const { opcode, uniqueLow, uniqueHigh } = message;
    const answer = (frame: Buffer | undefined) => {
      if (frame === undefined || isSilent(opcode)) return;
      this.reply(frame, 0, uniqueLow, uniqueHigh);
      this.context.buffers.giveBack(frame);
    };
    const fail = (error: unknown) => {
      if (!(error instanceof ArrayError)) this.parts.onBug(error);
      const { errno } = asArrayError(error);
      if (!isSilent(opcode)) this.reply(emptyFrame(), errno, uniqueLow, uniqueHigh);
    };
    const operation = BY_CODE[opcode];
    if (operation === undefined) {
      this.reply(emptyFrame(), ERRNO.ENOSYS, uniqueLow, uniqueHigh);
      return undefined;
    }
    try {
      const served = next(operation(this.context, message), answer);
      if (!(served instanceof Promise)) return undefined;
      this.pendingCount += 1;
      const over = served.catch(fail).then(() => this.oneIsOver());
      return opcode === OPCODES.WRITE.code ? over : undefined;
    } catch (error) {
      fail(error);
      return undefined;
    }
  }

  /** Without a whole header there is nobody to answer. */
  private refuse(message: FuseMessage, problem: string): undefined {
    this.parts.onBug(new Error(`the kernel sent ${problem}`));
    if (message.length < REQUEST_HEADER_BYTES || isSilent(message.opcode)) return undefined;
    this.reply(emptyFrame(), ERRNO.EIO, message.uniqueLow, message.uniqueHigh);
    return undefined;
  }

  private reply(frame: Buffer, errno: number, uniqueLow: number, uniqueHigh: number): void {
    sealFrame(frame, errno, uniqueLow, uniqueHigh);
    this.parts.send(frame);
  }

  private oneIsOver(): void {
    this.pendingCount -= 1;
    if (this.pendingCount > 0) return;
    for (const resolve of this.whenIdle.splice(0)) resolve();
  }
}
