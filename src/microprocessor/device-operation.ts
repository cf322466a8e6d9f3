/**
 * Single operations at a medium, as the segments of a parameter list need them: plain data, which goes to a microprocessor and
 * back. Each is done whole or answered with an error, and may be done again from where the medium stood before it: that
 * is how another microprocessor goes on with the one that was under way when the first ended.
 */
import type { Capacity, DeviceKind, MediumInfo } from '../device/backup-device.js';

/** Bytes of data of one operation at most: what a chunk of the backup data area holds. */
export const OPERATION_BYTES_MAX = 256 * 1024;

/** `data` of operations and replies lies beside them; in bytes. */
export type DeviceOperation =
  /** Is a medium loaded and ready? Answers `ready`, or an error. */
  | { readonly kind: 'test-ready' }
  | { readonly kind: 'inquire' }
  // ---- of a stream device
  /** The data is cut into records of `recordBytes`; the last one may be shorter. */
  | { readonly kind: 'write-records'; readonly recordBytes: number }
  | { readonly kind: 'write-marks'; readonly count: number }
  /**
   * Reads `count` records, fewer where a mark or the end of the medium comes, or where the data of one operation would become
   * too long. A record longer than `recordBytes` is an error `invalid` and not passed; it is told when it is the first.
   */
  | { readonly kind: 'read-records'; readonly count: number; readonly recordBytes: number }
  | { readonly kind: 'space-records'; readonly count: number }
  | { readonly kind: 'space-marks'; readonly count: number }
  | { readonly kind: 'locate'; readonly block: number }
  | { readonly kind: 'rewind' }
  | { readonly kind: 'to-end-of-data' }
  /** Which backups the cartridge has, from the one with this index on; it stands anywhere then. */
  | { readonly kind: 'list-backups'; readonly from: number }
  // ---- of a block device
  /** Makes the medium an image of this size; what was in it is gone. */
  | { readonly kind: 'begin-image'; readonly imageBytes: number }
  | { readonly kind: 'read-blocks'; readonly position: number; readonly bytes: number }
  | { readonly kind: 'write-blocks'; readonly position: number }
  // ---- of both
  /** What was written is durable when this is answered. */
  | { readonly kind: 'sync' };

export type OperationReply =
  /** With a page of the listing (medium-listing.ts) as data where it answers `list-backups`. */
  | { readonly kind: 'done' }
  | { readonly kind: 'inquiry'; readonly inquiry: DeviceInquiry }
  /** `records`: the length of each record; of blocks one. `stop`: what ended it; a mark has been passed. */
  | {
      readonly kind: 'data';
      readonly records: readonly number[];
      readonly stop?: 'mark' | 'end-of-medium';
    }
  /** As the `Movement` of a stream medium. */
  | {
      readonly kind: 'moved';
      readonly remaining: number;
      readonly stoppedBy?: 'mark' | 'end-of-medium' | 'beginning';
    };

export interface DeviceInquiry {
  readonly device: DeviceKind;
  readonly structure: 'stream' | 'block';
  readonly medium: string;
  readonly capacity: Capacity;
  /** Of an image; of a tape 0. */
  readonly sizeBytes: number;
}

/** What a device tells without a medium being reserved. */
export interface DeviceSighting {
  readonly device: DeviceKind;
  readonly media: readonly MediumInfo[];
}
