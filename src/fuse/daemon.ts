/**
 * A daemon's life: locks the array, assembles it, mounts it, serves until the mount ends however it
 * ends, and closes the array. Whatever fails, nothing is left mounted and one line says why.
 */
import type { DiskArray } from '../array/disk-array.js';
import { type Clock, pause, sleep } from '../base/clock.js';
import { ArrayError, asArrayError } from '../base/errors.js';
import { refusePathOnMount } from '../host/backing-chain.js';
import { DaemonLog } from '../host/daemon-log.js';
import type { DaemonOptions, DaemonReport } from '../host/daemon-options.js';
import { acquireInstanceLock } from '../host/instance-lock.js';
import { mountHolders } from '../host/mount-holders.js';
import { prepareMountPoint } from '../host/mount-point.js';
import { arraySourceName } from '../host/mount-table.js';
import type { FileTree } from './file-tree.js';
import { StopRequests } from './stop-requests.js';
import type { MountEnd, MountedTree, MountOptions, Transport } from './transport.js';

/** How long a daemon in an unknown state may take to save what it can. */
const LAST_SYNC_MS_MAX = 10_000;
/** Between two attempts to save everything after an unmount. */
const SAVE_RETRY_MS = 2_000;
const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** What the daemon needs of the array. */
export interface ServedArray extends Pick<DiskArray, 'sync' | 'close' | 'recordEvent'> {
  readonly san: Pick<DiskArray['san'], 'releaseHanging'>;
}

export interface DaemonParts {
  readonly clock: Clock;
  /** In order of preference. */
  transports(onBug: (error: unknown) => void): readonly Transport[];
  /** The serial of the array in a store; throws where it is no store. */
  readSerial(storeDirectory: string): string;
  assemble(options: DaemonOptions): Promise<{
    array: ServedArray;
    tree: FileTree;
    /** What the user should know. */
    notices: readonly string[];
  }>;
  /** Tells the parent, once. */
  report(report: DaemonReport): void;
}

/** The exit status: 0 after a clean end. */
export async function runDaemon(options: DaemonOptions, parts: DaemonParts): Promise<number> {
  let log: DaemonLog | undefined;
  try {
    for (const path of ownPaths(options)) refusePathOnMount(path, options.mountPoint);
    const serial = parts.readSerial(options.storeDirectory);
    log = new DaemonLog(parts.clock, options.logFile);
    const lock = await acquireInstanceLock({ serial, ...options });
    try {
      return await serve(options, parts, serial, log);
    } finally {
      lock.release();
    }
  } catch (error) {
    const { code, reason } = asArrayError(error);
    log?.write('error', reason);
    parts.report({ kind: 'failed', code, reason });
    return 1;
  }
}

function ownPaths(options: DaemonOptions): string[] {
  const { storeDirectory, poolDirectories, logFile } = options;
  return [storeDirectory, ...poolDirectories, ...(logFile === undefined ? [] : [logFile])];
}

/** From here on every way out closes the array. */
async function serve(
  options: DaemonOptions,
  parts: DaemonParts,
  serial: string,
  log: DaemonLog,
): Promise<number> {
  const onBug = (error: unknown) => log.write('error', `answered EIO: ${stackOf(error)}`);
  const mountOptions: MountOptions = { ...options, sourceName: arraySourceName(serial) };
  const transport = chooseTransport(options.transport, parts.transports(onBug), mountOptions);
  const takeovers = await prepareMountPoint(options.mountPoint, parts.clock);
  const { array, tree, notices: arrayNotices } = await parts.assemble(options);
  let mount: MountedTree;
  try {
    mount = await transport.mount(tree, mountOptions);
  } catch (error) {
    await array.close();
    throw error;
  }
  const place = `${options.mountPoint} over ${transport.name}`;
  for (const notice of takeovers) array.recordEvent('TAKEOVER', '-', notice);
  const notices = [...takeovers, ...arrayNotices];
  for (const notice of notices) log.write('warning', notice);
  log.write('info', `array ${serial} of ${options.storeDirectory} is mounted at ${place}`);
  parts.report({ kind: 'ready', pid: process.pid, serial, transport: transport.name, notices });
  const end = await serveMount({ mount, array, options, log, clock: parts.clock });
  if (end === 'crashed') return 1;
  log.write('info', `array ${serial} is ${end}, everything is durable`);
  return 0;
}

