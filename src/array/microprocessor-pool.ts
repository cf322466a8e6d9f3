/**
 * The way to backup devices (backup-path.ts): two microprocessors in each controller, whose threads and memory are there only
 * while something is to be done, or may be at any time (`standBy`).
 */
import type { Clock, Timer } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import { printable } from '../base/names.js';
import type { FaultList } from '../san/faults.js';
import { type Microprocessor, microprocessorsOf } from '../san/microprocessors.js';
import type { MemoryShape } from '../san/shared-memory.js';
import { BackupErrand } from './backup-errand.js';
import type {
  BackupPath,
  BackupRequest,
  DeviceSession,
  MicroprocessorView,
  PortProbe,
  ProbeRequest,
  RestoreRequest,
  SessionRequest,
  Transfer,
} from './backup-path.js';
import type { DeviceErrand } from './device-errand.js';
import type { ErrandWitness } from './errand-trace.js';
import { MicroprocessorEngine } from './microprocessor-engine.js';
import { ProbeErrand } from './probe-errand.js';
import { RestoreErrand } from './restore-errand.js';
import { SessionErrand } from './session-errand.js';

/** Without an errand for so long, threads and memory are given back. */
const IDLE_MS = 10_000;
/** A device may take so long for one chunk before its microprocessor counts as lost. */
const SILENT_MS = 30_000;
/** A device that does not answer does not hold up the end of the array longer. */
const STOP_MS = 5_000;

export interface PoolParts {
  readonly clock: Clock;
  /** Of the array: gives the names by which ports log in. */
  readonly serial: string;
  /** The compiled program of a microprocessor; where this file is compiled itself, it lies beside it. */
  readonly program?: URL;
  /** Faults that a user may set; absent where they are not allowed. */
  readonly faults?: FaultList;
  /** Is told of tasks at ports, and of searches. */
  readonly witness?: ErrandWitness;
  /** A thread has ended without being asked to; `name` is that of its microprocessor. */
  readonly onLost?: (name: string, reason: string) => void;
  readonly shape?: Partial<MemoryShape>;
  readonly silentMs?: number;
}

export class MicroprocessorPool implements BackupPath {
  private readonly all: readonly Microprocessor[] = microprocessorsOf(2);
  private readonly down = new Set<string>();
  private engine: MicroprocessorEngine | undefined;
  private idle: Timer | undefined;
  private isClosed = false;
  private isStandingBy = false;
  /** Engines that are being given back. */
  private readonly ending = new Set<Promise<void>>();

  constructor(private readonly parts: PoolParts) {}

  backup(request: BackupRequest): Transfer {
    const engine = this.running();
    return begin(engine, new BackupErrand(engine, request));
  }

  restore(request: RestoreRequest): Transfer {
    const engine = this.running();
    return begin(engine, new RestoreErrand(engine, request));
  }

  openSession(request: SessionRequest): DeviceSession {
    const engine = this.running();
    return begin(engine, new SessionErrand(engine, request));
  }

  standBy(isReady: boolean): void {
    if (this.isStandingBy === isReady) return;
    this.isStandingBy = isReady;
    if (isReady) this.prepare();
    else if (this.engine?.isIdle) this.becameIdle();
  }

  prepare(): void {
    if (!this.isClosed && this.running().isIdle) this.becameIdle();
  }

  async probe(request: ProbeRequest): Promise<readonly PortProbe[]> {
    const { ports, refused } = request.ports();
    const probes: PortProbe[] = [];
    for (const port of ports) {
      const engine = this.running();
      probes.push(await begin(engine, new ProbeErrand(engine, request, port)).done);
    }
    return [...probes, ...refused.map((result) => ({ ...result, detail: '' }))];
  }

  portsChanged(): void {
    this.engine?.changed();
  }

  microprocessors(): readonly MicroprocessorView[] {
    return this.all.map(({ index, name }) => {
      const idle = this.down.has(name) ? 'down' : 'idle';
      const view = this.engine?.view(index) ?? { state: idle, starts: 0, errand: undefined };
      return { name, ...view };
    });
  }

  kill(microprocessor: string): void {
    this.engine?.kill(this.named(microprocessor).index);
  }

  setDown(microprocessor: string, isDown: boolean): void {
    const { name } = this.named(microprocessor);
    if (isDown) this.down.add(name);
    else this.down.delete(name);
    this.engine?.changed();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.idle?.cancel();
    const { engine, parts } = this;
    if (engine !== undefined && !engine.isIdle) {
      engine.stopErrands();
      await new Promise<void>((resolve) => {
        const limit = parts.clock.after(STOP_MS, resolve);
        this.whenIdle = () => {
          limit.cancel();
          resolve();
        };
      });
    }
    this.giveBack();
    await Promise.all(this.ending);
  }

  private whenIdle = () => {};

  private running(): MicroprocessorEngine {
    if (this.isClosed) throw new ArrayError('EINTR', 'the array is being closed');
    this.idle?.cancel();
    this.engine ??= this.startEngine();
    return this.engine;
  }

  private startEngine(): MicroprocessorEngine {
    const { clock, serial, faults, witness, shape = {}, silentMs = SILENT_MS } = this.parts;
    const { program = new URL('../microprocessor/program.js', import.meta.url) } = this.parts;
    return new MicroprocessorEngine({
      ...{ clock, serial, faults, witness, shape, silentMs, program, microprocessors: this.all },
      isSetDown: (name) => this.down.has(name),
      onLost: (name, reason) => this.parts.onLost?.(name, reason),
      onIdle: () => this.becameIdle(),
    });
  }

  private becameIdle(): void {
    this.whenIdle();
    if (this.isClosed || this.isStandingBy) return;
    this.idle?.cancel();
    this.idle = this.parts.clock.after(IDLE_MS, () => this.giveBack());
  }

  private giveBack(): void {
    const ending = this.engine?.stop();
    this.engine = undefined;
    if (ending === undefined) return;
    this.ending.add(ending);
    void ending.finally(() => this.ending.delete(ending));
  }

  private named(name: string): Microprocessor {
    const found = this.all.find((microprocessor) => microprocessor.name === name);
    if (found !== undefined) return found;
    const names = this.all.map((microprocessor) => microprocessor.name).join(', ');
    throw new ArrayError('ENOENT', `there is no microprocessor '${printable(name)}' (${names})`);
  }
}

function begin<T extends DeviceErrand>(engine: MicroprocessorEngine, errand: T): T {
  engine.begin(errand);
  return errand;
}
