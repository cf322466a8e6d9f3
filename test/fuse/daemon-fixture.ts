/** A daemon in this very process with a tree in memory in the place of an array. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sleep, systemClock } from '../../src/base/clock.js';
import { runDaemon } from '../../src/fuse/daemon.js';
import { FuseNativeTransport } from '../../src/fuse/fuse-native-transport.js';
import type { DaemonOptions, DaemonReport } from '../../src/host/daemon-options.js';
import { mountAt, readMountTable } from '../../src/host/mount-table.js';
import { MemoryTree } from './memory-tree.js';

export const possible =
  new FuseNativeTransport().unavailable({
    mountPoint: '/',
    sourceName: 'x',
    readOnly: false,
    allowOther: false,
  }) === undefined && process.getuid?.() === 0;

export const SERIAL = `daemon${process.pid}`;

export class FakeArray {
  readonly tree = new MemoryTree();
  readonly calls: string[] = [];
  assembleError: Error | undefined;
  /** What the array has to say when it is mounted. */
  notices: readonly string[] = [];

  readonly array = {
    sync: async () => {
      this.calls.push('sync');
    },
    close: async () => {
      this.calls.push('close');
    },
    recordEvent: (code: string, _subject: string, message: string) => {
      this.calls.push(`event ${code} ${message}`);
    },
    san: {
      releaseHanging: () => {
        this.calls.push('release');
      },
    },
  };

  constructor() {
    this.tree.add(this.tree.root, 'file', false, 0o600).write(0, Buffer.from('hello'));
  }
}

export function optionsIn(directory: string): DaemonOptions {
  const storeDirectory = join(directory, 'store');
  const mountPoint = join(directory, 'mount');
  mkdirSync(storeDirectory, { recursive: true });
  mkdirSync(mountPoint, { recursive: true });
  return {
    storeDirectory,
    mountPoint,
    poolDirectories: [],
    without: [],
    readOnly: false,
    allowOther: false,
    allowFaults: false,
    cacheBytes: 2 ** 26,
    pageCache: 'none',
    defaultOwner: { uid: 0, gid: 0, mode: 0o600 },
    transport: 'auto',
    logFile: join(storeDirectory, 'daemon.log'),
  };
}

/** Runs a daemon; `ready` resolves with its first report, `ended` with its exit status. */
export function start(options: DaemonOptions, fake: FakeArray) {
  let resolveReport: (report: DaemonReport) => void = () => {};
  const ready = new Promise<DaemonReport>((resolve) => {
    resolveReport = resolve;
  });
  const ended = runDaemon(options, {
    clock: systemClock,
    transports: (onBug) => [new FuseNativeTransport({ onBug })],
    readSerial: () => SERIAL,
    assemble: async () => {
      if (fake.assembleError) throw fake.assembleError;
      return fake;
    },
    report: resolveReport,
  });
  const log = () => readFileSync(options.logFile ?? '', 'utf8');
  const isMounted = () => mountAt(options.mountPoint, readMountTable()) !== undefined;
  return { ready, ended, log, isMounted };
}

/** Waits for something the daemon does in its own time; the test's time limit ends a hang. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}
