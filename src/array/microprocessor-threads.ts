/**
 * The threads of microprocessors: started, watched, and started again after a pause when they end. A thread counts as lost when
 * it has really ended, however it did; only then what it held is given to others.
 */
import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../base/clock.js';
import type { MicroprocessorData } from '../microprocessor/microprocessor.js';
import type { Microprocessor } from '../san/microprocessors.js';
import type { RequestBoard } from '../san/request-board.js';
import type { RequestSlot } from '../san/request-slots.js';

/** Before a thread is started again; twice as long each time it ends soon after. */
const RESTART_MS = 200;
const RESTART_MS_MAX = 10_000;
/** A thread that ran so long was sound. */
const SOUND_MS = 30_000;
/** A thread that is ended in a call of the kernel does not end before the device answers: nobody waits longer. */
const TERMINATE_MS = 2_000;
/** A bound for what a thread may leak; its buffers are not counted. */
const HEAP_MIB = 64;
let enginesMade = 0;

interface Place {
  readonly microprocessor: Microprocessor;
  worker: Worker | undefined;
  /** It runs code of its own. */
  isOnline: boolean;
  isDown: boolean;
  startedMs: number;
  starts: number;
  pauseMs: number;
  /** Why it is ended on purpose, and since when. */
  reason: string | undefined;
  reasonMs: number;
  restart: Timer | undefined;
}

export interface ThreadParts {
  readonly clock: Clock;
  readonly board: RequestBoard;
  readonly microprocessors: readonly Microprocessor[];
  /** The compiled program of a microprocessor. */
  readonly program: URL;
  readonly faults: SharedArrayBuffer | undefined;
  /** It has ended; `orphans` were moving data. */
  onLost(name: string, reason: string, orphans: readonly RequestSlot[]): void;
  /** It runs, or is down no longer. */
  onBack(name: string): void;
}

export class MicroprocessorThreads {
  private readonly places: readonly Place[];
  private isStopping = false;
  private readonly engine: number;

  constructor(private readonly parts: ThreadParts) {
    enginesMade += 1;
    this.engine = enginesMade;
    this.places = parts.microprocessors.map((microprocessor) => ({
      ...{ microprocessor, worker: undefined, isOnline: false, isDown: false, startedMs: 0 },
      ...{ starts: 0, pauseMs: RESTART_MS, reason: undefined, reasonMs: 0, restart: undefined },
    }));
    for (const place of this.places) this.start(place);
  }

  /** Those that run, or are about to within a moment, and are not down. */
  running(): readonly Microprocessor[] {
    return this.places
      .filter(({ worker, isDown, reason }) => worker && !isDown && reason === undefined)
      .map(({ microprocessor }) => microprocessor);
  }

  /** One that runs will be there within a moment. */
  get isRestarting(): boolean {
    if (this.isStopping) return false;
    const sinceMs = this.parts.clock.monotonicMs() - TERMINATE_MS;
    return this.places.some(
      ({ worker, reason, reasonMs, isDown }) =>
        !isDown && (worker === undefined || (reason !== undefined && reasonMs > sinceMs)),
    );
  }

  view(index: number): { state: 'running' | 'down' | 'restarting'; starts: number } {
    const { isDown, starts, worker, reason } = this.places[index] as Place;
    const isThere = worker !== undefined && reason === undefined;
    return { state: isDown ? 'down' : isThere ? 'running' : 'restarting', starts };
  }

  /** Ends the thread in whatever moment. */
  kill(index: number, reason: string): void {
    const place = this.places[index] as Place;
    if (place.worker === undefined || place.reason !== undefined) return;
    place.reason = reason;
    place.reasonMs = this.parts.clock.monotonicMs();
    this.parts.board.giveUp(index);
    void place.worker.terminate();
  }

  setDown(index: number, isDown: boolean): void {
    const place = this.places[index] as Place;
    if (place.isDown === isDown) return;
    place.isDown = isDown;
    if (place.worker === undefined) return;
    this.parts.board.setMode(index, isDown ? 'down' : 'running');
    if (!isDown) this.parts.onBack(place.microprocessor.name);
  }

  /** Ends those that have given no sign of life for `limitMs`. */
  endSilent(limitMs: number): void {
    for (const index of this.parts.board.silent(limitMs)) {
      const place = this.places[index] as Place;
      if (place.isOnline) this.kill(index, `it has given no sign of life for ${limitMs} ms`);
    }
  }

  /** No thread is left on return, but those that a device holds up. */
  async stop(): Promise<void> {
    this.isStopping = true;
    for (const { restart } of this.places) restart?.cancel();
    const ended = Promise.all(this.places.map(({ worker }) => worker?.terminate()));
    await new Promise<void>((resolve) => {
      const limit = this.parts.clock.after(TERMINATE_MS, resolve);
      void ended.then(() => {
        limit.cancel();
        resolve();
      });
    });
  }

  private start(place: Place): void {
    const { board, clock, faults, program } = this.parts;
    const { index, name } = place.microprocessor;
    board.started(index);
    if (place.isDown) board.setMode(index, 'down');
    const { engine } = this;
    const data: MicroprocessorData = { memory: board.memory.buffer, faults, engine, index, name };
    const worker = new Worker(program, {
      workerData: data,
      name,
      // Not those of the process, some of which only fit a main program.
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
    });
    const { starts } = place;
    Object.assign(place, { worker, isOnline: false, starts: starts + 1, reason: undefined });
    place.startedMs = clock.monotonicMs();
    worker.unref();
    worker.on('online', () => {
      place.isOnline = true;
    });
    let problem = 'its thread has ended';
    worker.on('error', (error: Error) => {
      problem = error.message;
    });
    worker.on('exit', () => this.exited(place, problem));
  }

  private exited(place: Place, problem: string): void {
    const { board, clock, onLost } = this.parts;
    const { microprocessor, reason = problem } = place;
    place.worker = undefined;
    const orphans = board.lost(microprocessor.index);
    if (this.isStopping) return;
    const isSound = clock.monotonicMs() - place.startedMs >= SOUND_MS;
    const pauseMs = isSound ? RESTART_MS : place.pauseMs;
    place.pauseMs = Math.min(pauseMs * 2, RESTART_MS_MAX);
    place.restart = clock.after(pauseMs, () => this.restart(place));
    onLost(microprocessor.name, reason, orphans);
  }

  private restart(place: Place): void {
    place.restart = undefined;
    if (this.isStopping) return;
    this.start(place);
    this.parts.onBack(place.microprocessor.name);
  }
}
