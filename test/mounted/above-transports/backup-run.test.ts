/**
 * Backups by the client's handler over a mounted array with ext4 on a volume ([004] figs. 10, 18): what is in the catalog
 * is what a rescan finds, whatever the run was for and wherever it was killed.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BackupEntry } from '../../../src/backup/backup-entry.js';
import { backupHandler } from '../../../src/backup/client/backup-handler.js';
import { CLIENT_STOPS } from '../../../src/backup/client/errand-handler.js';
import { type BackupDefinition, definitionSchema } from '../../../src/backup/definition.js';
import { rescan } from '../../../src/backup/media/rescan.js';
import { ErrandBench } from '../../support/errand-context.js';
import { repeat } from '../../support/factor.js';
import { canLoop, MIB, MountedArray } from '../../support/mounted-array.js';
import { done, until } from '../../support/programs.js';
import { cleanScratch } from '../../support/scratch-directory.js';

const IMAGE_BYTES = 8 * MIB;
const HANGING_COMMAND = 'sleep 1000';

describe.skipIf(!canLoop)('backups', () => {
  let array: MountedArray;
  let point: string;
  let hooks: string;
  let catalog: Map<string, BackupEntry>;
  let bench: ErrandBench;
  let runNumber = 0;
  beforeAll(() => {
    array = MountedArray.create();
    for (const name of ['db', 'log', 'db-copy', 'log-copy'])
      array.ok('create', `${name} ${IMAGE_BYTES}`);
    array.ok('reserve', 'db-copy log-copy');
    array.ok('device', `tape0 kind=tape path=${join(array.directory, 'tapes')} slots=9`);
    done('mkfs.ext4', '-q', array.volume('db'));
    point = array.loopMount(array.volume('db'), 'fs');
    hooks = join(array.directory, 'hooks');
  });
  beforeEach(() => {
    catalog = new Map();
    bench = newBench();
    rmSync(hooks, { force: true });
  });
  afterAll(cleanScratch);

  const hook = (name: string) => `echo ${name} >> ${hooks}`;
  const hooksRun = () => (existsSync(hooks) ? readFileSync(hooks, 'utf8').trim().split('\n') : []);

  function newBench(...more: string[]): ErrandBench {
    return new ErrandBench([array], array.directory, {
      allowedCommands: [hook('pre'), hook('post'), ...more],
    });
  }

  function definition(more: Partial<BackupDefinition>): BackupDefinition {
    const base = { name: 'nightly', client: 'here', paths: [point], volumes: null, array: null };
    const how = { method: 'snapshot', to: [], secondMedium: [], class: 'disk', policy: 'merge' };
    const flags = { incremental: false, freeze: false, resyncAfter: false, sha256: false };
    const rest = { pre: null, post: null, label: '', schedule: null, keep: null };
    return definitionSchema.parse({ ...base, ...how, ...flags, ...rest, ...more });
  }

  function inputOf(wish: BackupDefinition) {
    runNumber += 2;
    const earlier = [...catalog.values()];
    const numbers = { runNumber, copyRunNumber: runNumber + 1 };
    return { ...numbers, definition: wish, scheduledMs: 0, earlier };
  }

  async function run(more: Partial<BackupDefinition>) {
    const made = await backupHandler.perform(inputOf(definition(more)), bench.context());
    takeChanges();
    return made.lines.join('\n');
  }

  function takeChanges(): void {
    for (const { add, remove } of bench.changes.splice(0)) {
      for (const id of remove) catalog.delete(id);
      for (const entry of add) catalog.set(entry.id, entry);
    }
  }

  /** By what is on the array and its tapes. */
  async function found(tapes = true): Promise<BackupEntry[]> {
    const { entries } = await rescan({ tapes }, newBench().context());
    return entries;
  }

  const byId = (entries: Iterable<BackupEntry>) =>
    [...entries].sort((a, b) => a.id.localeCompare(b.id));

  /** Removes all backups, for the next test. */
  async function forget(): Promise<void> {
    for (const { place, volumeNumber } of await found()) {
      if (place.kind === 'snapshot') array.ok('delete', `#${volumeNumber}`);
      else if (place.kind !== 'tape') array.ok('info', `#${volumeNumber} clear=yes`);
    }
  }

  it('by snapshot: frozen, with commands before and after, and the SHA-256 of the image', async () => {
    writeFileSync(join(point, 'orders'), 'one');
    const lines = await run({
      ...{ freeze: true, sha256: true, label: 'orders db' },
      pre: { command: hook('pre'), timeoutMs: 10_000 },
      post: { command: hook('post'), timeoutMs: 10_000 },
    });
    expect(lines).toMatch(/^taken: db@backup-2-\w+\nfrozen for \d+\.\d ms: \S+fs$/);
    expect(hooksRun()).toEqual(['pre', 'post']);
    const [entry] = [...catalog.values()];
    const image = readFileSync(array.path('snapshots', 'db', array.snapshots()[0]?.name ?? ''));
    expect(entry).toMatchObject({
      ...{ id: '2', generation: 1, label: 'orders db', sourceName: 'db', imageBytes: IMAGE_BYTES },
      ...{ mountPoint: point, sha256: createHash('sha256').update(image).digest('hex') },
    });
    expect(entry?.endedMs).toBeGreaterThanOrEqual(entry?.takenMs ?? Number.NaN);
    expect(image.includes('one')).toBe(true);
    writeFileSync(join(point, 'orders'), 'two');
    await run({});
    expect([...catalog.values()].map(({ generation }) => generation)).toEqual([1, 2]);
    expect(byId(await found())).toEqual(byId(catalog.values()));
    await forget();
  });

  it('of two volumes by mirror, at one instant; what a secondary held leaves the catalog before', async () => {
    const wish: Partial<BackupDefinition> = {
      ...{ paths: null, volumes: ['db', 'log'] },
      ...{ method: 'mirror', to: ['db-copy', 'log-copy'] },
    };
    expect(await run(wish)).toContain('paired: log:log-copy');
    const first = [...catalog.keys()];
    expect(first).toEqual([`${runNumber}.1`, `${runNumber}.2`]);
    const instants = new Set([...catalog.values()].map(({ takenMs }) => takenMs));
    expect([instants.size, byId(await found())]).toEqual([1, byId(catalog.values())]);
    appendFileSync(join(point, 'orders'), 'three');
    done('sync', '-f', point);
    expect(await run(wish)).toContain(`backup ${first[0]} on db-copy is overwritten`);
    expect([...catalog.keys()]).toEqual([`${runNumber}.1`, `${runNumber}.2`]);
    expect(byId(await found())).toEqual(byId(catalog.values()));
    expect(readFileSync(array.volume('db-copy')).includes('three')).toBe(true);
  });

  it('that only a copy is kept of: on tape, by way of the secondary, which mirrors again then', async () => {
    const before = [...(await found())];
    for (const entry of before) catalog.set(entry.id, entry);
    await run({
      ...{ paths: null, volumes: ['db'], method: 'mirror', to: ['db-copy'] },
      ...{ secondMedium: ['tape0'], class: 'tape', policy: 'copy-first', resyncAfter: true },
    });
    const copy = catalog.get(`${runNumber + 1}`);
    expect(copy).toMatchObject({
      copyOf: `${runNumber}`,
      place: { kind: 'tape', device: 'tape0' },
    });
    expect([...catalog.keys()].some((id) => id === `${runNumber}`)).toBe(false);
    expect(JSON.parse(array.read('pairs', 'db:db-copy.json')).state).not.toBe('split');
    expect(byId(await found())).toEqual(byId(catalog.values()));
  });

  it('that only an incremental copy is kept of have a snapshot as its base, which is no backup', async () => {
    const before = await found();
    const order: Partial<BackupDefinition> = {
      ...{ volumes: ['db'], paths: null, incremental: true, class: 'array' },
      secondMedium: [array.volume('away')],
    };
    expect(await run(order)).toContain('holds no earlier copy');
    writeFileSync(join(point, 'orders'), 'four');
    done('sync', '-f', point);
    expect(await run(order)).toMatch(/changed of 8M/);
    const made = [...catalog.values()].filter(({ place }) => place.kind === 'array');
    expect(made.map(({ id }) => id)).toEqual([`${runNumber + 1}`]);
    expect(byId(await found())).toEqual(byId([...before, ...made]));
    expect(array.snapshots().map(({ volume }) => volume)).toEqual(['db']);
    expect(readFileSync(array.volume('away')).includes('four')).toBe(true);
    for (const { number } of array.snapshots()) array.ok('delete', `#${number}`);
    array.ok('delete', 'away');
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
    const before = await found();
    const more = {
      post: { command: hook('post'), timeoutMs: 10_000 },
      ...wish,
    } as Partial<BackupDefinition>;
    await expect(run(more)).rejects.toThrow(reason);
    expect([await found(), array.snapshots(), bench.changes]).toEqual([before, [], []]);
    expect(hooksRun()).toEqual(wish === undefined || !('pre' in wish) ? ['post'] : []);
  });

  it('that are cancelled, or whose pre command hangs, run post and leave nothing', async () => {
    const more = (timeoutMs: number) => ({
      pre: { command: HANGING_COMMAND, timeoutMs },
      post: { command: hook('post'), timeoutMs: 10_000 },
    });
    bench = newBench(HANGING_COMMAND);
    await expect(run(more(100))).rejects.toThrow(/EIO.*was killed: it took more than 0.1 s/);
    const cancelling = new AbortController();
    const input = inputOf(definition(more(60_000)));
    const cancelled = backupHandler.perform(input, bench.context(cancelling.signal));
    await until(() => bench.steps.at(-1) === 'pre');
    cancelling.abort();
    await expect(cancelled).rejects.toThrow(/EINTR/);
    expect([hooksRun(), array.snapshots(), bench.changes]).toEqual([['post', 'post'], [], []]);
  });

  it('that are left when the client stops go on with the next one', async () => {
    const stopping = new AbortController();
    bench = newBench(HANGING_COMMAND);
    const wish = { freeze: true, pre: { command: HANGING_COMMAND, timeoutMs: 60_000 } };
    const input = inputOf(
      definition({ ...wish, post: { command: hook('post'), timeoutMs: 10_000 } }),
    );
    const left = backupHandler.perform(input, bench.context(stopping.signal));
    await until(() => bench.steps.at(-1) === 'pre');
    stopping.abort(CLIENT_STOPS);
    await expect(left).rejects.toThrow(/EINTR/);
    expect(hooksRun()).toEqual([]);
    expect(await recovered(input)).toMatch(/ended in the step pre/);
    expect([hooksRun(), array.snapshots(), bench.changes]).toEqual([['post'], [], []]);
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
      const away = isMirror ? { to: ['db-copy'], secondMedium: [array.volume('away')] } : {};
      const more = {
        ...{ ...wish, ...away },
        pre: { command: hook('pre'), timeoutMs: 10_000 },
        post: { command: hook('post'), timeoutMs: 10_000 },
      };
      const ends = new Set<string>();
      let isWhole = false;
      // In CI every second note of the longer one.
      const stride = isMirror && repeat(1) === 1 ? 2 : 1;
      for (let note = 1; !isWhole; note += stride) {
        rmSync(hooks, { force: true });
        bench = newBench();
        const input = inputOf(definition(more));
        const before = byId(await found(false)).map(({ id }) => id);
        const first = await bench.killedAtNote(note, (context) =>
          backupHandler.perform(input, context),
        );
        isWhole = first !== 'killed';
        const end = isWhole ? 'complete' : await recovered(input);
        ends.add(end);
        takeChanges();
        const own = [`${input.runNumber}`, `${input.copyRunNumber}`];
        const inCatalog = [...catalog.keys()].filter((id) => own.includes(id));
        const onArray = (await found(false)).map(({ id }) => id).filter((id) => own.includes(id));
        const expected = end === 'complete' ? [own[isMirror ? 1 : 0]] : [];
        expect({ note, end, inCatalog, onArray, post: hooksRun().includes('post') }).toEqual({
          ...{ note, end, inCatalog: expected, onArray: expected, post: true },
        });
        const others = byId(await found(false))
          .map(({ id }) => id)
          .filter((id) => !own.includes(id));
        expect(before.filter((id) => !others.includes(id) && catalog.has(id))).toEqual([]);
        writeFileSync(join(point, 'thawed'), `${note}`);
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

  async function recovered(input: ReturnType<typeof inputOf>): Promise<string> {
    const recover = backupHandler.recover;
    if (recover === undefined) throw new Error('backups are recovered');
    return recover(input, bench.context()).then(
      () => 'complete',
      (error: Error) => error.message,
    );
  }
});
