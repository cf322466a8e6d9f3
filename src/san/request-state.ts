/**
 * The states of a request in shared memory and what changes them, as data. `afterRequestEvent` looks things up here;
 * src/README shows the same table.
 *
 *    free -> filling -> placed -> searching -> transferring -> ended -> free
 *                         ^           |              |
 *                         +-----------+--------------+   none found here; let go; its microprocessor is lost
 */

/** In the order of their numbers in shared memory. */
export const REQUEST_STATES = [
  'free',
  /** The target job writes payload and table. */
  'filling',
  /** Its bitmap table is there: microprocessors that poll see it. */
  'placed',
  /** A microprocessor, its holder, searches the device. */
  'searching',
  /** The holder is logged in and moves data. */
  'transferring',
  /** The target job takes the outcome. */
  'ended',
] as const;
export type RequestState = (typeof REQUEST_STATES)[number];

export const REQUEST_EVENTS = [
  'reserve',
  'place',
  'claim',
  /** The device answers at a port. */
  'found',
  /** It does at none of the holder's ports, and the table has others. */
  'not-found',
  /** Nobody may search any more. */
  'exhausted',
  /** The holder gives the transfer up for another port. */
  'let-go',
  /** The holder's worker has ended, or its lease in a search is over. */
  'holder-lost',
  /** The holder is done with it: copied, failed or cancelled. */
  'end',
  /** The target job withdraws it. */
  'cancel',
  'collect',
] as const;
export type RequestEvent = (typeof REQUEST_EVENTS)[number];

/** What is missing cannot happen. */
export const REQUEST_TABLE: Readonly<
  Record<RequestState, { readonly [E in RequestEvent]?: RequestState }>
> = {
  free: { reserve: 'filling' },
  filling: { place: 'placed' },
  placed: { claim: 'searching', exhausted: 'ended', cancel: 'ended' },
  searching: {
    found: 'transferring',
    'not-found': 'placed',
    exhausted: 'ended',
    'holder-lost': 'placed',
    end: 'ended',
  },
  transferring: { 'let-go': 'placed', 'holder-lost': 'placed', end: 'ended' },
  ended: { collect: 'free' },
};

/** The next state; undefined where the event does not fit, because another was faster. */
export function afterRequestEvent(
  state: RequestState,
  event: RequestEvent,
): RequestState | undefined {
  return REQUEST_TABLE[state][event];
}

/** Numbers in shared memory, from 1; 0 in a request that has not ended. */
export const OUTCOMES = [
  'done',
  /** The report says why. */
  'failed',
  'cancelled',
  /** The results of the ports say why. */
  'unreachable',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What the target job wants of the holder, which looks between two chunks; numbers in shared memory. */
export const WISHES = ['none', 'let-go', 'end'] as const;
export type Wish = (typeof WISHES)[number];
