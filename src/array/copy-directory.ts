/**
 * The volumes and snapshots of the array by name and number. Names of snapshots are per volume;
 * `#12` is the copy with number 12.
 */

import { ArrayError } from '../base/errors.js';
import { NAME_CHARACTERS_MAX } from '../base/limits.js';
import { unpackSnapshot, unpackVolume } from '../store/copy-records.js';
import { recordKey, recordKeyEnd } from '../store/keys.js';
import { unpackVolumeState } from '../store/pair-records.js';

import type { VersionPlace } from '../volume/block-map.js';
import { type AnyCopy, Snapshot, Volume } from './copies.js';
import type { Pool } from './pool.js';

/** Copies looked at to name those that show a damaged block: each costs a look into the map. */
const COPIES_ASKED_MAX = 100;

export class CopyDirectory {
  /** By creation. */
  private readonly volumesByNumber = new Map<number, Volume>();
  private readonly byName = new Map<string, Volume>();
  private readonly byNumber = new Map<number, AnyCopy>();
  private readonly hiddenByNumber = new Map<number, Snapshot>();

  get volumeCount(): number {
    return this.byName.size;
  }

  volumes(): readonly Volume[] {
    return [...this.volumesByNumber.values()];
  }

  find(number: number): AnyCopy | undefined {
    return this.byNumber.get(number);
  }

  findVolume(name: string): Volume | undefined {
    const number = parseNumber(name);
    const copy = number === undefined ? this.byName.get(name) : this.byNumber.get(number);
    return copy?.kind === 'volume' ? copy : undefined;
  }

  /** ENOENT where there is none. */
  volume(name: string): Volume {
    const volume = this.findVolume(name);
    if (volume === undefined) throw new ArrayError('ENOENT', `no volume ${name}`);
    return volume;
  }

  findSnapshot(volumeName: string, snapshotName: string): Snapshot | undefined {
    const volume = this.findVolume(volumeName);
    const number = parseNumber(snapshotName);
    if (number === undefined) return volume?.snapshotsByName.get(snapshotName);
    const copy = this.byNumber.get(number);
    return copy?.kind === 'snapshot' && copy.volume === volume ? copy : undefined;
  }

  /** ENOENT names the one that is missing. */
  snapshot(volumeName: string, snapshotName: string): Snapshot {
    const volume = this.volume(volumeName);
    const snapshot = this.findSnapshot(volumeName, snapshotName);
    if (snapshot !== undefined) return snapshot;
    throw new ArrayError('ENOENT', `volume ${volume.name} has no snapshot ${snapshotName}`);
  }

  /** `VOLUME`, `VOLUME@SNAPSHOT` or `#NUMBER`. */
  copy(reference: string): AnyCopy {
    const number = parseNumber(reference);
    if (number !== undefined) {
      const copy = this.byNumber.get(number);
      if (copy === undefined) throw new ArrayError('ENOENT', `no volume or snapshot ${reference}`);
      return copy;
    }
    const at = reference.indexOf('@');
    if (at < 0) return this.volume(reference);
    return this.snapshot(reference.slice(0, at), reference.slice(at + 1));
  }

  /** Snapshots that the array itself keeps. */
  hiddenSnapshots(): readonly Snapshot[] {
    return [...this.hiddenByNumber.values()];
  }

  hiddenSnapshot(number: number): Snapshot | undefined {
    return this.hiddenByNumber.get(number);
  }

  addVolume(volume: Volume): void {
    this.byName.set(volume.name, volume);
    this.volumesByNumber.set(volume.number, volume);
    this.byNumber.set(volume.number, volume);
  }

  removeVolume(volume: Volume): void {
    this.byName.delete(volume.name);
    this.volumesByNumber.delete(volume.number);
    this.byNumber.delete(volume.number);
  }

  renameVolume(volume: Volume, newName: string): void {
    this.byName.delete(volume.name);
    volume.fields.name = newName;
    this.byName.set(newName, volume);
  }

