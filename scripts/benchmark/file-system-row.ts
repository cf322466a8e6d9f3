/** What a row about file systems and programs consists of, and what its steps work with. */
import type { Cleanup } from './cleanup.js';
import type { Sample } from './results.js';
import type { Row } from './row.js';
import type { Scale } from './scale.js';

/** What the rows of a group find: an ext4 in the image, mounted over a loop device; or the image as it is. */
export type FileSystemGroup = 'ext4' | 'image';

export interface FileSystemBench {
  readonly cleanup: Cleanup;
  readonly scale: Scale;
  /** Where the ext4 is mounted, or the image. */
  readonly path: string;
  readonly source: CopySource;
}

/** Files of the host to copy from, `treeBytes` each; read before, so that they are in its page cache. */
export interface CopySource {
  /** A directory with directories with files. */
  readonly tree: string;
  readonly file: string;
}

export interface FileSystemStep {
  /** Once, before the first round. */
  prepare?(bench: FileSystemBench): Promise<void>;
  measure(bench: FileSystemBench): Promise<Sample>;
}

export interface FileSystemRow extends Row {
  readonly group: FileSystemGroup;
  readonly step: FileSystemStep;
}
