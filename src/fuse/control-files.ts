/**
 * /ctl: one file per command. One write is one command, run before the write answers. Reading gives
 * the usage and the result of the last command of that file; on the descriptor that wrote it gives
 * one's own result alone.
 *
 * A shell's echo writes a long line in pieces of its buffer (8 KiB in bash). Running the first piece
 * alone would be half a command, so a piece that may be one (whole KiB, no newline) is kept until
 * the rest of its line comes, or the FLUSH of the close. When a long line is refused, what follows
 * it up to its newline is refused as well.
 */
import type { DiskArray } from '../array/disk-array.js';
import { ArrayError, asArrayError } from '../base/errors.js';
import { printable } from '../base/names.js';
import { runCommand } from '../control/command-handlers.js';
import { mayContinue, parseCommand, shownLine } from '../control/command-parser.js';
import { COMMANDS, type Command } from '../control/command-table.js';
import { mayListContinue, runList, shownList, writtenList } from '../control/ecopy-lists.js';
import { allCommandsHelp, commandHelp } from '../control/help-text.js';
import type { AttributeChanges, Attributes, Caller, OpenFile, OpenFlags } from './file-tree.js';
import { FixedDirectory } from './fixed-directory.js';
import { RenderedFile } from './status-files.js';
import { OpenText, TextReaders } from './text-file.js';
import {
  type ArrayNode,
  FIXED_INODES,
  type FileNode,
  inodeOf,
  ownerOf,
  refuseAttributeChange,
  virtualAttributes,
} from './tree-nodes.js';

const NEWLINE = 0x0a;
/** Buffers of programs are whole KiB: a write of another size is a whole line. */
const PIECE_BYTES = 1_024;
const REASON_CHARACTERS_MAX = 400;
const EMPTY = new Uint8Array(0);

/**
 * /ctl with a file per row of the command table, and `help`. A command answers when `delivered` has
 * resolved: the host then shows nothing of before any more.
 */
export function controlDirectory(array: DiskArray, delivered: () => Promise<void>): FixedDirectory {
  const entries = new Map<string, ArrayNode>();
  COMMANDS.forEach((command, index) => {
    const node = new ControlNode(array, inodeOf('control', index), command, delivered);
    entries.set(command.name, node);
  });
  const helpInode = inodeOf('control', COMMANDS.length);
  entries.set('help', new RenderedFile(array, helpInode, allCommandsHelp));
  return new FixedDirectory(array, FIXED_INODES.ctl, 'cat ctl/help lists the commands', entries);
}

class ControlNode implements FileNode {
  readonly isDirectory = false;
  private readonly readers = new TextReaders();
  /** Result of the last command that was written to this file, by anybody. */
  private lastResult: string | undefined;

  constructor(
    private readonly array: DiskArray,
    readonly ino: number,
    private readonly command: Command,
    private readonly delivered: () => Promise<void>,
  ) {}

  attributes(): Attributes {
    const sizeBytes = this.readers.sizeBytes(this.ino, this.text().length);
    return virtualAttributes(this.array, this.ino, 0o666, sizeBytes, this.array.mountedMs);
  }

  /** A shell's `>` truncates before it writes: accepted, without effect. */
  setAttributes(changes: AttributeChanges): void {
    refuseAttributeChange(changes);
  }

  open(_flags: OpenFlags, caller: Caller | undefined): OpenFile {
    return new OpenControl(this, this.readers, this.text(), (line) => this.run(line, caller));
  }

  /** What was written so far is the beginning of a parameter list, the last `written` bytes of it by one write. */
  isBeginOfList(data: Uint8Array, written: number): boolean {
    const list = this.listIn(data);
    return list !== undefined && mayListContinue(this.array, list, written);
  }

  private listIn(data: Uint8Array) {
    return this.command.name === 'ecopy' ? writtenList(data) : undefined;
  }

  private text(): Uint8Array {
    const last = this.lastResult ?? 'none since the array was mounted\n';
    return Buffer.from(`${commandHelp(this.command)}\nlast result: ${last}`);
  }

  /** Runs one line; the text of its result and, where it was refused, the error of the write. */
  private async run(line: Uint8Array, caller: Caller | undefined): Promise<CommandResult> {
    const result = await this.outcome(line, caller);
    this.lastResult = result.text;
    await this.delivered();
    return result;
  }

  private async outcome(line: Uint8Array, caller: Caller | undefined): Promise<CommandResult> {
    const list = this.listIn(line);
    try {
      if (list !== undefined) {
        return { text: `ok ${runList(this.array, list, caller?.uid)}\n`, thrown: undefined };
      }
      const owner = ownerOf(this.array, caller, this.array.defaultOwner.mode);
      const done = await runCommand(this.array, parseCommand(this.command, line), { owner });
      return { text: `ok ${done}\n`, thrown: undefined };
    } catch (thrown) {
      const error = asArrayError(thrown);
      const reason = printable(error.reason).slice(0, REASON_CHARACTERS_MAX);
      const shown = list === undefined ? shownLine(line) : shownList(list);
      return { text: `error ${error.code}: ${reason}: ${shown}\n`, thrown };
    }
  }
}

interface CommandResult {
  readonly text: string;
  /** What the write fails with. A bug stays what it is, so that the transport reports it. */
  readonly thrown: unknown;
}

/** One open of a control file. */
class OpenControl extends OpenText {
  /** Pieces of a line whose end has not come yet. */
  private pending: Uint8Array = EMPTY;
  /** A piece was refused and the end of its line has not come yet. */
  private discarding = false;

  constructor(
    private readonly control: ControlNode,
    readers: TextReaders,
    private shown: Uint8Array,
    private readonly runLine: (line: Uint8Array) => Promise<CommandResult>,
  ) {
    super(control, readers);
  }

  promisedBytes(): number {
    return this.shown.length;
  }

  protected text(): Uint8Array {
    return this.shown;
  }

  override async write(_offset: number, data: Uint8Array): Promise<number> {
    if (data.length === 0) return 0;
    const isPiece = data.at(-1) !== NEWLINE && data.length % PIECE_BYTES === 0;
    if (this.discarding) {
      this.discarding = isPiece;
      throw new ArrayError('EINVAL', 'the rest of a line that was refused');
    }
    // The data is only borrowed: concatenation copies it.
    const line = Buffer.concat([this.pending, data]);
    this.pending = EMPTY;
    if ((isPiece && mayContinue(line)) || this.control.isBeginOfList(line, data.length)) {
      this.pending = line;
      return data.length;
    }
    this.discarding = isPiece;
    await this.run(line);
    this.discarding = false;
    return data.length;
  }

  /** Shells flush once before the first write, when nothing is pending. */
  override async flush(): Promise<void> {
    const line = this.pending;
    this.pending = EMPTY;
    this.discarding = false;
    if (line.length > 0) await this.run(line);
  }

  private async run(line: Uint8Array): Promise<void> {
    const { text, thrown } = await this.runLine(line);
    this.shown = Buffer.from(text);
    if (thrown !== undefined) throw thrown;
  }
}
