/**
 * Volumes and snapshots in memory: what the records say, and who has them open. They hold no rules;
 * array.ts decides what may happen to them.
 */

import { assert } from '../base/assert.js';
import { BLOCK_BYTES, blocksCovering } from '../base/sizes.js';
import { naaText, uuidText } from '../base/uuid.js';
import { type CopyRecord, packSnapshot, packVolume } from '../store/copy-records.js';
import { EPOCH_MAX, recordKey } from '../store/keys.js';
import { packForeignVolume } from '../store/member-records.js';
import type { Lineage } from '../volume/lineage.js';
import type { RecordSource } from '../volume/record-source.js';
import type { View } from '../volume/view.js';
import type { SnapshotView, VolumeView } from './disk-array.js';
import type { Pool } from './pool.js';
import type { ContentOverlay, VolumeRole } from './volume-role.js';
import { VolumeState } from './volume-state.js';

/** Fields of a copy that its record stores, mutable while mounted. */
export type CopyFields = { -readonly [Key in keyof CopyRecord]: CopyRecord[Key] };

abstract class Copy implements RecordSource {
  openCount = 0;
  /** Its record is gone; an open image may still use it. */
  deleted = false;

  constructor(
    readonly pool: Pool,
    readonly fields: CopyFields,
    public lineage: Lineage,
  ) {}

  abstract readonly recordKey: Uint8Array;
  abstract packRecord(): Uint8Array | undefined;
  abstract readonly viewEpoch: number;
  abstract readonly allocatedBytes: number;
  /** Content that is still with the other side of a pair. */
  abstract readonly overlay: ContentOverlay | undefined;

  get isHidden(): boolean {
    return isHidden(this.fields.name);
  }
  get number(): number {
    return this.fields.number;
  }
  get uuid(): string {
    return uuidText(this.fields.uuid);
  }
  get naa(): string {
    return naaText(this.pool.identity.arraySerial, this.fields.number);
  }
  get name(): string {
    return this.fields.name;
  }
  get label(): string {
    return this.fields.label;
  }
  get sizeBytes(): number {
    return this.fields.sizeBytes;
  }
  get mode(): number {
    return this.fields.mode;
  }
  get uid(): number {
    return this.fields.uid;
  }
  get gid(): number {
    return this.fields.gid;
  }
  get createdMs(): number {
    return this.fields.createdMs;
  }
  get accessedMs(): number {
    return this.fields.accessedMs;
  }
  get modifiedMs(): number {
    return this.fields.modifiedMs;
  }
  get changedMs(): number {
    return this.fields.changedMs;
  }
  get info(): Uint8Array | undefined {
    return this.fields.info;
  }
  get infoModified(): boolean {
    return this.fields.infoModified;
  }

  /** What it shows of a lineage, mostly its own. */
  get view(): View {
    return { lineage: this.lineage, epoch: this.viewEpoch };
  }

  /** The count follows a shrink only when it is published. */
  protected atMostSize(allocatedBytes: number): number {
    return Math.min(allocatedBytes, blocksCovering(this.sizeBytes) * BLOCK_BYTES);
  }

  /** Its record changes with the active generation, by a command or in passing. */
  touch(by: 'command' | 'write' = 'command'): void {
    this.pool.content.touch(this, by);
  }
}

export class Volume extends Copy implements VolumeView {
  readonly kind = 'volume';
  writerCount = 0;
  /** How often it was opened for writing. */
  writerOpens = 0;
  revision = 0;
  /** Oldest first. */
  readonly snapshotsByName = new Map<string, Snapshot>();
  /** Sides of pairs it is: a secondary of one, or a primary of several. */
  readonly roles: VolumeRole[] = [];
  readonly condition: VolumeState;
  /** What a read-only array shows of it where its own content is half an update. */
  shownAs: Snapshot | undefined;
  /** What the other pools keep of it. */
  readonly listing: RecordSource = {
    recordKey: recordKey('foreignVolume', this.fields.number),
    packRecord: () => {
      const poolUuid = this.pool.identity.poolUuid;
      return this.deleted ? undefined : packForeignVolume({ ...this.fields, poolUuid });
    },
  };
  /** The size is logged only with the writes that came with it. */
  dependsOn: RecordSource['dependsOn'];

  constructor(pool: Pool, fields: CopyFields, lineage: Lineage) {
    super(pool, fields, lineage);
    this.condition = new VolumeState(pool.content, fields.number);
  }

  get recordKey(): Uint8Array {
    return recordKey('volume', this.fields.number);
  }

