/**
 * The states of a session (backup-device.ts), the same for every kind of device. A device says how
 * a medium is taken, opened and measured.
 */
import { statfsSync } from 'node:fs';
import { assert } from '../base/assert.js';
import type { Capacity, SessionOf } from './backup-device.js';
import { DeviceError, withDeviceErrors } from './device-error.js';
import { type Attempt, type OwnerLock, tryLock } from './owner-lock.js';

interface Closable {
  close(): void;
}

export abstract class SessionBase<Medium extends Closable> implements SessionOf<Medium> {
  private medium: string | undefined;
  private lock: OwnerLock | undefined;
  private opened: Medium | undefined;
  private loggedOut = false;

  constructor(
    readonly initiator: string,
    private readonly attempt: Attempt | undefined,
  ) {}

  /** Exclusive use of a medium; throws where it cannot be had. */
  protected abstract take(medium: string): OwnerLock;
  protected abstract open(medium: string, mode: 'read' | 'write'): Medium;
  protected abstract measure(medium: string): Capacity;
  /** What is held besides the medium. */
  protected giveBack(): void {}

  get reserved(): string | undefined {
    return this.medium;
  }

  get loaded(): Medium {
    if (this.opened === undefined) throw new DeviceError('unloaded', 'no medium is loaded');
    return this.opened;
  }

  reserve(medium: string): void {
    assert(!this.loggedOut, 'a session that is logged out reserves nothing');
    const hadOne = this.medium !== undefined;
    this.leaveMedium();
    try {
      this.lock = withDeviceErrors(() => this.take(medium));
      this.medium = medium;
    } catch (error) {
      if (!hadOne) this.release();
      throw error;
    }
  }

  load(mode: 'read' | 'write'): Medium {
    const medium = this.reservedName();
    this.unload();
    this.opened = withDeviceErrors(() => this.open(medium, mode));
    return this.opened;
  }

  capacity(): Capacity {
    const medium = this.reservedName();
    return withDeviceErrors(() => this.measure(medium));
  }

  unload(): void {
    this.opened?.close();
    this.opened = undefined;
  }

  release(): void {
    this.leaveMedium();
    this.giveBack();
  }

  logout(): void {
    this.release();
    this.loggedOut = true;
  }

  /** The lock `path`, else `busy` with the holder. `what`: the name for people. */
  protected lockOrBusy(path: string, what: string): OwnerLock {
    return lockOrBusy(path, this.initiator, what, this.attempt);
  }

  private reservedName(): string {
    assert(this.medium !== undefined, 'a medium is reserved before it is used');
    return this.medium;
  }

  private leaveMedium(): void {
    this.unload();
    this.lock?.release();
    this.lock = undefined;
    this.medium = undefined;
  }
}

/** `refused` where a device that lists its initiators does not list this one. */
export function checkAdmitted(
  device: string,
  admits: readonly string[] | undefined,
  initiator: string,
): void {
  if (admits === undefined || admits.includes(initiator)) return;
  throw new DeviceError('refused', `initiator ${initiator} is not let in by ${device}`);
}

/** Of the file system of a directory or file, for this user. */
export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

/** The lock `path`, else `busy` with the holder. `what`: the name for people. */
export function lockOrBusy(
  path: string,
  initiator: string,
  what: string,
  attempt?: Attempt,
): OwnerLock {
  const taken = tryLock(path, initiator, attempt);
  if (taken.isHeld) return taken.lock;
  throw new DeviceError('busy', `${what} is reserved by ${taken.holder}`);
}
