/** The way to backup devices of an array: what microprocessors need of it, and what they tell it. */
import type { ArrayContext } from './array-context.js';
import type { BackupPath } from './backup-path.js';
import type { PoolParts } from './microprocessor-pool.js';
import { NoMicroprocessors } from './no-microprocessors.js';

export type PathParts = Pick<PoolParts, 'clock' | 'serial' | 'faults' | 'witness' | 'onLost'>;

export interface PathOptions {
  /** Absent: no microprocessor runs, and no device is reached. */
  readonly backupPath?: (parts: PathParts) => BackupPath;
  readonly allowFaults?: boolean;
}

export function openBackupPath(
  context: Pick<ArrayContext, 'san' | 'clock' | 'recordEvent'>,
  serial: string,
  { backupPath, allowFaults }: PathOptions,
): BackupPath {
  const { san, clock } = context;
  const path = backupPath?.({
    clock,
    serial,
    ...(allowFaults === true && { faults: san.faults }),
    witness: san,
    onLost: (name, reason) => context.recordEvent('MICROPROCESSOR-LOST', name, reason),
  });
  if (path === undefined) return new NoMicroprocessors();
  const standBy = () => path.standBy(san.devices().length > 0);
  san.whenChanged(() => {
    path.portsChanged();
    standBy();
  });
  standBy();
  return path;
}
