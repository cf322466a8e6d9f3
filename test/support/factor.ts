/**
 * The one factor by which seeded counts scale: 1 in CI, 20 in `scripts/test --long`, any number in
 * ARRAYFS_TEST_FACTOR.
 */

const factor = Number(process.env.ARRAYFS_TEST_FACTOR ?? '1');
if (!(factor > 0)) throw new Error('ARRAYFS_TEST_FACTOR is not a positive number');

/** How often a test repeats what it repeats `base` times in CI; at least once. */
export function repeat(base: number): number {
  return Math.max(1, Math.round(base * factor));
}
