/**
 * Tries each target once, before anything is measured: what a program refuses, such as an option that
 * this version does not have, is told at once and shown as not measured.
 */
import type { MeasureOptions } from './options.js';
import { type AskedKind, type BenchRun, makeTarget, messageOf } from './suite.js';
import type { TargetKind } from './target.js';
import { TARGET_KINDS } from './targets.js';

const PROBE_BYTES = 16 * 2 ** 20;

export async function probeTargets(
  place: Omit<BenchRun, 'kinds' | 'save'>,
  options: MeasureOptions,
): Promise<AskedKind[]> {
  const asked = TARGET_KINDS.filter(
    (kind) =>
      options.targets.includes(kind.name) &&
      options.rows.some((row) => row.targets.includes(kind.name)),
  );
  const results: AskedKind[] = [];
  for (const kind of asked) results.push({ kind, problem: await problemOf(place, kind) });
  return results;
}

async function problemOf(
  place: Omit<BenchRun, 'kinds' | 'save'>,
  kind: TargetKind,
): Promise<string | undefined> {
  const missing = kind.unavailable?.();
  if (missing !== undefined) return missing;
  const made = makeTarget(place, kind, PROBE_BYTES);
  try {
    await made.target.start();
    await made.target.stop();
    return undefined;
  } catch (error) {
    return `does not start: ${messageOf(error).split('\n')[0]}`;
  } finally {
    made.discard();
  }
}
