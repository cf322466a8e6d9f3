/**
 * The backup clients: who has which token, what each said at its last hello, and who is connected now, which is whoever
 * waits for errands or was answered a moment ago.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Clock, isoTime } from '../../base/clock.js';
import { ArrayError } from '../../base/errors.js';
import { BACKUP_CLIENTS_MAX } from '../../base/limits.js';
import type { ClientRow, Hello } from '../api.js';
import { BACKUP_NAME } from '../definition.js';
import type { ClientRecord } from './catalog-records.js';
import type { CatalogChange, CatalogStore } from './catalog-store.js';
import { ChangeSignal } from './change-signal.js';
import type { ServerFile } from './server-file.js';
import { hashToken, isSameHash, makeToken, tokenOfFile, writeTokenFile } from './tokens.js';

/** Between two of its messages a client is still taken for connected. */
const GAP_MS = 10_000;
/** A request of a user waits so long for a client that starts or connects again: it tries every 5 s. */
const CONNECT_MS = 6_000;

interface Connection {
  polls: number;
  heardMs: number;
  isGone: boolean;
  readonly changed: ChangeSignal;
}

export class ClientBook {
  /** The client of the server's own machine, which needs no configuration. */
  readonly localName = localClientName();
  readonly localTokenFile: string;
  private readonly adminHash: string;
  private readonly connections = new Map<string, Connection>();
  /** As the catalog has them. */
  private readonly hellos = new Map<string, ClientRecord>();

  constructor(
    private readonly clock: Clock,
    private readonly store: CatalogStore,
    private readonly file: ServerFile,
    dataDirectory: string,
    readonly adminTokenFile = join(dataDirectory, 'admin.token'),
  ) {
    this.adminHash = hashToken(tokenOfFile(adminTokenFile, clock));
    for (const { key, value } of store.range('clients')) this.hellos.set(key, value);
    this.localTokenFile = join(dataDirectory, 'client.token');
    this.setHash(this.localName, hashToken(tokenOfFile(this.localTokenFile, clock)));
  }

  /** Whose token it is: `admin`, a client's name, or undefined. */
  roleOf(token: string): { readonly admin: true } | { readonly client: string } | undefined {
    const hash = hashToken(token);
    if (isSameHash(hash, this.adminHash)) return { admin: true };
    const client = this.file.data.clients.find((row) => isSameHash(hash, row.tokenSha256));
    return client && { client: client.name };
  }

  /** Makes the client or gives it a new token, which is told only here. */
  define(name: string): string {
    if (!BACKUP_NAME.test(name)) throw new ArrayError('EINVAL', `'${name}' is no name of a client`);
    const token = makeToken(this.clock);
    this.setHash(name, hashToken(token));
    if (name === this.localName) writeTokenFile(this.localTokenFile, token);
    return token;
  }

  remove(name: string): void {
    this.check(name);
    const user = this.file.data.definitions.find((definition) => definition.client === name);
    if (user !== undefined) {
      throw new ArrayError(
        'EBUSY',
        `definition ${user.name} is of client ${name}: delete it first`,
      );
    }
    this.file.update({ clients: this.file.data.clients.filter((row) => row.name !== name) });
    this.store.change((change) => {
      change.remove('clients', name);
      change.remove('destinations', name);
    });
    this.connections.delete(name);
    this.hellos.delete(name);
  }

  rows(): ClientRow[] {
    return this.file.data.clients.map(({ name }) => this.row(name));
  }

  row(name: string): ClientRow {
    this.check(name);
    const record = this.store.get('clients', name);
    const connection = this.connections.get(name);
    return {
      name,
      seenMs: Math.max(record?.seenMs ?? 0, connection?.heardMs ?? 0),
      isConnected: this.isConnected(name),
      version: record?.version ?? '',
      hostName: record?.hostName ?? '',
      arrays: record?.arrays ?? [],
    };
  }

  /** ENOENT where there is no such client. */
  check(name: string): void {
    if (this.file.data.clients.some((row) => row.name === name)) return;
    throw new ArrayError('ENOENT', `there is no backup client ${name}`);
  }

  /** Whether it has an array that no client had when it was heard of last. */
  hello(name: string, hello: Hello): boolean {
    this.file.numberSeen(hello.highestJobNumber);
    const known = [...this.hellos.values()].flatMap((record) => record.arrays);
    const hasNewArray = hello.arrays.some(
      ({ uuid }) => !known.some((array) => array.uuid === uuid),
    );
    const { version, hostName, arrays } = hello;
    const record = { version, hostName, arrays, seenMs: this.clock.nowMs() };
    this.store.change((change) => change.put('clients', name, record));
    this.hellos.set(name, record);
    this.heard(name);
    return hasNewArray;
  }

  /** The catalog was begun anew: who is there need not say so again. */
  restore(change: CatalogChange): void {
    for (const [name, record] of this.hellos) change.put('clients', name, record);
  }

  heard(name: string): void {
    const connection = this.connection(name);
    connection.heardMs = this.clock.nowMs();
    connection.isGone = false;
    connection.changed.notify();
  }

  /** Runs `poll` with the client counted as connected; one whose `signal` is aborted has gone. */
  async during<T>(name: string, signal: AbortSignal, poll: () => Promise<T>): Promise<T> {
    this.heard(name);
    const connection = this.connection(name);
    connection.polls += 1;
    try {
      return await poll();
    } finally {
      connection.polls -= 1;
      if (signal.aborted && connection.polls === 0) connection.isGone = true;
      else this.heard(name);
    }
  }

  isConnected(name: string): boolean {
    const connection = this.connections.get(name);
    if (connection === undefined || connection.isGone) return false;
    return connection.polls > 0 || this.clock.nowMs() - connection.heardMs < GAP_MS;
  }

  /** ENXIO where the client is not there and does not come. */
  async untilConnected(name: string): Promise<void> {
    this.check(name);
    const { seenMs } = this.row(name);
    if (!this.isConnected(name)) await this.connection(name).changed.wait(CONNECT_MS);
    if (this.isConnected(name)) return;
    const since = seenMs > 0 ? `heard of last at ${isoTime(seenMs)}` : 'never heard of';
    throw new ArrayError('ENXIO', `backup client ${name} is not connected (${since})`);
  }

  private connection(name: string): Connection {
    const known = this.connections.get(name);
    if (known !== undefined) return known;
    const changed = new ChangeSignal(this.clock);
    const made: Connection = { polls: 0, heardMs: 0, isGone: true, changed };
    this.connections.set(name, made);
    return made;
  }

  private setHash(name: string, tokenSha256: string): void {
    const { clients } = this.file.data;
    const others = clients.filter((row) => row.name !== name);
    if (clients.some((row) => row.name === name && row.tokenSha256 === tokenSha256)) return;
    if (others.length >= BACKUP_CLIENTS_MAX) {
      throw new ArrayError('ENOSPC', `there are ${BACKUP_CLIENTS_MAX} backup clients already`);
    }
    this.file.update({ clients: [...others, { name, tokenSha256 }] });
  }
}

function localClientName(): string {
  const name = hostname()
    .replace(/[^A-Za-z0-9._-]/g, '-')
    .slice(0, 64);
  return BACKUP_NAME.test(name) ? name : 'local';
}
