/**
 * Every command of the array, one row each. The rows drive the files in /ctl, the checks of the
 * command parser, the command line interface, its completion and the help texts: a new command is
 * one row here and one handler in command-handlers.ts.
 */
import { COPY, type CommandRow, LABEL, NEW_NAME, SIZE, SNAPSHOT, VOLUME } from './command-row.js';
import { ECOPY_COMMANDS } from './ecopy-command-rows.js';
import { PAIR_COMMAND_ROWS } from './pair-command-rows.js';
import { POOL_COMMANDS } from './pool-command-rows.js';
import { SAN_COMMANDS } from './san-command-rows.js';

const VOLUME_COMMANDS = [
  {
    name: 'create',
    group: 'volume',
    verb: 'create',
    words: [{ ...NEW_NAME, name: 'NAME' }, SIZE],
    options: [{ name: 'pool', kind: 'pool', help: 'where its blocks are stored' }, LABEL],
    summary: 'create an empty volume',
    description: [
      'The volume reads as zeroes and takes no space until it is written.',
      "'truncate -s 10G volumes/NAME' does the same.",
    ],
    examples: [
      { line: 'db 10G', meaning: 'a volume of 10 GiB, image in volumes/db' },
      { line: 'db 10G label="orders, production"', meaning: 'with a label, quoted for its blanks' },
    ],
    changesArray: true,
  },
  {
    name: 'resize',
    group: 'volume',
    verb: 'resize',
    words: [VOLUME, SIZE],
    options: [
      { name: 'force', kind: 'yes', help: 'shrink even while the volume is open for writing' },
    ],
    summary: 'change the size of a volume',
    description: [
      'Growing adds zeroes. Shrinking drops what lies past the new end, and is refused with EBUSY',
      'while the volume is open for writing. Snapshots keep their own size and content.',
    ],
    examples: [{ line: 'db 20G', meaning: 'the volume has 20 GiB now' }],
    changesArray: true,
  },
  {
    name: 'rename',
    group: 'volume',
    verb: 'rename',
    words: [VOLUME, NEW_NAME],
    options: [],
    summary: 'rename a volume',
    description: [
      'Number, UUID, snapshots and volume information stay; open files go on working.',
      "'mv volumes/VOLUME volumes/NEWNAME' does the same.",
    ],
    examples: [{ line: 'db db-old', meaning: 'its snapshots are in snapshots/db-old now' }],
    changesArray: true,
  },
  {
    name: 'delete',
    group: 'volume',
    verb: 'delete',
    words: [
      { ...COPY, name: 'VOLUME|VOLUME@SNAPSHOT', help: 'a volume or a snapshot, or #NUMBER' },
    ],
    options: [
      { name: 'snapshots', kind: 'yes', help: 'delete the snapshots of the volume with it' },
      { name: 'force', kind: 'yes', help: 'delete a snapshot although it is open' },
    ],
    summary: 'delete a volume or a snapshot',
    description: [
      'A volume that has snapshots is not deleted (EBUSY) unless snapshots=yes. A snapshot that is',
      'open, for example loop-mounted, is not deleted (EBUSY) unless force=yes; open files go on',
      'reading. The space comes back in the background.',
    ],
    examples: [
      { line: 'db-old', meaning: 'deletes the volume; it has no snapshots' },
      { line: 'db-old snapshots=yes', meaning: 'deletes the volume and all its snapshots' },
      { line: 'db@monday', meaning: 'deletes one snapshot' },
    ],
    changesArray: true,
  },
  {
    name: 'label',
    group: 'volume',
    verb: 'label',
    words: [COPY],
    options: [
      { ...LABEL, name: 'text', help: 'the label, at most 64 bytes; empty or absent clears' },
    ],
    summary: 'set or clear the label of a volume or snapshot',
    description: ['The label is shown in the status tables; it has no meaning to the array.'],
    examples: [
      { line: 'db text="orders, production"', meaning: 'sets the label' },
      { line: 'db@monday', meaning: 'clears the label' },
    ],
    changesArray: true,
  },
] as const satisfies readonly CommandRow[];

const SNAPSHOT_COMMANDS = [
  {
    name: 'snapshot',
    group: 'snapshot',
    verb: 'create',
    words: [{ ...VOLUME, repeat: true }],
    options: [
      { name: 'name', kind: 'name', help: 'its name; default the UTC time, YYYYMMDDTHHMMSSZ' },
      LABEL,
      {
        name: 'info',
        kind: 'sectors',
        help: 'a volume-information sector of 512 bytes, or one for each volume behind the other',
      },
    ],
    summary: 'take a snapshot of one or more volumes at one instant',
    description: [
      'Takes the same time for any size and moves no data. Several volumes share one instant: all',
      'or none get the snapshot. info= is stored with the snapshot if and only if it is taken.',
    ],
    examples: [
      { line: 'db', meaning: 'named by the UTC time' },
      { line: 'db log name=monday', meaning: 'db@monday and log@monday, of one instant' },
    ],
    changesArray: true,
  },
  {
    name: 'restore',
    group: 'snapshot',
    verb: 'restore',
    words: [SNAPSHOT],
    options: [{ name: 'force', kind: 'yes', help: 'even while the volume is open for writing' }],
    summary: 'put a volume back to one of its snapshots',
    description: [
      'The volume has the content and size of the snapshot at once; nothing is copied. What was',
      'written since is gone unless a snapshot holds it. All snapshots stay. Refused with EBUSY',
      'while the volume is open for writing, as by a loop mount, unless force=yes.',
    ],
    examples: [{ line: 'db@monday', meaning: 'db is as it was at the snapshot monday' }],
    changesArray: true,
  },
  {
    name: 'clone',
    group: 'snapshot',
    verb: 'clone',
    words: [SNAPSHOT, NEW_NAME],
    options: [LABEL],
    summary: 'make a new volume with the content of a snapshot',
    description: [
      'The clone is a writable volume of its own that shares blocks until they are overwritten.',
      'Nothing is copied; the snapshot may be deleted afterwards.',
    ],
    examples: [{ line: 'db@monday db-test', meaning: 'volumes/db-test holds the state of monday' }],
    changesArray: true,
  },
] as const satisfies readonly CommandRow[];

