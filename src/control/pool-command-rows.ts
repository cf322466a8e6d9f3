/** The rows of the command table that are about pools. */
import { BLOCK_CONTAINERS, DEFAULT_CONTAINER } from '../store/container-kind.js';
import type { CommandRow } from './command-row.js';

export const POOL_COMMANDS = [
  {
    name: 'pooladd',
    group: 'pool',
    verb: 'add',
    words: [
      { name: 'NAME', kind: 'new-name', help: '1-64 characters of A-Z a-z 0-9 . _ -' },
      { name: 'DIR', kind: 'directory', help: 'a new or empty directory, from / on' },
    ],
    options: [
      { name: 'capacity', kind: 'size', help: 'disk space it may take; default that of the first' },
      {
        name: 'blocks',
        kind: 'text',
        values: BLOCK_CONTAINERS,
        help: `where its blocks are kept; default ${DEFAULT_CONTAINER}`,
      },
    ],
    summary: 'add a pool to the array, normally on another disk',
    description: [
      'Volumes are made in it with pool=NAME. Each pool knows what belongs to the array, so that the',
      'array can be mounted from the directory of any of them, also without the others.',
    ],
    examples: [
      { line: 'mirror /disk2/arrayfs-pool', meaning: 'as large as the first pool' },
      {
        line: 'mirror /disk2/arrayfs-pool capacity=500G blocks=lmdb',
        meaning: 'of 500 GiB at most, all of it in one database file',
      },
    ],
    changesArray: true,
  },
  {
    name: 'poolremove',
    group: 'pool',
    verb: 'remove',
    words: [{ name: 'NAME', kind: 'pool', help: 'a pool without volumes, or a missing one' }],
    options: [{ name: 'force', kind: 'yes', help: 'give a missing pool up, with its volumes' }],
    summary: 'take a pool out of the array',
    description: [
      'EBUSY while it has volumes, and for the last pool. The files in its directory stay, and are of',
      'no array any more: remove them by hand. A missing pool is given up with force=yes: its volumes',
      'are forgotten, and it does not belong to the array even when it comes back.',
    ],
    examples: [
      { line: 'mirror', meaning: 'it has no volumes' },
      { line: 'mirror force=yes', meaning: 'it is missing, and will not come back' },
    ],
    changesArray: true,
  },
] as const satisfies readonly CommandRow[];
