/** `arrayfs backup-server` as a process: its line, its files, its end, and kill -9 at any moment. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { chooseServer, readRegistrations, readTokenFile } from '../../src/backup/registration.js';
import { ServerClient } from '../../src/backup/server-client.js';
import { sleep } from '../../src/base/clock.js';
import { sampleDefinition, sampleEntry } from '../backup/server/server-fixture.js';
import { builtSource } from '../support/built-program.js';
import { repeat } from '../support/factor.js';
import { done, killStarted, run, start, until } from '../support/programs.js';
import { RandomSource } from '../support/random-source.js';
import { cleanScratch, makeMemoryScratch } from '../support/scratch-directory.js';

const scratch = makeMemoryScratch();
const runDirectory = join(scratch, 'run');
process.env.ARRAYFS_RUN_DIR = runDirectory;
const MAIN = builtSource('cli/main');
const PORT = 'listening on ';
const LOOK_MS = 5;
let count = 0;

afterEach(killStarted);
afterAll(cleanScratch);

type Started = Awaited<ReturnType<typeof startServer>>;

async function startServer(data = join(scratch, `data-${++count}`), ...more: string[]) {
  const words = [MAIN, 'backup-server', '--data', data, '--listen', '127.0.0.1:0', ...more];
  const server = start(process.execPath, ...words);
  let isOver = false;
  void server.result.then(() => {
    isOver = true;
  });
  await until(
    () => server.texts.out.includes('\n'),
    () => isOver,
  );
  return { ...server, data, url: server.texts.out.trim().slice(PORT.length) };
}

async function ended(server: Started, signal: NodeJS.Signals): Promise<number> {
  server.child.kill(signal);
  return (await server.result).status;
}

function clientOf({ url }: Started, role: 'admin' | 'client', ca?: string): ServerClient {
  const wish = { server: url, tokenFile: undefined, caFile: undefined };
  const { tokenFile } = chooseServer(wish, role);
  return new ServerClient({ url, token: readTokenFile(tokenFile), ca });
}

const refusal = (...words: string[]) => run(process.execPath, MAIN, 'backup-server', ...words);

describe('a backup server', () => {
  it('says where it listens, is found by programs on its machine, and ends in order', async () => {
    const server = await startServer();
    expect(server.texts.out).toMatch(/^listening on http:\/\/127\.0\.0\.1:\d+\n$/);
    expect(readRegistrations()).toMatchObject([{ url: server.url, dataDirectory: server.data }]);
    const user = clientOf(server, 'admin');
    expect(await user.about()).toMatchObject({ protocol: 1, dataDirectory: server.data });
    expect(await user.backups()).toEqual([]);
    const waiting = clientOf(server, 'client');
    const poll = waiting.poll([], 60_000, new AbortController().signal);
    const isConnected = async () => (await user.clients())[0]?.isConnected;
    while (!(await isConnected())) await sleep(LOOK_MS);
    expect(await ended(server, 'SIGTERM')).toBe(0);
    expect(await poll).toEqual({ errands: [], cancelled: [] });
    expect(readdirSync(join(runDirectory, 'backup'))).toEqual([]);
    await user.close();
    await waiting.close();
  });

  it('sees at once that a client has gone', async () => {
    const server = await startServer();
    const user = clientOf(server, 'admin');
    const client = clientOf(server, 'client');
    const isConnected = async () => (await user.clients())[0]?.isConnected;
    const gone = new AbortController();
    const poll = client.poll([], 60_000, gone.signal).catch(() => 'gone');
    while (!(await isConnected())) await sleep(LOOK_MS);
    gone.abort();
    expect(await poll).toBe('gone');
    while (await isConnected()) await sleep(LOOK_MS);
    await user.close();
    await client.close();
  });

  it('refuses in one line what cannot be: a second server, a port in use, no address', async () => {
    const server = await startServer();
    const place = new URL(server.url).host;
    const other = join(scratch, 'refused');
    for (const [data, listen, reason] of [
      [server.data, '127.0.0.1:0', `${server.data} is in use by another process`],
      [other, place, `${place} is in use by another program`],
      [other, 'here', "--listen takes HOST:PORT, not 'here'"],
    ] as const) {
      const { status, errors } = refusal('--data', data, '--listen', listen);
      expect([status, errors]).toEqual([1, `arrayfs: ${reason}`]);
    }
  });

  it('does not begin with a damaged catalog, and leaves it as it is', async () => {
    const server = await startServer();
    await ended(server, 'SIGTERM');
    const file = join(server.data, 'catalog/data.mdb');
    const damaged = Buffer.alloc(65_536, 0xa5);
    writeFileSync(file, damaged);
    const { status, errors } = refusal('--data', server.data, '--listen', '127.0.0.1:0');
    expect(status).toBe(1);
    expect(errors).toMatch(
      /^arrayfs: the catalog in [^\n]* is damaged [^\n]*arrayfs backup rescan/,
    );
    expect(readFileSync(file).equals(damaged)).toBe(true);
  });

  it('speaks HTTPS with a certificate', async () => {
    const [cert, key] = [join(scratch, 'cert.pem'), join(scratch, 'key.pem')];
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const kind = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
    ];
    done('openssl', 'req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert);
    const server = await startServer(undefined, '--tls-cert', cert, '--tls-key', key);
    expect(server.url).toMatch(/^https:/);
    const trusting = clientOf(server, 'admin', readFileSync(cert, 'utf8'));
    expect((await trusting.about()).protocol).toBe(1);
    await trusting.close();
    const other = clientOf(server, 'admin');
    await expect(other.about()).rejects.toMatchObject({ code: 'EACCES' });
    await other.close();
  });

  it('keeps what it answered, at whatever moment it is killed (seeded)', async () => {
    const random = new RandomSource(6);
    const data = join(scratch, `data-${++count}`);
    const known = new Set<string>();
    const { signal } = new AbortController();
    /** Sent and not answered: it is there or not, and is sent again. */
    let open = '';
    for (let round = 0; round < repeat(3); round += 1) {
      const server = await startServer(data);
      const user = clientOf(server, 'admin');
      const client = clientOf(server, 'client');
      const found = (await user.backups()).map(({ id }) => id).filter((id) => id !== open);
      expect(found.sort()).toEqual([...known].sort());
      const { clientName = '' } = readRegistrations().find(({ url }) => url === server.url) ?? {};
      const hello = { version: '1', hostName: 'h', arrays: [], highestJobNumber: 0 };
      await client.hello({ name: clientName, ...hello });
      if (round === 0) await user.putDefinition(sampleDefinition(clientName));
      const [live] = (await client.poll([], 0, signal)).errands;
      const errand = live?.id ?? (await user.runDefinition('nightly')).errand;
      for (let left = random.integer(1, 12); left >= 0; left -= 1) {
        const number = known.size + 1;
        open = `${number}`;
        const add = [sampleEntry(number, { client: clientName })];
        const sent = client.changeCatalog({ errand, sequence: number, add, remove: [] }, signal);
        if (left === 0) server.child.kill('SIGKILL');
        if (
          await sent.then(
            () => true,
            () => false,
          )
        )
          known.add(open);
      }
      await server.result;
      await user.close();
      await client.close();
    }
    expect(known.size).toBeGreaterThan(2);
  });
});
