/** How a backup under way reaches its array. */
import { rmSync } from 'node:fs';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { planOf } from '../../../src/backup/client/backup-handler.js';
import { firstNotes } from '../../../src/backup/client/backup-notes.js';
import { BackupRun } from '../../../src/backup/client/backup-run.js';
import { definitionSchema } from '../../../src/backup/definition.js';
import { cleanScratch } from '../../support/scratch-directory.js';
import { EXAMPLE_ENTRY } from '../example-entry.js';
import { FakeArray } from '../fake-array.js';
import { FakeContext } from '../fake-context.js';

const UUID = EXAMPLE_ENTRY.arrayUuid;
const definition = definitionSchema.parse({
  ...{ name: 'nightly', client: 'here', paths: null, volumes: ['db'], array: null },
  ...{ method: 'snapshot', to: [], secondMedium: [], class: 'disk', policy: 'merge' },
  ...{ incremental: false, freeze: false, resyncAfter: false, sha256: false },
  ...{ pre: null, post: null, label: '', schedule: null, keep: null },
});
let array: FakeArray;
let context: FakeContext;
let run: BackupRun;

afterAll(cleanScratch);

beforeEach(() => {
  array = new FakeArray(UUID);
  array.add('db');
  array.write();
  context = new FakeContext([array.known]);
  const input = { runNumber: 1, copyRunNumber: 2, definition, scheduledMs: 0, earlier: [] };
  const { mountPoint } = array;
  const sources = { arrayUuid: UUID, arrayMountPoint: mountPoint, members: [], frozen: [] };
  run = new BackupRun(input, context, planOf(definition), { ...firstNotes(0), sources }, false);
  run.array = array.known;
});

describe('the array of a backup', () => {
  it('that answers is reached', async () => {
    await expect(run.reachArray()).resolves.toBeUndefined();
  });

  it('that has gone since it was reached last is named as away', async () => {
    rmSync(array.mountPoint, { recursive: true });
    context.mounted = [];
    context.abort.abort();
    await expect(run.reachArray()).rejects.toMatchObject({
      code: 'ENXIO',
      reason: `the array at ${array.mountPoint} is away: mount it again`,
    });
  });
});
