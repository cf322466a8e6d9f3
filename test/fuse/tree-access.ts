/** A file tree by paths, as a program sees a mount: what the tests of the array's tree are written in. */
import { ArrayError } from '../../src/base/errors.js';
import type {
  AttributeChanges,
  Attributes,
  Caller,
  FileTree,
  OpenFile,
  TreeNode,
} from '../../src/fuse/file-tree.js';

export const READ = { read: true, write: false, truncate: false };
export const WRITE = { read: false, write: true, truncate: false };
export const READ_WRITE = { read: true, write: true, truncate: false };
export const OVERWRITE = { read: false, write: true, truncate: true };

export class TreeAccess {
  constructor(
    readonly tree: FileTree,
    readonly caller: Caller | undefined = undefined,
  ) {}

  node(path: string): TreeNode {
    return path
      .split('/')
      .filter((name) => name !== '')
      .reduce((parent, name) => this.tree.lookup(parent, name, this.caller), this.tree.root);
  }

  names(path: string): string[] {
    return this.tree.list(this.node(path), this.caller).map((entry) => entry.name);
  }

  async stat(path: string): Promise<Attributes> {
    return this.tree.attributes(this.node(path), this.caller);
  }

  async open(path: string, flags = READ): Promise<OpenFile> {
    return this.tree.open(this.node(path), flags, this.caller);
  }

  async create(path: string, mode = 0o644): Promise<OpenFile> {
    const { parent, name } = this.split(path);
    return (await this.tree.create(parent, name, mode, this.caller)).file;
  }

  async remove(path: string): Promise<void> {
    const { parent, name } = this.split(path);
    await this.tree.remove(parent, name, this.caller);
  }

  async removeDirectory(path: string): Promise<void> {
    const { parent, name } = this.split(path);
    await this.tree.removeDirectory(parent, name, this.caller);
  }

  async makeDirectory(path: string): Promise<void> {
    const { parent, name } = this.split(path);
    await this.tree.makeDirectory(parent, name, 0o755, this.caller);
  }

  async rename(path: string, newPath: string): Promise<void> {
    const from = this.split(path);
    const to = this.split(newPath);
    await this.tree.rename(from.parent, from.name, to.parent, to.name, this.caller);
  }

  async change(path: string, changes: AttributeChanges, file?: OpenFile): Promise<Attributes> {
    return this.tree.setAttributes(this.node(path), changes, file, this.caller);
  }

  /** The content of a file that is opened, read in pieces and closed. */
  async text(path: string): Promise<string> {
    const file = await this.open(path);
    const content = await contentOf(file);
    await file.close();
    return content.toString();
  }

  /** `echo -n data > path`: opens with O_TRUNC, flushes once before the write as shells do. */
  async echo(path: string, data: string | Uint8Array): Promise<void> {
    const file = await this.open(path, OVERWRITE);
    try {
      await file.flush();
      await file.write(0, Buffer.from(data));
      await file.flush();
    } finally {
      await file.close();
    }
  }

  private split(path: string): { parent: TreeNode; name: string } {
    const at = path.lastIndexOf('/');
    return { parent: this.node(path.slice(0, at)), name: path.slice(at + 1) };
  }
}

/** Everything an open file holds, read in pieces of an odd size. */
export async function contentOf(file: OpenFile): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let offset = 0; ; ) {
    const piece = Buffer.alloc(777);
    const length = await file.read(offset, piece);
    pieces.push(piece.subarray(0, length));
    offset += length;
    if (length < piece.length) return Buffer.concat(pieces);
  }
}

/** The code an operation is refused with, or `done`. */
export async function codeOf(operation: () => unknown): Promise<string> {
  try {
    await operation();
    return 'done';
  } catch (error) {
    if (error instanceof ArrayError) return error.code;
    throw error;
  }
}
