/**
 * The sessions of one parameter list at backup devices: each medium is reserved when a segment first needs it, loaded at its beginning, and
 * kept until the list has ended.
 */
import { basename } from 'node:path';
import { ArrayError } from '../base/errors.js';
import type { SanDevice } from '../san/configuration.js';
import type { UsablePorts } from '../san/discovery.js';
import { searchError } from '../san/search-reasons.js';
import type { BackupPath, DeviceSession } from './backup-path.js';
import { DeviceBlocks } from './device-blocks.js';
import { StreamTarget } from './stream-target.js';

/** A medium as a target descriptor names it. */
export interface DeviceName {
  readonly device: SanDevice;
  /** 0 and 1 are the first medium; of a tape library the slot, else the place in the order of names. */
  readonly lun: number;
  /** As they are now. */
  readonly ports: () => UsablePorts;
}

export type DeviceTarget = StreamTarget | DeviceBlocks;

interface Opened {
  readonly session: DeviceSession;
  readonly target: DeviceTarget;
  readonly isWritten: boolean;
}

export class DeviceSessions {
  private readonly opened = new Map<string, Promise<Opened>>();

  constructor(
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

  /** All that was written is durable. */
  async sync(): Promise<void> {
    for (const opened of this.opened.values()) {
      const { session, isWritten } = await opened;
      if (isWritten) await session.run({ kind: 'sync' });
    }
  }

  cancel(): void {
    for (const opened of this.opened.values()) {
      opened.then(({ session }) => session.cancel()).catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    for (const opened of await Promise.allSettled(this.opened.values())) {
      if (opened.status === 'fulfilled') await opened.value.session.close();
    }
  }

  private async begin(name: DeviceName, mode: 'read' | 'write'): Promise<Opened> {
    const medium = await this.mediumOf(name);
    const session = this.path.openSession({ ...this.errand(name), medium, mode });
    try {
      const { reply } = await session.run({ kind: 'inquire' });
      if (reply.kind !== 'inquiry') throw new ArrayError('EIO', 'a device did not say what it is');
      const { structure, sizeBytes } = reply.inquiry;
      const isStream = structure === 'stream';
      const target = isStream ? new StreamTarget(session) : new DeviceBlocks(session, sizeBytes);
      return { session, target, isWritten: mode === 'write' };
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  private async mediumOf(name: DeviceName): Promise<string> {
    const { device, lun } = name;
    if (device.kind === 'disk' && lun === 0) return basename(device.path);
    const probes = await this.path.probe(this.errand(name));
    const media = probes.find(({ sighting }) => sighting !== undefined)?.sighting?.media;
    if (media === undefined) throw searchError(device.name, probes);
    const place = Math.max(1, lun);
    const medium = media.find(({ slot }, index) => (slot ?? index + 1) === place);
    if (medium !== undefined) return medium.name;
    throw new ArrayError('ENODEV', `${device.name} has no medium ${place}`);
  }

  private errand({ device, ports }: DeviceName) {
    const { name, kind, path } = device;
    return { device: { name, definition: { kind, path } }, ports, number: this.number };
  }
}
