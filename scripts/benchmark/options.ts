/** What `scripts/bench` is asked to do. */
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { FIO_ROWS } from './fio-rows.js';

export const TARGET_NAMES = ['arrayfs', 'null', 'qemu'] as const;
export type TargetName = (typeof TARGET_NAMES)[number];

/** Measurements of arrayfs alone, named like rows. */
export const ARRAY_ROWS = ['snapshot-time', 'read-snapshots', 'memory', 'mount-time'] as const;
export type ArrayRow = (typeof ARRAY_ROWS)[number];

const ROW_NAMES = [...FIO_ROWS.map((row) => row.name), ...ARRAY_ROWS];

export const HELP = `usage: scripts/bench [options]

  --quick            small sizes, one round, under two minutes: shows that it works, no more
  --rounds N         rounds of each fio row, interleaved over the targets (3)
  --rows A,B         only rows whose name begins with A or B
  --targets A,B      of ${TARGET_NAMES.join(', ')}
  --dir DIRECTORY    where the files are measured (the temporary directory)
  --json FILE        writes everything there as well
  --help

rows: ${ROW_NAMES.join(' ')}
`;

/** Sizes and durations of a run; one table for the ordinary run and one for --quick. */
export interface Scale {
  /** Image that fio reads and writes. */
  readonly fileBytes: number;
  readonly rowSeconds: number;
  /** Written once by the row that ends with fsync. */
  readonly bulkBytes: number;
  /** Volume that the snapshot, memory and mount measurements write. */
  readonly writtenBytes: number;
  readonly snapshotCount: number;
  readonly volumeCount: number;
}

const FULL: Scale = {
  fileBytes: 2 * 2 ** 30,
  rowSeconds: 5,
  bulkBytes: 2 ** 30,
  writtenBytes: 4 * 2 ** 30,
  snapshotCount: 1000,
  volumeCount: 1000,
};
const QUICK: Scale = {
  fileBytes: 128 * 2 ** 20,
  rowSeconds: 1,
  bulkBytes: 64 * 2 ** 20,
  writtenBytes: 128 * 2 ** 20,
  snapshotCount: 50,
  volumeCount: 50,
};

export interface BenchOptions {
  readonly scale: Scale;
  readonly rounds: number;
  readonly targets: readonly TargetName[];
  /** Absolute path. */
  readonly directory: string;
  readonly jsonFile: string | undefined;
  wantsRow(name: string): boolean;
}

/** Undefined where only help is asked for; throws an Error with a line for the user. */
export function parseOptions(words: readonly string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args: [...words],
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      rows: { type: 'string', default: '' },
      targets: { type: 'string', default: TARGET_NAMES.join(',') },
      dir: { type: 'string', default: tmpdir() },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const prefixes = values.rows.split(',');
  const wantsRow = (name: string) => prefixes.some((prefix) => name.startsWith(prefix));
  if (!ROW_NAMES.some(wantsRow)) throw new Error(`no row begins with '${values.rows}'`);
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a number from 1');
  return {
    scale: values.quick ? QUICK : FULL,
    rounds,
    targets: values.targets.split(',').map(targetName),
    directory: resolve(values.dir),
    jsonFile: values.json === undefined ? undefined : resolve(values.json),
    wantsRow,
  };
}

function targetName(word: string): TargetName {
  const name = TARGET_NAMES.find((candidate) => candidate === word);
  if (name === undefined) throw new Error(`no target '${word}': ${TARGET_NAMES.join(', ')}`);
  return name;
}
