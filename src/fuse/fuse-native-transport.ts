/**
 * The transport over libfuse 2.9, for users who are not root and for macOS. Its facts and limits are in
 * native-notes/fuse-native.md. It is not told of an unmount from outside, so it watches the mount
 * table; the mount is known by its id there, never by its path alone.
 */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { type Clock, systemClock, type Timer } from '../base/clock.js';
import { ArrayError, asArrayError } from '../base/errors.js';
import { findMount, type MountEntry, mountAt, readMountTable } from '../host/mount-table.js';
import { resolveOutside } from '../host/outside-path.js';
import {
  findFusermount,
  removeDeadMount,
  type UnmountOptions,
  unmountPath,
} from '../host/unmount.js';
import { FUSE_DEVICE, openDeviceHandles, ownHandles } from './device-handles.js';
import type { FileTree } from './file-tree.js';
import { type FuseConstructor, loadFuseNative } from './fuse-native-library.js';
import { fuseNativeOperations } from './fuse-native-operations.js';
import { FuseNativePaths } from './fuse-native-paths.js';
import { repairUtimens } from './fuse-native-times.js';
import { OpenFileTable } from './open-file-table.js';
import type { MountEnd, MountedTree, MountOptions, Transport } from './transport.js';

const FUSE_CONFIGURATION = '/etc/fuse.conf';
/** How often the mount table is looked at. */
const WATCH_MS = 250;
/** How often a mount that has left the table is asked whether it is idle. */
const DRAIN_MS = 20;
/** Largest request libfuse 2.9 takes. */
const REQUEST_BYTES_MAX = 128 * 1024;
const SOURCE_NAME = /^[A-Za-z0-9._-]+$/;

export interface FuseNativeParts {
  readonly clock?: Clock;
  /** Told of exceptions of the tree that are no operating errors. */
  readonly onBug?: (error: unknown) => void;
}

export class FuseNativeTransport implements Transport {
  readonly name = 'fuse-native';

  constructor(private readonly parts: FuseNativeParts = {}) {}

  unavailable(options: MountOptions): string | undefined {
    return cacheProblem(options) ?? deviceProblem() ?? userProblem(options) ?? libraryProblem();
  }

  async mount(tree: FileTree, options: MountOptions): Promise<MountedTree> {
    const problem = this.unavailable(options);
    if (problem !== undefined) throw new ArrayError('ENODEV', problem);
    const mountPoint = resolveOutside(options.mountPoint, readMountTable());
    const mount = new FuseNativeMount(tree, { ...options, mountPoint }, this.parts);
    await mount.start(loadFuseNative());
    return mount;
  }
}

/** libfuse 2.9 has no way to tell the kernel that an image has changed. */
function cacheProblem({ pageCache = 'none' }: MountOptions): string | undefined {
  if (pageCache === 'none') return undefined;
  return `fuse-native cannot do --cache ${pageCache}: that needs the kernel transport (Linux, root)`;
}

function deviceProblem(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  if (!existsSync(FUSE_DEVICE)) {
    return `${FUSE_DEVICE} does not exist: load the module with modprobe fuse, or give the container the device`;
  }
  try {
    accessSync(FUSE_DEVICE, constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return `${FUSE_DEVICE} may not be opened by this user: it should have mode 0666`;
  }
}

function userProblem(options: MountOptions): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() === 0) return undefined;
  if (findFusermount() === undefined) {
    return 'fusermount is missing, which users other than root need to mount: install fuse3';
  }
  if (options.allowOther && !userMayAllowOther()) {
    return `--allow-other needs the line user_allow_other in ${FUSE_CONFIGURATION}`;
  }
  return undefined;
}

function userMayAllowOther(): boolean {
  try {
    return /^\s*user_allow_other\s*$/m.test(readFileSync(FUSE_CONFIGURATION, 'utf8'));
  } catch {
    return false;
  }
}

function libraryProblem(): string | undefined {
  try {
    loadFuseNative();
    return undefined;
  } catch (error) {
    return asArrayError(error).reason;
  }
}

class FuseNativeMount implements MountedTree {
  readonly ended: Promise<MountEnd>;
  private readonly clock: Clock;
  private readonly files = new OpenFileTable();
  private readonly pending = { count: 0 };
  private readonly onBug: (error: unknown) => void;
  private resolveEnded: (end: MountEnd) => void = () => {};
  private end: MountEnd = 'unmounted';
  private entry: MountEntry | undefined;
  /** Whether an open descriptor of /dev/fuse is this mount's; undefined where that cannot be told. */
  private isOwnHandle: ((name: string) => boolean) | undefined;
  private timer: Timer | undefined;
  private hasLeft = false;
  /** The kernel finds nothing in use then: files still in the table were closed, unheard of so far. */
  private isUnmounting = false;
  private isFinishing = false;

