/**
 * The steps of a backup ([004] figs. 9, 10, 17, 18) as a table. A client that was killed goes on by the same table: what it
 * was at has ended by the event `crashed`. Whatever happens, file systems are thawed, the post command runs, and an image
 * that is not kept is removed, in this order.
 *
 *   step      what is done                                                   done      failed    crashed
 *   prepare   sources; what a secondary holds is removed, and it is resynced pre       post      again
 *   pre       the pre command                                                freeze    post      failed: post
 *   freeze    file systems synced and frozen                                 take      thaw      failed: thaw
 *   take      snapshots or splits of one instant, with their sectors         thaw      thaw      again; frozen: failed, thaw
 *   thaw      file systems thawed, before their time is up                   seal      post      failed: thaw
 *   seal      SHA-256 and end of the image into its sector                   catalog   post      again
 *   catalog   the entries of all images at once                              copy      post      again
 *   copy      to the second medium, and the entries of these copies          post      post      again
 *   post      the post command                                               undo      undo      again
 *   undo      images that are not kept are removed                           resync    resync    again
 *   resync    pairs mirror again                                             the end   the end   again
 *
 * A step that the definition has no need of is passed over; so are, when the backup has failed, all but thaw, post, undo
 * and resync. The first failure is the reason of the run.
 */

/** In their order. */
export const BACKUP_STEPS = [
  ...(['prepare', 'pre', 'freeze', 'take', 'thaw', 'seal', 'catalog', 'copy', 'post'] as const),
  ...(['undo', 'resync'] as const),
] as const;

export type BackupStep = (typeof BACKUP_STEPS)[number];
export type BackupEnd = 'complete' | 'failed';

/** What a definition asks for. */
export interface BackupPlan {
  readonly hasPre: boolean;
  readonly hasPost: boolean;
  readonly isFrozen: boolean;
  readonly hasCopy: boolean;
  /** The first image stays, and is in the catalog. */
  readonly isKept: boolean;
  readonly isMirror: boolean;
  /** The pairs of a mirror are resynchronised at the end of a good run. */
  readonly resyncAfter: boolean;
}

export interface BackupFailure {
  readonly error: string;
  readonly reason: string;
}

/** JSON: noted before each step. */
export interface BackupState {
  readonly at: BackupStep | BackupEnd;
  readonly failure: BackupFailure | null;
  /** The first image is in the catalog: a later failure does not remove it. */
  readonly isSafe: boolean;
}

export type BackupEvent =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly failure: BackupFailure }
  /** The client was killed in the step. */
  | { readonly kind: 'crashed' };

export const FIRST_STATE: BackupState = { at: 'prepare', failure: null, isSafe: false };

/** Where a failure of each step leads. */
const AFTER_FAILURE: Readonly<Record<BackupStep, BackupStep>> = {
  prepare: 'post',
  pre: 'post',
  freeze: 'thaw',
  take: 'thaw',
  thaw: 'post',
  seal: 'post',
  catalog: 'post',
  copy: 'post',
  post: 'undo',
  undo: 'resync',
  resync: 'resync',
};

/** The state after `event` in `state.at`; an end stays. */
export function next(plan: BackupPlan, state: BackupState, event: BackupEvent): BackupState {
  const step = state.at;
  if (step === 'complete' || step === 'failed') return state;
  switch (event.kind) {
    case 'done': {
      const isSafe = state.isSafe || step === 'catalog';
      return enter(plan, { ...state, isSafe }, BACKUP_STEPS.indexOf(step) + 1);
    }
    case 'failed': {
      const failed = { ...state, failure: state.failure ?? event.failure };
      // The last step fails into the end.
      const place =
        step === 'resync' ? BACKUP_STEPS.length : BACKUP_STEPS.indexOf(AFTER_FAILURE[step]);
      return enter(plan, failed, place);
    }
    case 'crashed':
      return afterCrash(plan, state, step);
  }
}

/**
 * Nobody knows how far a command came, or whether the image was taken while all was frozen; everything else looks at what
 * is there and goes on.
 */
function afterCrash(plan: BackupPlan, state: BackupState, step: BackupStep): BackupState {
  const reason = `the backup client was ended in the step ${step}`;
  const failed = { ...state, failure: state.failure ?? { error: 'EINTR', reason } };
  if (step === 'pre') return enter(plan, failed, BACKUP_STEPS.indexOf('post'));
  const isOfFreeze = plan.isFrozen && ['freeze', 'take', 'thaw'].includes(step);
  return isOfFreeze ? { ...failed, at: 'thaw' } : state;
}

/** The first step from `place` on that is needed. */
function enter(plan: BackupPlan, state: BackupState, place: number): BackupState {
  const at = BACKUP_STEPS.slice(place).find((step) => isNeeded(plan, state, step));
  return { ...state, at: at ?? (state.failure === null ? 'complete' : 'failed') };
}

function isNeeded(plan: BackupPlan, { failure, isSafe }: BackupState, step: BackupStep): boolean {
  const isGood = failure === null;
  switch (step) {
    case 'pre':
      return isGood && plan.hasPre;
    case 'freeze':
      return isGood && plan.isFrozen;
    case 'thaw':
      return plan.isFrozen;
    case 'catalog':
      return isGood && plan.isKept;
    case 'copy':
      return isGood && plan.hasCopy;
    case 'post':
      return plan.hasPost;
    case 'undo':
      return !isSafe;
    case 'resync':
      // A pair that was split for nothing mirrors again, too.
      return plan.isMirror && !isSafe && (plan.resyncAfter || !isGood);
    default:
      return isGood;
  }
}
