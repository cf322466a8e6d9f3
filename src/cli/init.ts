/** `arrayfs init`: makes the store of a new array, or gives a copied store identities of its own. */
import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { ArrayError } from '../base/errors.js';
import { formatSize, parseSize } from '../base/sizes.js';
import { askHolder, findHolder, isDirectoryLocked } from '../host/instance-lock.js';
import {
  BLOCK_CONTAINERS,
  type BlockContainerKind,
  DEFAULT_CONTAINER,
} from '../store/container-kind.js';
import type { PoolIdentity } from '../store/pool-files.js';
import { wantsJson } from './global-options.js';
import { EXIT_FAILED, print, printJson } from './output.js';

/** Set in the environment of the child that adopts. */
const CHILD_MARK = 'ARRAYFS_ADOPT_CHILD';

interface InitOptions {
  readonly capacity?: string;
  readonly label?: string;
  readonly poolName?: string;
  readonly blocks?: BlockContainerKind;
  readonly adopt?: boolean;
}

export function addInitCommand(program: Command): void {
  program
    .command('init')
    .description('make the store of a new array in an empty or new directory')
    .argument('<store...>', 'directory of the store; with --adopt those of all its pools')
    .option('--capacity <size>', 'disk space the array may take, such as 200G')
    .option('--label <text>', 'label of the array, at most 64 bytes')
    .option('--pool-name <name>', 'name of its first pool')
    .addOption(
      new Option(
        '--blocks <container>',
        `where blocks are kept: in LMDB or in a file; default: ${DEFAULT_CONTAINER}`,
      ).choices([...BLOCK_CONTAINERS]),
    )
    .option('--adopt', 'give the copy of a store a serial and UUIDs of its own')
    .addHelpText(
      'after',
      `
Examples:
  arrayfs init /srv/array --capacity 200G   the space is taken as it is written
  arrayfs init /srv/array --capacity 20G --blocks lmdb   all of it in one database file
  arrayfs init --adopt /srv/array-copy      so that copy and original can both be mounted
  arrayfs init --adopt /srv/array-copy /disk2/pool-copy     an array of two pools`,
    )
    .action(async (stores: string[], options: InitOptions, command: Command) => {
      const directories = stores.map((store) => resolve(store));
      if (options.adopt && process.env[CHILD_MARK] === undefined) {
        process.exitCode = adoptInChild(directories.join(', '));
        return;
      }
      const identities = await init(directories, options);
      if (wantsJson(command)) printJson(identities.length === 1 ? identities[0] : identities);
      else {
        for (const [index, identity] of identities.entries()) {
          print(summary(directories[index] ?? '', identity, options.adopt === true));
        }
      }
    });
}

/** A damaged file can end the process that reads it: the same command as a child survives that. */
function adoptInChild(directory: string): number {
  const { status, signal } = spawnSync(process.execPath, process.argv.slice(1), {
    stdio: 'inherit',
    env: { ...process.env, [CHILD_MARK]: '1' },
  });
  if (signal !== null) {
    const reason = `${directory} is damaged, reading it ended in ${signal}: see arrayfs check`;
    throw new ArrayError('EIO', reason);
  }
  return status ?? EXIT_FAILED;
}

// The store brings LMDB with it, which every other command would wait for.
async function init(
  directories: readonly string[],
  options: InitOptions,
): Promise<readonly PoolIdentity[]> {
  if (options.adopt) {
    if (options.capacity || options.label || options.poolName || options.blocks) {
      throw new ArrayError(
        'EINVAL',
        '--adopt keeps capacity, label, pool name and blocks as they are',
      );
    }
    const { adoptPools } = await import('../store/adopt-pool.js');
    const { readPoolIdentity } = await import('../store/pool-files.js');
    for (const directory of directories) {
      await refuseMounted(directory, readPoolIdentity(directory).arraySerial);
    }
    return adoptPools(directories);
  }
  const [directory = '', ...more] = directories;
  if (more.length > 0) {
    throw new ArrayError('EINVAL', 'an array is made with one pool: others come with pool add');
  }
  if (options.capacity === undefined) {
    throw new ArrayError('EINVAL', 'say how much disk space the array may take: --capacity 200G');
  }
  const capacityBytes = parseSize(options.capacity);
  const { createPool } = await import('../store/pool-files.js');
  const identity = createPool(directory, {
    capacityBytes,
    ...(options.label === undefined ? {} : { label: options.label }),
    ...(options.poolName === undefined ? {} : { poolName: options.poolName }),
    ...(options.blocks === undefined ? {} : { blocks: options.blocks }),
  });
  return [identity];
}

/** The original may be mounted, it has the same serial; the copy itself may not. */
async function refuseMounted(directory: string, serial: string): Promise<void> {
  if (!findHolder(serial)) return;
  const holder = await askHolder(serial);
  if (holder === undefined) {
    throw new ArrayError('EBUSY', `the daemon of array ${serial} does not say what it has mounted`);
  }
  if (sameDirectory(holder.storeDirectory, directory)) {
    throw new ArrayError('EBUSY', `${directory} is mounted at ${holder.mountPoint}`);
  }
  if (isDirectoryLocked(directory)) {
    const reason = `${directory} is a pool of the array that is mounted at ${holder.mountPoint}`;
    throw new ArrayError('EBUSY', reason);
  }
}

function sameDirectory(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return false;
  }
}

function summary(directory: string, identity: PoolIdentity, adopted: boolean): string {
  const { blockContainer } = identity;
  const where = blockContainer === DEFAULT_CONTAINER ? '' : `, blocks in ${blockContainer}`;
  return (
    `${adopted ? 'adopted' : 'made'} array ${identity.arraySerial}, pool ${identity.poolName}, ` +
    `${formatSize(identity.capacityBytes)}, in ${directory}${where}`
  );
}
