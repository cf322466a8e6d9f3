/** The commands on mirror pairs: rows of the command table. What each does in which state is in pair/pair-table.ts. */
import { type CommandOption, type CommandRow, type CommandWord, VOLUME } from './command-row.js';

const PAIR: CommandWord = {
  name: 'PAIR',
  kind: 'pair',
  help: 'PRIMARY:SECONDARY, or #NUMBER of a volume that is in one pair',
};
const PAIRS: CommandWord = { ...PAIR, repeat: true };
const VOLUMES: CommandWord = { ...VOLUME, repeat: true };

const PACE: CommandOption = {
  name: 'pace',
  kind: 'text',
  values: ['slow', 'medium', 'fast'],
  help: 'tracks of 64 KiB copied in one turn: 1, 3 or 15',
};
const INFO: CommandOption = {
  name: 'info',
  kind: 'sectors',
  help: 'a volume-information sector of 512 bytes for all secondaries, or one for each behind the other',
};
const AT: CommandOption = {
  name: 'at',
  kind: 'time',
  help: 'when: +30s, +5m, 18:00, 2026-11-20T18:00 (local), 2026-11-20T18:00Z',
};

const PAIR_LIFE = [
  {
    name: 'paircreate',
    group: 'pair',
    verb: 'create',
    words: [
      { ...VOLUME, name: 'PRIMARY', help: 'the volume that is copied, or #NUMBER' },
      {
        name: 'SECONDARY|auto',
        kind: 'secondary',
        help: "the volume it is copied to, or #NUMBER; 'auto' takes a reserved one of its size",
      },
    ],
    options: [
      { ...PACE, help: `${PACE.help}; default medium` },
      {
        name: 'mode',
        kind: 'text',
        values: ['mirror', 'on-demand'],
        help: 'copy now and then every update (default), or only at each copy command',
      },
      { name: 'sync', kind: 'yes', help: 'fsync of the primary waits for the secondary as well' },
      { name: 'force', kind: 'yes', help: 'even while the secondary is open for writing' },
    ],
    summary: 'make a pair of two volumes of equal size',
    description: [
      'What the secondary holds is overwritten. Hosts go on using the primary; the secondary cannot be',
      'written (EROFS) until the pair is split. A primary has up to 8 secondaries, also in other pools.',
      'See pairs/PRIMARY:SECONDARY for states and progress. EINVAL for unequal sizes, EBUSY for a',
      'secondary that is in a pair, or open for writing unless force=yes.',
    ],
    examples: [
      { line: 'db db-copy pace=fast', meaning: 'mirrors db to db-copy' },
      { line: 'db auto', meaning: 'to a reserved volume of the same size' },
      { line: 'db db-copy mode=on-demand', meaning: 'copies nothing before the copy command' },
    ],
    changesArray: true,
  },
  {
    name: 'pairdelete',
    group: 'pair',
    verb: 'delete',
    words: [{ ...PAIRS, kind: 'pair-or-now', help: `${PAIR.help}; now as last word` }],
    options: [{ name: 'now', kind: 'yes', help: 'do not finish what is being copied' }],
    summary: 'delete pairs; both volumes stay',
    description: [
      'What is being copied is finished first, so that the secondary is whole. With now=yes (or the',
      'word now) it is not: a half copied secondary is marked failed and cannot be read. The secondary',
      'stays reserved until unreserve.',
    ],
    examples: [
      { line: 'db:db-copy', meaning: 'the pair ends when both sides are equal' },
      { line: 'db:db-copy now=yes', meaning: 'it ends at once' },
    ],
    changesArray: true,
  },
] as const satisfies readonly CommandRow[];

