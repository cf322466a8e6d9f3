/** A pair after a mount: what a crash left between its two pools is brought to an end, and copying goes on. */
import { afterEvent } from '../pair/pair-state.js';
import { stateRow } from '../pair/pair-states.js';
import type { PairRecord } from '../store/pair-records.js';
import type { Pair } from './pair.js';
import { setInfo } from './pair-info.js';

/** `onTarget` is the record in the pool of the side that is copied to; undefined where that is missing. */
export function restorePair(
  pair: Pair,
  onTarget: Pick<PairRecord, 'round' | 'state'> | undefined,
): void {
  if (onTarget === undefined || onTarget.round === pair.round) return;
  pair.catchUp(onTarget);
  const { context, state, target } = pair;
  if (state === 'split-pending' || state === 'finishing') {
    setInfo(context, target.volume, pair.instant);
  } else if (stateRow(state).copiesTo !== undefined) setInfo(context, target.volume, undefined);
}

/** The pool was put back from a copy made earlier: what differs cannot be known any more. */
export function distrust(pair: Pair, poolName: string): void {
  const { context, fields } = pair;
  const isPrimary = pair.primarySide.volume.poolName === poolName;
  const event = isPrimary ? 'primary-lost' : 'secondary-lost';
  const reason = `pool ${poolName} was put back from an older copy`;
  if (!context.readOnly) pair.event(event, reason);
  else Object.assign(fields, { state: afterEvent(pair.mode, pair.state, event).state, reason });
  pair.target.pending.setAll();
}

/**
 * In an array that is read-only nothing can be taken back: where `resumePair`, or the loss of the source, would roll the
 * target back, it is shown as it was kept.
 */
export function showKept(pair: Pair): void {
  const { kept, source, state, target } = pair;
  if (kept === undefined) return;
  const isHalf = stateRow(state).copiesTo !== undefined && target.pending.count > 0;
  if (state === 'suspended' || (isHalf && source === undefined)) target.volume.shownAs = kept;
}

/** Not in an array that is read-only. */
export function resumePair(pair: Pair): void {
  const { state, target } = pair;
  // Suspended in the middle of an update, before it could be taken back there.
  if (state === 'suspended' && pair.kept !== undefined) pair.rollBack(target);
  if (stateRow(state).copiesTo !== undefined) goOn(pair);
  if (pair.state !== 'simplex') pair.persist().catch(() => undefined);
}

function goOn(pair: Pair): void {
  const { state, target, sides } = pair;
  target.volume.condition.fail('');
  // Copying goes on, or says anew why it does not.
  if (pair.missingSide === undefined) pair.clearProblem();
  const isIdle = state === 'duplex' && pair.instant === undefined && pair.kept === undefined;
  // What is pending on a side that is lost is not known here.
  if (isIdle || target.volume.pool.isFailed) return;
  // All was copied, and is durable there; only the record did not say so yet.
  if (target.pending.count === 0) pair.equal();
  else if (!sides.some(({ volume }) => volume.pool.isFailed)) replaceLost(pair);
}

/** An instant may be gone with a record that was never stored, and the kept snapshot may not have been stored itself. */
function replaceLost(pair: Pair): void {
  const { state, target } = pair;
  if (state !== 'duplex' && pair.instant === undefined) pair.takeInstant();
  const isUndoable = state === 'duplex' || state === 'resync' || state === 'reverse-resync';
  if (isUndoable && pair.instant !== undefined && pair.kept === undefined) pair.keep(target);
}
