/** A backup server over a catalog in a scratch directory, asked without a network, by a user and by clients. */
import { join } from 'node:path';
import { API_PREFIX } from '../../../src/backup/api.js';
import type { BackupEntry, BackupPlace } from '../../../src/backup/backup-entry.js';
import { createBackupLog } from '../../../src/backup/backup-log.js';
import { type BackupDefinition, definitionSchema } from '../../../src/backup/definition.js';
import { readTokenFile } from '../../../src/backup/registration.js';
import { BackupServer } from '../../../src/backup/server/backup-server.js';
import { ManualClock } from '../../support/manual-clock.js';
import { makeMemoryScratch, subdirectory } from '../../support/scratch-directory.js';

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes.
  readonly body: any;
}

export interface ServerFixture {
  readonly server: BackupServer;
  readonly clock: ManualClock;
  /** Lines of the log. */
  readonly logged: readonly string[];
  readonly directory: string;
  readonly clientName: string;
  user(method: string, path: string, body?: unknown): Promise<Answer>;
  /** As the client of the server's machine. */
  client(path: string, body?: unknown): Promise<Answer>;
  ask(token: string, method: string, path: string, body?: unknown): Promise<Answer>;
  /** hello, and a first poll; what backups the array has is answered with none. */
  connect(): Promise<void>;
  /** The same data directory after the server was killed: nothing is closed in order. */
  again(): ServerFixture;
}

export function serverFixture(directory: string, clock = new ManualClock()): ServerFixture {
  const logged: string[] = [];
  const log = createBackupLog('test', (line) => logged.push(line));
  const options = {
    dataDirectory: join(directory, 'data'),
    version: '1.2.3',
    onFailure: undefined,
  };
  const server = new BackupServer(clock, log, options);
  const { clients } = server.parts;
  const adminToken = readTokenFile(clients.adminTokenFile);
  const clientToken = readTokenFile(clients.localTokenFile);
  const ask = async (token: string, method: string, path: string, body?: unknown) => {
    const answer = await server.app.request(`${API_PREFIX}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
  };
  const fixture: ServerFixture = {
    ...{ server, clock, logged, directory, ask, clientName: clients.localName },
    user: (method, path, body) => ask(adminToken, method, path, body),
    client: (path, body) => ask(clientToken, 'POST', `/client${path}`, body ?? {}),
    async connect() {
      const arrays = [{ uuid: ARRAY, mountPoint: '/mnt/array' }];
      const about = { name: clients.localName, version: '1.2.3', hostName: 'web1' };
      const hello = { ...about, arrays, highestJobNumber: 0 };
      await fixture.client('/hello', hello);
      const { body } = await fixture.client('/poll', { has: [], waitMs: 0 });
      const { id, kind } = body.errands[0] ?? {};
      if (kind !== 'rescan') return;
      const output = { entries: [], lines: [], arrays: [], unread: [] };
      await fixture.client('/report', {
        errand: id,
        progress: null,
        firstLine: 0,
        log: [],
        output,
      });
    },
    again: () => serverFixture(directory, clock),
  };
  return fixture;
}

/** For each test a server of its own, with its client connected. */
export function connectedServers(): () => Promise<ServerFixture> {
  const scratch = makeMemoryScratch();
  let count = 0;
  return async () => {
    count += 1;
    const at = serverFixture(subdirectory(scratch, `server-${count}`));
    await at.connect();
    return at;
  };
}

export const ARRAY = '00000000-0000-4000-8000-0000000000aa';
const SOURCE = '00000000-0000-4000-8000-000000000001';

export function sampleDefinition(
  client: string,
  more: Partial<BackupDefinition> = {},
): BackupDefinition {
  return definitionSchema.parse({
    ...{ name: 'nightly', client, paths: ['/srv/db'], volumes: null, array: null },
    ...{ method: 'snapshot', to: [], secondMedium: [], class: 'disk', policy: 'copy-first' },
    ...{ incremental: false, pre: null, post: null, freeze: true, resyncAfter: false },
    ...{ sha256: false, label: 'orders db', schedule: null, keep: null },
    ...more,
  });
}

/** Of job `number`, taken in its hour of 2026. */
export function sampleEntry(number: number, more: Partial<BackupEntry> = {}): BackupEntry {
  const takenMs = Date.UTC(2026, 0, 1, number);
  return {
    ...{ id: `${number}`, jobNumber: number, memberNumber: 1, memberCount: 1, copyOf: null },
    ...{ state: 'good', stateReason: '', client: 'web1', hostName: 'web1', mountPoint: '/srv/db' },
    ...{ definition: 'nightly', label: 'orders db', arrayUuid: ARRAY },
    place: { kind: 'snapshot', volume: 'db', snapshot: `backup-${number}` },
    volumeNumber: 100 + number,
    volumeUuid: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
    ...{ sourceName: 'db', sourceNumber: 1, sourceUuid: SOURCE, generation: number },
    ...{ imageBytes: 2 ** 30, sha256: null, takenMs, scheduledMs: 0, startedMs: takenMs },
    endedMs: takenMs + 1_000,
    ...more,
  };
}

/** On a cartridge of tape0; `since`: the backup whose blocks are left out. */
export function tapePlace(cartridge = 'AFS001', since: string | null = null): BackupPlace {
  return { kind: 'tape', device: 'tape0', cartridges: [cartridge], since };
}