const PAIR_COPYING = [
  {
    name: 'split',
    group: 'pair',
    verb: 'split',
    words: [{ ...PAIRS, optional: true }],
    options: [
      PACE,
      INFO,
      AT,
      {
        name: 'rotate',
        kind: 'volume',
        help: 'instead of pairs: split the oldest secondary of this volume',
      },
    ],
    summary: 'split one or more mirror pairs at one instant',
    description: [
      'Answers at once, however much is left to copy: each secondary reads as its primary was at the',
      'command, all at the same instant, and may be written. All pairs are split or none. rotate= makes',
      'the secondaries a history of the primary: the oldest becomes a copy of this instant.',
      'With at= a job waits and splits then; cancel ends it before.',
    ],
    examples: [
      { line: 'db:db-copy', meaning: 'db-copy is db as of now' },
      { line: 'db:db-copy log:log-copy', meaning: 'one instant for both' },
      { line: 'db:db-copy at=18:00', meaning: 'a job, at six in the evening' },
      { line: 'rotate=db', meaning: 'uses the oldest secondary of db' },
    ],
    changesArray: true,
  },
  {
    name: 'copy',
    group: 'pair',
    verb: 'copy',
    words: [PAIRS],
    options: [PACE, INFO, AT],
    summary: 'copy pairs on demand, all at one instant',
    description: [
      'For pairs of mode=on-demand. Each secondary reads as its primary was at the command; only tracks',
      'that differ are copied. Use resync to bring the pair back to defined, then copy again.',
      'With at= a job waits and copies then; cancel ends it before.',
    ],
    examples: [
      { line: 'db:db-copy', meaning: 'db-copy is db as of now' },
      { line: 'db:db-copy pace=slow at=+30m', meaning: 'a job, in half an hour' },
    ],
    changesArray: true,
  },
  {
    name: 'resync',
    group: 'pair',
    verb: 'resync',
    words: [PAIRS],
    options: [
      {
        name: 'direction',
        kind: 'text',
        values: ['forward', 'reverse'],
        help: 'forward: primary to secondary (default); reverse: back',
      },
      PACE,
      { name: 'force', kind: 'yes', help: 'even while what is overwritten is open for writing' },
    ],
    summary: 'copy what differs, and mirror again',
    description: [
      'Only tracks that were written on either side since the split are copied. direction=reverse',
      'restores the primary from the secondary: hosts read the content of the secondary at once.',
      'EBUSY while the volume that is overwritten is open for writing, unless force=yes. A pair on',
      'demand becomes defined; nothing is copied before the next copy.',
    ],
    examples: [
      { line: 'db:db-copy', meaning: 'db-copy follows db again' },
      { line: 'db:db-copy direction=reverse', meaning: 'db is db-copy again' },
    ],
    changesArray: true,
  },
  {
    name: 'suspend',
    group: 'pair',
    verb: 'suspend',
    words: [PAIRS],
    options: [],
    summary: 'stop copying updates',
    description: ['What differs from now on is remembered; resync copies it and mirrors again.'],
    examples: [{ line: 'db:db-copy', meaning: 'until resync' }],
    changesArray: true,
  },
  {
    name: 'pairpace',
    group: 'pair',
    verb: 'pace',
    words: [PAIRS],
    options: [{ ...PACE, required: true }],
    summary: 'change the pace of pairs',
    description: ['Takes effect in the next turn, also of a copy that is under way.'],
    examples: [{ line: 'db:db-copy pace=fast', meaning: '15 tracks a turn' }],
    changesArray: true,
  },
] as const satisfies readonly CommandRow[];

const RESERVATION = [
  {
    name: 'reserve',
    group: 'pair',
    verb: 'reserve',
    words: [VOLUMES],
    options: [],
    summary: 'keep volumes for use as secondaries',
    description: [
      "A reserved volume cannot be written by hosts (EROFS); 'paircreate PRIMARY auto' takes it.",
    ],
    examples: [{ line: 'copy1 copy2', meaning: 'both wait for a primary of their size' }],
    changesArray: true,
  },
  {
    name: 'unreserve',
    group: 'pair',
    verb: 'unreserve',
    words: [VOLUMES],
    options: [],
    summary: 'make reserved volumes ordinary ones again',
    description: ['EBUSY for the secondary of a pair.'],
    examples: [{ line: 'db-copy', meaning: 'hosts may write it, after pairdelete' }],
    changesArray: true,
  },
] as const satisfies readonly CommandRow[];

export const PAIR_COMMAND_ROWS = [...PAIR_LIFE, ...PAIR_COPYING, ...RESERVATION] as const;
