/**
 * What a command of the backup manager works with: its server, and waiting for errands. Loaded when one runs: the
 * packages behind it would double the start of every other command.
 */
import { readFileSync } from 'node:fs';
import type { ErrandView } from '../backup/api.js';
import type { ErrandKind, ErrandOutput } from '../backup/errands.js';
import { chooseServer, readTokenFile } from '../backup/registration.js';
import { ServerClient } from '../backup/server-client.js';
import { endOf, outcome, type WaitedErrand } from './backup-wait.js';

export interface ServerOptions {
  readonly server?: string;
  readonly tokenFile?: string;
  readonly ca?: string;
}

export interface BackupSession {
  readonly server: ServerClient;
  /** What came of the errand, checked; an ArrayError where it has failed or was cancelled. */
  outcome<K extends ErrandKind>(kind: K, waited: WaitedErrand): Promise<ErrandOutput<K>>;
  /** The errand when it is over, however it ended. */
  endOf(waited: WaitedErrand): Promise<ErrandView>;
}

/** With the server that the options mean; the caller closes it. */
export function openSession({ server, tokenFile, ca }: ServerOptions): BackupSession {
  const place = chooseServer({ server, tokenFile, caFile: ca }, 'admin');
  const opened = new ServerClient({
    url: place.url,
    token: readTokenFile(place.tokenFile),
    ca: place.caFile === undefined ? undefined : readFileSync(place.caFile, 'utf8'),
  });
  return {
    server: opened,
    outcome: (kind, waited) => outcome(opened, kind, waited),
    endOf: (waited) => endOf(opened, waited),
  };
}
