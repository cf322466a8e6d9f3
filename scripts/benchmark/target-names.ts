/**
 * The targets by name. `arrayfs` is the main one: kernel transport, otherwise the settings that `init` and
 * `mount` have by themselves. Its variants differ from it in one thing.
 */
import { DEFAULT_PAGE_CACHE, PAGE_CACHE_POLICIES } from '../../src/host/daemon-options.js';
import { BLOCK_CONTAINERS, DEFAULT_CONTAINER } from '../../src/store/container-kind.js';

export const MAIN_TARGET = 'arrayfs';

/** A target for each that is not the default. */
export const OTHER_CONTAINERS = BLOCK_CONTAINERS.filter((name) => name !== DEFAULT_CONTAINER);
export const OTHER_POLICIES = PAGE_CACHE_POLICIES.filter((name) => name !== DEFAULT_PAGE_CACHE);

export const containerTarget = (container: string) => `${MAIN_TARGET}-${container}`;
export const policyTarget = (policy: string) => `${MAIN_TARGET}-cache-${policy}`;

export const CONTAINER_TARGETS = OTHER_CONTAINERS.map(containerTarget);
const POLICY_TARGETS = OTHER_POLICIES.map(policyTarget);

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
