/** Who may ask the backup server what: tokens, protocol, sizes, forms; and its metrics. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROTOCOL_HEADER } from '../../../src/backup/api.js';
import { readTokenFile } from '../../../src/backup/registration.js';
import { BACKUP_REQUEST_BYTES_MAX } from '../../../src/base/limits.js';
import { cleanScratch, makeMemoryScratch } from '../../support/scratch-directory.js';
import { type ServerFixture, sampleDefinition, serverFixture } from './server-fixture.js';

const scratch = makeMemoryScratch();
let at: ServerFixture;
let admin: string;
let client: string;

afterAll(cleanScratch);

beforeAll(() => {
  at = serverFixture(scratch);
  admin = readTokenFile(at.server.parts.clients.adminTokenFile);
  client = readTokenFile(at.server.parts.clients.localTokenFile);
});

const raw = (path: string, headers: Record<string, string>, init: RequestInit = {}) =>
  at.server.app.request(path, { ...init, headers });

describe('a token', () => {
  it.each([
    ['none', undefined, 401, 'this backup server wants a token'],
    ['another scheme', 'Basic YTpi', 401, 'this backup server wants a token'],
    ['an unknown one', 'Bearer abcdefghijklmnopqrstuvwxyz', 401, 'does not know this token'],
    ['an empty one', 'Bearer ', 401, 'this backup server wants a token'],
  ])('is wanted: %s', async (_what, authorization, status, reason) => {
    for (const path of ['/v1/about', '/v1/client/poll', '/metrics']) {
      const method = path.includes('client') ? 'POST' : 'GET';
      const answer = await raw(path, authorization ? { authorization } : {}, { method });
      expect(answer.status).toBe(status);
      expect(await answer.json()).toEqual({
        ...{ error: 'EACCES', reason: expect.stringContaining(reason) },
      });
    }
  });

  it('of a client is none of a user, and the other way round', async () => {
    expect(await at.ask(client, 'GET', '/backups')).toMatchObject({
      ...{ status: 403, body: { reason: 'the token is that of a client, this is for users' } },
    });
    expect(await at.ask(admin, 'POST', '/client/poll', {})).toMatchObject({
      ...{ status: 403, body: { reason: 'the token is that of a user, this is for clients' } },
    });
  });

  it('of a new client is told once, and the old one is worth nothing then', async () => {
    const first = (await at.user('PUT', '/clients/beta')).body.token;
    const poll = { has: [], waitMs: 0 };
    expect((await at.ask(first, 'POST', '/client/poll', poll)).status).toBe(200);
    const second = (await at.user('PUT', '/clients/beta')).body.token;
    expect((await at.ask(first, 'POST', '/client/poll', poll)).status).toBe(401);
    expect((await at.ask(second, 'POST', '/client/poll', poll)).status).toBe(200);
    expect((await at.user('DELETE', '/clients/beta')).status).toBe(200);
    expect((await at.ask(second, 'POST', '/client/poll', poll)).status).toBe(401);
    expect((await at.user('PUT', '/clients/b%20b')).body.error).toBe('EINVAL');
  });

  it('is in files of its owner alone, as a hash in those of the server, and in no log', async () => {
    const { token } = (await at.user('PUT', '/clients/gamma')).body;
    const files = ['admin.token', 'client.token', 'server.json'].map((name) =>
      join(at.directory, 'data', name),
    );
    for (const file of files) expect(statSync(file).mode & 0o777).toBe(0o600);
    const told = readFileSync(files[2] as string, 'utf8') + at.logged.join('');
    for (const secret of [token, admin, client]) expect(told).not.toContain(secret);
    await at.user('DELETE', '/clients/gamma');
  });

  it('is the same after a new start', async () => {
    const again = at.again();
    expect((await again.ask(admin, 'GET', '/about')).status).toBe(200);
    await again.server.close();
  });
});

describe('a request', () => {
  const authorized = () => ({ authorization: `Bearer ${admin}` });

  it('of another protocol is refused with what to do, whatever it asks', async () => {
    const answer = await raw('/v1/about', { ...authorized(), [PROTOCOL_HEADER]: '2' });
    expect(answer.status).toBe(501);
    expect(answer.headers.get(PROTOCOL_HEADER)).toBe('1');
    expect(await answer.json()).toEqual({
      error: 'EOPNOTSUPP',
      reason:
        'this backup server (arrayfs 1.2.3) speaks protocol 1, the program that asks 2: use the same version of arrayfs on both sides',
    });
  });

  it('that is too large is refused before it is read', async () => {
    const headers = { ...authorized(), 'content-length': `${BACKUP_REQUEST_BYTES_MAX + 1}` };
    const answer = await raw('/v1/rescan', headers, { method: 'POST', body: '{}' });
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ error: 'EFBIG' });
  });

  it.each([
    ['GET', '/nothing', undefined, 404, 'there is no GET /v1/nothing at a backup server'],
    ['GET', '/backups/12', undefined, 404, 'there is no backup 12'],
    ['GET', '/runs/12', undefined, 404, 'there is no run 12'],
    ['GET', '/runs/x', undefined, 400, "not a number: 'x'"],
    ['GET', '/errands/12', undefined, 404, 'there is no errand 12'],
    ['GET', '/backups?limit=0', undefined, 400, 'limit: Too small'],
    ['GET', '/backups?state=bad', undefined, 400, 'state: Invalid option'],
    ['POST', '/backups/12/burn', {}, 404, "there is no action 'burn' on a backup"],
    ['POST', '/backups/12/files', {}, 400, 'path: Invalid input'],
    ['POST', '/backups/12/files', { path: '/', x: 1 }, 400, 'Unrecognized key: "x"'],
    ['PUT', '/definitions/x', { name: 'x' }, 400, 'client: Invalid input'],
    ['POST', '/definitions/x/run', undefined, 404, 'there is no definition x'],
    ['DELETE', '/definitions/x', undefined, 404, 'there is no definition x'],
    ['DELETE', '/clients/x', undefined, 404, 'there is no backup client x'],
    ['POST', '/rescan', { tapes: true }, 502, 'no backup client is connected'],
  ])('that cannot be is refused in words: %s %s %j', async (method, path, body, status, reason) => {
    const answer = await at.user(method, path, body);
    expect(answer).toMatchObject({ status, body: { reason: expect.stringContaining(reason) } });
  });

  it('that is no JSON is refused', async () => {
    const answer = await raw('/v1/rescan', authorized(), { method: 'POST', body: '{' });
    expect(await answer.json()).toEqual({
      ...{ error: 'EINVAL', reason: 'the body of the request is no JSON' },
    });
  });
});

describe('a definition', () => {
  const put = (more: object, name = 'nightly') =>
    at.user('PUT', `/definitions/${name}`, sampleDefinition(at.clientName, more));

  it('is kept, replaced and deleted', async () => {
    expect((await put({})).status).toBe(200);
    expect((await put({ label: 'other' })).status).toBe(200);
    expect((await at.user('GET', '/definitions')).body).toMatchObject([
      { definition: { label: 'other' }, nextMs: null, lastRun: null, missed: 0 },
    ]);
    expect((await at.user('DELETE', `/clients/${at.clientName}`)).body).toMatchObject({
      ...{ error: 'EBUSY', reason: expect.stringContaining('definition nightly is of client') },
    });
    expect((await at.user('DELETE', '/definitions/nightly')).status).toBe(200);
    expect((await at.user('GET', '/definitions')).body).toEqual([]);
  });

  it.each([
    ['of no client', { client: 'nobody' }, 'there is no backup client nobody'],
    ['under another name', { name: 'other' }, 'the definition other is put as nightly'],
    ['with no schedule', { schedule: { cron: 'x', timeZone: null } }, "not a schedule: 'x'"],
    ['against the rules', { paths: null }, 'give either paths or volumes'],
  ])('is refused: %s', async (_what, more, reason) => {
    expect((await put(more)).body.reason).toContain(reason);
  });
});

describe('the metrics', () => {
  it('are Prometheus text, for users', async () => {
    const answer = await raw('/metrics', { authorization: `Bearer ${admin}` });
    expect(answer.headers.get('content-type')).toContain('text/plain');
    const text = await answer.text();
    expect(text).toContain('arrayfs_backup_entries{state="good"} 0');
    expect(text).toContain(`arrayfs_backup_client_connected{client="${at.clientName}"} 0`);
    expect((await raw('/metrics', { authorization: `Bearer ${client}` })).status).toBe(403);
  });
});
