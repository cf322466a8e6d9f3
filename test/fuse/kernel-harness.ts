/** The dispatcher without a kernel: requests in, the frames it answers with out. */
import { KernelDispatcher } from '../../src/fuse/kernel-dispatcher.js';
import { bytesOf, type HeaderFields, messageOf, requestBytes } from './fuse-messages.js';
import { MemoryTree } from './memory-tree.js';

export interface Answered {
  readonly error: number;
  readonly body: Buffer;
}

export class KernelHarness<T extends MemoryTree = MemoryTree> {
  readonly bugs: unknown[] = [];
  readonly dispatcher: KernelDispatcher;
  private readonly answers = new Map<bigint, Answered>();
  private lastUnique = 0n;

  constructor(
    readonly tree: T,
    options: { keepsPages?: boolean } = {},
  ) {
    this.dispatcher = new KernelDispatcher({
      ...options,
      tree,
      send: (frame) => this.receive(frame),
      onBug: (error) => this.bugs.push(error),
    });
  }

  /** Every answer is a whole frame, with an errno or a body, to a request that waits for it. */
  private receive(frame: Buffer): void {
    const error = 0 - frame.readInt32LE(4);
    const unique = frame.readBigUInt64LE(8);
    const isWhole = frame.readUInt32LE(0) === frame.length && frame.length >= 16;
    const isError = error >= 0 && error < 512 && (error === 0 || frame.length === 16);
    if (!isWhole || !isError) throw new Error(`not a reply: ${frame.toString('hex')}`);
    if (this.answers.has(unique)) throw new Error(`${unique} is answered twice`);
    this.answers.set(unique, { error, body: Buffer.from(frame.subarray(16)) });
  }

  nextUnique(): bigint {
    this.lastUnique += 2n;
    return this.lastUnique;
  }

  /** Undefined where there was none; it is forgotten then. */
  takeAnswer(unique: bigint): Answered | undefined {
    const answer = this.answers.get(unique);
    this.answers.delete(unique);
    return answer;
  }

  get answerCount(): number {
    return this.answers.size;
  }

  /** Dispatches the bytes; the memory is overwritten as soon as the dispatcher allows. */
  send(bytes: Buffer): Promise<void> {
    const message = messageOf(bytes);
    const scribble = () => message.scribble();
    const held = this.dispatcher.dispatch(message);
    if (held === undefined) scribble();
    else void held.then(scribble);
    return this.dispatcher.idle();
  }

  async ask(
    opcode: number,
    body: Buffer = Buffer.alloc(0),
    header: HeaderFields = {},
  ): Promise<Answered> {
    const unique = this.nextUnique();
    await this.send(requestBytes(opcode, body, { ...header, unique }));
    const answer = this.takeAnswer(unique);
    if (answer === undefined) throw new Error(`opcode ${opcode} was not answered`);
    return answer;
  }

  /** The caller of the request got a signal; there is no answer. */
  interrupt(unique: bigint): void {
    const body = bytesOf([8, unique]);
    void this.dispatcher.dispatch(messageOf(requestBytes(36, body, { unique: unique + 1n })));
  }

  /** The errno. */
  async errorOf(opcode: number, body?: Buffer, header?: HeaderFields): Promise<number> {
    return (await this.ask(opcode, body, header)).error;
  }

  async lookup(name: string, parent = 1): Promise<number> {
    const { body } = await this.ask(1, bytesOf(`${name}\0`), { nodeId: parent });
    return body.length === 128 ? Number(body.readBigUInt64LE(0)) : 0;
  }

  async open(nodeId: number, flags = 2): Promise<number> {
    const { body } = await this.ask(14, bytesOf([4, flags], [4, 0]), { nodeId });
    return Number(body.readBigUInt64LE(0));
  }

  read(handle: number, offset: number, size: number): Promise<Answered> {
    return this.ask(15, transfer(handle, offset, size));
  }

  write(handle: number, offset: number, data: string): Promise<Answered> {
    return this.ask(16, Buffer.concat([transfer(handle, offset, data.length), Buffer.from(data)]));
  }
}

function transfer(handle: number, offset: number, size: number): Buffer {
  return bytesOf([8, handle], [8, offset], [4, size], [4, 0], [8, 0], [4, 0], [4, 0]);
}

export function harnessWithFile(content = 'hello'): KernelHarness & { file: FileOf } {
  const tree = new MemoryTree();
  const file = tree.add(tree.root, 'file', false, 0o600);
  file.write(0, Buffer.from(content));
  return Object.assign(new KernelHarness(tree), { file });
}

type FileOf = ReturnType<MemoryTree['add']>;
