/**
 * How the client carries out an errand, whatever kind it is. A handler may be killed at every line: what another
 * attempt must know it notes before it acts, and the next client process calls `recover` with these notes.
 */

import type { Clock } from '../../base/clock.js';
import type { ArrayClient } from '../../client/array-client.js';
import type { BackupEntry } from '../backup-entry.js';
import type { ErrandInput, ErrandKind, ErrandOutput } from '../errands.js';

/** Reason of an aborted signal: the next client process recovers the errand, and its end is not told now. */
export const CLIENT_STOPS = 'the backup client stops';

/** A mounted array of this client. */
export interface KnownArray {
  readonly uuid: string;
  readonly serial: string;
  readonly mountPoint: string;
  readonly client: ArrayClient;
}

/** What the client's own administrator allows: a server's token alone is not root here. */
export interface ClientConfiguration {
  readonly name: string;
  readonly hostName: string;
  /** Commands that may run as pre or post: exact texts, or directories whose programs may. Empty: none. */
  readonly allowedCommands: readonly string[];
  /** Where restored files may be written; absolute directories. */
  readonly allowedTargets: readonly string[];
  /** Where backups are looked into ([004], restore port table 18). */
  readonly restorePort: string;
  readonly restoreLun: number;
  /** Absolute; journals and mount points of restores. */
  readonly stateDirectory: string;
  /** Data directory of the server, where it is on the same machine: not to be frozen. */
  readonly serverDirectory: string | undefined;
}

export interface CatalogChange {
  readonly add: readonly BackupEntry[];
  /** Ids. */
  readonly remove: readonly string[];
}

export interface ErrandProgress {
  /** Of the kind's own table, such as `freeze`. */
  readonly step: string;
  readonly text: string;
  /** Of the step, 0 of 0 where it has none. */
  readonly done: number;
  readonly total: number;
  /** Default: bytes. */
  readonly unit?: 'bytes' | 'pieces';
}

export interface ErrandContext {
  readonly clock: Clock;
  readonly configuration: ClientConfiguration;
  /** Aborted by a cancel or, with the reason CLIENT_STOPS, by the end of the client. */
  readonly signal: AbortSignal;
  /** What an earlier attempt noted last, undefined at the first. */
  readonly noted: unknown;
  /** Arrays that are mounted now; asked anew at each call. */
  arrays(): Promise<readonly KnownArray[]>;
  /** Resolves when the array is mounted and answers: again after a crash of its daemon. EINTR where the signal is aborted. */
  untilArray(uuid: string): Promise<KnownArray>;
  /** Replaces the notes; durable when it resolves. JSON. */
  note(notes: unknown): Promise<void>;
  /** Told to whoever waits; may be dropped while the server is away. */
  report(progress: ErrandProgress): void;
  /** A line kept with the run, such as the output of a pre command. */
  log(line: string): void;
  /** Resolves when the server's catalog has it, in one transaction; waits for a server that is away. */
  catalog(change: CatalogChange): Promise<void>;
}

export interface ErrandHandler<K extends ErrandKind> {
  /** Operating errors are ArrayErrors: they become the errand's failure. */
  perform(input: ErrandInput<K>, context: ErrandContext): Promise<ErrandOutput<K>>;
  /** After a crash of the client in `perform` or in `recover`; without it, the errand has failed. */
  recover?(input: ErrandInput<K>, context: ErrandContext): Promise<ErrandOutput<K>>;
}

export type ErrandHandlers = { readonly [K in ErrandKind]: ErrandHandler<K> };
