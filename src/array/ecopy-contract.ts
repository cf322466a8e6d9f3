/** Copies as users of the array order them through files: part of the contract in disk-array.ts. */

/** The job that was started. */
export interface CopyJob {
  readonly id: number;
  readonly subject: string;
  /** Resolves when all is so, and durable, that an answer promises: the pair is split. Rejects where that failed; the job tells it, too. */
  readonly begun: Promise<unknown>;
}

/** How a copy to or from a device gets on. */
export interface CopyProgress {
  /** `waiting`: for a microprocessor, a port or a place. */
  readonly phase: 'waiting' | 'searching' | 'moving' | 'ended';
  /** In use, or used last. */
  readonly port: string | undefined;
  readonly microprocessor: string | undefined;
  /** How often a microprocessor took it up. */
  readonly attempts: number;
  /** How often it was handed over to a port with less load. */
  readonly moves: number;
  /** Why it goes through this port; '' where it goes through none. */
  readonly portReason: string;
  /** Who goes at the moment, requests of hosts or backup data, and why; '' where nobody has asked yet. */
  readonly turn: string;
  /** How far the pair has copied, where the copy follows it; undefined where it waits for nothing. */
  readonly copyPointerBytes: number | undefined;
  /** What was read once, to be copied by the pair and to be sent. */
  readonly sharedBytes: number;
  /** Data moved, over the last seconds. */
  readonly bytesPerSecond: number;
}

export interface EcopyCommands {
  /**
   * Starts the copy that a parameter list of EXTENDED COPY asks for, and answers when it is accepted. A SenseError with key
   * 05h where it is refused; what a segment does wrong is told by the job.
   */
  startList(bytes: Uint8Array, from: ListOrigin): CopyJob;
  /** The header of the list promises more than there is yet. */
  isListIncomplete(bytes: Uint8Array): boolean;
  /** Starts the copy of a whole image; refused where it cannot even begin. */
  startImage(request: ImageCopyRequest): CopyJob;
  /**
   * Gives the order of a copy that failed or was cancelled again, as a new job. ENOENT without such a job, EBUSY while it
   * runs, EINVAL where it is done or was no copy of a whole image.
   */
  retry(id: number): CopyJob;
  /**
   * Whoever has copied a whole image to the volume (`VOLUME` or `#NUMBER`) tells that it is that of the snapshot with this UUID.
   * EINVAL for what is no UUID.
   */
  setHeld(volume: string, image: string): Promise<void>;
}

/** Who sends a list. */
export interface ListOrigin {
  /** Undefined where the transport is not told: it is who mounted the array. */
  readonly uid: number | undefined;
  /** The target port; absent: the first one that carries commands. */
  readonly port?: string;
}

export interface ImageCopyRequest {
  /** `VOLUME`, `VOLUME@SNAPSHOT`, `#NUMBER`, `PRIMARY:SECONDARY` (the secondary), or `DEVICE/MEDIUM`. */
  readonly source: string;
  /** `VOLUME` or `DEVICE/MEDIUM`; a volume that is not there is made. With `anyKind` a medium, or empty. */
  readonly destination: string;
  /** The pair is split in the turn in which the copy begins. */
  readonly split?: boolean;
  /** What the copy of a secondary that is still being copied to waits for (image-origin.ts); absent: merge. */
  readonly policy?: 'merge' | 'wait' | 'copy-first' | 'parallel';
  /** The first device of this kind that is available. */
  readonly anyKind?: 'tape' | 'disk' | 'array';
  /** The volume may be open for writing. */
  readonly force: boolean;
  /** Where a volume is made; absent: in the home pool. */
  readonly poolName?: string;
  readonly owner?: { readonly uid: number; readonly gid: number; readonly mode: number };
  /** When it begins; absent: now. */
  readonly atMs?: number;
  /** Port group and initiator port on the way to the device. */
  readonly group?: string;
  readonly port?: string;
  /** On tape the bytes of the image alone, holes too. */
  readonly plain?: boolean;
  /** The snapshot since which only changed blocks move, onto what holds it. */
  readonly since?: string;
  /** On tape which backup is meant: its number, name or UUID; absent: the newest. */
  readonly backup?: string;
  /** Base64 of the volume information that the copy has, whatever that of the image is. */
  readonly information?: string;
}
