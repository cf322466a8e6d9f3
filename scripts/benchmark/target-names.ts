/**
 * The targets by name. `arrayfs` is the main one: kernel transport, first container, default page cache
 * policy. Its variants differ from it in one thing.
 */

export const CONTAINERS = ['lmdb', 'file'] as const;
export const PAGE_CACHE_POLICIES = ['none', 'kernel'] as const;

export const MAIN_TARGET = 'arrayfs';

const [, ...OTHER_CONTAINERS] = CONTAINERS;
export const CONTAINER_TARGETS = OTHER_CONTAINERS.map((name) => `${MAIN_TARGET}-${name}`);
export const POLICY_TARGETS = PAGE_CACHE_POLICIES.map((name) => `${MAIN_TARGET}-cache-${name}`);

/** For rows that show the way through the kernel. */
export const TRANSPORT_TARGETS: readonly string[] = [
  ...[MAIN_TARGET, 'arrayfs-native', ...CONTAINER_TARGETS],
  ...['qemu', 'null', 'null-native'],
];

/** For rows that show the store: the transport makes no difference there. */
export const STORE_TARGETS: readonly string[] = [MAIN_TARGET, ...CONTAINER_TARGETS, 'qemu'];

/** For rows on a file system in an image; `plain` is an ordinary file in its place. */
export const FILE_SYSTEM_TARGETS: readonly string[] = [
  ...[MAIN_TARGET, ...POLICY_TARGETS, 'arrayfs-native', ...CONTAINER_TARGETS],
  ...['qemu', 'plain'],
];

/** For what only an array does. */
export const ARRAY_TARGETS: readonly string[] = [MAIN_TARGET, ...CONTAINER_TARGETS];

export const TARGET_NAMES: readonly string[] = [
  ...new Set([...TRANSPORT_TARGETS, ...STORE_TARGETS, ...FILE_SYSTEM_TARGETS]),
];

/** Of a run with --quick: those of the table of goals. */
export const QUICK_TARGETS: readonly string[] = [...STORE_TARGETS, 'null'];

/** The do-nothing file system on the transport of an arrayfs target. */
export function limitOf(target: string): string | undefined {
  if (!target.startsWith(MAIN_TARGET)) return undefined;
  return target === 'arrayfs-native' ? 'null-native' : 'null';
}