  addSnapshot(snapshot: Snapshot): void {
    const { volume } = snapshot;
    if (snapshot.isHidden) {
      this.hiddenByNumber.set(snapshot.number, snapshot);
      return;
    }
    volume.snapshotsByName.set(snapshot.name, snapshot);
    volume.revision += 1;
    this.byNumber.set(snapshot.number, snapshot);
  }

  removeSnapshot(snapshot: Snapshot): void {
    const { volume } = snapshot;
    if (snapshot.isHidden) {
      this.hiddenByNumber.delete(snapshot.number);
      return;
    }
    volume.snapshotsByName.delete(snapshot.name);
    volume.revision += 1;
    this.byNumber.delete(snapshot.number);
  }

  /** Volumes and snapshots that show a stored version of the pool's block, of the first that may. */
  copiesShowing(pool: Pool, place: VersionPlace, block: number): AnyCopy[] {
    const candidates: AnyCopy[] = [];
    for (const copy of this.byNumber.values()) {
      if (candidates.length === COPIES_ASKED_MAX) break;
      if (copy.pool === pool && reaches(copy, place)) candidates.push(copy);
    }
    return candidates.filter((copy) => pool.content.map.shows(copy.view, place, block));
  }

  /**
   * Reads a pool's volumes and snapshots; they claim their lineages and epochs. Returns the volumes whose
   * names others have already, and which therefore have new ones.
   */
  load(pool: Pool): readonly Volume[] {
    const renamed: Volume[] = [];
    const { store, content } = pool;
    const volumes = new Map<number, Volume>();
    for (const { value } of store.range('records', recordKey('volume'), recordKeyEnd('volume'))) {
      const fields = unpackVolume(value);
      const lineage = content.lineages.get(fields.lineage);
      lineage.hasHead = true;
      lineage.epoch = fields.epoch;
      const volume = new Volume(pool, { ...fields }, lineage);
      volumes.set(volume.number, volume);
      const state = store.get('records', volume.condition.recordKey);
      if (state !== undefined) volume.condition.load(unpackVolumeState(state));
      if (this.byName.has(volume.name)) {
        volume.fields.name = this.freeName(volume);
        renamed.push(volume);
      }
      this.addVolume(volume);
    }
    const start = recordKey('snapshot');
    for (const { value } of store.range('records', start, recordKeyEnd('snapshot'))) {
      const fields = unpackSnapshot(value);
      const volume = volumes.get(fields.volumeNumber);
      if (volume === undefined) {
        throw new ArrayError('EIO', `snapshot ${fields.name} has no volume: run arrayfs check`);
      }
      const lineage = content.lineages.get(fields.lineage);
      // A lineage without a head has no epoch of its own record: it is past its newest snapshot.
      if (!lineage.hasHead) lineage.epoch = Math.max(lineage.epoch, fields.epoch + 1);
      lineage.pin(fields.epoch, 'stored');
      this.addSnapshot(new Snapshot(pool, { ...fields }, lineage, volume));
    }
    return renamed;
  }

  /** Its name with its number, which no other volume has. */
  private freeName({ name, number }: Volume): string {
    const end = `.${number}`;
    return `${name.slice(0, NAME_CHARACTERS_MAX - end.length)}${end}`;
  }
}

/** The chain of the copy passes the lineage at or after the epoch. */
function reaches(copy: AnyCopy, place: VersionPlace): boolean {
  let { lineage, epoch } = copy.view;
  for (;;) {
    if (lineage.id === place.lineage) return epoch >= place.epoch;
    if (lineage.parent === undefined) return false;
    epoch = lineage.parentEpoch;
    lineage = lineage.parent;
  }
}

/** `#12` is number 12; undefined for a name. */
function parseNumber(reference: string): number | undefined {
  return /^#\d{1,10}$/.test(reference) ? Number(reference.slice(1)) : undefined;
}
