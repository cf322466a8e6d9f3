/** A backup server that answers what a test says and keeps what it was asked; and the program in front of it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HttpBindings, type ServerType, serve } from '@hono/node-server';
import { Command, CommanderError } from 'commander';
import { Hono } from 'hono';
import { expect, vi } from 'vitest';
import {
  API_PREFIX,
  type ErrandView,
  errandViewSchema,
  PROTOCOL_HEADER,
} from '../../src/backup/api.js';
import { ERRANDS, type ErrandKind, PROTOCOL_VERSION } from '../../src/backup/errands.js';
import { addBackupCommands } from '../../src/cli/backup-commands.js';
import { addGlobalOptions } from '../../src/cli/global-options.js';
import { EXIT_FAILED, reportFailure } from '../../src/cli/output.js';

export const TOKEN = 'token-of-the-administrator';

export interface Asked {
  /** `POST /backups/12/verify`, with the query. */
  readonly request: string;
  readonly body?: unknown;
}

/** By request: the answers in their order, the last one for ever. A number is the status of a refusal. */
export type Answers = Readonly<Record<string, readonly unknown[]>>;

export class Refused {
  constructor(
    readonly status: 401 | 404 | 409,
    readonly body: { readonly error: string; readonly reason: string },
  ) {}
}

export function errandOf(id: number, change: Partial<ErrandView> = {}): ErrandView {
  return errandViewSchema.parse({
    ...{ id, kind: 'check', client: 'alpha', state: 'running', revision: 1 },
    ...{ progress: null, log: [], output: null, failure: null },
    ...change,
  });
}

export const ERRAND = 41;
export const LOOK = `GET /errands/${ERRAND}`;

export const EXAMPLE_CLIENT = {
  ...{ name: 'alpha', seenMs: 0, isConnected: true, version: '0.1.0', hostName: 'alpha' },
  arrays: [{ uuid: 'u', mountPoint: '/mnt/array' }],
};

/** An errand that is over at the second look. */
export function done(kind: ErrandKind, output: unknown) {
  const ended = errandOf(ERRAND, { kind, state: 'done', revision: 3, output });
  expect(ERRANDS[kind].output.safeParse(output).success).toBe(true);
  return [errandOf(ERRAND, { kind, revision: 2 }), ended];
}

export const failed = (error: string, reason: string) => [
  errandOf(ERRAND, { state: 'failed', revision: 2, failure: { error, reason } }),
];

/** Until the function that comes back is called. */
export function setTimeZone(zone: string): () => void {
  const before = process.env.TZ;
  process.env.TZ = zone;
  return () => {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  };
}

export class FakeBackupServer {
  readonly asked: Asked[] = [];
  /** Done before the answer to a request is given. */
  onRequest: (request: string) => Promise<void> | void = () => {};
  /** The connection ends without an answer. */
  cutsOff: (request: string) => boolean = () => false;
  private answers = new Map<string, unknown[]>();
  private server: ServerType | undefined;
  private readonly directory = mkdtempSync(join(tmpdir(), 'arrayfs-backup-cli-'));

  async start(): Promise<void> {
    const app = new Hono<{ Bindings: HttpBindings }>();
    app.all('*', async (context) => {
      const url = new URL(context.req.url);
      const request = `${context.req.method} ${url.pathname.replace(API_PREFIX, '')}`;
      const text = await context.req.text();
      this.asked.push({
        request: `${request}${url.search}`,
        ...(text !== '' && { body: JSON.parse(text) as unknown }),
      });
      await this.onRequest(request);
      if (this.cutsOff(request)) context.env.outgoing.destroy();
      context.header(PROTOCOL_HEADER, `${PROTOCOL_VERSION}`);
      if (context.req.header('authorization') !== `Bearer ${TOKEN}`) {
        return context.json({ error: 'EACCES', reason: 'wrong token' }, 401);
      }
      const answer = this.next(request);
      if (answer instanceof Refused) return context.json(answer.body, answer.status);
      return answer === undefined ? context.body(null, 204) : context.json(answer as object);
    });
    this.server = await new Promise<ServerType>((resolve) => {
      const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () =>
        resolve(server),
      );
    });
    writeFileSync(this.tokenFile, `${TOKEN}\n`);
  }

  stop(): void {
    this.server?.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Forgets what was asked. */
  answer(answers: Answers): void {
    this.asked.length = 0;
    this.onRequest = () => {};
    this.cutsOff = () => false;
    this.answers = new Map(Object.entries(answers).map(([request, list]) => [request, [...list]]));
  }

  get tokenFile(): string {
    return join(this.directory, 'token');
  }

  get url(): string {
    const { port } = (this.server?.address() ?? { port: 0 }) as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  private next(request: string): unknown {
    const list = this.answers.get(request);
    if (list === undefined) {
      return new Refused(404, { error: 'ENOENT', reason: `the test has no answer to ${request}` });
    }
    return list.length > 1 ? list.shift() : list[0];
  }

  /** `arrayfs backup WORDS` as main does it. */
  async run(...words: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
    return runProgram(['--server', this.url, '--token-file', this.tokenFile, ...words]);
  }
}

export async function runProgram(
  words: readonly string[],
): Promise<{ status: number; stdout: string; stderr: string }> {
  const text = { stdout: '', stderr: '' };
  const capture = (name: 'stdout' | 'stderr') =>
    vi.spyOn(process[name], 'write').mockImplementation((part) => {
      text[name] += part;
      return true;
    });
  const spies = [capture('stdout'), capture('stderr')];
  try {
    process.exitCode = 0;
    await backupProgram().parseAsync(['backup', ...words], { from: 'user' });
    return { status: Number(process.exitCode), ...text };
  } catch (error) {
    if (error instanceof CommanderError) return { status: EXIT_FAILED, ...text };
    reportFailure(error, words.includes('--json'));
    return { status: Number(process.exitCode), ...text };
  } finally {
    process.exitCode = undefined;
    for (const spy of spies) spy.mockRestore();
  }
}

export function backupProgram(): Command {
  const program = new Command('arrayfs').exitOverride();
  addGlobalOptions(program);
  addBackupCommands(program);
  const inherit = (parent: Command) => {
    for (const command of parent.commands) {
      command.copyInheritedSettings(parent);
      inherit(command);
    }
  };
  inherit(program);
  return program;
}
