/**
 * The calling thread as the system knows it (Linux, proc(5)): Node has no call for it. Without /proc, as on
 * macOS, threads cannot be told apart.
 */
import { readlinkSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/** Worse by so much than the threads that serve hosts: a third of their share where both want a processor. */
const BACKGROUND_NICE = 5;
const NICE_MAX = 19;

export interface ThreadId {
  readonly pid: number;
  /** The main thread has that of the process. */
  readonly task: number;
}

export function ownThread(): ThreadId | undefined {
  try {
    // The link is read by the thread that asks, so it names that thread.
    const [pid, task] = readlinkSync('/proc/thread-self').match(/\d+/g)?.map(Number) ?? [];
    return pid === undefined || task === undefined ? undefined : { pid, task };
  } catch {
    return undefined;
  }
}

/** The calling thread leaves the processor to those that serve hosts (setpriority(2): on Linux, of a thread). */
export function workInBackground(): void {
  const thread = ownThread();
  if (thread === undefined) return;
  setPriority(thread.task, Math.min(NICE_MAX, getPriority(thread.task) + BACKGROUND_NICE));
}
