/** `arrayfs mount`: starts the daemon of a store and returns when its mount is usable. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { ArrayError } from '../base/errors.js';
import { CACHE_BYTES_DEFAULT, CACHE_BYTES_MAX, CACHE_BYTES_MIN } from '../base/limits.js';
import { formatSize, parseSize } from '../base/sizes.js';
import { refusePathOnMount } from '../host/backing-chain.js';
import {
  type DaemonOptions,
  DEFAULT_PAGE_CACHE,
  PAGE_CACHE_POLICIES,
  type PageCachePolicy,
  TRANSPORT_CHOICES,
  type TransportChoice,
} from '../host/daemon-options.js';
import { readMountTable } from '../host/mount-table.js';
import { resolveOutside } from '../host/outside-path.js';
import { type ReadyReport, runDaemonHere, startDaemon } from './daemon-start.js';
import { wantsJson } from './global-options.js';
import { note, print, printJson } from './output.js';

const IMAGE_MODE = 0o666;
const DEFAULT_UMASK = '077';
const ID_MAX = 0xffff_fffe;

interface MountCommandOptions {
  readonly readOnly?: boolean;
  readonly allowOther?: boolean;
  readonly allowFaults?: boolean;
  readonly uid?: string;
  readonly gid?: string;
  readonly umask: string;
  readonly foreground?: boolean;
  readonly logFile?: string;
  readonly writeCache?: string;
  readonly cache: PageCachePolicy;
  readonly pool?: string[];
  readonly without?: string[];
  readonly transport: TransportChoice;
}

export function addMountCommand(program: Command): void {
  program
    .command('mount')
    .description('mount the array of a store; returns when it is usable')
    .argument('<store>', 'directory of the store, made by arrayfs init')
    .argument('<mountpoint>', 'an empty directory')
    .option('--read-only', 'refuse every change')
    .option('--allow-other', 'let other users in, as far as modes allow')
    .option('--allow-faults', 'let faults be set (ctl/fault), to see how programs bear them')
    .option('--uid <number>', 'owner of new volumes and of control files; default: you')
    .option('--gid <number>', 'their group; default: yours')
    .option('--umask <octal>', 'permission bits they do not get', DEFAULT_UMASK)
    .option('--foreground', 'stay on this terminal until the mount ends')
    .option('--log-file <file>', 'log of the daemon; default: daemon.log in the store')
    .option(
      '--write-cache <size>',
      `bound of the write cache; default: ${formatSize(CACHE_BYTES_DEFAULT)}`,
    )
    .addOption(
      new Option('--cache <policy>', 'what the page cache of the host keeps of images')
        .choices(PAGE_CACHE_POLICIES)
        .default(DEFAULT_PAGE_CACHE),
    )
    .option('--pool <dir...>', 'directories of pools that are not where they were')
    .option('--without <name...>', 'names of pools to mount the array without')
    .addOption(
      new Option('--transport <name>', 'how to speak to the kernel')
        .choices(TRANSPORT_CHOICES)
        .default('auto'),
    )
    .addHelpText(
      'after',
      `
Examples:
  arrayfs mount /srv/array /mnt/array
  arrayfs mount /srv/array /mnt/array --write-cache 256M --umask 027 --allow-other
  arrayfs mount /srv/array /mnt/array --foreground   for systemd or a terminal`,
    )
    .action(
      async (store: string, mountPoint: string, options: MountCommandOptions, command: Command) => {
        await mount(daemonOptions(store, mountPoint, options), options, wantsJson(command));
      },
    );
}

async function mount(
  options: DaemonOptions,
  { foreground }: MountCommandOptions,
  json: boolean,
): Promise<void> {
  const onReady = (report: ReadyReport) => {
    for (const notice of report.notices) note(notice);
    if (json) printJson({ ok: true, mountPoint: options.mountPoint, ...report });
    else print(`array ${report.serial} is mounted at ${options.mountPoint} (${report.transport})`);
  };
  if (foreground) {
    process.exitCode = await runDaemonHere(options, onReady);
    return;
  }
  const logFile = options.logFile ?? join(options.storeDirectory, 'daemon.log');
  onReady(await startDaemon({ ...options, logFile }));
}

/** Checks what the command line says; paths become absolute and free of symbolic links. */
export function daemonOptions(
  store: string,
  mountPoint: string,
  options: MountCommandOptions,
): DaemonOptions {
  const table = readMountTable();
  const real = (path: string) => resolveOutside(path, table);
  const place = real(mountPoint);
  const paths = [store, ...(options.pool ?? []), ...(options.logFile ? [options.logFile] : [])];
  for (const path of paths) refusePathOnMount(path, place);
  const storeDirectory = real(store);
  if (!statSync(storeDirectory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ArrayError('ENOENT', `there is no store in ${store}: make one with arrayfs init`);
  }
  return {
    storeDirectory,
    mountPoint: place,
    poolDirectories: (options.pool ?? []).map(real),
    without: options.without ?? [],
    readOnly: options.readOnly === true,
    allowOther: options.allowOther === true,
    allowFaults: options.allowFaults === true,
    cacheBytes: cacheBytes(options.writeCache),
    pageCache: options.cache,
    defaultOwner: {
      uid: idOf('--uid', options.uid) ?? process.getuid?.() ?? 0,
      gid: idOf('--gid', options.gid) ?? process.getgid?.() ?? 0,
      mode: IMAGE_MODE & ~umaskOf(options.umask),
    },
    transport: options.transport,
    logFile: options.logFile === undefined ? undefined : real(options.logFile),
  };
}

function cacheBytes(text: string | undefined): number {
  if (text === undefined) return CACHE_BYTES_DEFAULT;
  const bytes = parseSize(text);
  if (bytes < CACHE_BYTES_MIN || bytes > CACHE_BYTES_MAX) {
    const range = `${formatSize(CACHE_BYTES_MIN)} to ${formatSize(CACHE_BYTES_MAX)}`;
    throw new ArrayError('EINVAL', `--write-cache takes ${range}, not ${text}`);
  }
  return bytes;
}

function idOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const id = Number(text);
  if (!/^\d+$/.test(text) || id > ID_MAX) {
    throw new ArrayError('EINVAL', `${option} takes a number, not '${text}'`);
  }
  return id;
}

function umaskOf(text: string): number {
  if (!/^0?[0-7]{1,3}$/.test(text)) {
    throw new ArrayError('EINVAL', `--umask takes octal digits such as 077, not '${text}'`);
  }
  return Number.parseInt(text, 8);
}