const INFO_COMMANDS = [
  {
    name: 'info',
    group: 'info',
    verb: 'set',
    words: [COPY],
    options: [
      { name: 'set', kind: 'base64', help: 'the sector, 512 bytes in base64' },
      { name: 'clear', kind: 'yes', help: 'remove the sector' },
      {
        name: 'holds',
        kind: 'text',
        help: 'the volume has the image of the snapshot with this UUID, byte for byte',
      },
    ],
    summary: 'store or clear the volume-information sector',
    description: [
      'The sector is kept beside the volume or snapshot, never inside its image. Exactly one of set=,',
      'clear=yes and holds=, by which who has copied a whole image to a volume tells so, for incremental',
      'copies to it; it is forgotten with the next write. Read the sector from info/VOLUME or info/VOLUME@SNAPSHOT; writing exactly 512',
      'bytes at offset 0 of that file does the same as set=.',
    ],
    examples: [{ line: 'db@monday clear=yes', meaning: 'the snapshot has no sector any more' }],
    changesArray: true,
  },
] as const satisfies readonly CommandRow[];

const JOB_COMMANDS = [
  {
    name: 'scrub',
    group: 'job',
    verb: 'scrub',
    words: [
      {
        name: 'all|COPY',
        kind: 'scrub-subject',
        help: "'all', VOLUME, VOLUME@SNAPSHOT or #NUMBER",
      },
    ],
    options: [],
    summary: 'read and verify every block, as a job',
    description: [
      'Starts a paced job and answers with its number at once; host I/O goes first. Damage is',
      'reported in events and in the result of the job, with volume and address.',
    ],
    examples: [
      { line: 'all', meaning: 'verifies every volume and snapshot; see jobs/ID' },
      { line: 'db@monday', meaning: 'verifies one snapshot' },
    ],
    changesArray: false,
  },
  {
    name: 'cancel',
    group: 'job',
    verb: 'cancel',
    words: [{ name: 'JOB', kind: 'job', help: 'the number of a running job' }],
    options: [],
    summary: 'cancel a running job',
    description: ['EBUSY for a job that has ended, ENOENT for one that is not known.'],
    examples: [{ line: '7', meaning: 'job 7 ends in the state cancelled' }],
    changesArray: false,
  },
  {
    name: 'retry',
    group: 'job',
    verb: 'retry',
    words: [{ name: 'JOB', kind: 'job', help: 'the number of a job that failed or was cancelled' }],
    options: [],
    summary: 'give the order of a copy again, as a new job',
    description: [
      'For copies of whole images (ecopy) that failed or were cancelled, also in an earlier mount. The new',
      'job has all options of the old one but at=, and begins at the beginning, with the image as it is now.',
      'EBUSY while the job runs, EINVAL where it is done or was something else.',
    ],
    examples: [{ line: '7', meaning: 'what job 7 was to copy is copied by a new job' }],
    changesArray: true,
  },
] as const satisfies readonly CommandRow[];

const ARRAY_COMMANDS = [
  {
    name: 'sync',
    group: 'array',
    verb: 'sync',
    words: [],
    options: [],
    summary: 'make everything written so far durable',
    description: [
      'Answers when all that was acknowledged on any volume survives a crash. It has no words: an',
      'empty line runs it.',
    ],
    examples: [{ line: '', meaning: 'an empty line: like fsync of every volume' }],
    changesArray: false,
  },
] as const satisfies readonly CommandRow[];

const ROWS = [
  ...VOLUME_COMMANDS,
  ...SNAPSHOT_COMMANDS,
  ...PAIR_COMMAND_ROWS,
  ...INFO_COMMANDS,
  ...JOB_COMMANDS,
  ...ECOPY_COMMANDS,
  ...POOL_COMMANDS,
  ...SAN_COMMANDS,
  ...ARRAY_COMMANDS,
] as const;

/** A handler exists for each of these: the handlers' type is built from it. */
export type CommandName = (typeof ROWS)[number]['name'];

export type Command = CommandRow & { readonly name: CommandName };

/** In the order of the help text. */
export const COMMANDS: readonly Command[] = ROWS;

/** The row of a command, or undefined where there is none. */
export function findCommand(name: string): Command | undefined {
  return COMMANDS.find((command) => command.name === name);
}
