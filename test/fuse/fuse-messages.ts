/** Builds requests of the kernel by hand, apart from the codec: a field is `[size, value]`. */
import { FuseMessage } from '../../src/fuse/fuse-format.js';

/** Bytes of a little-endian number, or raw bytes. */
export type Field = readonly [size: 2 | 4 | 8, value: number | bigint] | Buffer | string;

export function bytesOf(...fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.map((field) => {
      if (typeof field === 'string') return Buffer.from(field);
      if (field instanceof Uint8Array) return field;
      const bytes = Buffer.alloc(field[0]);
      for (let index = 0, rest = BigInt(field[1]); index < field[0]; index += 1, rest >>= 8n) {
        bytes[index] = Number(rest & 0xffn);
      }
      return bytes;
    }),
  );
}

export interface HeaderFields {
  readonly unique?: bigint;
  readonly nodeId?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly pid?: number;
}

export function requestBytes(opcode: number, body: Buffer, header: HeaderFields = {}): Buffer {
  const { unique = 2n, nodeId = 1, uid = 0, gid = 0, pid = 1 } = header;
  return bytesOf(
    [4, 40 + body.length],
    [4, opcode],
    [8, unique],
    [8, nodeId],
    ...[uid, gid, pid].map((id) => [4, id] as const),
    [4, 0],
    body,
  );
}

/** A request as it lies in the ring: in a longer memory, with something after it. */
export class TestMessage extends FuseMessage {
  private readonly memory: Buffer;

  constructor(bytes: Buffer) {
    const memory = Buffer.concat([bytes, Buffer.alloc(64, 0xee)]);
    super(memory);
    this.memory = memory;
    this.length = bytes.length;
  }

  /** As when the next request comes into the same memory. */
  scribble(): void {
    this.memory.fill(0xdd);
  }
}

export function messageOf(bytes: Buffer): TestMessage {
  return new TestMessage(bytes);
}

export function request(opcode: number, body: Buffer, header: HeaderFields = {}): TestMessage {
  return messageOf(requestBytes(opcode, body, header));
}
