/**
 * Every limit of the array, with why it holds. Hitting one is an error with a name, never a
 * surprise. Relations between limits are asserted here, at import.
 */
import { assert } from './assert.js';
import { BLOCK_BYTES } from './sizes.js';

/** Largest volume, 16 TiB: 2^30 blocks, so a block number fits u40 with room to spare. */
export const VOLUME_BYTES_MAX = 16 * 2 ** 40;
/** Volumes of one array; each costs about 1 KiB of memory. */
export const VOLUMES_MAX = 16_384;
/** Snapshots of one volume; each costs about 1 KiB of memory. */
export const SNAPSHOTS_PER_VOLUME_MAX = 65_536;
/** Volumes one command may name: all of them share one instant. */
export const COMMAND_VOLUMES_MAX = 1_024;
/** Pools of one array: each has a writer thread, and a reserve in the write cache. */
export const POOLS_MAX = 16;
/** Characters of a volume, snapshot or pool name. */
export const NAME_CHARACTERS_MAX = 64;
/** Bytes of a label: the width of the field in the volume-information sector. */
export const LABEL_BYTES_MAX = 64;
/** Bytes of a text command. Longer is EINVAL with a text that repeats its beginning. */
export const COMMAND_BYTES_MAX = 64 * 1024;
/** Finished jobs kept; older ones are forgotten. */
export const JOBS_FINISHED_MAX = 1_000;
/** Days that `at=` puts a command off at most. */
export const DELAY_DAYS_MAX = 366;
/** Jobs that run at one time. */
export const JOBS_RUNNING_MAX = 64;
/** Events kept; older ones are dropped at mount only, so offsets in /events stay true. */
export const EVENTS_MAX = 100_000;
/** Characters of one event's message. */
export const EVENT_MESSAGE_CHARACTERS_MAX = 1_024;
/** Damaged places that get an event of their own while mounted; a reader may retry for ever. */
export const DAMAGES_REPORTED_MAX = 10_000;
/** Lineages above a volume before the chain is merged in the background. */
export const LINEAGE_DEPTH_MAX = 8;
/** Clip records of one lineage (shrinks without a newer, smaller one). */
export const CLIPS_PER_LINEAGE_MAX = 65_536;
/** Bytes of the volume-information sector. */
export const INFO_BYTES = 512;
/** What one stored block takes on disk in LMDB: value pages, keys, its map entry and bitmaps. */
export const BLOCK_COST_BYTES = 20_992;
/** The same with blocks in a file of slots: the slot, its map entry, bitmaps. */
export const FILE_BLOCK_COST_BYTES = 16_896;
/** Blocks written to the store in one transaction. */
export const TRANSACTION_BLOCKS_MAX = 512;
/** Default bound of the write-back cache: the daemon stays below 512 MiB of anonymous memory. */
export const CACHE_BYTES_DEFAULT = 160 * 2 ** 20;
/** Smallest bound that still lets generations overlap. */
export const CACHE_BYTES_MIN = 4 * 2 ** 20;
/**
 * Of its even share of the cache this is reserved for each pool, and at least the smallest cache: of
 * two pools one alone still takes a burst of 128 MiB.
 */
