/** The command that is run when a run has failed, over a real shell. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { Run } from '../../../src/backup/api.js';
import { runFailureHook } from '../../../src/backup/server/failure-hook.js';
import { systemClock } from '../../../src/base/clock.js';
import { cleanScratch, makeMemoryScratch } from '../../support/scratch-directory.js';

const scratch = makeMemoryScratch();
afterAll(cleanScratch);

const run: Run = {
  ...{ number: 12, definition: 'nightly', client: 'web1', state: 'failed', scheduledMs: 0 },
  reason: 'no "$(touch nothing)" `here`',
  ...{ startedMs: 1, endedMs: 2, errand: 3, entries: [], log: [] },
};

async function runs(command: string, timeMs?: number): Promise<string[]> {
  const told: string[] = [];
  const tell = (level: string) => (fields: object, text: string) =>
    void told.push(`${level} ${text} ${JSON.stringify(fields)}`);
  const log = { info: tell('info'), warn: tell('warn'), error: tell('error') };
  await runFailureHook(command, run, { clock: systemClock, log, ...(timeMs && { timeMs }) });
  return told;
}

it('the command has the run on its stdin and in its environment, as it is', async () => {
  const file = join(scratch, 'told');
  const words =
    '"$ARRAYFS_BACKUP_RUN $ARRAYFS_BACKUP_DEFINITION $ARRAYFS_BACKUP_CLIENT $ARRAYFS_BACKUP_STATE"';
  await runs(
    `cat > ${file}; echo ${words} >> ${file}; printf %s "$ARRAYFS_BACKUP_REASON" >> ${file}`,
  );
  const [json = '', environment, reason] = readFileSync(file, 'utf8').split('\n');
  expect(JSON.parse(json)).toEqual(run);
  expect(environment).toBe('12 nightly web1 failed');
  expect(reason).toBe(run.reason);
});

it('its failure is logged with what it said, and is of no other matter', async () => {
  expect(await runs('echo no mail here >&2; exit 3')).toEqual([
    'error the command on failure failed {"run":12,"status":3,"signal":null,"output":"no mail here\\n"}',
  ]);
  expect(await runs('true')).toEqual([
    'info the command on failure ended {"run":12,"status":0,"signal":null,"output":""}',
  ]);
});

it('one of which something stays behind in a session of its own is given up, too', async () => {
  const told = await runs('setsid sleep 1 & sleep 0.05', 200);
  expect(told[0]).toBe(
    'error the command on failure takes too long: killed {"run":12,"timeMs":200}',
  );
});

it('one that hangs is ended with all it has started', async () => {
  const told = await runs('sleep 1000 & sleep 1000', 100);
  expect(told).toEqual([
    'error the command on failure takes too long: killed {"run":12,"timeMs":100}',
    'error the command on failure failed {"run":12,"status":null,"signal":"SIGKILL","output":""}',
  ]);
});
