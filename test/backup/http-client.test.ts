/** Requests to a backup server: what goes over the wire, and each thing that can be wrong in words. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PROTOCOL_HEADER } from '../../src/backup/api.js';
import { PROTOCOL_VERSION } from '../../src/backup/errands.js';
import { HttpClient, ServerAwayError } from '../../src/backup/http-client.js';
import { ServerClient } from '../../src/backup/server-client.js';
import type { ArrayError } from '../../src/base/errors.js';

const TOKEN = 'token-of-this-test';
const OWN = { [PROTOCOL_HEADER]: `${PROTOCOL_VERSION}`, 'content-type': 'application/json' };
const closers: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function listening(server: Server, scheme = 'http'): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const serve = (listener: RequestListener) => listening(createServer(listener));

function clientOf(url: string, ca?: string): HttpClient {
  const client = new HttpClient({ url, token: TOKEN, ca });
  closers.push(() => client.close());
  return client;
}

/** A server that always answers this. */
const answering = (status: number, headers: Record<string, string>, body: string) =>
  serve((_request, response) => response.writeHead(status, headers).end(body));

const refusalOf = (work: Promise<unknown>): Promise<ArrayError> =>
  work.then(
    () => {
      throw new Error('it was not refused');
    },
    (error: ArrayError) => error,
  );

const ABOUT = { method: 'GET', path: '/about' } as const;

describe('HttpClient', () => {
  it('sends token, protocol, query and body, and takes the value of the answer', async () => {
    const seen: unknown[] = [];
    const url = await serve(async (request, response) => {
      let body = '';
      for await (const part of request) body += String(part);
      const { authorization, [PROTOCOL_HEADER]: protocol } = request.headers;
      seen.push([request.method, request.url, authorization, protocol, body]);
      response.writeHead(200, OWN).end('{"a":[1]}');
    });
    const query = { a: 'x y', b: undefined, c: 2 };
    const answer = await clientOf(url).request({
      method: 'POST',
      path: '/p',
      query,
      body: { z: 1 },
    });
    expect(answer).toEqual({ a: [1] });
    expect(seen).toEqual([
      ['POST', '/v1/p?a=x+y&c=2', `Bearer ${TOKEN}`, `${PROTOCOL_VERSION}`, '{"z":1}'],
    ]);
  });

  it('takes an answer without a body', async () => {
    expect(await clientOf(await answering(204, OWN, '')).request(ABOUT)).toBeUndefined();
  });

  it.each([
    [409, '{"error":"EBUSY","reason":"in use"}', 'EBUSY', /^in use$/],
    [401, '{"error":"EACCES","reason":"unknown token"}', 'EACCES', /127.0.0.1:\d+: unknown token$/],
    [500, '{"error":"ENEW","reason":"x"}', 'EIO', /^x$/],
    [500, '[]', 'EIO', /^status 500$/],
    [200, 'text', 'EIO', /answers no JSON/],
  ])('makes of status %i and %s the error %s', async (status, body, code, reason) => {
    const error = await refusalOf(clientOf(await answering(status, OWN, body)).request(ABOUT));
    expect([error.code, error.reason]).toEqual([code, expect.stringMatching(reason)]);
    expect(error).not.toBeInstanceOf(ServerAwayError);
    expect(`${error.reason}${error.stack}`).not.toContain(TOKEN);
  });

  it('tells a server of another protocol, and a program that is none', async () => {
    const other = await answering(200, { [PROTOCOL_HEADER]: '999' }, '{}');
    expect((await refusalOf(clientOf(other).request(ABOUT))).reason).toMatch(
      /protocol 999.*same version/,
    );
    const none = await answering(200, {}, '<html>');
    expect((await refusalOf(clientOf(none).request(ABOUT))).reason).toMatch(/no backup server/);
  });

  it('may be asked again where nobody listens, the connection is cut, or only a gateway answers', async () => {
    const closed = createServer();
    const url = await listening(closed);
    await new Promise((resolve) => closed.close(resolve));
    const cut = await serve((request) => request.socket.destroy());
    const gateway = await answering(502, {}, '');
    const reasons = await Promise.all(
      [url, cut, gateway].map((place) => refusalOf(clientOf(place).request(ABOUT))),
    );
    expect(reasons.map((error) => error instanceof ServerAwayError)).toEqual([true, true, true]);
    expect(reasons.map(({ reason }) => reason.replace(/.*reached: /, ''))).toEqual([
      'connection refused',
      'the connection was cut',
      'status 502',
    ]);
  });

  it('is given up by its signal', async () => {
    const url = await serve(() => undefined);
    const controller = new AbortController();
    const refused = refusalOf(clientOf(url).request({ ...ABOUT, signal: controller.signal }));
    controller.abort();
    expect((await refused).code).toBe('EINTR');
  });
});

describe('HttpClient over TLS', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'arrayfs-tls-'));
  const file = (name: string) => join(scratch, name);
  beforeAll(() => {
    const words =
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=x -addext subjectAltName=IP:127.0.0.1 -days 2';
    execFileSync('openssl', [...words.split(' '), '-keyout', file('key'), '-out', file('cert')], {
      stdio: 'pipe',
    });
  });
  afterAll(() => rmSync(scratch, { recursive: true }));

  it('trusts the authority it is given, and says how to give one', async () => {
    const cert = readFileSync(file('cert'), 'utf8');
    const server = createTlsServer({ key: readFileSync(file('key')), cert }, (_request, response) =>
      response.writeHead(200, OWN).end('1'),
    );
    const url = await listening(server, 'https');
    expect(await clientOf(url, cert).request(ABOUT)).toBe(1);
    const error = await refusalOf(clientOf(url).request(ABOUT));
    expect(error.code).toBe('EACCES');
    expect(error.reason).toMatch(/certificate.*not trusted.*--ca FILE/);
  });
});

describe('ServerClient', () => {
  it('names what it asks of in the path, and refuses an answer of another form', async () => {
    const asked: string[] = [];
    const url = await serve((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.writeHead(200, OWN).end('[{"id":"x"}]');
    });
    const client = new ServerClient({ url, token: TOKEN });
    closers.push(() => client.close());
    await client.deleteDefinition('a/b');
    const error = await refusalOf(client.backups({ label: 'a&b', limit: 20 }));
    expect(asked).toEqual(['DELETE /v1/definitions/a%2Fb', 'GET /v1/backups?label=a%26b&limit=20']);
    expect([error.code, error.reason]).toEqual(['EIO', expect.stringMatching(/unexpected.*id/)]);
  });
});