  packRecord(): Uint8Array | undefined {
    if (this.deleted) return undefined;
    return packVolume({ ...this.fields, lineage: this.lineage.id, epoch: this.lineage.epoch });
  }

  get viewEpoch(): number {
    return this.lineage.epoch;
  }

  override get view(): View {
    return this.shownAs?.view ?? super.view;
  }

  override touch(by: 'command' | 'write' = 'command'): void {
    super.touch(by);
    if (by === 'command') this.touchListing(by);
  }

  /** The other pools know of it, too, in case this one is missing some day. */
  private touchListing(by: 'command' | 'write'): void {
    for (const { content } of this.pool.siblings()) content.touch(this.listing, by);
  }

  setSize(sizeBytes: number): void {
    if (sizeBytes !== this.fields.sizeBytes) this.touchListing('write');
    this.fields.sizeBytes = sizeBytes;
    this.dependsOn = { lineage: this.lineage, sequence: this.pool.content.sequence };
  }

  get poolName(): string {
    return this.pool.name;
  }

  get state(): 'normal' | 'failed' {
    return this.failure === undefined ? 'normal' : 'failed';
  }

  /** Why it can be neither read nor written as a whole. */
  get failure(): string | undefined {
    const { pool, condition } = this;
    if (pool.isFailed) return pool.refusal;
    return condition.failure === '' ? undefined : `volume ${this.name} ${condition.failure}`;
  }

  /** A write is copied to a secondary, too. */
  get isDuplexed(): boolean {
    return this.roles.some(({ isDuplexed }) => isDuplexed);
  }

  /** In the one pair that it is the secondary of. */
  get secondaryRole(): VolumeRole | undefined {
    return this.roles.find(({ role }) => role === 'secondary');
  }

  /** Why hosts may not write now; undefined where they may. */
  get writeRefusal(): string | undefined {
    for (const { writeRefusal } of this.roles) {
      if (writeRefusal !== undefined) return `volume ${this.name} ${writeRefusal}`;
    }
    if (this.condition.isReserved && this.secondaryRole === undefined) {
      return `volume ${this.name} is reserved (arrayfs pair unreserve)`;
    }
    return undefined;
  }

  get holds(): string | undefined {
    // What it shows is with the other side of a pair, as far as that was not copied yet.
    return this.overlay === undefined ? this.condition.holds || undefined : undefined;
  }

  get reserved(): boolean {
    return this.condition.isReserved;
  }

  get overlay(): ContentOverlay | undefined {
    if (this.shownAs !== undefined) return undefined;
    for (const { overlay } of this.roles) if (overlay !== undefined) return overlay;
    return undefined;
  }

  /** A host's write is about to be made. */
  writing(offset: number, length: number): void {
    this.condition.noteChange();
    for (const role of this.roles) role.writing(offset, length);
  }

  get snapshots(): readonly Snapshot[] {
    return [...this.snapshotsByName.values()];
  }

  get lineageDepth(): number {
    return this.lineage.depth;
  }

  get allocatedBytes(): number {
    return this.atMostSize(this.pool.content.lineages.allocatedBytes(this.lineage, EPOCH_MAX));
  }
}

export class Snapshot extends Copy implements SnapshotView {
  readonly kind = 'snapshot';

  constructor(
    pool: Pool,
    fields: CopyFields,
    lineage: Lineage,
    readonly volume: Volume,
  ) {
    super(pool, fields, lineage);
    assert(fields.epoch < lineage.epoch, 'a snapshot is older than the head of its lineage');
  }

  get recordKey(): Uint8Array {
    return recordKey('snapshot', this.fields.number);
  }

  packRecord(): Uint8Array | undefined {
    if (this.deleted) return undefined;
    return packSnapshot({ ...this.fields, volumeNumber: this.volume.fields.number });
  }

  get viewEpoch(): number {
    return this.fields.epoch;
  }

  get overlay(): undefined {
    return undefined;
  }

  get allocatedBytes(): number {
    return this.atMostSize(
      this.pool.content.lineages.allocatedBytes(this.lineage, this.fields.epoch),
    );
  }
}

/** A snapshot that the array itself keeps, for a pair or a job: users do not see it. */
export function isHidden(name: string): boolean {
  return name.startsWith('.');
}

export type AnyCopy = Volume | Snapshot;

/** `volume` or `volume@snapshot`. */
export function copyName(copy: AnyCopy): string {
  return copy.kind === 'volume' ? copy.name : `${copy.volume.name}@${copy.name}`;
}
