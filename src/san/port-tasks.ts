/**
 * The tasks of ports ([002] figs. 12 to 14): an initiator task sends to a device, a target task serves a host. A port has any
 * number of both at one time; whose turn it is where they compete is said by turns.ts.
 *
 *    login -> transfer -> logout     a login that is refused ends the task
 */
import { assert } from '../base/assert.js';
import { PORT_IDS, type PortId } from './port-id.js';

export type TaskKind = 'initiator' | 'target';
export const TASK_STEPS = ['login', 'transfer', 'logout'] as const;
export type TaskStep = (typeof TASK_STEPS)[number];

export interface PortTask {
  readonly number: number;
  readonly port: PortId;
  readonly kind: TaskKind;
  /** Name of the device or the host. */
  readonly peer: string;
  readonly step: TaskStep;
  readonly startedMs: number;
}

export class PortTasks {
  private readonly tasks = new Map<number, PortTask>();
  private nextNumber = 1;

  /** In the order in which they began. */
  get list(): readonly PortTask[] {
    return [...this.tasks.values()];
  }

  /** Steps 1102 and 1104; begins with the login. Tells the number of the task. */
  begin(port: PortId, kind: TaskKind, peer: string, nowMs: number): number {
    const number = this.nextNumber;
    this.nextNumber += 1;
    this.tasks.set(number, { number, port, kind, peer, step: 'login', startedMs: nowMs });
    return number;
  }

  /** The step before is done; after the logout the task is gone. */
  proceed(number: number): void {
    const task = this.tasks.get(number);
    assert(task !== undefined, 'only a task that is there proceeds');
    const step = TASK_STEPS[TASK_STEPS.indexOf(task.step) + 1];
    if (step === undefined) this.tasks.delete(number);
    else this.tasks.set(number, { ...task, step });
  }

  /** In whatever step: refused, failed, or its worker has ended. One that is gone stays gone. */
  end(number: number): void {
    this.tasks.delete(number);
  }

  ofPort(port: PortId): readonly PortTask[] {
    return this.list.filter((task) => task.port === port);
  }

  /** Initiator tasks of each port that has one: backups that go through it already. */
  backups(): ReadonlyMap<PortId, number> {
    const counts = PORT_IDS.map((port): [PortId, number] => [
      port,
      this.ofPort(port).filter(({ kind }) => kind === 'initiator').length,
    ]);
    return new Map(counts.filter(([, count]) => count > 0));
  }
}
