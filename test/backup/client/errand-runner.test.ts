/** Errands at a client: queueing for each volume, cancel, and what a server that is away and a client that is killed leave. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { CatalogChangeMessage, Report } from '../../../src/backup/api.js';
import {
  CLIENT_STOPS,
  type ErrandContext,
  type ErrandHandlers,
} from '../../../src/backup/client/errand-handler.js';
import { ERRAND_HANDLERS } from '../../../src/backup/client/errand-handlers.js';
import { ErrandRunner } from '../../../src/backup/client/errand-runner.js';
import { Journal } from '../../../src/backup/client/journal.js';
import { ServerAwayError } from '../../../src/backup/http-client.js';
import { sleep, systemClock } from '../../../src/base/clock.js';
import { ArrayError } from '../../../src/base/errors.js';
import { until } from '../../support/programs.js';

const scratch = mkdtempSync(join(tmpdir(), 'arrayfs-runner-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** The server, as far as errands tell it something. */
class FakeServer {
  isAway = false;
  asked = 0;
  readonly reports: Report[] = [];
  readonly changes: CatalogChangeMessage[] = [];
  refusal: ArrayError | undefined;

  async report(report: Report): Promise<void> {
    this.answer();
    this.reports.push(report);
  }

  async changeCatalog(change: CatalogChangeMessage): Promise<void> {
    this.answer();
    this.changes.push(change);
  }

  ends(): (Report['output'] | Report['failure'])[] {
    return this.reports.flatMap(({ output, failure }) => output ?? failure ?? []);
  }

  log(): string[] {
    const lines: string[] = [];
    for (const { firstLine, log } of this.reports) lines.splice(firstLine, lines.length, ...log);
    return lines;
  }

  private answer(): void {
    this.asked += 1;
    if (this.isAway) throw new ServerAwayError('away');
    if (this.refusal) throw this.refusal;
  }
}

type Work = (context: ErrandContext, path: string) => Promise<void>;

/** A client whose errand `destinations` does what the test says; its path is what it must have for itself. */
class Client {
  readonly stop = new AbortController();
  readonly journal: Journal;
  readonly runner: ErrandRunner;
  readonly logged: string[] = [];

  constructor(directory: string, server: FakeServer, perform: Work, recover?: Work) {
    this.journal = Journal.open(directory);
    const attempt =
      (work: Work) => async (input: { path: string | null }, context: ErrandContext) => {
        await work(context, input.path ?? '');
        return { rows: [] };
      };
    const handlers: ErrandHandlers = {
      ...ERRAND_HANDLERS,
      destinations: { perform: attempt(perform), ...(recover && { recover: attempt(recover) }) },
    };
    const log = (_fields: object, text: string) => this.logged.push(text);
    const shop = {
      clock: systemClock,
      configuration: {
        ...{ name: 'a', hostName: 'a', allowedCommands: [], allowedTargets: [] },
        ...{
          restorePort: 'CL1-A',
          restoreLun: 0,
          stateDirectory: directory,
          serverDirectory: undefined,
        },
      },
      server,
      journal: this.journal,
      arrays: { now: async () => [], until: () => Promise.reject(new Error('no array')) },
      log: { info: log, warn: log, error: log },
      stopping: this.stop.signal,
    };
    const subjects = async (_kind: string, input: unknown) => {
      const { path } = input as { path: string | null };
      return path === null ? [] : [path];
    };
    this.runner = new ErrandRunner(shop, handlers, subjects);
  }

  accept(id: number, path: string | null = null) {
    return this.runner.accept({ id, kind: 'destinations', input: { path } });
  }
}

const nothing: Work = async () => undefined;
const forAbort = ({ signal }: ErrandContext) =>
  new Promise<never>((_resolve, reject) => {
    const give = () => reject(new ArrayError('EINTR', 'given up'));
    if (signal.aborted) give();
    else signal.addEventListener('abort', give);
  });

