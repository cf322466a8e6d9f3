/**
 * Writes the image of a volume to a medium in one pass, extents in order as they come, on every kind
 * of device (`beginBackup`). Whoever follows a writer that has gone calls `resumeBackup` with the last
 * pointer that was kept, in a new session, and goes on at `nextOffset`: nothing is then twice on
 * the medium and nothing missing.
 *
 * On tape the image is a management file and a data file (backup-manifest.ts, data-block.ts), on a
 * disk or another array the image itself, with the volume information where the device has a place.
 */
/** Where a backup has come to: plain data, to be kept outside the thread that writes. */
export type BackupPointer = TapePointer | BlockPointer;

export interface BlockPointer {
  readonly structure: 'block';
  readonly medium: string;
  readonly nextOffset: number;
}

export interface TapePointer {
  readonly structure: 'stream';
  /** The cartridge that is being written. */
  readonly medium: string;
  /** All cartridges so far, the one above is the last. */
  readonly volumes: readonly string[];
  /** Behind the last block that is durable on it. */
  readonly position: number;
  /** Position of the first block of the file section on it. */
  readonly sectionAt: number;
  readonly setId: string;
  readonly sequence: number;
  readonly section: number;
  readonly sectionBlocks: number;
  readonly sectionCrc: number;
  /** Over all sections. */
  readonly blocks: number;
  readonly nextOffset: number;
}

export interface BackupResult {
  /** The media it is on, in order. */
  readonly media: readonly string[];
}

export interface BackupWriter {
  /** What lies below is on the medium or waits in memory for a block to be full. */
  readonly nextOffset: number;
  /**
   * Where it is now. For whoever follows this writer when its thread ends; after a power cut only what `checkpoint` gave
   * is certain.
   */
  readonly pointer: BackupPointer;
  /**
   * The next extent: whole sectors, not below `nextOffset`, within the image. The data may be
   * overwritten when it returns. A fault leaves the medium so that `resumeBackup` can go on.
   */
  write(offset: number, data: Uint8Array): void;
  /** Of an increment: the range is zeros now, which its base may not have there. Otherwise as `write`. */
  zero(offset: number, bytes: number): void;
  /** Makes durable what is on the medium; from here `resumeBackup` goes on. */
  checkpoint(): BackupPointer;
  /** Ends the image; it is whole and durable on return. */
  finish(): BackupResult;
}
