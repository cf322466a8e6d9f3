/** `arrayfs backup-client` as a process: which server and token it takes, what it says where they are wrong, how it ends. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServerClient } from '../../src/backup/server-client.js';
import { begun } from '../support/backup-programs.js';
import { builtSource } from '../support/built-program.js';
import { done, run, start, until } from '../support/programs.js';
import { cleanScratch, makeMemoryScratch } from '../support/scratch-directory.js';

const scratch = makeMemoryScratch();
const MAIN = builtSource('cli/main');
const LISTENING = 'listening on ';
const file = (name: string) => join(scratch, name);

describe('a backup client', () => {
  let url = '';
  let server: Awaited<ReturnType<typeof begun>>;

  beforeAll(async () => {
    process.env.ARRAYFS_RUN_DIR = file('run');
    server = await begun('backup-server', '--data', file('data'), '--listen', '127.0.0.1:0');
    url = server.texts.out.trim().slice(LISTENING.length);
    mkdirSync(file('no-arrays'));
  });
  afterAll(cleanScratch);

  const words = (...more: string[]) => [
    '--array',
    file('no-arrays'),
    '--state',
    file('state'),
    ...more,
  ];
  const refused = (...more: string[]) => {
    const { status, errors } = run(process.execPath, MAIN, 'backup-client', ...words(...more));
    return [
      status,
      errors
        .split('\n')
        .filter((line) => !line.startsWith('{'))
        .join('\n'),
    ];
  };

  it('finds server, token and name on its machine, is known there, and ends with SIGTERM', async () => {
    const client = await begun('backup-client', ...words());
    expect(client.texts.out).toMatch(new RegExp(`^serving backup server ${url} as \\S+\n$`));
    const user = new ServerClient({
      url,
      token: readFileSync(file('data/admin.token'), 'utf8').trim(),
    });
    const [row] = await user.clients();
    expect(row).toMatchObject({
      isConnected: true,
      arrays: [],
      version: done(process.execPath, MAIN, '--version'),
    });
    const second = refused();
    expect(second).toEqual([1, `arrayfs: ${file('state')} is in use by another process`]);
    client.child.kill('SIGTERM');
    expect((await client.result).status).toBe(0);
    await user.close();
  });

  it('says what is wrong with its token', async () => {
    writeFileSync(file('unknown'), 'x'.repeat(43));
    const [status, reason] = refused('--token-file', file('unknown'));
    expect([status, reason]).toEqual([
      1,
      expect.stringMatching(/^arrayfs: the backup server at \S+: .*token/),
    ]);
    expect(refused('--token-file', file('data/admin.token'))).toEqual([
      1,
      expect.stringMatching(/^arrayfs: /),
    ]);
  });

  it('has the name that its token is of', () => {
    const name = readFileSync(join(file('run/backup'), registrationName(url)), 'utf8');
    const { clientName } = JSON.parse(name) as { clientName: string };
    expect(refused('--name', 'another')).toEqual([
      1,
      `arrayfs: the token is that of the backup client '${clientName}', not of 'another': give --name ${clientName}`,
    ]);
  });

  it('waits for a server that is away, and takes it when it is there', async () => {
    server.child.kill('SIGTERM');
    await server.result;
    const token = file('data/client.token');
    const client = start(
      process.execPath,
      MAIN,
      'backup-client',
      ...words('--server', url, '--token-file', token),
    );
    await until(
      () => client.texts.errors.includes('waiting for the server'),
      () => client.child.exitCode !== null,
    );
    server = await begun('backup-server', '--data', file('data'), '--listen', new URL(url).host);
    await until(
      () => client.texts.out !== '',
      () => client.child.exitCode !== null,
    );
    expect(client.texts.out).toContain(`serving backup server ${url}`);
    client.child.kill('SIGINT');
    expect((await client.result).status).toBe(0);
  });

  it('says so where no server runs on the machine', async () => {
    server.child.kill('SIGTERM');
    await server.result;
    expect(refused()).toEqual([
      1,
      expect.stringMatching(/^arrayfs: no backup server runs on this machine/),
    ]);
  });
});

function registrationName(url: string): string {
  return `${new URL(url).host.replace(':', '_')}.json`;
}
