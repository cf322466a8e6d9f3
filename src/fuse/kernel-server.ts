/**
 * Serves one connection to the kernel: starts the pump, takes requests from the ring on the event loop
 * and writes the replies, until the kernel ends the connection.
 */
import { writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../base/clock.js';
import type { FileTree } from './file-tree.js';
import { FuseMessage, OPCODES, REQUEST_BYTES_MAX } from './fuse-format.js';
import { KernelDispatcher } from './kernel-dispatcher.js';
import type { PumpData } from './request-pump.js';
import { allocateRing, type EndReason, RingConsumer, type RingItem } from './request-ring.js';

/** Requests served in one turn of the event loop: then timers, disk and other work have theirs. */
const TURN_REQUESTS = 64;
/** Below so many free slots the data of writes is copied, so that waiting writes hold up no read. */
const FREE_SLOTS_MIN = 24;
/** Held at most in such copies; then writes hold their slots, and the kernel the next requests. */
const COPIED_BYTES_MAX = 32 * 2 ** 20;
/** The request was withdrawn, or there is no connection any more. */
const ERRORS_HARMLESS = new Set(['ENOENT', 'ENODEV', 'ECONNABORTED', 'ENOTCONN', 'EPERM']);

export interface ServerParts {
  readonly tree: FileTree;
  /** Of /dev/fuse, mounted. */
  readonly device: number;
  /** Directory of the compiled thread programs. */
  readonly programs: URL;
  readonly clock: Clock;
  readonly onBug: (error: unknown) => void;
  readonly keepsPages: boolean;
  /** Told once, when the connection is over and requests may still be under way. */
  readonly onOver: () => void;
}

/** A request that comes within this time is worth staying awake for, and how long. */
const SOON_MS = 0.06;
const AWAKE_MS = 0.03;
/** Promises one after the other that an answer without waiting needs at most. */
const PROMISE_TURNS = 24;
/** Looks at the ring between two looks at the clock. */
const LOOKS_PER_TIME = 64;
/** Pieces of work ahead after which the event loop goes round once. */
const AHEAD_PIECES = 4;
/** Requests got awake after which the event loop goes round once. */
const AWAKE_TURNS = 4;

export class KernelServer {
  readonly dispatcher: KernelDispatcher;
  /** Resolves when the first request has been answered; rejects where the pump cannot run. */
  readonly ready: Promise<void>;
  /** Resolves when the pump has ended and every request was answered. */
  readonly ended: Promise<EndReason>;
  private readonly ring = new RingConsumer(allocateRing(REQUEST_BYTES_MAX));
  private readonly messages: FuseMessage[];
  private readonly worker: Worker;
  private copiedBytes = 0;
  private hasEnded = false;
  /** Requests whose answers take longer. */
  private heldCount = 0;
  /** The last request came soon after the one before. */
  private comesSoon = false;
  private awakeCount = 0;
  private resolveReady: () => void = () => {};

  constructor(private readonly parts: ServerParts) {
    const { tree, onBug, clock, keepsPages } = parts;
    this.dispatcher = new KernelDispatcher({
      tree,
      onBug,
      clock,
      keepsPages,
      send: (frame) => this.send(frame),
    });
    this.messages = Array.from(
      { length: this.ring.memory.slotCount },
      (_unused, slot) => new FuseMessage(this.ring.slotBytes(slot)),
    );
    this.worker = new Worker(new URL('request-pump.js', parts.programs), {
      workerData: { device: parts.device, ring: this.ring.memory } satisfies PumpData,
      // Not those of the process, some of which only fit a main program.
      execArgv: [],
    });
    this.worker.on('message', onBug);
    // Whatever the pump read is in the ring by then, and its end, unless it broke.
    this.worker.on('exit', () => this.ring.endBroken());
    this.ready = new Promise((resolve, reject) => {
      this.resolveReady = resolve;
      this.worker.on('error', (error) => {
        onBug(error);
        reject(error);
      });
    });
    this.ended = this.serve();
  }

  /** False from the moment the pump cannot be inside a read any more. */
  get isReading(): boolean {
    return !this.hasEnded && this.ring.endReason() === undefined;
  }

  /** The pump ends with the request it reads next, which is not answered. */
  stop(): void {
    this.ring.stop();
  }

  private async serve(): Promise<EndReason> {
    let reason: EndReason | undefined;
    while (reason === undefined) {
      const signalCount = this.ring.signalCount();
      reason = this.ring.endReason();
      if (this.serveTurn()) {
        await this.parts.clock.yield();
        reason = undefined;
      } else if (reason === undefined) {
        await this.nextSignal(signalCount);
      }
    }
    this.hasEnded = true;
    this.parts.onOver();
    this.dispatcher.context.interrupts.interruptAll();
    await this.dispatcher.idle();
    await this.worker.terminate();
    return reason;
  }

  /**
   * Waits for the next request. One that comes at once, as from a program that asks again when it has
   * its answer, is waited for awake: waking up takes longer than it does to come.
   */
  private async nextSignal(signalCount: number): Promise<void> {
    const { clock } = this.parts;
    // Answers that need only promises that are settled already are sent by then.
    for (let turn = 0; turn < PROMISE_TURNS && this.comesSoon && this.heldCount > 0; turn += 1) {
      await undefined;
    }
    if (this.workAhead(signalCount)) return clock.yield();
    const startMs = clock.monotonicMs();
    if (this.comesSoon && this.heldCount === 0 && this.seenAwake(signalCount, startMs)) {
      this.awakeCount += 1;
      // Timers and what threads have finished get their turn all the same.
      if (this.awakeCount % AWAKE_TURNS === 0) await clock.yield();
      return;
    }
    await this.ring.changed(signalCount);
    this.comesSoon = clock.monotonicMs() - startMs < SOON_MS;
  }

  /** Until the next request comes, but not long. True where more is left to do and none has come. */
  private workAhead(signalCount: number): boolean {
    const { tree } = this.parts;
    for (let count = 0; count < AHEAD_PIECES; count += 1) {
      if (this.ring.signalCount() !== signalCount || !tree.workAhead?.()) return false;
    }
    return true;
  }

  private seenAwake(signalCount: number, startMs: number): boolean {
    do {
      for (let count = 0; count < LOOKS_PER_TIME; count += 1) {
        if (this.ring.signalCount() !== signalCount) return true;
      }
    } while (this.parts.clock.monotonicMs() - startMs < AWAKE_MS);
    return false;
  }

  /** True where there may be more. */
  private serveTurn(): boolean {
    for (let count = 0; count < TURN_REQUESTS; count += 1) {
      const item = this.ring.next();
      if (item === undefined) return false;
      this.serveItem(item);
    }
    return true;
  }

  private serveItem({ slot, length }: RingItem): void {
    const message = this.messages[slot] as FuseMessage;
    message.length = length;
    if (this.mustCopy(message)) {
      const copy = message.copy();
      this.ring.release(slot);
      this.copiedBytes += length;
      this.dispatch(copy, () => {
        this.copiedBytes -= length;
      });
      return;
    }
    this.dispatch(message, () => this.ring.release(slot));
  }

  private dispatch(message: FuseMessage, release: () => void): void {
    const held = this.dispatcher.dispatch(message);
    if (held === undefined) {
      release();
      return;
    }
    this.heldCount += 1;
    void held.then(() => {
      this.heldCount -= 1;
      release();
    });
  }

  private mustCopy(message: FuseMessage): boolean {
    if (message.length < 8 || message.opcode !== OPCODES.WRITE.code) return false;
    return (
      this.ring.freeCount < FREE_SLOTS_MIN && this.copiedBytes + message.length <= COPIED_BYTES_MAX
    );
  }

  private send(frame: Buffer): void {
    try {
      writeSync(this.parts.device, frame, 0, frame.length);
    } catch (error) {
      if (!ERRORS_HARMLESS.has((error as NodeJS.ErrnoException).code ?? '')) {
        this.parts.onBug(error);
      }
    }
    this.resolveReady();
  }
}
