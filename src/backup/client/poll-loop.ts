/**
 * The client's talk with its server: who it is and what it has (hello), then errands, one long poll after the other. A
 * server that is away is waited for; one that refuses is asked again later, for its administrator may set that right.
 */
import type { Clock } from '../../base/clock.js';
import { type ArrayError, asArrayError } from '../../base/errors.js';
import type { Hello } from '../api.js';
import type { BackupLog } from '../backup-log.js';
import { ServerAwayError } from '../http-client.js';
import type { ServerClient } from '../server-client.js';
import type { ErrandRunner } from './errand-runner.js';
import { pauseUnlessAborted, untilAnswered } from './until-answered.js';

/** The server answers after this time though there is nothing to do; the arrays are looked at then. */
const POLL_WAIT_MS = 20_000;
const AWAY_PAUSE_MS = 500;
const REFUSED_PAUSE_MS = 5_000;

export interface PollShop {
  readonly clock: Clock;
  readonly server: ServerClient;
  readonly runner: ErrandRunner;
  readonly log: BackupLog;
  readonly stopping: AbortSignal;
  /** What the client has now. */
  hello(): Promise<Hello>;
  /** Changes when there is another hello to say. */
  state(): Promise<string>;
}

/** The first hello; a server that refuses it is thrown. Returns what the server says of itself. */
export function greet(shop: Omit<PollShop, 'runner'>): ReturnType<ServerClient['hello']> {
  const away = awayLog(shop.log);
  return untilAnswered(async () => shop.server.hello(await shop.hello()), {
    clock: shop.clock,
    signal: shop.stopping,
    onAway: away,
  });
}

/** Until the client stops. `greeted` is the state that the server knows. */
export async function pollErrands(shop: PollShop, greeted: string): Promise<void> {
  const { clock, log, stopping } = shop;
  const away = awayLog(log);
  let told = greeted;
  let refusal = '';
  while (!stopping.aborted) {
    try {
      const state = await shop.state();
      if (state !== told) {
        await shop.server.hello(await shop.hello());
        told = state;
      }
      await pollOnce(shop);
      refusal = '';
      away(undefined);
    } catch (error) {
      if (stopping.aborted) return;
      // A server that was begun anew knows nobody.
      told = '';
      const { reason } = asArrayError(error);
      if (error instanceof ServerAwayError) away(error);
      else if (reason !== refusal) log.error({ reason }, 'refused');
      refusal = reason;
      const isAway = error instanceof ServerAwayError;
      await pauseUnlessAborted(clock, isAway ? AWAY_PAUSE_MS : REFUSED_PAUSE_MS, stopping);
    }
  }
}

async function pollOnce({ server, runner, stopping }: PollShop): Promise<void> {
  const answer = await server.poll(runner.has(), POLL_WAIT_MS, stopping);
  for (const errand of answer.errands) await runner.accept(errand);
  for (const id of answer.cancelled) runner.cancel(id);
}

/** Tells once that the server is away, and once that it is back. */
function awayLog(log: BackupLog): (error: ArrayError | undefined) => void {
  let isAway = false;
  return (error) => {
    if (error !== undefined && !isAway)
      log.warn({ reason: error.reason }, 'waiting for the server');
    if (error === undefined && isAway) log.info({}, 'the server is back');
    isAway = error !== undefined;
  };
}
