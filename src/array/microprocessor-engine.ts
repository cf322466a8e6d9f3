/**
 * Microprocessors at work: shared memory, their threads, and the errands they are on. One loop looks at all errands whenever
 * something has changed in shared memory. It is made when the first errand comes and goes when it has been idle.
 */
import type { Clock, Timer } from '../base/clock.js';
import { asArrayError } from '../base/errors.js';
import { signalWord } from '../base/shared-words.js';
import type { FaultList } from '../san/faults.js';
import type { Microprocessor } from '../san/microprocessors.js';
import { RequestBoard } from '../san/request-board.js';
import type { RequestSlot } from '../san/request-slots.js';
import { FaultBoard } from '../san/shared-faults.js';
import { allocateSharedMemory, HEADER, type MemoryShape } from '../san/shared-memory.js';
import type { DeviceErrand, ErrandHost } from './device-errand.js';
import type { ErrandWitness } from './errand-trace.js';
import { MicroprocessorThreads } from './microprocessor-threads.js';

/** Between two looks at threads, leases and faults. */
const WATCH_MS = 250;

export interface EngineParts {
  readonly clock: Clock;
  readonly serial: string;
  readonly program: URL;
  readonly microprocessors: readonly Microprocessor[];
  readonly shape: Partial<MemoryShape>;
  readonly faults: FaultList | undefined;
  readonly witness: ErrandWitness | undefined;
  /** Without a sign of life for so long a thread is ended. */
  readonly silentMs: number;
  isSetDown(name: string): boolean;
  onLost(name: string, reason: string): void;
  /** The last errand has ended. */
  onIdle(): void;
}

export class MicroprocessorEngine implements ErrandHost {
  readonly board: RequestBoard;
  private readonly errands = new Set<DeviceErrand>();
  /** Slots of errands that have ended, which somebody still has in hand. */
  private readonly leaving = new Set<RequestSlot>();
  private readonly threads: MicroprocessorThreads;
  private readonly faultBoard: FaultBoard | undefined;
  private watch: Timer | undefined;
  private isStopped = false;
  private readonly loop: Promise<void>;

  constructor(private readonly parts: EngineParts) {
    const { clock, microprocessors, shape, program, faults } = parts;
    const memory = allocateSharedMemory({ ...shape, microprocessors: microprocessors.length });
    this.board = new RequestBoard(memory, clock);
    this.faultBoard = faults && new FaultBoard();
    this.threads = new MicroprocessorThreads({
      ...{ clock, board: this.board, microprocessors, program },
      faults: this.faultBoard?.buffer,
      onLost: (name, reason, orphans) => this.lost(name, reason, orphans),
      onBack: () => this.refreshErrands(),
    });
    this.changed();
    this.loop = this.run();
    this.look();
  }

  get clock(): Clock {
    return this.parts.clock;
  }

  get witness(): ErrandWitness | undefined {
    return this.parts.witness;
  }

  get serial(): string {
    return this.parts.serial;
  }

  get isRestarting(): boolean {
    return this.threads.isRestarting;
  }

  get isIdle(): boolean {
    return this.errands.size === 0;
  }

  running(): readonly Microprocessor[] {
    return this.threads.running();
  }

  nameOf(index: number): string {
    return this.parts.microprocessors[index]?.name ?? '';
  }

  wake(): void {
    signalWord(this.board.memory.words, HEADER.arraySignal);
  }

  release(slot: RequestSlot): void {
    if (!this.board.free(slot)) this.leaving.add(slot);
  }

  begin(errand: DeviceErrand): void {
    this.errands.add(errand);
    this.wake();
  }

  ended(errand: DeviceErrand): void {
    this.errands.delete(errand);
    this.wake();
    if (this.isIdle) this.parts.onIdle();
  }

  /** Ports, faults or what is set down have changed. */
  changed(): void {
    const { faults, microprocessors, isSetDown } = this.parts;
    this.countFaults();
    if (faults !== undefined) this.faultBoard?.publish(faults.list);
    for (const { index, name } of microprocessors) {
      const target = { kind: 'microprocessor', name } as const;
      this.threads.setDown(index, isSetDown(name) || (faults?.has(target, 'down') ?? false));
    }
    this.refreshErrands();
  }

  kill(index: number): void {
    this.threads.kill(index, 'it was killed');
  }

  view(index: number) {
    const errand = [...this.errands].find(
      ({ phase, microprocessor }) =>
        (phase === 'searching' || phase === 'moving') && microprocessor === this.nameOf(index),
    );
    return { ...this.threads.view(index), errand: errand?.number };
  }

  stopErrands(): void {
    for (const errand of this.errands) errand.stop();
  }

  /** No thread is left on return, and nobody waits for an errand any more. */
  async stop(): Promise<void> {
    await this.threads.stop();
    this.watch?.cancel();
    // What had no end yet gets it now.
    for (const errand of this.errands) errand.stop();
    this.board.settle();
    this.turnAll();
    for (const errand of this.errands) errand.giveUp();
    this.isStopped = true;
    this.wake();
    await this.loop;
  }

  private async run(): Promise<void> {
    while (!this.isStopped) {
      const seen = this.board.signalCount();
      this.turnAll();
      // The turn of others: a signal may follow each of these turns.
      await this.parts.clock.yield();
      await this.board.changed(seen);
    }
  }

  private turnAll(): void {
    for (const slot of this.leaving) if (this.board.free(slot)) this.leaving.delete(slot);
    for (const errand of this.errands) {
      try {
        errand.turn();
      } catch (error) {
        errand.fail(asArrayError(error));
      }
    }
  }

  private look(): void {
    this.watch = this.parts.clock.after(WATCH_MS, () => {
      this.threads.endSilent(this.parts.silentMs);
      this.board.expireLease();
      this.board.settle();
      this.countFaults();
      this.wake();
      if (!this.isStopped) this.look();
    });
  }

  private lost(name: string, reason: string, orphans: readonly RequestSlot[]): void {
    for (const errand of this.errands) {
      if (orphans.some((slot) => errand.has(slot))) errand.lostHolder();
    }
    this.wake();
    this.parts.onLost(name, reason);
  }

  private refreshErrands(): void {
    for (const errand of this.errands) errand.refreshPorts();
  }

  private countFaults(): void {
    for (const { number, times } of this.faultBoard?.taken() ?? []) {
      this.parts.faults?.happened(number, times);
    }
  }
}
