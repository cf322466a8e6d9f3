/**
 * A volume or snapshot through a target port: the image below, where each request first passes the port. It is
 * looked at anew whether the port is up and the host still sees the volume; the request is counted as load, and at a port that is
 * target and initiator takes its turn with backup data. The size is fixed, as that of a disk.
 */
import { ArrayError } from '../base/errors.js';
import type { FaultRange } from '../san/faults.js';
import type { HostRequest } from '../san/load.js';
import type { PortQueue } from '../san/port-queues.js';
import type { ImageHandle } from './disk-array.js';

/** The way from a host through a port to a volume. */
export interface PortPassage {
  /** ENXIO or EACCES where nothing passes now. */
  check(): void;
  /** What a fault of the port or its controller does to a request; undefined for nothing. */
  suffer(operation: 'read' | 'write' | 'other', range?: FaultRange): Promise<void> | undefined;
  /** Undefined at a port that carries requests of hosts alone. */
  queue(): PortQueue | undefined;
  /** Writes of the volume are copied to a secondary. */
  isDuplexed(): boolean;
  count(request: HostRequest): void;
  /** The image is closed. */
  end(): void;
}

type Request = Pick<HostRequest, 'operation' | 'offset' | 'length'>;
type Answer<T> = T | Promise<T>;

export class PortImage implements ImageHandle {
  private isOpen = true;

  constructor(
    private readonly inner: ImageHandle,
    private readonly passage: PortPassage,
  ) {}

  get copy() {
    return this.inner.copy;
  }

  read(offset: number, target: Uint8Array): Answer<number> {
    const request: Request = { operation: 'read', offset, length: target.length };
    return this.pass(request, () => this.inner.read(offset, target));
  }

  write(offset: number, data: Uint8Array): Answer<number> {
    const request: Request = { operation: 'write', offset, length: data.length };
    return this.pass(request, () => {
      this.checkEnd(offset + data.length);
      return this.inner.write(offset, data);
    });
  }

  async resize(sizeBytes: number): Promise<void> {
    if (sizeBytes === this.copy.sizeBytes) return;
    throw new ArrayError('EPERM', 'a LUN has a fixed size: resize the volume');
  }

  async discard(offset: number, sizeBytes: number): Promise<void> {
    await this.passed(() => this.inner.discard(offset, sizeBytes));
  }

  nextData(offset: number): Promise<number | undefined> {
    return this.passed(() => this.inner.nextData(offset));
  }

  nextHole(offset: number, before?: number): Promise<number> {
    return this.passed(() => this.inner.nextHole(offset, before));
  }

  /** What goes through a port is read and written through it, and counted. */
  async copyTo(): Promise<number> {
    throw new ArrayError('EXDEV', 'blocks are not shared through a port');
  }

  sync(): Promise<void> {
    return this.passed(() => this.inner.sync());
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.inner.close();
    this.passage.end();
  }

  /** Requests that move no data. */
  private async passed<T>(work: () => Promise<T>): Promise<T> {
    this.passage.check();
    await this.passage.suffer('other');
    return work();
  }

  private pass(request: Request, work: () => Answer<number>): Answer<number> {
    this.passage.check();
    const { operation, offset, length } = request;
    const suffered = this.passage.suffer(operation, { start: offset, end: offset + length });
    if (suffered === undefined) return this.enter(request, work);
    return suffered.then(() => this.enter(request, work));
  }

  private enter(request: Request, work: () => Answer<number>): Answer<number> {
    const queue = this.passage.queue();
    if (queue === undefined) return this.begin(request, work);
    return queue.online(request.length, () => {
      this.passage.check();
      const answer = this.begin(request, work);
      if (answer instanceof Promise) return answer.finally(() => queue.onlineDone());
      queue.onlineDone();
      return answer;
    });
  }

  private begin(request: Request, work: () => Answer<number>): Answer<number> {
    const { passage } = this;
    const isDuplexed = request.operation === 'write' && passage.isDuplexed();
    passage.count({ ...request, volume: this.copy.number, isDuplexed });
    return work();
  }

  private checkEnd(end: number): void {
    if (end <= this.copy.sizeBytes) return;
    throw new ArrayError('ENOSPC', `${this.copy.name} ends at byte ${this.copy.sizeBytes}`);
  }
}
