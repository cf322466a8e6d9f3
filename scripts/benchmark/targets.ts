/** How each target of target-names.ts is made. */
import { ArrayfsTarget } from './arrayfs-target.js';
import { commandVersion } from './commands.js';
import { NullTarget } from './null-target.js';
import { PlainTarget } from './plain-target.js';
import { QemuTarget } from './qemu-target.js';
import type { TargetKind } from './target.js';
import {
  containerTarget,
  MAIN_TARGET,
  OTHER_CONTAINERS,
  OTHER_POLICIES,
  policyTarget,
} from './target-names.js';

/** LMDB takes 20,992 bytes for a block of 16 KiB, and old blocks are reused a little later. */
const ARRAY_DISK_FACTOR = 1.5;
const KERNEL = ['--transport', 'kernel'];

function arrayfs(name: string, init: readonly string[], mount: readonly string[]): TargetKind {
  return {
    name,
    diskFactor: ARRAY_DISK_FACTOR,
    create: (place) => new ArrayfsTarget(name, place, { init, mount }),
  };
}

function doNothing(name: string, transport: 'kernel' | 'fuse-native'): TargetKind {
  return { name, diskFactor: 0, create: (place) => new NullTarget(name, place, transport) };
}

export const TARGET_KINDS: readonly TargetKind[] = [
  arrayfs(MAIN_TARGET, [], KERNEL),
  arrayfs('arrayfs-native', [], ['--transport', 'fuse-native']),
  ...OTHER_CONTAINERS.map((container) =>
    arrayfs(containerTarget(container), ['--blocks', container], KERNEL),
  ),
  ...OTHER_POLICIES.map((policy) =>
    arrayfs(policyTarget(policy), [], [...KERNEL, '--cache', policy]),
  ),
  {
    name: 'qemu',
    diskFactor: 1.05,
    create: (place) => new QemuTarget(place),
    unavailable: () =>
      commandVersion('qemu-storage-daemon', ['--version']) &&
      commandVersion('qemu-img', ['--version'])
        ? undefined
        : 'QEMU is missing (apt-get install qemu-utils qemu-system-common)',
  },
  doNothing('null', 'kernel'),
  doNothing('null-native', 'fuse-native'),
  { name: 'plain', diskFactor: 1, create: (place) => new PlainTarget(place) },
];
