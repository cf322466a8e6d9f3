/**
 * Server and client as on two machines: each in a network and a mount namespace of its own, joined by a cable. The array is
 * mounted at the client alone, the server's files are at the server alone, and the token goes from one to the other by hand.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClientRow, Run } from '../../../src/backup/api.js';
import type { BackupEntry } from '../../../src/backup/backup-entry.js';
import { builtSource } from '../../support/built-program.js';
import { canLoop } from '../../support/mounted-array.js';
import { done, run, start, until } from '../../support/programs.js';
import {
  cleanScratch,
  killAtTheEnd,
  makeScratch,
  subdirectory,
} from '../../support/scratch-directory.js';

const [SERVER, CLIENT] = ['10.255.7.1', '10.255.7.2'];
/** A mount namespace begins with all mounts there are: other tests must be able to unmount theirs. */
const FORGET_OTHERS = `cut -d ' ' -f 5 /proc/self/mountinfo | grep arrayfs-mounted- | tac |
  while read -r point; do umount -l "$point"; done`;
const URL = `http://${SERVER}:7070`;

/** Why it cannot be done here; empty: it can. */
function obstacle(): string {
  if (!canLoop) return 'nothing can be mounted';
  if (run('bash', '-c', 'type ip nsenter unshare').status !== 0) return 'no iproute2';
  const made = run(
    'unshare',
    '--net',
    '--mount',
    'ip',
    'link',
    'add',
    'name',
    'v0',
    'type',
    'veth',
  );
  return made.status === 0 ? '' : `no namespaces or no veth: ${made.errors.split('\n')[0]}`;
}

/** A process that keeps two namespaces, and programs in them. */
class Machine {
  private readonly holder;
  readonly directory: string;

  constructor(
    scratch: string,
    readonly name: string,
  ) {
    this.directory = subdirectory(scratch, name);
    const words = ['--net', '--mount', '--propagation', 'slave', 'sh', '-c'];
    this.holder = start('unshare', ...words, `${FORGET_OTHERS}; echo; exec sleep 100000`);
  }

  get pid(): number {
    return this.holder.child.pid ?? 0;
  }

  up(): Promise<void> {
    return until(() => this.holder.texts.out !== '');
  }

  /** Words that lead a program which runs here. */
  readonly inside = (...words: string[]): [string, ...string[]] => [
    ...(['nsenter', '--target', `${this.pid}`, '--net', '--mount'] as const),
    ...['env', `ARRAYFS_RUN_DIR=${this.directory}/run`, ...words],
  ];

  done(...words: string[]): string {
    return done(...this.inside(...words));
  }

  arrayfs(...words: string[]): [string, ...string[]] {
    return this.inside(process.execPath, builtSource('cli/main'), ...words);
  }

  json<T>(...words: string[]): T {
    return JSON.parse(done(...this.arrayfs('backup', ...words, '--json'))) as T;
  }

  end(): void {
    this.holder.child.kill('SIGKILL');
  }
}

const why = obstacle();

