/**
 * The contract by which the array reaches backup devices: every device is driven by microprocessors, threads of their own,
 * through initiator ports ([000] figs. 7, 9-11; [002]). The caller says what is to be moved and which ports may be used; who
 * carries it out, and what happens when that one ends, is decided below (`MicroprocessorPool`). Nothing here blocks.
 *
 * Transfers, sessions and probes are errands. Each takes this course:
 *
 *    waiting  ->  searching  ->  moving  ->  ended         waiting: for a place in shared memory, or a microprocessor
 *       ^             |            |
 *       +-------------+------------+     the port or the microprocessor ends, is set down, or the errand is handed over
 *
 * However often that happens, the device gets every byte once: whoever goes on looks first where the medium stands.
 */
import { ArrayError, type ErrorCode } from '../base/errors.js';
import type { Management } from '../device/backup-manifest.js';
import type { BackupPointer } from '../device/backup-writer.js';
import type { DeviceFault } from '../device/device-error.js';
import type { DeviceDefinition } from '../device/open-device.js';
import type {
  DeviceOperation,
  DeviceSighting,
  OperationReply,
} from '../microprocessor/device-operation.js';
import type { UsablePorts } from '../san/discovery.js';
import type { PortId } from '../san/port-id.js';
import type { PortResult } from '../san/search-reasons.js';

export interface BackupPath {
  backup(request: BackupRequest): Transfer;
  restore(request: RestoreRequest): Transfer;
  /** One session at the medium for several segments: it stays reserved until `close`. */
  openSession(request: SessionRequest): DeviceSession;
  /** An errand comes soon: it finds microprocessors that run, which takes a moment otherwise. */
  prepare(): void;
  /** As long as it is so, microprocessors run without an errand, too: there are devices, and one may come at any time. */
  standBy(isReady: boolean): void;
  /** Asks the device through each of the ports alone, one after the other; never rejects. */
  probe(request: ProbeRequest): Promise<readonly PortProbe[]>;
  /**
   * The configuration, a fault, or the state of a port or controller has changed: every errand asks for its ports again, and
   * goes to others where the one in use is not among them.
   */
  portsChanged(): void;
  /** In the order of their numbers, also those that do not run. */
  microprocessors(): readonly MicroprocessorView[];
  /** Ends the thread in whatever it does, as a crash would; another one takes its place later. ENOENT. */
  kill(microprocessor: string): void;
  /** One that is down takes nothing and lets go between two chunks. ENOENT. */
  setDown(microprocessor: string, isDown: boolean): void;
  /**
   * Ends every errand between two chunks, as `stopped`, and all threads. Of a backup `pointer` is then where it may go on
   * after the next mount. Resolves when no thread is left; one that a device holds up in a call of the kernel is given up.
   */
  close(): Promise<void>;
}

export interface DeviceAddress {
  /** As the user named it: for words, zones and faults. */
  readonly name: string;
  readonly definition: DeviceDefinition;
}

export interface ErrandRequest {
  readonly device: DeviceAddress;
  /**
   * The initiator ports that may be used, in the order of the search, and the others with the reason (zones: `no-path`). Asked at the
   * beginning and after `portsChanged`; it must not throw.
   */
  readonly ports: () => UsablePorts;
  /** Of the job: lower numbers are searched first. */
  readonly number: number;
  /** Told when progress, port or phase may have changed, at most once a turn of the event loop. */
  readonly onChange?: () => void;
}

export interface TransferRequest extends ErrandRequest {
  /**
   * Asked before each chunk, or operation of a session that moves data, with its bytes: resolves when it may be moved (`Turns`: online and backup processing share a port);
   * undefined: at once.
   */
  readonly pace?: (bytes: number, port: PortId | undefined) => Promise<void> | undefined;
}

export interface BackupRequest extends TransferRequest {
  readonly medium: string;
  readonly management: Management;
  readonly source: ImageSource;
  /** Goes on with a backup that was begun before, by the `durable` pointer of its transfer. */
  readonly resume?: BackupPointer;
}

export interface RestoreRequest extends TransferRequest {
  readonly medium: string;
  /** On tape which backup is meant (`findBackup`); the newest without it. */
  readonly reference?: string;
  readonly sink: ImageSink;
}

export interface SessionRequest extends TransferRequest {
  readonly medium: string;
  readonly mode: 'read' | 'write';
}

export type ProbeRequest = Omit<ErrandRequest, 'onChange'>;