describe('errands at a client', () => {
  let server: FakeServer;
  let directory: string;
  let count = 0;
  beforeEach(() => {
    count += 1;
    server = new FakeServer();
    directory = join(scratch, `${count}`);
  });

  it('are told with their log and their end, and leave nothing', async () => {
    const client = new Client(directory, server, async (context) => {
      context.log('one');
      context.report({ step: 's', text: 't', done: 1, total: 2 });
      await context.catalog({ add: [], remove: ['3'] });
      context.log('two');
    });
    await client.accept(7);
    await client.runner.settled();
    expect([server.log(), server.ends()]).toEqual([['one', 'two'], [{ rows: [] }]]);
    expect(server.changes).toEqual([{ errand: 7, sequence: 1, add: [], remove: ['3'] }]);
    expect([client.journal.read().records, client.runner.has()]).toEqual([[], []]);
  });

  it('that fail say why, and one that is not understood says so', async () => {
    const client = new Client(directory, server, () =>
      Promise.reject(new ArrayError('EBUSY', 'why')),
    );
    await client.accept(1);
    await client.runner.accept({ id: 2, kind: 'destinations', input: { other: 1 } });
    await client.runner.settled();
    const [first, second] = server.ends();
    expect(first).toEqual({ error: 'EBUSY', reason: 'why' });
    expect(second).toMatchObject({
      error: 'EINVAL',
      reason: expect.stringMatching(/not understood/),
    });
  });

  it('run at once where they have nothing in common, and else in the order in which they came', async () => {
    const order: string[] = [];
    const gates = new Map<string, () => void>();
    const client = new Client(directory, server, async (context, path) => {
      order.push(`begin ${path}`);
      await new Promise<void>((resolve) => gates.set(path, resolve));
      order.push(`end ${path}`);
      context.log(path);
    });
    for (const [id, path] of ['db', 'db', 'log'].entries()) await client.accept(id + 1, path);
    await until(() => gates.size === 2);
    expect(order).toEqual(['begin db', 'begin log']);
    gates.get('db')?.();
    gates.delete('db');
    await until(() => gates.has('db'));
    expect(order).toEqual(['begin db', 'begin log', 'end db', 'begin db']);
    for (const open of gates.values()) open();
    await client.runner.settled();
    expect(server.ends()).toHaveLength(3);
  });

  it('are cancelled while they run and while they wait, and those behind them go on', async () => {
    const begun: number[] = [];
    const client = new Client(directory, server, async (context) => {
      begun.push(begun.length);
      if (begun.length === 1) await forAbort(context);
    });
    for (const id of [1, 2, 3]) await client.accept(id, 'db');
    await until(() => begun.length === 1);
    client.runner.cancel(2);
    await until(() => client.runner.has().length === 2);
    expect([client.runner.has(), server.ends().length]).toEqual([[1, 3], 1]);
    client.runner.cancel(1);
    await client.runner.settled();
    expect([begun.length, server.ends().length]).toEqual([2, 3]);
    expect(server.reports.filter(({ failure }) => failure?.error === 'EINTR')).toHaveLength(2);
  });

  it('that were cancelled do not beset a server that is away', async () => {
    server.isAway = true;
    const client = new Client(directory, server, async (context) => {
      context.log('one');
      await forAbort(context).catch(() => undefined);
      await context.catalog({ add: [], remove: [] });
    });
    await client.accept(1);
    client.runner.cancel(1);
    await sleep(200);
    expect(server.asked).toBeLessThan(20);
    server.isAway = false;
    await client.runner.settled();
    expect(server.ends()).toHaveLength(1);
  });

  it('wait for a server that is away with their catalog changes and their end', async () => {
    server.isAway = true;
    const done: string[] = [];
    const client = new Client(directory, server, async (context) => {
      await context.catalog({ add: [], remove: ['1'] });
      done.push('catalog');
    });
    await client.accept(1);
    await until(() => client.journal.read().records[0]?.sequence === 1);
    expect(done).toEqual([]);
    server.isAway = false;
    await client.runner.settled();
    expect([done, server.changes.length, server.ends()]).toEqual([['catalog'], 1, [{ rows: [] }]]);
  });

  it('whose end the server does not want are forgotten', async () => {
    const client = new Client(directory, server, nothing);
    server.refusal = new ArrayError('ENOENT', 'there is no errand 1');
    await client.accept(1);
    await client.runner.settled();
    expect([client.runner.has(), client.journal.read().records]).toEqual([[], []]);
    expect(client.logged).toContain('the end of an errand was not taken');
  });

  it('are recovered by the next client with what they noted, counting lines and changes on', async () => {
    const first = new Client(directory, server, async (context) => {
      context.log('before');
      await context.catalog({ add: [], remove: [] });
      await context.note({ at: 5 });
      await forAbort(context);
    });
    await first.accept(4);
    await until(() => first.journal.read().records[0]?.notes !== undefined);
    first.stop.abort(CLIENT_STOPS);
    await first.runner.settled();
    expect(server.ends()).toEqual([]);
    const noted: unknown[] = [];
    const second = new Client(directory, server, nothing, async (context) => {
      noted.push(context.noted);
      context.log('after');
      await context.catalog({ add: [], remove: [] });
    });
    second.runner.recover();
    expect(second.runner.has()).toEqual([4]);
    await second.runner.settled();
    expect([noted, server.log(), server.ends()]).toEqual([
      [{ at: 5 }],
      ['before', 'after'],
      [{ rows: [] }],
    ]);
    expect(server.changes.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });

  it('that cannot be recovered have failed; those that had ended are only told', async () => {
    const journal = Journal.open(directory);
    const record = { kind: 'destinations', input: { path: null }, sequence: 0, log: [] } as const;
    await journal.write({ ...record, id: 1, outcome: null, log: [] });
    await journal.write({ ...record, id: 2, outcome: { output: { rows: [1] } }, log: [] });
    const client = new Client(directory, server, () => Promise.reject(new Error('begun again')));
    client.runner.recover();
    await client.runner.settled();
    expect(server.ends()).toContainEqual({ rows: [1] });
    expect(server.ends()).toContainEqual({
      error: 'EINTR',
      reason: 'the backup client ended while it was at it',
    });
  });

  it('that are given again while they run are not begun again', async () => {
    let begun = 0;
    const client = new Client(directory, server, async (context) => {
      begun += 1;
      await forAbort(context);
    });
    await client.accept(1);
    await client.accept(1);
    await until(() => begun > 0);
    client.runner.cancel(1);
    await client.runner.settled();
    expect(begun).toBe(1);
  });
});
