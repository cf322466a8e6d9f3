/**
 * The log-device contract: the preallocated bytes an intent log lies in. A write that resolved is
 * durable; after a crash each part of a write under way is old or new. Pages are never shared between
 * two writes that may both have to survive.
 *
 * Implementations: file-log (a file beside the pool's store), MemoryLog (tests, simulation).
 */
export interface LogDevice {
  readonly sizeBytes: number;
  /** A copy of the bytes from `position` on; used when the pool is opened only. */
  read(position: number, sizeBytes: number): Uint8Array;
  /** Resolves when `bytes`, unchanged meanwhile, are durable; ENOSPC or EIO else. */
  write(position: number, bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Which byte of a write under way is new when the machine stops; `position` counts from its start. */
export type TornWrite = (position: number) => boolean;

/** A log device in memory; what was resolved survives `copy`, as it survives a crash. */
export class MemoryLog implements LogDevice {
  /** Set: writes fail with it. */
  failure: Error | undefined;
  /** How long a write takes. */
  pause: () => Promise<void> = () => Promise.resolve();
  private readonly bytes: Uint8Array;
  private readonly underWay = new Set<{ position: number; written: Uint8Array }>();

  constructor(from: number | Uint8Array) {
    this.bytes = typeof from === 'number' ? new Uint8Array(from) : new Uint8Array(from);
  }

  get sizeBytes(): number {
    return this.bytes.length;
  }

  read(position: number, sizeBytes: number): Uint8Array {
    return this.bytes.slice(position, position + sizeBytes);
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    const write = { position, written: new Uint8Array(bytes) };
    this.underWay.add(write);
    await this.pause();
    this.underWay.delete(write);
    if (this.failure !== undefined) throw this.failure;
    this.bytes.set(write.written, position);
  }

  async close(): Promise<void> {}

  /** A new, empty log in its place. */
  clear(): void {
    this.bytes.fill(0);
  }

  /** The device as it is found after a crash now; `isNew` tells what is left of a write under way. */
  copy(isNew: TornWrite = () => false): MemoryLog {
    const copy = new MemoryLog(this.bytes);
    for (const { position, written } of this.underWay) {
      for (const [index, byte] of written.entries()) {
        if (isNew(index)) copy.bytes[position + index] = byte;
      }
    }
    return copy;
  }
}
