/**
 * The daemon of one mounted array, started by `arrayfs mount` (cli/daemon-start.ts): reads its options,
 * puts the real parts together and ends with the exit status of its life (fuse/daemon.ts).
 */
import { assemble } from './assemble.js';
import { systemClock } from './base/clock.js';
import { asArrayError } from './base/errors.js';
import { runDaemon } from './fuse/daemon.js';
import { FuseNativeTransport } from './fuse/fuse-native-transport.js';
import { KernelTransport } from './fuse/kernel-transport.js';
import { type DaemonReport, decodeDaemonOptions } from './host/daemon-options.js';
import { readPoolIdentity } from './store/pool-files.js';

/** Store, log and everything else the daemon makes belong to its user alone. */
const PRIVATE_UMASK = 0o077;

process.umask(PRIVATE_UMASK);
process.exit(await main());

async function main(): Promise<number> {
  try {
    const options = decodeDaemonOptions(process.argv[2]);
    // The current directory of a daemon must not keep any mount busy.
    process.chdir('/');
    return await runDaemon(options, {
      clock: systemClock,
      transports: (onBug) => [new KernelTransport({ onBug }), new FuseNativeTransport({ onBug })],
      readSerial: (directory) => readPoolIdentity(directory).arraySerial,
      assemble,
      report,
    });
  } catch (error) {
    const { code, reason } = asArrayError(error);
    report({ kind: 'failed', code, reason });
    return 1;
  }
}

/** The parent may be gone, or never have been one. */
function report(message: DaemonReport): void {
  if (process.send === undefined) {
    if (message.kind === 'failed') process.stderr.write(`arrayfs: ${message.reason}\n`);
    return;
  }
  process.send(message, () => {
    if (process.connected) process.disconnect();
  });
}
