/**
 * The transport contract: mounts a file tree at a directory and carries requests to it. A transport
 * that is not told of an unmount from outside watches the mount table; whoever ends the mount, the
 * `ended` promise resolves once and no call reaches the tree after it.
 */
import type { PageCachePolicy } from '../host/daemon-options.js';
import type { FileTree } from './file-tree.js';

export interface MountOptions {
  /** Absolute path of an existing empty directory. */
  readonly mountPoint: string;
  /** Shown as the mount's source in /proc/self/mountinfo. */
  readonly sourceName: string;
  readonly readOnly: boolean;
  /** Lets other users in, as far as permission bits allow. */
  readonly allowOther: boolean;
  /**
   * Images in the host's page cache: `none` (the default) passes every read and write on, `kernel` keeps
   * pages until the array itself changes the image.
   */
  readonly pageCache?: PageCachePolicy;
}

/** Why a mount ended. */
export type MountEnd = 'unmounted' | 'detached';

export interface MountedTree {
  /** Resolves when the mount, also a dead one, has left the mount table and no request is under way. */
  readonly ended: Promise<MountEnd>;
  /** Files open through the mount now. */
  openFileCount(): number;
  /** Ordinary unmount: EBUSY while in use, and the mount goes on serving. */
  unmount(): Promise<void>;
  /** Lazy unmount: leaves the name space at once, serves open files until the last is closed. */
  detach(): Promise<void>;
}

export interface Transport {
  readonly name: string;
  /** Why this transport cannot work here, one line a user can act on; undefined where it can. */
  unavailable(options: MountOptions): string | undefined;
  /** Mounts and resolves when the first request has been answered. */
  mount(tree: FileTree, options: MountOptions): Promise<MountedTree>;
}
