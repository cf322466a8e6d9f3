/**
 * Waits for errands of the backup manager, with a progress bar on a terminal. Ctrl-C asks the server to cancel and goes
 * on waiting for the end; a second one leaves at once. A server that goes away meanwhile is waited for.
 */

import type { ErrandView } from '../backup/api.js';
import { ERRANDS, type ErrandKind, type ErrandOutput } from '../backup/errands.js';
import { ServerAwayError } from '../backup/http-client.js';
import type { ServerClient } from '../backup/server-client.js';
import { type Clock, sleep, systemClock } from '../base/clock.js';
import { ArrayError, ERROR_TABLE, type ErrorCode } from '../base/errors.js';
import { EXIT_FAILED, note } from './output.js';
import { ProgressBar } from './progress-bar.js';

/** One look lasts so long where nothing changes. */
const LOOK_MS = 10_000;
/** Then a client that has not begun is looked for. */
const FIRST_LOOK_MS = 2_000;
/** A server that restarts is back by then. */
const AWAY_MS_MAX = 120_000;
const AWAY_LOOK_MS = 500;

export interface WaitedErrand {
  readonly errand: ErrandView;
  /** Before the bar. */
  readonly label: string;
  /** What Ctrl-C does; default: cancels the errand. */
  readonly cancel?: () => Promise<void>;
}

/** What came of it, checked; an ArrayError where it has failed or was cancelled. */
export async function outcome<K extends ErrandKind>(
  server: ServerClient,
  kind: K,
  waited: WaitedErrand,
): Promise<ErrandOutput<K>> {
  const view = await endOf(server, waited);
  if (view.state === 'cancelled') throw new ArrayError('EINTR', `${waited.label} was cancelled`);
  if (view.state === 'failed') throw failureOf(view, waited.label);
  const parsed = ERRANDS[kind].output.safeParse(view.output);
  if (!parsed.success) throw new ArrayError('EIO', `errand ${view.id} ended without a result`);
  return parsed.data as ErrandOutput<K>;
}

function failureOf({ failure }: ErrandView, label: string): ArrayError {
  if (failure === null) return new ArrayError('EIO', `${label} failed`);
  const code = failure.error in ERROR_TABLE ? (failure.error as ErrorCode) : 'EIO';
  return new ArrayError(code, failure.reason);
}

/** The errand when it is over, however it ended. */
export async function endOf(server: ServerClient, waited: WaitedErrand): Promise<ErrandView> {
  const display = new StepDisplay(waited.label);
  const cancel = waited.cancel ?? (() => server.cancelErrand(waited.errand.id));
  const interrupted = () => display.interrupt(cancel);
  process.on('SIGINT', interrupted);
  try {
    let view = waited.errand;
    for (let isFirst = true; !isOver(view); isFirst = false) {
      display.show(view);
      if (!isFirst && view.state === 'waiting') await display.explain(server, view.client);
      view = await nextView(server, view, isFirst ? FIRST_LOOK_MS : LOOK_MS);
    }
    return view;
  } finally {
    process.off('SIGINT', interrupted);
    display.end();
  }
}

function isOver({ state }: ErrandView): boolean {
  return state !== 'waiting' && state !== 'running';
}

async function nextView(server: ServerClient, view: ErrandView, ms: number): Promise<ErrandView> {
  const look = () => server.errand(view.id, { after: view.revision, ms });
  return patiently(look, systemClock);
}

/** Asks again while the server is away, but not for ever. */
async function patiently<T>(ask: () => Promise<T>, clock: Clock): Promise<T> {
  let awaySinceMs: number | undefined;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ServerAwayError)) throw error;
      const nowMs = clock.monotonicMs();
      if (awaySinceMs === undefined) note(`${error.reason}; waiting for it`);
      awaySinceMs ??= nowMs;
      if (nowMs - awaySinceMs > AWAY_MS_MAX) throw error;
      await sleep(AWAY_LOOK_MS);
    }
  }
}

/** The bar of the step that is going on, and the remarks beside it. */
class StepDisplay {
  private step = '';
  private bar: ProgressBar;
  private isExplained = false;
  private isCancelled = false;

  constructor(private readonly label: string) {
    this.bar = new ProgressBar(label, systemClock);
  }

  show({ progress }: ErrandView): void {
    const step = [this.label, progress?.text || progress?.step].filter((part) => part).join(': ');
    if (step !== this.step) {
      this.end();
      this.bar = new ProgressBar(step, systemClock);
      this.step = step;
    }
    this.bar.update(progress ?? { done: 0, total: 0, unit: 'pieces' });
  }

  /** Said once. */
  async explain(server: ServerClient, client: string): Promise<void> {
    if (this.isExplained) return;
    const row = (await server.clients()).find(({ name }) => name === client);
    this.isExplained = true;
    if (row?.isConnected === true) return;
    this.remark(`client ${client} is not connected: waiting for it; Ctrl-C cancels`);
  }

  interrupt(cancel: () => Promise<void>): void {
    if (this.isCancelled) {
      this.end();
      process.exit(EXIT_FAILED);
    }
    this.isCancelled = true;
    this.remark('cancelling; Ctrl-C again does not wait for its end');
    cancel().catch((error: unknown) => this.remark(`cannot cancel: ${textOf(error)}`));
  }

  end(): void {
    this.bar.end();
  }

  private remark(text: string): void {
    this.end();
    note(text);
  }
}

function textOf(error: unknown): string {
  if (error instanceof ArrayError) return error.reason;
  return error instanceof Error ? error.message : String(error);
}
