/**
 * The transport that speaks the kernel's FUSE protocol itself, on Linux as root. How requests travel:
 * pump thread -> ring -> event loop (kernel-server.ts) -> dispatcher -> operation -> tree, and the
 * reply goes back in one write. Its facts and figures are in native-notes/kernel-transport.md.
 */
import { accessSync, closeSync, constants } from 'node:fs';
import { type Clock, systemClock, type Timer } from '../base/clock.js';
import { ArrayError } from '../base/errors.js';
import { abortConnection, FUSE_DEVICE, mountFuse } from '../host/fuse-connection.js';
import { findMount, type MountEntry, mountAt, readMountTable } from '../host/mount-table.js';
import { resolveOutside } from '../host/outside-path.js';
import { removeDeadMount, type UnmountOptions, unmountPath } from '../host/unmount.js';
import type { FileTree } from './file-tree.js';
import { TRANSFER_BYTES_MAX } from './fuse-format.js';
import { KernelNotices } from './kernel-notices.js';
import { KernelServer } from './kernel-server.js';
import type { MountEnd, MountedTree, MountOptions, Transport } from './transport.js';

/**
 * The kernel ends the connection when the last copy of a mount goes. One in another mount name space
 * may outlive ours: that long after ours has gone and nothing is open, it is cut off.
 */
const WATCH_MS = 500;
const IDLE_LOOKS_MAX = 4;
const SOURCE_NAME = /^[A-Za-z0-9._-]+$/;

export interface KernelTransportParts {
  readonly clock?: Clock;
  /** Told of exceptions of the tree that are no operating errors, and of senseless requests. */
  readonly onBug?: (error: unknown) => void;
  /** Directory of the compiled thread programs, where they do not lie beside this file. */
  readonly programs?: URL;
}

export class KernelTransport implements Transport {
  readonly name = 'kernel';

  constructor(private readonly parts: KernelTransportParts = {}) {}

  unavailable(): string | undefined {
    if (process.platform !== 'linux') return 'only Linux has /dev/fuse';
    if (process.getuid?.() !== 0) return 'only root may mount without fusermount';
    try {
      accessSync(FUSE_DEVICE, constants.R_OK | constants.W_OK);
      return undefined;
    } catch {
      return `${FUSE_DEVICE} cannot be opened: load the module with modprobe fuse, or give the container the device`;
    }
  }

  async mount(tree: FileTree, options: MountOptions): Promise<MountedTree> {
    const problem = this.unavailable();
    if (problem !== undefined) throw new ArrayError('ENODEV', problem);
    if (!SOURCE_NAME.test(options.sourceName)) {
      throw new ArrayError('EINVAL', `not a mount source: ${options.sourceName}`);
    }
    const mountPoint = resolveOutside(options.mountPoint, readMountTable());
    const settings = { ...options, mountPoint, readBytesMax: TRANSFER_BYTES_MAX };
    const device = await mountFuse(settings);
    const {
      clock = systemClock,
      onBug = () => {},
      programs = new URL('.', import.meta.url),
    } = this.parts;
    const keepsPages = options.pageCache === 'kernel';
    const mount = new KernelMount(tree, mountPoint, device, {
      clock,
      onBug,
      programs,
      keepsPages,
    });
    await mount.start();
    return mount;
  }
}

class KernelMount implements MountedTree {
  readonly ended: Promise<MountEnd>;
  private readonly server: KernelServer;
  private readonly notices: KernelNotices;
  private readonly entry: MountEntry | undefined;
  private readonly onExit = () => this.cutOffAtExit();
  private end: MountEnd = 'unmounted';
  private hasLeft = false;
  /** The kernel finds nothing in use then: files still in the table were closed, unheard of so far. */
  private isUnmounting = false;
  private idleLooks = 0;
  private timer: Timer | undefined;

  constructor(
    tree: FileTree,
    private readonly mountPoint: string,
    private readonly device: number,
    private readonly parts: Required<KernelTransportParts> & { readonly keepsPages: boolean },
  ) {
    this.entry = mountAt(mountPoint, readMountTable());
    const onOver = () => this.notices.release();
    this.server = new KernelServer({ tree, device, onOver, ...parts });
    const { inodes, polls } = this.server.dispatcher.context;
    const onBroken = () => this.abort();
    this.notices = new KernelNotices({ inodes, polls, device, onBroken, ...parts });
    tree.watch?.(this.notices);
    this.ended = this.finish();
    process.on('exit', this.onExit);
    this.watch();
  }

  openFileCount(): number {
    return this.server.dispatcher.context.files.size;
  }

  /** Resolves when the kernel has got its first answer. */
  async start(): Promise<void> {
    try {
      await this.server.ready;
    } catch (error) {
      await this.ended;
      throw error;
    }
  }

  unmount(): Promise<void> {
    return this.leave({ lazy: false });
  }

  detach(): Promise<void> {
    return this.leave({ lazy: true });
  }

  private async leave(options: UnmountOptions): Promise<void> {
    if (this.hasLeft || !this.server.isReading) return;
    this.isUnmounting = !options.lazy;
    try {
      await unmountPath(this.mountPoint, options);
    } catch (error) {
      this.isUnmounting = false;
      throw error;
    }
    this.look();
  }

  private watch(): void {
    this.timer = this.parts.clock.after(WATCH_MS, () => this.look());
  }

  /** Sees that the mount has left the table, and that nothing but a copy of it is left. */
  private look(): void {
    this.timer?.cancel();
    if (!this.server.isReading) return;
    if (!this.hasLeft && !this.isInTable()) {
      this.hasLeft = true;
      this.end = this.openFileCount() > 0 && !this.isUnmounting ? 'detached' : 'unmounted';
    }
    this.idleLooks = this.hasLeft && this.openFileCount() === 0 ? this.idleLooks + 1 : 0;
    if (this.idleLooks > IDLE_LOOKS_MAX) this.abort();
    this.watch();
  }

  private isInTable(): boolean {
    return findMount(this.entry, readMountTable()) !== undefined;
  }

  private abort(): void {
    if (this.entry !== undefined) abortConnection(this.entry.device);
  }

  /** A process cannot end while its pump is inside a read, which only the kernel can end. */
  private cutOffAtExit(): void {
    if (this.server.isReading) this.abort();
  }

  /** After the connection is over, whoever ended it. */
  private async finish(): Promise<MountEnd> {
    const reason = await this.server.ended;
    this.timer?.cancel();
    process.off('exit', this.onExit);
    if (reason !== 'over') this.abort();
    await this.notices.end();
    await this.closeFiles();
    // An aborted connection leaves a dead mount behind.
    await removeDeadMount(this.entry).catch(this.parts.onBug);
    closeSync(this.device);
    return this.end;
  }

  /** Those whose last close the kernel had no time to tell. */
  private async closeFiles(): Promise<void> {
    const { files } = this.server.dispatcher.context;
    for (const handle of files.handles()) {
      try {
        await files.remove(handle).close();
      } catch (error) {
        this.parts.onBug(error);
      }
    }
  }
}
