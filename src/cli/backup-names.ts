/** Names that the backup server knows, for the completion. */
import type { ServerClient } from '../backup/server-client.js';
import { openSession, type ServerOptions } from './backup-session.js';
import type { BackupKind } from './completion-kinds.js';
import type { GivenValues } from './completion-words.js';

/** Nobody chooses among more. */
const NEWEST = 200;

const LOOKUPS: Readonly<Record<BackupKind, (server: ServerClient) => Promise<string[]>>> = {
  backup: async (server) => (await server.backups({ limit: NEWEST })).map(({ id }) => id),
  'backup-definition': async (server) =>
    (await server.definitions()).map(({ definition }) => definition.name),
  'backup-run': async (server) =>
    (await server.runs({ limit: NEWEST })).map(({ number }) => `${number}`),
  'backup-client': async (server) => (await server.clients()).map(({ name }) => name),
};

/** `given` has the options of the line, by their long names. */
export async function backupNames(kind: BackupKind, given: GivenValues): Promise<string[]> {
  const { server } = openSession(serverOptions(given));
  try {
    return await LOOKUPS[kind](server);
  } finally {
    await server.close();
  }
}

function serverOptions(given: GivenValues): ServerOptions {
  const [server, tokenFile, ca] = ['--server', '--token-file', '--ca'].map((name) =>
    given.get(name),
  );
  return { ...(server && { server }), ...(tokenFile && { tokenFile }), ...(ca && { ca }) };
}
