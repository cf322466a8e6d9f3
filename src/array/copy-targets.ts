/**
 * The targets of one parameter list, as they were when the copy was accepted. What the host cannot see, what is not there, and
 * what has gone since look alike. A target is looked at when a segment needs it: a list may name what it does not use.
 */
import { SECTOR_BYTES } from '../base/sizes.js';
import { DISK_TYPE } from '../ecopy/device-parameters.js';
import type { ParameterList } from '../ecopy/parameter-list.js';
import { targetFailure } from '../ecopy/segment-check.js';
import { SENSE } from '../ecopy/sense-codes.js';
import type { TargetDescriptor } from '../ecopy/target-descriptor.js';
import type { ArrayContext } from './array-context.js';
import type { AnyCopy } from './copies.js';
import { CopyDestination } from './copy-destination.js';
import { CopySource } from './copy-source.js';
import type { DeviceName, DeviceSessions, DeviceTarget } from './device-sessions.js';
import { notReachable } from './segment-failures.js';

/** What a descriptor names, as far as the host may name it. */
export type NamedTarget =
  /** NUL: there is nobody to send a command to. */
  | { readonly kind: 'none' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'volume'; readonly copy: AnyCopy }
  | { readonly kind: 'device'; readonly name: DeviceName };

/** A target that commands can be sent to, unless it is `none`. */
export type ReachedTarget =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'volume';
      /** Undefined where no segment of the list reads it. */
      readonly source: CopySource | undefined;
      readonly destination: CopyDestination;
    }
  | DeviceTarget;

export class CopyTargets {
  /** Set when the copy begins. */
  sessions: DeviceSessions | undefined;

  private constructor(
    private readonly list: ParameterList,
    private readonly named: readonly NamedTarget[],
    private readonly sources: ReadonlyMap<AnyCopy, CopySource>,
    private readonly destinations: ReadonlyMap<AnyCopy, CopyDestination>,
  ) {}

  /** Freezes all that is read, at one instant and without waiting. */
  static open(
    context: ArrayContext,
    list: ParameterList,
    nameOf: (target: TargetDescriptor) => NamedTarget,
  ): CopyTargets {
    const named = list.targets.map(nameOf);
    const read = new Set(list.segments.map((segment) => readIndex(segment)));
    const sources = CopySource.freezeAll(
      context,
      copiesOf([...read].map((index) => named[index ?? -1])),
    );
    return new CopyTargets(
      list,
      named,
      new Map(sources.map((source) => [source.copy, source])),
      new Map(copiesOf(named).map((copy) => [copy, new CopyDestination(context, copy)])),
    );
  }

  /**
   * The target of this index, for this segment; a SenseError where it is not there or something else. What a device answers to
   * whoever reserves it is thrown as it is.
   */
  async reach(segment: number, index: number): Promise<ReachedTarget> {
    const named = this.named[index];
    if (named?.kind === 'none') return named;
    if (named?.kind === 'device') return this.reachDevice(segment, index, named.name);
    const destination = named?.kind === 'volume' && this.destinations.get(named.copy);
    if (!destination || destination.copy.deleted) throw notReachable(this.list, segment, index);
    if (!isDisk(this.list.targets[index])) {
      throw targetFailure(SENSE.wrongDeviceType, this.list, segment, index);
    }
    return { kind: 'volume', source: this.sources.get(destination.copy), destination };
  }

  private reachDevice(segment: number, index: number, name: DeviceName): Promise<ReachedTarget> {
    const target = this.list.targets[index];
    const isTape = target?.parameters.class === 'tape';
    if (isTape !== (name.device.kind === 'tape') || !(isTape || isDisk(target))) {
      throw targetFailure(SENSE.wrongDeviceType, this.list, segment, index);
    }
    if (this.sessions === undefined) throw notReachable(this.list, segment, index);
    const isWritten = this.list.segments.some((other) => {
      const written = 'destination' in other ? this.named[other.destination] : undefined;
      return written?.kind === 'device' && isSame(written.name, name);
    });
    return this.sessions.open(name, isWritten ? 'write' : 'read');
  }

  /** It needs initiator ports, perhaps. */
  get namesDevices(): boolean {
    return this.named.some(({ kind }) => kind === 'device');
  }

  /** A segment has ended, well or not. */
  noteChanged(): void {
    for (const destination of this.destinations.values()) destination.noteChanged();
  }

  /** Resolves when all that was written is durable. */
  async sync(): Promise<void> {
    for (const destination of this.destinations.values()) await destination.sync();
    await this.sessions?.sync();
  }

  async close(): Promise<void> {
    for (const destination of this.destinations.values()) destination.close();
    for (const source of this.sources.values()) source.close();
    await this.sessions?.close();
  }
}

/** The same list with the block lengths of 0 replaced by what READ CAPACITY says: that of a sector. */
export function withBlockLengths(list: ParameterList): ParameterList {
  const targets = list.targets.map((target) => {
    const { parameters } = target;
    if (parameters.class !== 'block' || parameters.blockBytes > 0) return target;
    return { ...target, parameters: { ...parameters, blockBytes: SECTOR_BYTES } };
  });
  return { ...list, targets };
}

/** Addresses count in the blocks of the descriptor, which are whole sectors of the volume. */
function isDisk(target: TargetDescriptor | undefined): boolean {
  if (target?.parameters.class !== 'block' || target.deviceType !== DISK_TYPE) return false;
  return target.parameters.blockBytes % SECTOR_BYTES === 0;
}

function isSame(one: DeviceName, other: DeviceName): boolean {
  return one.device.name === other.device.name && one.lun === other.lun;
}

function readIndex(segment: ParameterList['segments'][number]): number | undefined {
  return 'source' in segment ? segment.source : undefined;
}

function copiesOf(targets: readonly (NamedTarget | undefined)[]): AnyCopy[] {
  const copies = targets.flatMap((target) => (target?.kind === 'volume' ? [target.copy] : []));
  return [...new Set(copies)];
}
