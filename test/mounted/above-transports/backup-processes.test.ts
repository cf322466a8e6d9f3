/**
 * Server, client and array as three processes: a backup from definition to catalog, and kill -9 of each of them in the steps
 * of a backup. Then the rule: complete and found on the array, or failed with the reason and nothing left.
 */
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Run } from '../../../src/backup/api.js';
import { type BackupDefinition, definitionSchema } from '../../../src/backup/definition.js';
import { rescan } from '../../../src/backup/media/rescan.js';
import type { ServerClient } from '../../../src/backup/server-client.js';
import { sleep } from '../../../src/base/clock.js';
import { BackupPrograms } from '../../support/backup-programs.js';
import { ErrandBench } from '../../support/errand-context.js';
import { repeat } from '../../support/factor.js';
import { canLoop, MIB, MountedArray } from '../../support/mounted-array.js';
import { done, doneLater, run as runProgram } from '../../support/programs.js';
import { RandomSource } from '../../support/random-source.js';
import { cleanScratch, loopsReleased } from '../../support/scratch-directory.js';

const SEED = Number(process.env.ARRAYFS_TEST_SEED ?? Date.now() % 1_000_000);
const LOOK_MS = 20;
const STEPS = ['prepare', 'pre', 'freeze', 'seal', 'catalog', 'copy', 'post', 'undo'];
/** Within a step. */
const DELAY_MS_MAX = 25;

describe.skipIf(!canLoop)('backup server, client and array', () => {
  let array: MountedArray;
  let point: string;
  let hooks: string;
  let programs: BackupPrograms;
  let user: ServerClient;

  beforeAll(async () => {
    array = MountedArray.create();
    array.ok('create', `db ${8 * MIB}`);
    done('mkfs.ext4', '-q', array.volume('db'));
    point = array.loopMount(array.volume('db'), 'fs');
    hooks = join(array.directory, 'hooks');
    const words = ['--array', array.mount, '--name', 'here', '--allow', hook('pre'), hook('post')];
    programs = new BackupPrograms(array.directory, words);
    await programs.startServer();
    user = programs.admin();
    const token = await user.putClient('here');
    const file = join(array.directory, 'client.token');
    writeFileSync(file, token, { mode: 0o600 });
    programs.clientWords.push('--token-file', file);
    await programs.startClient();
    await user.putDefinition(definition());
  });
  afterAll(async () => {
    await user?.close();
    cleanScratch();
  });

  const hook = (name: string) => `echo "${name} $ARRAYFS_BACKUP_RUN" >> ${hooks}`;

  function definition(): BackupDefinition {
    return definitionSchema.parse({
      ...{ name: 'nightly', client: 'here', paths: [point], volumes: null, array: null },
      ...{ method: 'snapshot', to: [], secondMedium: [array.volume('away')], class: 'disk' },
      ...{ policy: 'merge', incremental: false, freeze: true, resyncAfter: false, sha256: true },
      pre: { command: hook('pre'), timeoutMs: 10_000 },
      post: { command: hook('post'), timeoutMs: 10_000 },
      ...{ label: 'orders', schedule: null, keep: null },
    });
  }

  async function ended(number: number): Promise<Run> {
    for (;;) {
      const run = await user.run(number);
      if (run.state !== 'waiting' && run.state !== 'running') return run;
      await sleep(LOOK_MS);
    }
  }

  const found = async () => {
    const bench = new ErrandBench([array], array.directory);
    const { entries } = await rescan({ tapes: false }, bench.context());
    return entries.map(({ client: _client, hostName: _host, ...entry }) => entry);
  };
  const catalog = async () =>
    (await user.backups()).map(({ client: _client, hostName: _host, ...entry }) => entry);
  const byId = <T extends { id: string }>(entries: T[]) =>
    [...entries].sort((a, b) => Number(a.id) - Number(b.id));

  /** What is wrong after the end of a run. */
  async function problemsOf(run: Run): Promise<string[]> {
    const problems: string[] = [];
    const own = [`${run.number}`, `${run.number + 1}`];
    const listed = (await catalog()).map(({ id }) => id).filter((id) => own.includes(id));
    if (run.state === 'complete' && listed.length !== 2) problems.push(`complete with ${listed}`);
    if (run.state !== 'complete' && run.reason === '') problems.push('failed without a reason');
    // A copy that failed leaves the first image, which is whole.
    if (run.state === 'failed' && listed.includes(own[1] ?? ''))
      problems.push('failed with a copy');
    const hooked = existsSync(hooks) ? readFileSync(hooks, 'utf8') : '';
    const began = hooked.includes(`pre ${run.number}\n`);
    if (began && !hooked.includes(`post ${run.number}\n`)) problems.push('post did not run');
    await doneLater('sh', '-c', `echo ${run.number} >> ${point}/thawed && sync -f ${point}`);
    return problems;
  }

  it('make a backup from its definition to the catalog', async () => {
    const { number } = await user.runDefinition('nightly');
    const run = await ended(number);
    expect(run).toMatchObject({
      state: 'complete',
      reason: '',
      entries: [`${number}`, `${number + 1}`],
    });
    expect(run.log.join('\n')).toMatch(/frozen for \d+\.\d ms/);
    expect(await problemsOf(run)).toEqual([]);
    expect(byId(await catalog())).toEqual(byId(await found()));
    const errands = join(programs.state, 'errands');
    expect(existsSync(errands) && readdirSync(errands)).toEqual([]);
  });

  it(`survive kill -9 of each in any step of a backup (seed ${SEED})`, async () => {
    const random = new RandomSource(SEED);
    const rounds = repeat(3);
    for (let round = 0; round < rounds; round += 1) {
      const victim = (['client', 'server', 'array'] as const)[round % 3] ?? 'client';
      const step = random.pick(STEPS);
      appendFileSync(join(point, 'orders'), `${round}\n`);
      const { number } = await user.runDefinition('nightly');
      await killIn(victim, step, number, random.integer(0, DELAY_MS_MAX));
      const run = await ended(number);
      const problems = await problemsOf(run);
      expect({ victim, step, run, problems }).toEqual({ victim, step, run, problems: [] });
      expect(byId(await catalog())).toEqual(byId(await found()));
    }
  });

  async function killIn(victim: string, step: string, number: number, delayMs: number) {
    let isOver = false;
    const over = ended(number).then(
      () => {
        isOver = true;
      },
      () => undefined,
    );
    await programs.untilStep(step, () => isOver);
    await sleep(delayMs);
    if (victim === 'client') {
      await programs.killClient();
      await programs.startClient();
    } else if (victim === 'server') {
      await programs.killServer();
      await programs.startServer();
    } else await killArray();
    await over;
  }

  /** With the file system that is on it, which is put on again. */
  async function killArray(): Promise<void> {
    await array.kill();
    while (runProgram('umount', point).status !== 0) await sleep(LOOK_MS);
    await loopsReleased(array.mount);
    array.unmountDead();
    array.mountAgain();
    array.loopMount(array.volume('db'), 'fs');
  }

  it('end in order, and say no word of tokens', async () => {
    expect(await programs.stopClient()).toBe(0);
    const { errors } = programs.said();
    const token = readFileSync(join(array.directory, 'client.token'), 'utf8');
    expect([errors.includes('errand over'), errors.includes(token)]).toEqual([true, false]);
    expect(await programs.stopServer()).toBe(0);
  });
});
