/**
 * The contract of backup devices: tape libraries, disks, other arrays. Everything is synchronous and
 * may block as long as the device does: worker threads and programs of their own call it, never the
 * event loop of the daemon. Every failure is a DeviceError with its fault (device-error.ts); what
 * the callers do wrong is an assertion. A device object is cheap and holds nothing open; each thread
 * makes its own from the definition (`openDevice`).
 *
 * A session goes through these states:
 *
 *   state      login  reserve            load             unload    release    logout
 *   none       in     -                  -                -         -          -
 *   in         -      reserved           assertion        in        in         none
 *   reserved   -      reserved, another  loaded           reserved  in         none
 *   loaded     -      reserved, another  loaded, anew     reserved  in         none
 *
 * - login: `missing` where the device does not answer, `refused` where it does not let the
 *   initiator in. Any number of initiators may be logged in, and one of them several times.
 * - reserve: exclusive use of one medium, and of a drive where the device has drives, for this
 *   session alone: another session, in whatever thread or process, is `busy`, and the reason names
 *   who has it. `no-medium` where there is none of that name; where media are made by writing (disk
 *   and array) that is told by `load`. Reserving another medium gives the one before back
 *   and keeps the drive. When the thread or process of a session ends, however it ends, its
 *   reservations are void; as long as it is only stuck they are not, unless it was for an attempt
 *   that is over by what a later one knows: its session loads at most, and uses nothing.
 * - load: makes the reserved medium ready, from its beginning. For 'write': `write-protected`.
 * - The medium that `load` returned is `unloaded` from the moment it is unloaded or loaded again.
 * - What was written is durable after `sync`, and only then. unload, release and logout promise
 *   nothing, and fail on nothing. `changed` where somebody else has deleted, replaced or cut off the
 *   medium meanwhile, at the next write or at `sync`.
 */

import type { BackupBase } from './backup-manifest.js';
import type { Attempt } from './owner-lock.js';

export type DeviceKind = 'tape' | 'disk' | 'array';

/** A medium as the device sees it without loading it. */
export interface MediumInfo {
  readonly name: string;
  /** Of a library, from 1. */
  readonly slot?: number;
  readonly usedBytes: number;
  readonly isProtected: boolean;
  /** The initiator whose session has it reserved. */
  readonly holder?: string;
  /** Of a cartridge that has the label of another one: which. It is not written to. */
  readonly labelOf?: string;
}

export interface Capacity {
  readonly capacityBytes: number;
  /** What can still be written, in the medium and in the space below it. */
  readonly remainingBytes: number;
}

export type BackupDevice = StreamDevice | BlockDevice;
/** Media are streams of records and marks: a tape library. */
export interface StreamDevice extends DeviceOf<StreamSession> {
  readonly structure: 'stream';
}
/** Media are images with addresses: a disk, another array. */
export interface BlockDevice extends DeviceOf<BlockSession> {
  readonly structure: 'block';
}

interface DeviceOf<Session> {
  readonly kind: DeviceKind;
  /** All media, in the order of their slots or names. `missing` as for login. */
  media(): readonly MediumInfo[];
  /** `initiator`: WWN or name of the port, shown to others who find a medium busy. */
  login(initiator: string, attempt?: Attempt): Session;
}

export type DeviceSession = StreamSession | BlockSession;
export interface StreamSession extends SessionOf<StreamMedium> {
  readonly device: StreamDevice;
}
export interface BlockSession extends SessionOf<BlockMedium> {
  readonly device: BlockDevice;
}

export interface SessionOf<Medium> {
  readonly initiator: string;
  /** Name of the reserved medium. */
  readonly reserved: string | undefined;
  reserve(medium: string): void;
  load(mode: 'read' | 'write'): Medium;
  /** The loaded medium; `unloaded` where there is none. */
  readonly loaded: Medium;
  /** Of the reserved medium. */
  capacity(): Capacity;
  unload(): void;
  release(): void;
  logout(): void;
}

/**
 * A tape. Positions are between objects (records and marks). Reading a mark moves past it, reading
 * at the end of the medium does not move; writing makes what follows the position disappear.
 */
export interface StreamMedium {
  /** Grows along the medium; only `seek` knows what it means. */
  readonly position: number;
  /** From the position to the end of the medium. */
  readonly remainingBytes: number;
  /** The early warning: one more record of any size and the labels after it fit, no more. */
  readonly isNearEnd: boolean;
  /** Reads the next object and moves past it. `damaged` where it is none, or not readable. */
  read(): TapeReading;
  /** Moves past the next object; undefined at the end of the medium. */
  pass(): Passed | undefined;
  /** A record of 1 to STREAM_TRANSFER_BYTES_MAX bytes; `invalid` else, `full` at the end. */
  writeRecord(data: Uint8Array): void;
  writeMarks(count: number): void;
  /** Moves over records, forward or (negative) backward; a mark stops it. */
  spaceRecords(count: number): Movement;
  /** Moves past marks, forward or (negative) backward, and over all records on the way. */
  spaceMarks(count: number): Movement;
  /** To the logical block of this number, records and marks counted from 0 at the beginning. */
  locate(logicalBlock: number): Movement;
  rewind(): void;
  toEndOfData(): void;
  /** The same without looking at what is before it, where the medium is known to be whole: a torn end is not seen. */
  toLastByte(): void;
  /** Back to a position that `position` told; `damaged` where the medium has become shorter. */
  seek(position: number): void;
  /** Cuts off what a crash of a writer left torn at the end; returns the bytes cut off. */
  repairTail(): number;
  sync(): void;
}

export type TapeReading =
  | { readonly kind: 'record'; readonly data: Uint8Array; readonly damaged: boolean }
  | { readonly kind: 'mark' }
  | { readonly kind: 'end-of-medium' };

/** An object that was passed without its data. */
export type Passed =
  | { readonly kind: 'record'; readonly dataBytes: number }
  | { readonly kind: 'mark' };

/** How far a movement came. */
export interface Movement {
  /** Objects that were asked for and not passed. */
  readonly remaining: number;
  /** What stopped it early. A mark has been passed, in the direction of the movement. */
  readonly stoppedBy?: 'mark' | 'end-of-medium' | 'beginning';
}

/** An image with addresses from 0, in multiples of 512 bytes. */
export interface BlockMedium {
  readonly sizeBytes: number;
  /** What `beginImage` leaves: true where unwritten ranges read as zeros, false where as before. */
  readonly startsAsZeros: boolean;
  /**
   * Makes it an image of this size, whatever it held. Information stored beside it is cleared
   * first. `full` where the device is smaller.
   */
  beginImage(imageBytes: number): void;
  /**
   * Takes the image as it is, as an increment goes onto it; information stored beside it is cleared. `invalid` (EXDEV) where it does
   * not hold the snapshot `base`, byte for byte, or where that cannot be known.
   */
  beginIncrement(base: BackupBase): void;
  /** Of a file: cuts it off, or fills it up with a hole. A block device keeps its size. */
  setSize(sizeBytes: number): void;
  /** All `count` bytes; `damaged` where the image ends before. */
  read(position: number, count: number): Uint8Array;
  write(position: number, data: Uint8Array): void;
  writeZeros(position: number, count: number): void;
  /** The 512 bytes of volume information beside the image; undefined: none, or no place for it. */
  readInformation(): Uint8Array | undefined;
  /** False where the device has no place for it. */
  writeInformation(sector: Uint8Array): boolean;
  /** The image is that of this snapshot (UUID), until somebody writes to it; nothing where the device has no place for that. */
  noteHeld(image: string): void;
  sync(): void;
}
