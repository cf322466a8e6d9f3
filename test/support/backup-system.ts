/**
 * A backup server and a backup client as users run them: processes of the built program with all their files below a
 * scratch directory, driven by the command line and by the server's API.
 */
import { join } from 'node:path';
import type { ErrandView, Run } from '../../src/backup/api.js';
import type { BackupEntry } from '../../src/backup/backup-entry.js';
import type { BackupDefinition } from '../../src/backup/definition.js';
import type { ErrandKind, ErrandOutput } from '../../src/backup/errands.js';
import { readRegistrations, readTokenFile } from '../../src/backup/registration.js';
import { ServerClient } from '../../src/backup/server-client.js';
import { endOf, outcome } from '../../src/cli/backup-wait.js';
import { sampleDefinition } from '../backup/server/server-fixture.js';
import { builtSource } from './built-program.js';
import { type ProgramResult, start, until } from './programs.js';
import { subdirectory } from './scratch-directory.js';

type Started = ReturnType<typeof start>;

export interface ClientWish {
  /** Mount points. */
  readonly arrays: readonly string[];
  /** Further words of `arrayfs backup-client`. */
  readonly words?: readonly string[];
  /** Words that lead the command, such as `env PATH=...`. */
  readonly before?: readonly string[];
}

export class BackupSystem {
  /** Where restored files may go. */
  readonly target: string;
  server: Started | undefined;
  client: Started | undefined;
  private connection: ServerClient | undefined;
  /** HOST:PORT, once it is known. */
  private place = '127.0.0.1:0';

  constructor(readonly directory: string) {
    this.target = subdirectory(directory, 'restored');
  }

  static async begin(directory: string, wish: ClientWish): Promise<BackupSystem> {
    const system = new BackupSystem(directory);
    await system.startServer();
    await system.startClient(wish);
    return system;
  }

  get data(): string {
    return join(this.directory, 'data');
  }

  get api(): ServerClient {
    if (this.connection === undefined) throw new Error('no backup server was started');
    return this.connection;
  }

  /** Name of the client on the server's machine. */
  get clientName(): string {
    return this.registration.clientName;
  }

  private get registration() {
    const [registration] = readRegistrations(join(this.directory, 'run/backup'));
    if (registration === undefined) throw new Error('no backup server runs');
    return registration;
  }

  /** Once more at the same place where it has run before: clients find it there. */
  async startServer(): Promise<void> {
    this.server = this.start('backup-server', '--data', this.data, '--listen', this.place);
    await ready(this.server);
    const { url, adminTokenFile } = this.registration;
    this.place = new URL(url).host;
    this.connection ??= new ServerClient({ url, token: readTokenFile(adminTokenFile) });
  }

  async startClient({ arrays, words = [], before = [] }: ClientWish): Promise<void> {
    const own = ['--state', join(this.directory, 'state'), '--allow-target', this.target];
    const all = ['--array', ...arrays, ...own, ...words];
    this.client = start(...leading([...before, ...this.built, 'backup-client', ...all]));
    await ready(this.client);
  }

  /** `arrayfs WORDS` to its end. */
  program(...words: string[]): Promise<ProgramResult> {
    return start(...leading([...this.built, ...words])).result;
  }

  /** `arrayfs backup WORDS` to its end. */
  command(...words: string[]): Promise<ProgramResult> {
    return this.program('backup', ...words);
  }

  /** The same, which must succeed. */
  async ok(...words: string[]): Promise<string> {
    const { status, out, errors } = await this.command(...words);
    if (status !== 0) throw new Error(`backup ${words.join(' ')}: ${status}\n${out}\n${errors}`);
    return out;
  }

  async json<T>(...words: string[]): Promise<T> {
    return JSON.parse(await this.ok(...words, '--json')) as T;
  }

  /** A definition by the API: a snapshot of what `more` names, without freezing. */
  async define(name: string, more: Partial<BackupDefinition>): Promise<void> {
    const given = { name, freeze: false, label: '', ...more };
    const paths = given.volumes ? null : given.paths;
    const definition = sampleDefinition(this.clientName, {
      ...given,
      ...(paths !== undefined && { paths }),
    });
    await this.api.putDefinition(definition);
  }

  /** Runs a definition to its end, however that is. */
  async run(name: string): Promise<Run> {
    return this.runEnd(await this.api.runDefinition(name));
  }

  async runEnd({ number, errand }: Run): Promise<Run> {
    await endOf(this.api, { errand: await this.api.errand(errand), label: `run ${number}` });
    return this.api.run(number);
  }

  /** The backups that a run has made; it must be complete. */
  async backup(name: string): Promise<BackupEntry[]> {
    const { state, reason, entries } = await this.run(name);
    if (state !== 'complete') throw new Error(`run of ${name} ${state}: ${reason}`);
    return Promise.all(entries.map((id) => this.api.backup(id)));
  }

  /** What came of an errand; its failure is thrown. */
  async ended<K extends ErrandKind>(kind: K, asked: Promise<ErrandView>): Promise<ErrandOutput<K>> {
    return outcome(this.api, kind, { errand: await asked, label: kind });
  }

  async rescan(tapes = false): Promise<string[]> {
    const errands = await this.api.rescan({ tapes });
    const lines = [];
    for (const errand of errands) {
      lines.push(...(await this.ended('rescan', Promise.resolve(errand))).lines);
    }
    return lines;
  }

  /** In order, as a user ends it; before the array is unmounted. */
  async end(): Promise<void> {
    for (const program of [this.client, this.server]) {
      program?.child.kill('SIGTERM');
      await program?.result;
    }
    await this.connection?.close();
  }

  private start(...words: string[]): Started {
    return start(...leading([...this.built, ...words]));
  }

  private get built(): string[] {
    const place = `ARRAYFS_RUN_DIR=${join(this.directory, 'run')}`;
    return ['env', place, process.execPath, builtSource('cli/main')];
  }
}

function leading(words: readonly string[]): [string, ...string[]] {
  const [program = '', ...more] = words;
  return [program, ...more];
}

/** Both programs print one line when they are of use. */
async function ready({ texts, result }: Started): Promise<void> {
  let isOver = false;
  void result.then(() => {
    isOver = true;
  });
  try {
    await until(
      () => texts.out.includes('\n'),
      () => isOver,
    );
  } catch {
    throw new Error(`it has ended: ${texts.errors}`);
  }
}
