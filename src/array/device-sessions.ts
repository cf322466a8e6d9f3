/**
 * The sessions of one parameter list at backup devices: each medium is reserved when a segment first needs it, loaded at its beginning, and
 * kept until the list has ended.
 */
import { basename } from 'node:path';
import { ArrayError } from '../base/errors.js';
import { searchError } from '../san/search-reasons.js';
import type { ArrayContext } from './array-context.js';
import type { BackupPath, DeviceSession } from './backup-path.js';
import { DeviceBlocks } from './device-blocks.js';
import { addressOf, DeviceWay, type WayEnd } from './device-way.js';
import type { CopyProgress } from './ecopy-contract.js';
import { StreamTarget } from './stream-target.js';

/** A medium as a target descriptor names it. */
export interface DeviceName extends WayEnd {
  /** 0 and 1 are the first medium; of a tape library the slot, else the place in the order of names. */
  readonly lun: number;
}

export type DeviceTarget = StreamTarget | DeviceBlocks;

interface Opened {
  readonly session: DeviceSession;
  readonly way: DeviceWay;
  readonly target: DeviceTarget;
  readonly isWritten: boolean;
}

export class DeviceSessions {
  private readonly opened = new Map<string, Promise<Opened>>();
  /** Also those that no device has answered yet. */
  private readonly sessions = new Set<DeviceSession>();
  private isCancelled = false;
  /** Of the session that was opened last. */
  private way: DeviceWay | undefined;

  constructor(
    private readonly context: ArrayContext,
    private readonly path: BackupPath,
    /** Number of the job. */
    private readonly number: number,
  ) {}

  /** The target, opened at its first use; what the search for it ends with is thrown. */
  async open(name: DeviceName, mode: 'read' | 'write'): Promise<DeviceTarget> {
    const key = `${name.device.name} ${name.lun}`;
    const known = this.opened.get(key) ?? this.begin(name, mode);
    this.opened.set(key, known);
    return (await known).target;
  }

  /** Undefined before the first device is reached. */
  get progress(): CopyProgress | undefined {
    return this.way?.progress;
  }

  /** All that was written is durable. */
  async sync(): Promise<void> {
    for (const opened of this.opened.values()) {
      const { session, isWritten } = await opened;
      if (isWritten) await session.run({ kind: 'sync' });
    }
  }

  cancel(): void {
    this.isCancelled = true;
    for (const session of this.sessions) session.cancel();
  }

  async close(): Promise<void> {
    for (const opened of await Promise.allSettled(this.opened.values())) {
      if (opened.status === 'rejected') continue;
      const { session, way } = opened.value;
      await session.close();
      way.close();
    }
  }

  private async begin(name: DeviceName, mode: 'read' | 'write'): Promise<Opened> {
    const medium = await this.mediumOf(name);
    const way = new DeviceWay(this.context, this.number, name);
    const session = way.follow(this.path.openSession({ ...way.request, medium, mode }));
    this.way = way;
    this.sessions.add(session);
    if (this.isCancelled) session.cancel();
    try {
      const { reply } = await session.run({ kind: 'inquire' });
      if (reply.kind !== 'inquiry') throw new ArrayError('EIO', 'a device did not say what it is');
      const { structure, sizeBytes } = reply.inquiry;
      const isStream = structure === 'stream';
      const target = isStream ? new StreamTarget(session) : new DeviceBlocks(session, sizeBytes);
      return { session, way, target, isWritten: mode === 'write' };
    } catch (error) {
      await session.close();
      way.close();
      throw error;
    }
  }

  private async mediumOf(name: DeviceName): Promise<string> {
    const { device, lun } = name;
    if (device.kind === 'disk' && lun === 0) return basename(device.path);
    const probes = await this.path.probe(addressOf(name, this.number));
    const media = probes.find(({ sighting }) => sighting !== undefined)?.sighting?.media;
    if (media === undefined) throw searchError(device.name, probes);
    const place = Math.max(1, lun);
    const medium = media.find(({ slot }, index) => (slot ?? index + 1) === place);
    if (medium !== undefined) return medium.name;
    throw new ArrayError('ENODEV', `${device.name} has no medium ${place}`);
  }
}
