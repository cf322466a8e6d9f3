/**
 * Target ports as hosts use them: volumes by LUN, and SCSI commands. Beside the contract in disk-array.ts. A host is
 * known by the user that asks (`uid`; undefined where the transport is not told: it is who mounted the array). What a
 * host does not see looks like what is not there. A user who is no host is refused with EACCES, and /events tells of each once.
 */
import type { DiskArray, ImageHandle, SnapshotView, VolumeView } from './disk-array.js';

export interface TargetLun {
  readonly lun: number;
  readonly copy: VolumeView | SnapshotView;
}

/** The array with all that hosts use. */
export interface TargetArray extends DiskArray {
  readonly targets: TargetPorts;
}

export interface TargetPorts {
  /** Those whose role is target at the moment, from CL1-A on. */
  list(): readonly TargetPort[];
}

export interface TargetPort {
  /** `CL1-A`. */
  readonly name: string;
  /** 1 to 8. */
  readonly number: number;
  /** What the host of the user sees, ascending; no matter whether the port is up. */
  luns(uid: number | undefined): readonly TargetLun[];
  /**
   * The volume with this number through the port: counted as load, and in turns with backup where the port does both. Its
   * size is fixed, as that of a disk. ENXIO, now and at every request, where the port is down or the host does not see it
   * (any more); EACCES where the port is not for online use.
   */
  openLun(
    volume: number,
    uid: number | undefined,
    options: { readonly write: boolean },
  ): ImageHandle;
  /** `onAnswer` is told when an answer is there. ENXIO where the port is down. */
  openScsi(uid: number | undefined, onAnswer: () => void): ScsiExchange;
}

/** Commands, one after the other, over one open file; the bytes are those of `ecopy/scsi-frame`. */
export interface ScsiExchange {
  /**
   * Takes a piece of a command, which begins when all of it is there; the answer before it is forgotten. EBUSY while a
   * command is at work, ENXIO where the port is down.
   */
  write(data: Uint8Array): void;
  /** A command has an answer, or why it has none. */
  readonly isAnswered: boolean;
  /**
   * The answer to the last command; empty before the first. EINVAL while the command is incomplete, ENXIO while the port is
   * down. Waits for a command that is at work until `interrupted` is aborted (EINTR), or without it for SCSI_WAIT_MS_MAX (EBUSY).
   */
  answer(interrupted?: AbortSignal): Uint8Array | Promise<Uint8Array>;
  /** The command goes on. */
  close(): void;
}
