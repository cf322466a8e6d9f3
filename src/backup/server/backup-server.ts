/**
 * The backup server ([004] backup server 2), put together: catalog, definitions, schedule, errands for the clients, HTTP. It touches no
 * array. It may be killed at every moment: what it answered is durable, and what its clients are doing goes on.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Hono } from 'hono';
import { type Clock, isoTime } from '../../base/clock.js';
import { asArrayError } from '../../base/errors.js';
import { makeDirectories } from '../../base/make-directories.js';
import type { BackupLog } from '../backup-log.js';
import { PROTOCOL_VERSION } from '../errands.js';
import type { ErrandRecord } from './catalog-records.js';
import { CatalogStore } from './catalog-store.js';
import { ClientBook } from './client-book.js';
import { DefinitionBook } from './definition-book.js';
import { ErrandQueue } from './errand-queue.js';
import { ErrandResults } from './errand-results.js';
import { runFailureHook } from './failure-hook.js';
import { httpApp } from './http-app.js';
import { makeMetrics } from './metrics.js';
import type { ServerEnv } from './request-checks.js';
import { Rescans } from './rescans.js';
import { RetentionKeeper } from './retention-keeper.js';
import { RunBook } from './run-book.js';
import { Scheduler } from './scheduler.js';
import { ServerFile } from './server-file.js';
import type { ServerParts } from './server-parts.js';

const DIRECTORY_MODE = 0o700;
/** An errand that its client does not take up has failed, when the client is away. */
const TAKEN_UP_MS = 120_000;
const LOOK_MS = 30_000;

export interface BackupServerOptions {
  /** Absolute. */
  readonly dataDirectory: string;
  readonly version: string;
  /** A shell command, see failure-hook.ts. */
  readonly onFailure: string | undefined;
}

export class BackupServer {
  readonly app: Hono<ServerEnv>;
  readonly parts: ServerParts;
  private readonly scheduler: Scheduler;
  private isStopping = false;

  constructor(
    private readonly clock: Clock,
    private readonly log: BackupLog,
    options: BackupServerOptions,
  ) {
    const { dataDirectory, version, onFailure } = options;
    makeDirectories(dataDirectory, DIRECTORY_MODE);
    const file = new ServerFile(
      join(dataDirectory, 'server.json'),
      Math.floor(clock.nowMs() / 1000),
    );
    const store = new CatalogStore(join(dataDirectory, 'catalog'));
    const rest = () => clock.yield();
    const common = { clock, log, store, file, rest };
    const errands = new ErrandQueue(clock, store, file);
    errands.follow(new ErrandResults());
    errands.follow({ afterEnd: (record) => this.logEnd(record) });
    const clients = new ClientBook(clock, store, file, dataDirectory);
    const runs = new RunBook({ ...common, errands });
    const rescans = new Rescans({ ...common, clients, errands });
    const retention = new RetentionKeeper({ ...common, errands, runs });
    this.scheduler = new Scheduler({ ...common, runs });
    const definitions = new DefinitionBook({ ...common, clients, runs, scheduler: this.scheduler });
    this.parts = {
      ...common,
      ...{ clients, errands, runs, rescans, retention, definitions },
      about: { version, protocol: PROTOCOL_VERSION, dataDirectory, bootId: bootId() },
      isStopping: () => this.isStopping,
      renewCatalog: () => this.renewCatalog(),
    };
    runs.onEnd((run) => {
      if (run.state !== 'failed' || onFailure === undefined) return;
      void runFailureHook(onFailure, run, { clock, log });
    });
    this.app = httpApp(this.parts, makeMetrics(this.parts));
  }

  /** From now on runs begin by the schedule. */
  start(): void {
    this.scheduler.start();
    this.lookAtErrands();
  }

  /** Those who wait are answered, no run begins. */
  stop(): void {
    this.isStopping = true;
    this.scheduler.stop();
    this.parts.errands.wakeAll();
  }

  /** After the last request. */
  close(): Promise<void> {
    return this.parts.store.close();
  }

  private logEnd({ id, kind, client, entry, state, failure }: ErrandRecord): void {
    const fields = { errand: id, kind, client, entry, state, reason: failure?.reason };
    if (state === 'failed') this.log.warn(fields, 'errand over');
    else this.log.info(fields, 'errand over');
  }

  private renewCatalog(): void {
    const { store, clients, errands, runs } = this.parts;
    if (!store.renewIfRemoved()) return;
    this.log.warn({ directory: store.directory }, 'the catalog was removed: a new one is begun');
    store.change((change) => {
      clients.restore(change);
      errands.restore(change);
      runs.restore(change);
    });
  }

  private lookAtErrands(): void {
    if (this.isStopping) return;
    try {
      this.failForgotten();
    } catch (error) {
      this.log.error({ reason: asArrayError(error).reason }, 'looking at errands failed');
    }
    this.clock.after(LOOK_MS, () => this.lookAtErrands());
  }

  /** Errands that nobody takes up. */
  private failForgotten(): void {
    this.renewCatalog();
    const { clients, errands } = this.parts;
    const nowMs = this.clock.nowMs();
    for (const { id, state, client, createdMs } of errands.liveRecords()) {
      if (state !== 'waiting' || nowMs - createdMs < TAKEN_UP_MS || clients.isConnected(client)) {
        continue;
      }
      const { seenMs } = clients.row(client);
      const since = seenMs > 0 ? `heard of last at ${isoTime(seenMs)}` : 'never heard of';
      errands.fail(id, { error: 'ENXIO', reason: `client ${client} is not connected (${since})` });
    }
  }
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