describe.skipIf(why !== '')(
  `server and client on machines of their own${why && `: ${why}`}`,
  () => {
    let server: Machine;
    let client: Machine;
    let clientProgram: ReturnType<typeof start>;
    let point = '';
    let mount = '';
    let hold = '';
    let waiting = '';
    const inClient = (name: string) => join(client.directory, name);

    beforeAll(async () => {
      const scratch = makeScratch();
      server = new Machine(scratch, 'server');
      client = new Machine(scratch, 'client');
      await Promise.all([server.up(), client.up()]);
      const ends = ['netns', `${server.pid}`, 'type', 'veth', 'peer', 'name', 'eth0'];
      done('ip', 'link', 'add', 'eth0', ...ends, 'netns', `${client.pid}`);
      for (const [machine, address] of [
        [server, SERVER],
        [client, CLIENT],
      ] as const) {
        machine.done('ip', 'address', 'add', `${address}/24`, 'dev', 'eth0');
        for (const link of ['lo', 'eth0']) machine.done('ip', 'link', 'set', link, 'up');
        // What the other one has on its disk is not here.
        const others = machine === server ? client.directory : server.directory;
        machine.done('mount', '-t', 'tmpfs', 'none', others);
      }
      point = inClient('fs');
      mount = inClient('array');
      hold = inClient('hold');
      waiting = inClient('waiting');
      client.done('mkdir', point, mount, inClient('restored'));
      done(...client.arrayfs('init', inClient('store'), '--capacity', '1G'));
      const words = ['mount', inClient('store'), mount, '--json', '--transport', 'kernel'];
      killAtTheEnd((JSON.parse(done(...client.arrayfs(...words))) as { pid: number }).pid);
      client.done(
        'sh',
        '-c',
        `echo db 16M > ${mount}/ctl/create; mkfs.ext4 -q ${mount}/volumes/db`,
      );
      client.done('mount', '-o', 'loop', `${mount}/volumes/db`, point);
      client.done('sh', '-c', `echo one > ${point}/orders`);
      const data = join(server.directory, 'data');
      const listen = ['--data', data, '--listen', `${SERVER}:7070`];
      const program = start(...server.arrayfs('backup-server', ...listen));
      await until(() => program.texts.out !== '');
    });
    afterAll(() => {
      if (clientProgram) clientProgram.child.kill('SIGKILL');
      if (point) run(...client.inside('umount', point));
      if (mount) run(...client.inside('umount', mount));
      for (const machine of [server, client]) machine?.end();
      cleanScratch();
    });

    const words = () => [
      ...['backup-client', '--server', URL, '--name', 'beta', '--array', mount],
      ...['--token-file', inClient('token'), '--state', inClient('state')],
      ...['--allow-target', inClient('restored'), '--allow', pause()],
    ];
    const pause = () => `while [ -e ${hold} ]; do touch ${waiting}; sleep 0.02; done`;
    const isInClient = (path: string) => run(...client.inside('test', '-e', path)).status === 0;

    it('has the client let in by the token that the user carries over, and by no other', async () => {
      client.done('sh', '-c', `echo ${'x'.repeat(43)} > ${inClient('token')}`);
      const refused = run(...client.arrayfs(...words()));
      expect([refused.status, refused.errors]).toEqual([1, expect.stringContaining('this token')]);
      // As `client-add beta --out - | ssh beta 'umask 077; cat > token'`.
      const token = done(...server.arrayfs('backup', 'client-add', 'beta', '--out', '-'));
      client.done('sh', '-c', `umask 077; echo ${token} > ${inClient('token')}`);
      clientProgram = start(...client.arrayfs(...words()));
      await until(() => clientProgram.texts.out !== '');
      const rows = server.json<ClientRow[]>('clients');
      expect(rows.find(({ name }) => name === 'beta')).toMatchObject({
        ...{ isConnected: true, arrays: [{ mountPoint: mount }] },
      });
      expect(isInClient(join(server.directory, 'data'))).toBe(false);
    });

    it('is backed up, looked into and restored from the other machine', () => {
      const options = ['--client', 'beta', '--path', point, '--freeze', '--pre', pause()];
      server.json('define', 'nightly', ...options);
      expect(server.json<Run>('run', 'nightly')).toMatchObject({ state: 'complete' });
      const [entry] = server.json<BackupEntry[]>('list');
      expect(entry).toMatchObject({ client: 'beta', mountPoint: point, sourceName: 'db' });
      client.done('sh', '-c', `echo two > ${point}/orders`);
      server.json('restore-file', entry?.id ?? '', '/orders', '--to', inClient('restored'));
      expect(client.done('cat', inClient('restored/orders'))).toBe('one');
      server.json('restore', entry?.id ?? '');
      expect(client.done('cat', `${point}/orders`)).toBe('one');
    });

    it('has its runs complete when the cable was out meanwhile', async () => {
      client.done('touch', hold);
      const program = start(...server.arrayfs('backup', 'run', 'nightly', '--json'));
      await until(() => isInClient(waiting));
      server.done('ip', 'link', 'set', 'eth0', 'down');
      client.done('rm', hold);
      const snapshots = () => client.done('ls', `${mount}/snapshots/db`).split('\n');
      await until(() => snapshots().filter((name) => name.startsWith('backup-')).length === 2);
      // The server has not heard of that.
      expect(program.child.exitCode).toBe(null);
      server.done('ip', 'link', 'set', 'eth0', 'up');
      const { status, out } = await program.result;
      expect([status, JSON.parse(out)]).toMatchObject([0, { state: 'complete', number: 2 }]);
    });
  },
);
