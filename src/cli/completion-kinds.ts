/**
 * What the completion offers for an argument or an option's value. Kept beside commander's objects,
 * which have no field for it.
 */
import type { Argument, Option } from 'commander';
import type { OptionKind, WordKind } from '../control/command-row.js';

/** The kinds of the command table, and those of commands that are not in it. */
export type CompletionKind =
  | WordKind
  | OptionKind
  | BackupKind
  | 'status-table'
  | 'file'
  | 'directory';

/** Names that the backup server knows. */
const BACKUP_KINDS = ['backup', 'backup-definition', 'backup-run', 'backup-client'] as const;

export type BackupKind = (typeof BACKUP_KINDS)[number];

export function isBackupKind(kind: CompletionKind): kind is BackupKind {
  return (BACKUP_KINDS as readonly string[]).includes(kind);
}

const kinds = new WeakMap<Argument | Option, CompletionKind>();

export function completeWith(subject: Argument | Option, kind: CompletionKind): void {
  kinds.set(subject, kind);
}

export function completionKind(subject: Argument | Option): CompletionKind | undefined {
  return kinds.get(subject);
}
