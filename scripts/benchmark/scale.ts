/** Sizes and durations of a run: one table for the ordinary run and one for --quick. */

const MIB = 2 ** 20;
const GIB = 2 ** 30;

export interface Scale {
  /** Image of the warm rows, the bursts and the 60 s rows. */
  readonly imageBytes: number;
  /** Image that does not lie in any cache. */
  readonly largeBytes: number;
  /** Image that is written once from end to end. */
  readonly passBytes: number;
  readonly rowSeconds: number;
  readonly coldSeconds: number;
  readonly longSeconds: number;
  readonly burstBytes: number;
  readonly bulkBurstBytes: number;
  /** Times the image is overwritten, with a snapshot before each, to make it aged. */
  readonly overwrites: number;
  /** Commands timed for one value. */
  readonly commands: number;
  /** Volume whose clone and restore are timed. */
  readonly cloneBytes: number;
  readonly reflinkBytes: number;
  /** Volume with the file system, and the tree that is copied into it. */
  readonly fileSystemBytes: number;
  readonly treeBytes: number;
  /** File inside the file system that fio reads and writes. */
  readonly fileBytes: number;
  /** Scale factor of pgbench: 100,000 accounts, about 15 MiB, each. */
  readonly pgbenchScale: number;
  readonly pgbenchSeconds: number;
  readonly snapshotCount: number;
  readonly volumeCount: number;
}

export const FULL_SCALE: Scale = {
  imageBytes: 2 * GIB,
  largeBytes: 16 * GIB,
  passBytes: 4 * GIB,
  rowSeconds: 5,
  coldSeconds: 10,
  longSeconds: 60,
  burstBytes: 128 * MIB,
  bulkBurstBytes: 256 * MIB,
  overwrites: 10,
  commands: 20,
  cloneBytes: 10 * GIB,
  reflinkBytes: GIB,
  fileSystemBytes: 8 * GIB,
  treeBytes: 2 * GIB,
  fileBytes: GIB,
  pgbenchScale: 50,
  pgbenchSeconds: 30,
  snapshotCount: 1000,
  volumeCount: 1000,
};

/** Shows that every row works, no more: nothing here outgrows a cache. */
export const QUICK_SCALE: Scale = {
  imageBytes: 256 * MIB,
  largeBytes: 512 * MIB,
  passBytes: 256 * MIB,
  rowSeconds: 1,
  coldSeconds: 1,
  longSeconds: 3,
  burstBytes: 64 * MIB,
  bulkBurstBytes: 128 * MIB,
  overwrites: 3,
  commands: 5,
  cloneBytes: 256 * MIB,
  reflinkBytes: 128 * MIB,
  fileSystemBytes: 2 * GIB,
  treeBytes: 64 * MIB,
  fileBytes: 128 * MIB,
  pgbenchScale: 2,
  pgbenchSeconds: 3,
  snapshotCount: 50,
  volumeCount: 50,
};