  constructor(
    private readonly tree: FileTree,
    private readonly options: MountOptions,
    parts: FuseNativeParts,
  ) {
    this.clock = parts.clock ?? systemClock;
    this.onBug = parts.onBug ?? (() => {});
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve;
    });
  }

  openFileCount(): number {
    return this.files.size;
  }

  async start(Fuse: FuseConstructor): Promise<void> {
    const operations = fuseNativeOperations({
      tree: this.tree,
      paths: new FuseNativePaths(this.tree),
      files: this.files,
      pending: this.pending,
      onBug: this.onBug,
    });
    const fuse = new Fuse(this.options.mountPoint, operations, {
      fsname: mountOptionText(this.options),
      timeout: false,
    });
    repairUtimens(fuse._handlers);
    KEPT_MOUNTS.add(fuse);
    const before = new Set(openDeviceHandles());
    await new Promise<void>((resolve, reject) => {
      fuse.open((error) => {
        if (error) reject(new ArrayError('EIO', `libfuse could not mount: ${error.message}`));
        else resolve();
      });
    });
    this.entry = mountAt(this.options.mountPoint, readMountTable());
    this.isOwnHandle = ownHandles(this.entry, before);
    this.watch();
  }

  async unmount(): Promise<void> {
    await this.leave({ lazy: false });
  }

  async detach(): Promise<void> {
    await this.leave({ lazy: true });
  }

  private async leave(options: UnmountOptions): Promise<void> {
    if (this.hasLeft) return;
    this.isUnmounting = !options.lazy;
    try {
      await unmountPath(this.options.mountPoint, options);
    } catch (error) {
      this.isUnmounting = false;
      throw error;
    }
    // Where there is no table to watch (macOS), the command's success is all there is to know.
    if (process.platform !== 'linux') this.hasLeft = true;
    this.look();
  }

  private watch(): void {
    this.timer = this.clock.after(this.hasLeft ? DRAIN_MS : WATCH_MS, () => this.look());
  }

  /** Sees whether the mount is still there, and once it is not, whether it is idle. */
  private look(): void {
    this.timer?.cancel();
    if (!this.hasLeft && process.platform === 'linux') this.noticeEnd();
    if (this.hasLeft && this.isIdle()) void this.finish();
    else this.watch();
  }

  private noticeEnd(): void {
    const isDisconnected = this.isDisconnected();
    if (!isDisconnected && this.isInTable()) return;
    this.hasLeft = true;
    const isInUse = this.files.size > 0 && !isDisconnected && !this.isUnmounting;
    this.end = isInUse ? 'detached' : 'unmounted';
  }

  private isInTable(): boolean {
    return findMount(this.entry, readMountTable()) !== undefined;
  }

  /** A connection the kernel has ended brings no release any more for what is still open. */
  private isIdle(): boolean {
    return this.pending.count === 0 && (this.files.size === 0 || this.isDisconnected());
  }

  /** libfuse closes its descriptor of /dev/fuse when the kernel has ended the connection. */
  private isDisconnected(): boolean {
    const { isOwnHandle } = this;
    return isOwnHandle !== undefined && !openDeviceHandles().some(isOwnHandle);
  }

  private async finish(): Promise<void> {
    if (this.isFinishing) return;
    this.isFinishing = true;
    // An aborted connection leaves a dead mount behind.
    await removeDeadMount(this.entry).catch(this.onBug);
    for (const handle of this.files.handles()) {
      try {
        await this.files.remove(handle).close();
      } catch (error) {
        this.onBug(error);
      }
    }
    this.resolveEnded(this.end);
  }
}

/** The addon's memory is owned by these objects and used by threads that never end. */
const KEPT_MOUNTS = new Set<unknown>();

/** Everything is passed behind `fsname=`: the package knows few options and drops a timeout of 0. */
function mountOptionText({ sourceName, readOnly, allowOther }: MountOptions): string {
  if (!SOURCE_NAME.test(sourceName)) {
    throw new ArrayError('EINVAL', `not a mount source: ${sourceName}`);
  }
  const linuxOnly = ['subtype=arrayfs', 'big_writes', `max_write=${REQUEST_BYTES_MAX}`];
  return [
    sourceName,
    'default_permissions',
    'direct_io',
    'use_ino',
    'atomic_o_trunc',
    'attr_timeout=0',
    'entry_timeout=0',
    `max_read=${REQUEST_BYTES_MAX}`,
    ...(process.platform === 'linux' ? linuxOnly : []),
    ...(readOnly ? ['ro'] : []),
    ...(allowOther ? ['allow_other'] : []),
  ].join(',');
}

/** Descriptors of /dev/fuse in this process, as numbers; none where there is no /proc. */
