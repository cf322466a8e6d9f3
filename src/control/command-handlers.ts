/**
 * One handler per row of the command table, over the array's contract. A handler is called with
 * words and options that have passed the parser, calls the array before its first `await` (so that
 * commands keep their order) and returns what was done, one line; what the array refuses is thrown.
 */
import type { DiskArray, SnapshotView, VolumeView } from '../array/disk-array.js';
import type { AddPoolOptions } from '../array/pool-contract.js';
import { ArrayError } from '../base/errors.js';
import { formatSize, parseSize } from '../base/sizes.js';
import { type CommandContext, given, type Handler } from './command-handler.js';
import type { ParsedCommand } from './command-parser.js';
import type { CommandRow } from './command-row.js';
import type { CommandName } from './command-table.js';
import { parseJobId, parseSector, parseSectors, parseVolumeSize } from './command-values.js';
import { ECOPY_HANDLERS } from './ecopy-handlers.js';
import { PAIR_HANDLERS } from './pair-handlers.js';
import { SAN_HANDLERS } from './san-handlers.js';

/** Runs a command; resolves with the text after `ok` when it has taken effect and is durable. */
export async function runCommand(
  array: DiskArray,
  command: ParsedCommand,
  context: CommandContext,
): Promise<string> {
  if (array.readOnly && command.command.changesArray) {
    throw new ArrayError('EROFS', 'the array is mounted read-only');
  }
  checkGiven(command);
  return HANDLERS[command.command.name](array, command, context);
}

/** EINVAL where an option is missing that the command makes no sense without. */
function checkGiven({ command, options }: ParsedCommand): void {
  const { options: known }: CommandRow = command;
  const missing = known.find(({ name, required }) => required && !options.has(name));
  if (missing !== undefined) throw new ArrayError('EINVAL', `missing ${missing.name}=`);
}

const HANDLERS: Readonly<Record<CommandName, Handler>> = {
  ...PAIR_HANDLERS,
  ...ECOPY_HANDLERS,
  ...SAN_HANDLERS,

  async create(array, { words: [name = '', size = ''], options }, { owner }) {
    const volume = await array.createVolume({
      name,
      sizeBytes: parseVolumeSize(size),
      ...given('poolName', options.get('pool')),
      ...given('label', options.get('label')),
      ...given('owner', owner),
    });
    return `created ${volume.name} ${formatSize(volume.sizeBytes)} number ${volume.number}`;
  },

  async resize(array, { words: [name = '', size = ''], options }) {
    const volume = await array.resizeVolume(name, parseVolumeSize(size), {
      force: options.has('force'),
    });
    return `resized ${volume.name} to ${formatSize(volume.sizeBytes)}`;
  },

  async rename(array, { words: [name = '', newName = ''] }) {
    const before = array.volume(name).name;
    const volume = await array.renameVolume(name, newName);
    return `renamed ${before} to ${volume.name}`;
  },

  async delete(array, { subject, options }) {
    const copy = array.copy(subject);
    const shown = referenceOf(copy);
    if (copy.kind === 'volume') {
      if (options.has('force')) {
        throw new ArrayError('EINVAL', 'force= is for snapshots; use snapshots=yes for a volume');
      }
      const snapshotCount = copy.snapshots.length;
      await array.deleteVolume(copy.name, { snapshots: options.has('snapshots') });
      return snapshotCount === 0 ? `deleted ${shown}` : `deleted ${shown} and its snapshots`;
    }
    if (options.has('snapshots')) {
      throw new ArrayError('EINVAL', 'snapshots= is for volumes; a snapshot has none');
    }
    await array.deleteSnapshot(copy.volume.name, copy.name, { force: options.has('force') });
    return `deleted ${shown}`;
  },

  async label(array, { subject, options }) {
    const copy = array.copy(subject);
    const label = options.get('text') ?? '';
    await array.setLabel(copy, label);
    return label === '' ? `label of ${referenceOf(copy)} cleared` : `labelled ${referenceOf(copy)}`;
  },

  async snapshot(array, { words, options }) {
    const info = options.get('info');
    const snapshots = await array.takeSnapshots(words, {
      ...given('name', options.get('name')),
      ...given('label', options.get('label')),
      ...given('info', info === undefined ? undefined : parseSectors(info)),
    });
    const taken = snapshots.map((taken) => `${referenceOf(taken)} number ${taken.number}`);
    return `snapshot ${taken.join(', ')}`;
  },

  async restore(array, { subject, options }) {
    const snapshot = snapshotOf(array, subject);
    await array.restore(snapshot.volume.name, snapshot.name, { force: options.has('force') });
    return `restored ${snapshot.volume.name} to ${snapshot.name}`;
  },

  async clone(array, { words: [source = '', newName = ''], options }, { owner }) {
    const snapshot = snapshotOf(array, source);
    const shown = referenceOf(snapshot);
    const volume = await array.clone(snapshot.volume.name, snapshot.name, newName, {
      ...given('label', options.get('label')),
      ...given('owner', owner),
    });
    return `cloned ${shown} to ${volume.name} number ${volume.number}`;
  },

  async info(array, { subject, options }) {
    const sector = options.get('set');
    const holds = options.get('holds');
    if (['set', 'clear', 'holds'].filter((name) => options.has(name)).length !== 1) {
      throw new ArrayError('EINVAL', 'give exactly one of set=, clear=yes and holds=');
    }
    if (holds !== undefined) {
      await array.ecopies.setHeld(subject, holds);
      return `${subject} holds ${holds}`;
    }
    const copy = array.copy(subject);
    await array.setInfo(copy, sector === undefined ? undefined : parseSector(sector));
    return `information of ${referenceOf(copy)} ${sector === undefined ? 'cleared' : 'stored'}`;
  },

  async scrub(array, { subject }) {
    const job = await array.scrub(subject);
    return `job ${job.id} scrub ${subject}`;
  },

  async cancel(array, { subject }) {
    const id = parseJobId(subject);
    await array.cancelJob(id);
    return `job ${id} cancelled`;
  },

  async retry(array, { subject }) {
    const job = array.ecopies.retry(parseJobId(subject));
    await job.begun;
    return `job ${job.id} ecopy ${job.subject}`;
  },

  async pooladd(array, { words: [name = '', directory = ''], options }) {
    const capacity = options.get('capacity');
    // The parser lets no other value through.
    const blocks = options.get('blocks') as AddPoolOptions['blocks'];
    const pool = await array.addPool({
      name,
      directory,
      ...given('capacityBytes', capacity === undefined ? undefined : parseSize(capacity)),
      ...given('blocks', blocks),
    });
    return `added pool ${pool.name} of ${formatSize(pool.capacityBytes)} in ${pool.directory}`;
  },

  async poolremove(array, { subject, options }) {
    const pool = await array.removePool(subject, { force: options.has('force') });
    return pool.state === 'missing'
      ? `gave up pool ${pool.name}`
      : `removed pool ${pool.name}; its files stay in ${pool.directory}`;
  },

  async sync(array) {
    await array.sync();
    return 'everything acknowledged is durable';
  },
};

/** `VOLUME` or `VOLUME@SNAPSHOT`, how users name a copy. */
export function referenceOf(copy: VolumeView | SnapshotView): string {
  return copy.kind === 'volume' ? copy.name : `${copy.volume.name}@${copy.name}`;
}

function snapshotOf(array: DiskArray, reference: string): SnapshotView {
  const copy = array.copy(reference);
  if (copy.kind === 'volume') {
    throw new ArrayError('EINVAL', `${reference} is the volume ${copy.name}, not a snapshot`);
  }
  return copy;
}
