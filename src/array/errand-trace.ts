/**
 * What others see of an errand on its way: the tasks of the ports it goes through ([002] figs. 12 to 14), and what came of each
 * search.
 */
import type { PortId } from '../san/port-id.js';
import type { PortTasks } from '../san/port-tasks.js';
import type { PortResult } from '../san/search-reasons.js';

export interface ErrandWitness {
  readonly tasks: PortTasks;
  noteSearch(device: string, result: PortResult): void;
}

export class ErrandTrace {
  private task: { readonly number: number; readonly port: PortId; isMoving: boolean } | undefined;
  private noted = new Set<string>();

  constructor(
    private readonly witness: ErrandWitness | undefined,
    private readonly device: string,
  ) {}

  /** It is being searched for, or has been found, through the port; undefined: through none now. */
  at(port: PortId | undefined, isMoving: boolean, nowMs: number): void {
    const { witness, task } = this;
    if (witness === undefined) return;
    if (task !== undefined && task.port !== port) {
      witness.tasks.end(task.number);
      this.task = undefined;
    }
    if (port === undefined) return;
    const { tasks } = witness;
    this.task ??= {
      number: tasks.begin(port, 'initiator', this.device, nowMs),
      ...{ port, isMoving: false },
    };
    if (!isMoving || this.task.isMoving) return;
    this.task.isMoving = true;
    tasks.proceed(this.task.number);
  }

  /** Results of an attempt so far; each is told once. */
  results(attempt: number, results: readonly PortResult[]): void {
    for (const result of results) {
      const name = `${attempt} ${result.port} ${result.reason}`;
      if (this.noted.has(name)) continue;
      this.noted.add(name);
      // A medium that is not there says nothing of the device, which has told so.
      const isReached = result.reason === 'no-medium';
      const seen = isReached ? ({ port: result.port, reason: 'found' } as const) : result;
      this.witness?.noteSearch(this.device, seen);
    }
  }
}
