/** The options that lead every `arrayfs backup` command to its server. */
import { type Command, Option } from 'commander';
import type { ServerClient } from '../backup/server-client.js';
import { ArrayError } from '../base/errors.js';
import type { BackupSession, ServerOptions } from './backup-session.js';
import { namedOption } from './backup-words.js';

export function addServerOptions(group: Command): void {
  group
    .addOption(
      new Option(
        '--server <url>',
        'the backup server; default: ARRAYFS_BACKUP_SERVER, or the only one of this machine',
      ),
    )
    .addOption(
      namedOption(
        '--token-file <file>',
        'file',
        'token of an administrator; default: ARRAYFS_BACKUP_TOKEN_FILE, or that of this machine',
      ),
    )
    .addOption(
      namedOption(
        '--ca <file>',
        'file',
        "PEM certificate that the server's is checked with; default: those of the system",
      ),
    );
}

/** Does something with the server that `command` is for. */
export async function withServer<T>(
  command: Command,
  action: (session: BackupSession) => Promise<T>,
): Promise<T> {
  const { openSession } = await import('./backup-session.js');
  const session = openSession(command.optsWithGlobals<ServerOptions>());
  try {
    return await action(session);
  } finally {
    await session.server.close();
  }
}

/** The client that is meant where none is named: the only one, or the only one that was ever there. */
export async function clientName(server: ServerClient, named: string | undefined): Promise<string> {
  if (named !== undefined) return named;
  const rows = await server.clients();
  const seen = rows.filter(({ seenMs }) => seenMs > 0);
  const names = (seen.length > 0 ? seen : rows).map(({ name }) => name);
  const [only] = names;
  if (only === undefined) {
    throw new ArrayError('ENOENT', 'the server knows no client: start arrayfs backup-client');
  }
  if (names.length === 1) return only;
  throw new ArrayError('EINVAL', `choose a client with --client: ${names.join(' ')}`);
}
