/** Waiting for an array whose daemon has died, for a time: it may be mounted again soon. */
import type { ErrandContext, KnownArray } from './errand-handler.js';
import { pauseUnlessAborted } from './until-answered.js';

/** The post command of a backup must run some time; what is left as it is then is found by the next rescan. */
export const AWAY_MS_MAX = 60_000;
const LOOK_MS = 100;

/** Undefined where the signal is aborted, or `isOver` says so of the time waited. `onWait` is called before each pause. */
export async function untilMounted(
  wanted: string,
  context: ErrandContext,
  isOver: (waitedMs: number) => boolean,
  onWait: () => void = () => {},
): Promise<KnownArray | undefined> {
  const { clock, signal } = context;
  const startMs = clock.monotonicMs();
  for (;;) {
    const array = (await context.arrays()).find(({ uuid }) => uuid === wanted);
    if (array !== undefined) return array;
    if (signal.aborted || isOver(clock.monotonicMs() - startMs)) return undefined;
    onWait();
    await pauseUnlessAborted(clock, LOOK_MS, signal);
  }
}
