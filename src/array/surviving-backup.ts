/**
 * A backup that the end of the array does not end: as soon as all that it reads is on disk, the next mount can go on with it,
 * and what it has to know is stored with the job. After a crash a snapshot may hold less than it did: before that moment
 * nobody may go on behind what this mount has read.
 */
import type { Management } from '../device/backup-manifest.js';
import type { SanDevice } from '../san/configuration.js';
import type { Transfer } from './backup-path.js';
import { type CopyMemo, type KeptBackup, keptInformation } from './copy-memo.js';
import type { CopySource } from './copy-source.js';
import type { Job } from './jobs.js';

const NOT_IN_VOLUME = 'a part of its image was with the other side of the pair, so it cannot go on';

export interface BackupOnItsWay {
  readonly source: CopySource;
  readonly device: SanDevice;
  readonly medium: string;
  readonly management: Management;
  readonly transfer: Transfer;
}

export class SurvivingBackup {
  private isMoving = true;

  constructor(
    private readonly job: Job,
    private readonly memo: CopyMemo,
    private readonly backup: BackupOnItsWay,
  ) {}

  /** `isOnDisk`: an earlier mount has seen to it. */
  begin(isOnDisk: boolean): void {
    const { job, memo, backup } = this;
    if (keptBackup(backup) === undefined) {
      memo.obstacle = NOT_IN_VOLUME;
      job.note();
      return;
    }
    if (isOnDisk) this.survive();
    // A pool that fails says so itself.
    else
      backup.source.copy.pool.content.durable().then(
        () => this.survive(),
        () => undefined,
      );
  }

  /** With the result, where the backup is whole. */
  end(result: string | undefined): void {
    const { job, memo } = this;
    this.isMoving = false;
    job.survives = false;
    memo.result = result;
    if (!job.isLeft) memo.backup = () => undefined;
  }

  private survive(): void {
    const { job, memo, backup } = this;
    if (!this.isMoving || job.cancelled || keptBackup(backup) === undefined) return;
    memo.backup = () => keptBackup(backup);
    job.survives = true;
    job.note();
  }
}

/** Undefined where a part of the image is in no snapshot of its own. */
function keptBackup(backup: BackupOnItsWay): KeptBackup | undefined {
  const { source, device, medium, management, transfer } = backup;
  const { snapshotNumber } = source;
  if (snapshotNumber === undefined) return undefined;
  return {
    source: snapshotNumber,
    device: device.name,
    path: device.path,
    medium,
    manifest: management.manifest,
    information: keptInformation(management.information),
    pointer: transfer.durable,
  };
}
