/**
 * A database that runs while it is backed up: after its volume was destroyed and restored, it has every row that was
 * committed before the instant, and none that is half.
 */
import { chmodSync, chownSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BackupSystem } from '../../support/backup-system.js';
import { canLoop, MountedArray } from '../../support/mounted-array.js';
import { done, run, start, until } from '../../support/programs.js';
import { cleanScratch, subdirectory } from '../../support/scratch-directory.js';

/** Of Debian 12; scripts/test installs it. */
const PROGRAMS = '/usr/lib/postgresql/15/bin';
const canRun = canLoop && existsSync(join(PROGRAMS, 'initdb'));

const why = canRun ? '' : `: no ${PROGRAMS}, or nothing can be mounted`;

describe.skipIf(!canRun)(`PostgreSQL on a volume${why}`, () => {
  let array: MountedArray;
  let system: BackupSystem;
  let point: string;
  let database: string;
  let sockets: string;
  let committed: string;

  beforeAll(async () => {
    array = MountedArray.create();
    array.ok('create', 'db 256M');
    done('mkfs.ext4', '-q', array.volume('db'));
    point = array.loopMount(array.volume('db'), 'db');
    sockets = subdirectory(array.directory, 'sockets');
    database = subdirectory(point, 'pg');
    committed = join(array.directory, 'committed');
    const [uid = 0, gid = 0] = ['-u', '-g'].map((what) => Number(done('id', what, 'postgres')));
    for (const directory of [sockets, database]) chownSync(directory, uid, gid);
    // The scratch directory is for its owner alone; the server's user must reach its files.
    chmodSync(array.directory, 0o755);
    postgres(
      'initdb',
      '--pgdata',
      database,
      '--auth',
      'trust',
      '--no-sync',
      '--locale',
      'C',
      '--wal-segsize',
      '1',
    );
    const words = ['--allow', hook('pre'), hook('post')];
    system = await BackupSystem.begin(array.directory, { arrays: [array.mount], words });
  });
  afterAll(async () => {
    if (point) control('stop', '--mode', 'immediate', '--no-wait');
    await system?.end();
    cleanScratch();
  });

  const asUser = (name: string, ...words: string[]) => [
    ...['-u', 'postgres', '--', join(PROGRAMS, name)],
    ...words,
  ];
  const postgres = (name: string, ...words: string[]) => done('runuser', ...asUser(name, ...words));
  const control = (...words: string[]) =>
    run('runuser', ...asUser('pg_ctl', '--pgdata', database, '--silent', ...words));
  const query = (text: string) => postgres('psql', '-h', sockets, '-At', '-c', text);

  /** What is committed when it runs: the rows that the backup must have, or may have. */
  function hook(name: string): string {
    const psql = `runuser -u postgres -- ${PROGRAMS}/psql -h ${sockets} -qAt`;
    const checkpoint = name === 'pre' ? '-c checkpoint ' : '';
    return `${psql} ${checkpoint}-c 'select max(id) from orders' >> ${committed}`;
  }

  function begin(): void {
    const options = `-k ${sockets} -h '' -c shared_buffers=16MB`;
    const log = join(sockets, 'log');
    const { status, errors } = control('start', '--wait', '--log', log, '--options', options);
    if (status !== 0) throw new Error(`${errors}\n${readFileSync(log, 'utf8')}`);
  }

  it('has all that was committed before the instant, after load, freeze, loss and restore', async () => {
    begin();
    query('create table orders (id serial primary key, text text, checksum text)');
    const insert = `insert into orders (text) select repeat('x', 500 + i) from generate_series(1, 5) i;
      update orders set checksum = md5(id || text) where checksum is null;`;
    const script = `while :; do echo "begin; ${insert} commit;"; done`;
    const load = start(
      'bash',
      '-c',
      `(${script}) | runuser -u postgres -- ${PROGRAMS}/psql -h ${sockets} -q`,
    );
    await until(() => Number(query('select count(*) from orders')) > 50);
    await system.define('orders', {
      ...{ paths: [point], freeze: true, sha256: true },
      pre: { command: hook('pre'), timeoutMs: 60_000 },
      post: { command: hook('post'), timeoutMs: 60_000 },
    });
    const [backup] = await system.backup('orders');
    control('stop', '--mode', 'immediate');
    await load.result;
    rmSync(database, { recursive: true });
    done('sync', '-f', point);

    await system.ok('restore', backup?.id ?? '');
    begin();
    const [before = 0, after = 0] = readFileSync(committed, 'utf8').trim().split('\n').map(Number);
    const [newest, count, wrong] = query(
      'select max(id), count(*), count(*) filter (where checksum is distinct from md5(id || text)) from orders',
    )
      .split('|')
      .map(Number);
    expect(newest).toBeGreaterThanOrEqual(before);
    // The transaction of the instant may have been on disk before others saw it.
    expect(newest).toBeLessThanOrEqual(after + 5);
    expect([count, wrong]).toEqual([newest, 0]);
    // Whole transactions of five rows each.
    expect((count ?? 1) % 5).toBe(0);
    query("insert into orders (text) values ('goes on')");
    expect(control('stop', '--mode', 'fast')).toMatchObject({ status: 0 });
  });
});
