/** Runs a pre command and waits: `hook-runner COMMAND`. For tests that kill it meanwhile. */
import { runHook } from '../../../src/backup/client/hook-command.js';
import { systemClock } from '../../../src/base/clock.js';

const [command = ''] = process.argv.slice(2);
await runHook({ command, timeoutMs: 600_000 }, 'pre', {
  ...{ clock: systemClock, signal: new AbortController().signal, variables: {} },
  log: () => undefined,
});
