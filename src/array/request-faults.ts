/**
 * Where the faults that a user has set happen to requests in the array core: of hosts, at volumes, pools, ports and
 * controllers. What happens to microprocessors and devices happens in their threads.
 *
 *    delay    the request waits, then goes on          EIO       it fails
 *    hang     it waits until the fault is cleared       damaged   a read fails, as at a block whose checksum is wrong
 *
 * Copies inside the array meet them as hosts do: pairs (pair-instants.ts), whole images and parameter lists (FaultyImage).
 *
 * Without any fault nothing is waited for and nothing is made.
 */
import type { Clock, Timer } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import { BLOCK_BYTES } from '../base/sizes.js';
import type { Fault, FaultKind, FaultList, FaultRange, FaultTarget } from '../san/faults.js';
import { type AnyCopy, copyName } from './copies.js';

/** The others are those of microprocessors and devices, or are looked at without being met. */
const WRITE_KINDS: readonly FaultKind[] = ['EIO', 'delay', 'hang'];
const READ_KINDS: readonly FaultKind[] = [...WRITE_KINDS, 'damaged'];

/** Faults at these meet requests on the copy; on a snapshot only those of its pool do. */
export function targetsOf(copy: AnyCopy): readonly FaultTarget[] {
  const pool: FaultTarget = { kind: 'pool', name: copy.pool.name };
  return copy.kind === 'volume' ? [{ kind: 'volume', name: copy.name }, pool] : [pool];
}

export class RequestFaults {
  /** Requests that hang or are delayed, each by its fault. */
  private readonly held = new Set<{ readonly fault: number; readonly release: () => void }>();
  /** Damage is told once for each fault. */
  private readonly told = new Set<number>();

  constructor(
    private readonly faults: FaultList,
    private readonly clock: Clock,
    private readonly recordEvent: (code: string, subject: string, message: string) => void,
  ) {}

  /**
   * A request passes all of the targets: undefined where nothing happens to it, else it waits for the promise, which rejects
   * where it fails. `range`: bytes of the image that it is about.
   */
  pass(
    targets: readonly FaultTarget[],
    operation: 'read' | 'write' | 'other',
    range?: FaultRange,
  ): Promise<void> | undefined {
    if (this.faults.list.length === 0) return undefined;
    const kinds = operation === 'read' ? READ_KINDS : WRITE_KINDS;
    const hits = targets.flatMap((target) => this.faults.hits(target, range, kinds));
    return hits.length === 0 ? undefined : this.suffer(hits, range);
  }

  /** The same for a request on a volume or snapshot. */
  passCopy(
    copy: AnyCopy,
    operation: 'read' | 'write' | 'other',
    range?: FaultRange,
  ): Promise<void> | undefined {
    if (this.faults.list.length === 0) return undefined;
    return this.pass(targetsOf(copy), operation, range)?.catch((error) => {
      if (error instanceof DamageFault) this.tellDamage(copy, error);
      throw error;
    });
  }

  /** Faults were cleared: whoever waits at one of them goes on. */
  cleared(faults: readonly Fault[]): void {
    const cleared = new Set(faults.map(({ number }) => number));
    for (const request of this.held) if (cleared.has(request.fault)) request.release();
  }

  /** In the order in which they were set. */
  private async suffer(hits: readonly Fault[], range: FaultRange | undefined): Promise<void> {
    for (const fault of hits) {
      if (fault.kind === 'delay') await this.hold(fault.number, fault.delayMs ?? 0);
      if (fault.kind === 'hang') await this.hold(fault.number);
      if (fault.kind === 'EIO') throw new ArrayError('EIO', shown(fault));
      if (fault.kind === 'damaged') throw new DamageFault(fault, range);
    }
  }

  /** Whoever waits at any fault goes on. */
  releaseAll(): void {
    for (const request of this.held) request.release();
  }

  /** Until the fault is cleared, or for so long. */
  private hold(fault: number, forMs?: number): Promise<void> {
    return new Promise((resolve) => {
      let timer: Timer | undefined;
      const request = {
        fault,
        release: () => {
          this.held.delete(request);
          timer?.cancel();
          resolve();
        },
      };
      this.held.add(request);
      if (forMs !== undefined) timer = this.clock.after(forMs, request.release);
    });
  }

  private tellDamage(copy: AnyCopy, { fault, reason }: DamageFault): void {
    if (this.told.has(fault.number)) return;
    this.told.add(fault.number);
    this.recordEvent('DAMAGED', copyName(copy), reason);
  }
}

class DamageFault extends ArrayError {
  constructor(
    readonly fault: Fault,
    range: FaultRange | undefined,
  ) {
    const byte = Math.max(range?.start ?? 0, fault.range?.start ?? 0);
    const block = Math.floor(byte / BLOCK_BYTES);
    super('EIO', `block ${block} (byte ${byte}) is damaged: ${shown(fault)}`);
  }
}

function shown({ number, target, kind }: Fault): string {
  return `${target.kind} ${target.name} has the fault ${kind} (${number})`;
}