/** The image of a backup, read from an instant: the same bytes, however often they are asked for. */
export interface ImageSource {
  /**
   * What is at `offset`, at most `target.length` bytes of it, in whole sectors and not beyond the image. For `data`, `length`
   * bytes are in `target`; `zeros` may be longer than `target`, which stays as it is, and so may `same`: of an increment, what its base has
   * there. It may take its time, as a track that has
   * not been copied yet does, until `signal` aborts; a promise that rejects fails the backup with its error. Calls do not
   * overlap; after a fail-over an earlier offset may come again.
   */
  read(offset: number, target: Uint8Array, signal: AbortSignal): Promise<SourcePiece> | SourcePiece;
}

export interface SourcePiece {
  readonly kind: 'data' | 'zeros' | 'same';
  readonly length: number;
}

/** Where a restored image goes. Calls do not overlap; one that throws or rejects fails the restore. */
export interface ImageSink {
  /** Once, before anything else. */
  begin(image: RestoredImage): Promise<void> | void;
  /** Ascending, without gaps, over the whole image, but for what is as in the base of an increment. A piece may come a second time after a fail-over. */
  write(offset: number, data: Uint8Array): Promise<void> | void;
  zeros(offset: number, length: number): Promise<void> | void;
}

export interface RestoredImage {
  readonly imageBytes: number;
  readonly information: Uint8Array | undefined;
  /** Of a backup on tape. */
  readonly manifest: Management['manifest'] | undefined;
}

export type ErrandPhase = 'waiting' | 'searching' | 'moving' | 'ended';

/** What can be said of an errand at any time. */
export interface Errand {
  readonly phase: ErrandPhase;
  /** In use, or used last. */
  readonly port: PortId | undefined;
  /** `CL1-M0`: which searches or moves. */
  readonly microprocessor: string | undefined;
  /** How often it was taken up: more than one after a fail-over or a hand-over. */
  readonly attempts: number;
  /** Ends it between two chunks; harmless when it has ended. */
  cancel(): void;
  /** Asks for the ports again and lets go of the one in use: another one was chosen by load. */
  handOver(): void;
}

export interface Transfer extends Errand {
  /** Bytes of the image from its beginning that are at the device, or in the sink. */
  readonly doneBytes: number;
  /** Of a backup: where it goes on after a power cut; to be stored with the job. */
  readonly durable: BackupPointer | undefined;
  /** Settles when nobody uses the device, the source or the sink any more. Never rejects. */
  readonly done: Promise<TransferEnd>;
}

export type TransferEnd =
  /** `media`: those it is on, in order. */
  | { readonly outcome: 'done'; readonly media: readonly string[] }
  | { readonly outcome: 'cancelled' }
  /** The array closes. */
  | { readonly outcome: 'stopped' }
  | { readonly outcome: 'failed'; readonly error: ArrayError };

export interface DeviceSession extends Errand {
  /**
   * One after the other in the order of the calls. `data` of a write is taken when it is called; that of a reply is the
   * caller's. Rejects with a PathError when the device refuses: the session goes on and the medium stands where it can be
   * used; with the error of the search where no port reaches the device (any more): the session is over. EINTR: cancelled,
   * closed, or the array closes.
   */
  run(operation: DeviceOperation, data?: Uint8Array): Promise<OperationAnswer>;
  /** Logs out after what is under way. */
  close(): Promise<void>;
}

export interface OperationAnswer {
  readonly reply: OperationReply;
  readonly data: Uint8Array;
}

export type PortProbe = PortResult & {
  /** What the device said, in words; '' where it is reached. */
  readonly detail: string;
  /** Only of a port that reaches it. */
  readonly sighting?: DeviceSighting;
};

export interface MicroprocessorView {
  /** `CL1-M0`. */
  readonly name: string;
  /** `idle`: no thread until there is something to do; `restarting`: its thread ended and another follows. */
  readonly state: 'idle' | 'running' | 'down' | 'restarting';
  /** Number of the errand it searches or moves for. */
  readonly errand: number | undefined;
  /** Threads that were started in its place. */
  readonly starts: number;
}

/** Status, sense key and additional sense code of a device, or those of a fault a user has set. */
export interface DeviceSense {
  readonly status: number;
  readonly key: number;
  readonly asc: number;
  readonly ascq: number;
}

/**
 * Why an errand, or one operation of a session, did not succeed. Where no port reached the device the reason names each port with
 * why, and `results` has the same as data.
 */
export class PathError extends ArrayError {
  constructor(
    code: ErrorCode,
    reason: string,
    readonly details: {
      readonly fault?: DeviceFault;
      readonly sense?: DeviceSense;
      readonly results?: readonly PortResult[];
    } = {},
  ) {
    super(code, reason);
    this.name = 'PathError';
  }
}