export const CACHE_RESERVE_PERCENT = 25;
/** Bytes one fsync or command logs; more is published instead. */
export const LOGGED_BYTES_MAX = 4 * 2 ** 20;
/** Size of the intent log: of a large pool, and least. */
export const LOG_BYTES_MAX = 64 * 2 ** 20;
export const LOG_BYTES_MIN = 12 * 2 ** 20;
/** Blocks published in one transaction, unless one generation has more. */
export const PUBLISH_BLOCKS_MAX = 16_384;
/** Blocks that wait to be published: each costs about 200 bytes of memory. */
export const PENDING_BLOCKS_MAX = 65_536;
/** Nursery of V8's heap, in each thread: little of what a request allocates outlives it. */
export const HEAP_NURSERY_BYTES = 4 * 2 ** 20;
/** How far V8 lets a thread's heap grow before it collects garbage again; by itself up to 300. */
export const HEAP_GROWTH_PERCENT = 30;
/** Largest bound: the cache is anonymous memory. */
export const CACHE_BYTES_MAX = 16 * 2 ** 30;
/** Age at which acknowledged writes are destaged without anybody asking. */
export const DIRTY_AGE_MS_MAX = 1_000;
/** Time after which a pool is told how far the others have come though nothing is written to it. */
export const POOLS_TOLD_MS = 30_000;
/** Bytes of block locations kept in memory over all volumes and snapshots. */
export const INDEX_BYTES_MAX = 48 * 2 ** 20;
/** Open images whose next bytes are kept in memory, and bytes of each. */
export const AHEAD_READERS_MAX = 8;
export const AHEAD_BYTES_MAX = 2 ** 20;
/** Largest capacity of a pool: LMDB maps twice as much, and a process has 128 TiB of addresses. */
export const POOL_BYTES_MAX = 16 * 2 ** 40;
/** Left free on the host's file system, for the records and trees a destage rewrites. */
export const HOST_RESERVE_BYTES = 64 * 2 ** 20;
/** Versions looked at in one slice of background work. */
export const SLICE_VERSIONS = 512;
/** Chunks of 64 MiB of an image whose changed blocks are in memory at a time, of each incremental copy: 512 bytes each. */
export const CHANGE_WINDOW_CHUNKS = 4_096;
/** Pairs of one array, and secondaries of one primary: a pair costs 3 bits for each 64 KiB. */
export const PAIRS_MAX = 4_096;
export const SECONDARIES_MAX = 8;
/** Buffers of 15 tracks kept for copies between pools; a copy that finds none makes its own. */
export const PAIR_BUFFERS_MAX = 4;
/** Smallest capacity `init` accepts. */
export const POOL_BYTES_MIN = 16 * 2 ** 20;
/** Target descriptors of one EXTENDED COPY parameter list. */
export const COPY_TARGETS_MAX = 64;
/** Segment descriptors of one parameter list; a list is decoded and held in memory as a whole. */
export const COPY_SEGMENTS_MAX = 1_024;
/** Bytes of all descriptors of one parameter list, embedded data included, inline data not. */
export const COPY_DESCRIPTOR_BYTES_MAX = 64 * 1024;
/** Bytes of inline data of one parameter list. */
export const COPY_INLINE_BYTES_MAX = 64 * 1024;
/** Bytes of processed data held for RECEIVE DATA per list identifier: the newest are kept. */
export const COPY_HELD_BYTES_MAX = 256 * 1024;
/** Bytes that one segment moves over themselves within one medium of a device: they are read before the first is written. */
export const COPY_OVERLAP_BYTES_MAX = 32 * 2 ** 20;
/** Copies of which results are kept for RECEIVE COPY RESULTS; the oldest that have ended are forgotten. */
export const COPY_RESULTS_MAX = 128;
/** Bytes of one read or write of a stream device: the longest record that `mtdump` accepts. */
export const STREAM_TRANSFER_BYTES_MAX = 65_536;
/** Port groups; of eight ports nobody needs more. */
export const PORT_GROUPS_MAX = 64;
/** Hosts; every request through a port looks its caller up among them. */
export const HOSTS_MAX = 256;
/** Highest LUN: the 14 bits of the flat addressing method (SAM-2, 4.9.4). */
export const LUN_MAX = 16_383;
/** LUN mappings over all ports and hosts; each costs about 100 bytes of memory. */
export const LUN_MAPPINGS_MAX = 16_384;
/** Backup devices; a discovery probes each through every port. */
export const DEVICES_MAX = 64;
/** A read waits so long for the answer to a SCSI command where the transport tells of no signals. */
export const SCSI_WAIT_MS_MAX = 10_000;
/** Users who are no host, of whom /events tells. */
export const STRANGERS_TOLD_MAX = 1_000;
/** What hosts, or backups, may move in one turn: the other one waits as long as that takes. */
export const TURN_BYTES_MAX = 2 ** 30;
/** The same as a time. */
export const TURN_MS_MAX = 60_000;
/** Faults set at one time; every request looks through them. */
export const FAULTS_MAX = 64;
/** Cartridges of one tape library: finding an empty one looks at the labels of each. */
export const TAPE_SLOTS_MAX = 1_000;
/** Smallest cartridge: labels, a management file and blocks of data fit on any empty one. */
export const CARTRIDGE_BYTES_MIN = 2 ** 20;
/** Files of one directory of a backup that are listed; each is about 200 bytes of the answer. */
export const FILES_LISTED_MAX = 10_000;
/** Size the catalog of a backup server may grow to: LMDB maps so many addresses; an entry takes about 1.5 KiB. */
export const BACKUP_CATALOG_BYTES_MAX = 64 * 2 ** 30;
/** Bytes of one request to a backup server: a rescan of some tens of thousands of backups fits. */
export const BACKUP_REQUEST_BYTES_MAX = 64 * 2 ** 20;
/** Definitions and clients of one backup server: they are written as one file. */
export const BACKUP_DEFINITIONS_MAX = 1_000;
export const BACKUP_CLIENTS_MAX = 256;
/** Finished errands and runs that a backup server keeps; older ones are forgotten. */
export const BACKUP_ERRANDS_MAX = 1_000;
export const BACKUP_RUNS_MAX = 10_000;
/** Lines of output kept with a run, and characters of each; what is more is left out. */
export const BACKUP_LOG_LINES_MAX = 1_000;
export const BACKUP_LOG_LINE_CHARACTERS_MAX = 1_024;

assert(VOLUME_BYTES_MAX / BLOCK_BYTES <= 2 ** 40, 'block numbers fit u40');
assert(FILE_BLOCK_COST_BYTES > BLOCK_BYTES, 'a slot costs more than its content');
assert(BLOCK_COST_BYTES > BLOCK_BYTES, 'a block costs more than its content');
assert(LOG_BYTES_MIN > 2 * LOGGED_BYTES_MAX, 'the log holds more than one append');
assert(CACHE_BYTES_MIN <= CACHE_BYTES_DEFAULT, 'the default cache is allowed');
assert(
  COPY_TARGETS_MAX * 32 + COPY_SEGMENTS_MAX * 32 <= COPY_DESCRIPTOR_BYTES_MAX,
  'the largest numbers of descriptors fit one parameter list',
);
assert(STREAM_TRANSFER_BYTES_MAX <= COPY_HELD_BYTES_MAX, 'a whole transfer can be held');
assert(STREAM_TRANSFER_BYTES_MAX <= COPY_INLINE_BYTES_MAX, 'a whole transfer can be inline');
