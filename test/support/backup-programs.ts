/** A backup server and a backup client as processes, which a test may kill and start again at any moment. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chooseServer, readTokenFile } from '../../src/backup/registration.js';
import { ServerClient } from '../../src/backup/server-client.js';
import { sleep } from '../../src/base/clock.js';
import { builtSource } from './built-program.js';
import { start, until } from './programs.js';

const MAIN = builtSource('cli/main');
const LOOK_MS = 1;
const LISTENING = 'listening on ';

type Started = ReturnType<typeof start>;

export class BackupPrograms {
  url = '';
  private server: Started | undefined;
  private client: Started | undefined;

  constructor(
    /** All their files; the registration of the server, too. */
    private readonly directory: string,
    readonly clientWords: string[],
  ) {
    process.env.ARRAYFS_RUN_DIR = join(directory, 'run');
  }

  get state(): string {
    return join(this.directory, 'state');
  }

  /** At the same place as before. */
  async startServer(): Promise<void> {
    const listen = this.url === '' ? '127.0.0.1:0' : new URL(this.url).host;
    const data = join(this.directory, 'data');
    this.server = await started('backup-server', '--data', data, '--listen', listen);
    this.url = this.server.texts.out.trim().slice(LISTENING.length);
  }

  async startClient(): Promise<void> {
    this.client = await started('backup-client', '--state', this.state, ...this.clientWords);
  }

  killServer(): Promise<number> {
    return ended(this.server, 'SIGKILL');
  }

  killClient(): Promise<number> {
    return ended(this.client, 'SIGKILL');
  }

  /** Status of a clean end. */
  stopClient(): Promise<number> {
    return ended(this.client, 'SIGTERM');
  }

  stopServer(): Promise<number> {
    return ended(this.server, 'SIGTERM');
  }

  /** What the present client has said so far. */
  said(): Started['texts'] {
    return this.client?.texts ?? { out: '', errors: '' };
  }

  /** As an administrator of this machine. */
  admin(): ServerClient {
    const wish = { server: this.url, tokenFile: undefined, caFile: undefined };
    const { url, tokenFile } = chooseServer(wish, 'admin');
    return new ServerClient({ url, token: readTokenFile(tokenFile) });
  }

  /** The step that the run is in, by the journal of its client; undefined where none is under way. */
  stepNow(): string | undefined {
    const errands = join(this.state, 'errands');
    for (const name of readdirSync(errands).filter((file) => file.endsWith('.json'))) {
      try {
        const record = JSON.parse(readFileSync(join(errands, name), 'utf8'));
        if (record.kind === 'backup' && record.outcome === null) return record.notes?.state.at;
      } catch {
        // It was removed meanwhile.
      }
    }
    return undefined;
  }

  /** Resolves at the step, or when the run is over. */
  async untilStep(step: string, isOver: () => boolean): Promise<void> {
    while (this.stepNow() !== step && !isOver()) await sleep(LOOK_MS);
  }
}

/** Starts a program of the command line that goes on; resolves when it has said its first line, or has ended. */
export async function begun(...words: string[]): Promise<Started & { readonly isOver: boolean }> {
  const program = start(process.execPath, MAIN, ...words);
  let isOver = false;
  void program.result.then(() => {
    isOver = true;
  });
  await until(
    () => program.texts.out.includes('\n'),
    () => isOver,
  );
  return { ...program, isOver };
}

async function started(...words: string[]): Promise<Started> {
  const program = await begun(...words);
  if (program.isOver) throw new Error(`${words[0]} has ended: ${program.texts.errors}`);
  return program;
}

async function ended(program: Started | undefined, signal: NodeJS.Signals): Promise<number> {
  if (program === undefined) throw new Error('it was not started');
  program.child.kill(signal);
  return (await program.result).status;
}
