/**
 * The volume information of a side that is copied to: a split carries that of the instant, whatever begins to overwrite
 * the side clears it. Changed together with the pair's record in the pool of that side, never before.
 */
import { stateRow } from '../pair/pair-states.js';
import type { PairEffect } from '../pair/pair-table.js';
import type { ArrayContext } from './array-context.js';
import type { Volume } from './copies.js';
import type { CopyView } from './disk-array.js';
import type { PairFacts } from './pair-facts.js';

/** What a transition that has begun to overwrite the target does to it; it also becomes whole again. */
export function noteOverwriting(
  { context, instant, state, target }: PairFacts,
  effects: readonly PairEffect[],
): void {
  if (stateRow(state).copiesTo === undefined) return;
  const { volume } = target;
  volume.condition.fail('');
  if (effects.includes('take-instant')) setInfo(context, volume, instant);
  else if (effects.some((effect) => effect.endsWith('-pending')))
    setInfo(context, volume, undefined);
}

/** The information goes over to the volume, or with undefined away; no event tells of it. */
export function setInfo(
  { watcher }: ArrayContext,
  volume: Volume,
  from: Pick<CopyView, 'info' | 'infoModified'> | undefined,
): void {
  if (from?.info === undefined && volume.info === undefined) return;
  volume.fields.info = from?.info && new Uint8Array(from.info);
  volume.fields.infoModified = from?.infoModified ?? false;
  volume.touch();
  watcher.infoChanged(volume);
}