function chooseTransport(
  choice: string,
  transports: readonly Transport[],
  options: MountOptions,
): Transport {
  const problems: string[] = [];
  for (const transport of transports) {
    if (choice !== 'auto' && choice !== transport.name) continue;
    const problem = transport.unavailable(options);
    if (problem === undefined) return transport;
    problems.push(problem);
  }
  throw new ArrayError(
    'ENODEV',
    [...new Set(problems)].join('; ') || `there is no transport '${choice}'`,
  );
}

interface ServedMount {
  readonly mount: MountedTree;
  readonly array: ServedArray;
  readonly options: DaemonOptions;
  readonly log: DaemonLog;
  readonly clock: Clock;
}

/**
 * Serves until the mount has ended, is given up by a third signal, or the process is broken; unless
 * it is, the array is closed then. Signals are ours until the very end: one more must not
 * interrupt the closing.
 */
async function serveMount(served: ServedMount): Promise<MountEnd | 'given up' | 'crashed'> {
  const { mount, array, options, log } = served;
  const stops = new StopRequests({
    mount,
    mountPoint: options.mountPoint,
    log,
    sync: () => array.sync(),
    releaseHanging: () => array.san.releaseHanging(),
    holders: () => mountHolders(options.mountPoint, { mappings: false }),
    recordEvent: (code, subject, message) => array.recordEvent(code, subject, message),
  });
  let giveUp: () => void = () => {};
  const onStop = (signal: string) => {
    giveUp();
    void stops.request(signal);
  };
  const onHangUp = () => log.reopen();
  let saved: Promise<'crashed'> | undefined;
  let endBroken: (end: Promise<'crashed'>) => void = () => {};
  const broken = new Promise<'crashed'>((resolve) => {
    endBroken = resolve;
  });
  const onCrash = (error: unknown) => {
    saved ??= saveWhatIsLeft(served, error);
    endBroken(saved);
  };
  for (const signal of STOP_SIGNALS) process.on(signal, onStop);
  process.on('SIGHUP', onHangUp);
  process.on('uncaughtException', onCrash);
  process.on('unhandledRejection', onCrash);
  try {
    const givenUp = stops.forced.then(() => 'given up' as const);
    const end = await Promise.race([mount.ended, givenUp, broken]);
    // Saving detaches the mount, whose end may be the first to be seen.
    if (saved !== undefined) return await saved;
    const stopped = new Promise<'stopped'>((resolve) => {
      giveUp = () => resolve('stopped');
    });
    if (end !== 'given up') await saveEverything(array, log, stopped);
    await array.close();
    return end;
  } finally {
    for (const signal of STOP_SIGNALS) process.off(signal, onStop);
    process.off('SIGHUP', onHangUp);
    process.off('uncaughtException', onCrash);
    process.off('unhandledRejection', onCrash);
  }
}

/**
 * Nobody can see an error after an unmount, so a disk that is full or gone is waited for, until it
 * works again or a signal ends the waiting; not where it could only work after another mount.
 */
async function saveEverything(
  array: ServedArray,
  log: DaemonLog,
  stopped: Promise<'stopped'>,
): Promise<void> {
  for (;;) {
    try {
      return await array.sync();
    } catch (error) {
      const { reason, isFinal } = asArrayError(error);
      const next = isFinal ? 'given up' : 'trying again';
      log.write('error', `unmounted, but not everything is durable: ${reason}; ${next}`);
      if (isFinal) return;
    }
    if ((await Promise.race([sleep(SAVE_RETRY_MS), stopped])) === 'stopped') return;
  }
}

/** A process in an unknown state saves what was acknowledged, unmounts and ends; never goes on. */
async function saveWhatIsLeft(served: ServedMount, error: unknown): Promise<'crashed'> {
  const { array, mount, log, clock } = served;
  log.write('error', `ending after an unexpected error: ${stackOf(error)}`);
  const save = async () => {
    await array.sync();
    await mount.detach();
  };
  try {
    await Promise.race([save(), pause(clock, LAST_SYNC_MS_MAX)]);
  } catch (failure) {
    log.write('error', `could not save everything: ${stackOf(failure)}`);
  }
  return 'crashed';
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
