/**
 * Backups by the client's handler over a mounted array with ext4 on a volume ([004] figs. 10, 18): what is in the catalog
 * is what a rescan finds, whatever the run was for and wherever it was killed.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { backupHandler } from '../../../src/backup/client/backup-handler.js';
import { CLIENT_STOPS } from '../../../src/backup/client/errand-handler.js';
import type { BackupDefinition } from '../../../src/backup/definition.js';
import { byId, IMAGE_BYTES, RunBench } from '../../support/backup-run-bench.js';
import { repeat } from '../../support/factor.js';
import { canLoop } from '../../support/mounted-array.js';
import { done, until } from '../../support/programs.js';
import { cleanScratch } from '../../support/scratch-directory.js';

/** A pre command that hangs. */
const SLEEP = 'sleep 1000';

describe.skipIf(!canLoop)('backups', () => {
  let on: RunBench;

  beforeAll(() => {
    on = new RunBench();
  });
  beforeEach(() => on.begin());
  afterAll(cleanScratch);

  it('by snapshot: frozen, with commands before and after, and the SHA-256 of the image', async () => {
    writeFileSync(join(on.point, 'orders'), 'one');
    const lines = await on.run({
      ...{ freeze: true, sha256: true, label: 'orders db' },
      pre: { command: on.hook('pre'), timeoutMs: 10_000 },
      post: { command: on.hook('post'), timeoutMs: 10_000 },
    });
    expect(lines).toMatch(/^taken: db@backup-2-\w+\nfrozen for \d+\.\d ms: \S+fs$/);
    expect(on.hooksRun()).toEqual(['pre', 'post']);
    const [entry] = [...on.catalog.values()];
    const image = readFileSync(
      on.array.path('snapshots', 'db', on.array.snapshots()[0]?.name ?? ''),
    );
    expect(entry).toMatchObject({
      ...{ id: '2', generation: 1, label: 'orders db', sourceName: 'db', imageBytes: IMAGE_BYTES },
      ...{ mountPoint: on.point, sha256: createHash('sha256').update(image).digest('hex') },
    });
    expect(entry?.endedMs).toBeGreaterThanOrEqual(entry?.takenMs ?? Number.NaN);
    expect(image.includes('one')).toBe(true);
    writeFileSync(join(on.point, 'orders'), 'two');
    await on.run({});
    expect([...on.catalog.values()].map(({ generation }) => generation)).toEqual([1, 2]);
    expect(await on.found()).toEqual(on.listed());
    await on.forget();
  });

  it('of two volumes by mirror, at one instant; what a secondary held leaves the catalog before', async () => {
    const wish: Partial<BackupDefinition> = {
      ...{ paths: null, volumes: ['db', 'log'] },
      ...{ method: 'mirror', to: ['db-copy', 'log-copy'] },
    };
    expect(await on.run(wish)).toContain('paired: log:log-copy');
    const first = [...on.catalog.keys()];
    expect(first).toEqual([`${on.runNumber}.1`, `${on.runNumber}.2`]);
    const instants = new Set([...on.catalog.values()].map(({ takenMs }) => takenMs));
    expect([instants.size, await on.found()]).toEqual([1, on.listed()]);
    appendFileSync(join(on.point, 'orders'), 'three');
    done('sync', '-f', on.point);
    expect(await on.run(wish)).toContain(`backup ${first[0]} on db-copy is overwritten`);
    expect([...on.catalog.keys()]).toEqual([`${on.runNumber}.1`, `${on.runNumber}.2`]);
    expect(await on.found()).toEqual(on.listed());
    expect(readFileSync(on.array.volume('db-copy')).includes('three')).toBe(true);
  });

  it('that only a copy is kept of: on tape, by way of the secondary, which mirrors again then', async () => {
    const before = [...(await on.found())];
    for (const entry of before) on.catalog.set(entry.id, entry);
    await on.run({
      ...{ paths: null, volumes: ['db'], method: 'mirror', to: ['db-copy'] },
      ...{ secondMedium: ['tape0'], class: 'tape', policy: 'copy-first', resyncAfter: true },
    });
    const copy = on.catalog.get(`${on.runNumber + 1}`);
    expect(copy).toMatchObject({
      copyOf: `${on.runNumber}`,
      place: { kind: 'tape', device: 'tape0' },
    });
    expect([...on.catalog.keys()].some((id) => id === `${on.runNumber}`)).toBe(false);
    expect(JSON.parse(on.array.read('pairs', 'db:db-copy.json')).state).not.toBe('split');
    expect(await on.found()).toEqual(on.listed());
  });

  it('that only an incremental copy is kept of have a snapshot as its base, which is no backup', async () => {
    const before = await on.found();
    const order: Partial<BackupDefinition> = {
      ...{ volumes: ['db'], paths: null, incremental: true, class: 'array' },
      secondMedium: [on.array.volume('away')],
    };
    expect(await on.run(order)).toContain('holds no earlier copy');
    writeFileSync(join(on.point, 'orders'), 'four');
    done('sync', '-f', on.point);
    expect(await on.run(order)).toMatch(/changed of 8M/);
    const made = [...on.catalog.values()].filter(({ place }) => place.kind === 'array');
    expect(made.map(({ id }) => id)).toEqual([`${on.runNumber + 1}`]);
    expect(await on.found()).toEqual(byId([...before, ...made]));
    expect(on.array.snapshots().map(({ volume }) => volume)).toEqual(['db']);
    expect(readFileSync(on.array.volume('away')).includes('four')).toBe(true);
    for (const { number } of on.array.snapshots()) on.array.ok('delete', `#${number}`);
    on.array.ok('delete', 'away');
  });

  it.each([
    [
      'a command that is not allowed',
      { pre: { command: 'id', timeoutMs: 1_000 } },
      /EACCES.*--allow/,
    ],
    ['a path on no array', { paths: ['/proc'] }, /is on|not on|array/],
    ['a volume twice', { paths: null, volumes: ['db', 'db'] }, /EINVAL.*twice/],
    [
      'a secondary that nobody reserved',
      { method: 'mirror', to: ['log'] },
      /EBUSY.*neither paired nor reserved/,
    ],
    ['a device that is not there', { secondMedium: ['tape9'] }, /ENOENT.*no device tape9/],
    ['a label that does not fit', { label: 'ü'.repeat(33) }, /EINVAL.*label/],
  ] as const)('are refused for %s, with nothing left and post run', async (_what, wish, reason) => {
    const before = await on.found();
    const more = {
      post: { command: on.hook('post'), timeoutMs: 10_000 },
      ...wish,
    } as Partial<BackupDefinition>;
    await expect(on.run(more)).rejects.toThrow(reason);
    expect([await on.found(), on.array.snapshots(), on.bench.changes]).toEqual([before, [], []]);
    expect(on.hooksRun()).toEqual(wish === undefined || !('pre' in wish) ? ['post'] : []);
  });

  it('that are cancelled, or whose pre command hangs, run post and leave nothing', async () => {
    const more = (timeoutMs: number) => ({
      pre: { command: SLEEP, timeoutMs },
      post: { command: on.hook('post'), timeoutMs: 10_000 },
    });
    on.bench = on.newBench(SLEEP);
    await expect(on.run(more(100))).rejects.toThrow(/EIO.*was killed: it took more than 0.1 s/);
    const cancelling = new AbortController();
    const input = on.inputOf(on.definition(more(60_000)));
    const cancelled = backupHandler.perform(input, on.bench.context(cancelling.signal));
    await until(() => on.bench.steps.at(-1) === 'pre');
    cancelling.abort();
    await expect(cancelled).rejects.toThrow(/EINTR/);
    expect([on.hooksRun(), on.array.snapshots(), on.bench.changes]).toEqual([
      ['post', 'post'],
      [],
      [],
    ]);
  });

  it('that are left when the client stops go on with the next one', async () => {
    const stopping = new AbortController();
    on.bench = on.newBench(SLEEP);
    const wish = { freeze: true, pre: { command: SLEEP, timeoutMs: 60_000 } };
    const input = on.inputOf(
      on.definition({ ...wish, post: { command: on.hook('post'), timeoutMs: 10_000 } }),
    );
    const left = backupHandler.perform(input, on.bench.context(stopping.signal));
    await until(() => on.bench.steps.at(-1) === 'pre');
    stopping.abort(CLIENT_STOPS);
    await expect(left).rejects.toThrow(/EINTR/);
    expect(on.hooksRun()).toEqual([]);
    expect(await on.recovered(input)).toMatch(/ended in the step pre/);
    expect([on.hooksRun(), on.array.snapshots(), on.bench.changes]).toEqual([['post'], [], []]);
  });

  it.each([
    ['a frozen snapshot', { freeze: true, sha256: true }],
    [
      'a mirror that is copied and mirrors again',
      { method: 'mirror', class: 'array', resyncAfter: true } as const,
    ],
  ])(
    'killed at every note of %s end complete or failed, undone or resumed',
    async (_what, wish) => {
      const isMirror = 'method' in wish;
      const away = isMirror ? { to: ['db-copy'], secondMedium: [on.array.volume('away')] } : {};
      const more = {
        ...{ ...wish, ...away },
        pre: { command: on.hook('pre'), timeoutMs: 10_000 },
        post: { command: on.hook('post'), timeoutMs: 10_000 },
      };
      const ends = new Set<string>();
      let isWhole = false;
      // In CI every second note of the longer one.
      const stride = isMirror && repeat(1) === 1 ? 2 : 1;
      for (let note = 1; !isWhole; note += stride) {
        on.forgetHooks();
        on.bench = on.newBench();
        const input = on.inputOf(on.definition(more));
        const before = (await on.found(false)).map(({ id }) => id);
        const first = await on.bench.killedAtNote(note, (context) =>
          backupHandler.perform(input, context),
        );
        isWhole = first !== 'killed';
        const end = isWhole ? 'complete' : await on.recovered(input);
        ends.add(end);
        on.takeChanges();
        const own = [`${input.runNumber}`, `${input.copyRunNumber}`];
        const inCatalog = [...on.catalog.keys()].filter((id) => own.includes(id));
        const onArray = (await on.found(false))
          .map(({ id }) => id)
          .filter((id) => own.includes(id));
        const expected = end === 'complete' ? [own[isMirror ? 1 : 0]] : [];
        expect({ note, end, inCatalog, onArray, post: on.hooksRun().includes('post') }).toEqual({
          ...{ note, end, inCatalog: expected, onArray: expected, post: true },
        });
        const all = (await on.found(false)).map(({ id }) => id);
        expect(before.filter((id) => !all.includes(id) && on.catalog.has(id))).toEqual([]);
        writeFileSync(join(on.point, 'thawed'), `${note}`);
      }
      expect([...ends].sort()).toEqual(
        [
          'EINTR: the backup client was ended in the step pre',
          ...(isMirror ? [] : ['EINTR: the backup client was ended in the step freeze']),
          'complete',
        ].sort(),
      );
    },
  );
});
