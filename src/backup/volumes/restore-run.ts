/** A restore of a volume under way: what is noted so far, and what several of its steps do. */
import { ArrayError, asArrayError } from '../../base/errors.js';
import { CLIENT_STOPS, type ErrandContext } from '../client/errand-handler.js';
import { runHook } from '../client/hook-command.js';
import type { ErrandInput } from '../errands.js';
import { dropImage } from '../media/image-of.js';
import { type ConnectionNotes, releaseBackup } from './connected-backup.js';
import { type MountedPlace, putBack } from './mounted-places.js';
import type { Overwriting } from './overwrite-volume.js';
import type { RestorePlan } from './restore-plan.js';

/** See restore-volume. */
export type RestoreStep = 'prepare' | 'overwrite' | 'take-back' | 'finish' | 'undo';

export interface RestoreNotes {
  readonly step: RestoreStep;
  readonly plan: RestorePlan | null;
  readonly places: readonly MountedPlace[];
  /** Volume that a backup on tape was brought back to, and its array. */
  readonly temporary: { readonly arrayUuid: string; readonly volume: string } | null;
  readonly connection: ConnectionNotes | null;
  /** Name of the safety snapshot of the target. */
  readonly safety: string | null;
  readonly lastJob: number;
  readonly lines: readonly string[];
  /** Why it is undone. */
  readonly failure: { readonly code: string; readonly reason: string } | null;
}

const NOTHING_DONE: RestoreNotes = {
  step: 'prepare',
  plan: null,
  places: [],
  temporary: null,
  connection: null,
  safety: null,
  lastJob: 0,
  lines: [],
  failure: null,
};

export class RestoreRun {
  constructor(
    readonly input: ErrandInput<'restore'>,
    readonly context: ErrandContext,
    public notes: RestoreNotes = NOTHING_DONE,
  ) {}

  /** Durable when it resolves. */
  async note(change: Partial<RestoreNotes>): Promise<void> {
    this.notes = { ...this.notes, ...change };
    await this.context.note(this.notes);
  }

  async say(...lines: string[]): Promise<void> {
    for (const line of lines) this.context.log(line);
    await this.note({ lines: [...this.notes.lines, ...lines] });
  }

  report(step: string, text: string): void {
    this.context.report({ step, text, done: 0, total: 0 });
  }

  get plan(): RestorePlan {
    const { plan } = this.notes;
    if (plan === null) throw new ArrayError('EINVAL', 'the notes of the restore have no plan');
    return plan;
  }

  get overwriting(): Overwriting {
    return { plan: this.plan, force: this.input.force, lastJob: this.notes.lastJob };
  }

  /** The next client goes on. */
  get isStopping(): boolean {
    const { signal } = this.context;
    return signal.aborted && signal.reason === CLIENT_STOPS;
  }

  /** What is put right after a cancel is not itself cancelled. */
  unaborted(): ErrandContext {
    if (this.isStopping) return this.context;
    return { ...this.context, signal: new AbortController().signal };
  }

  async isReached(arrayUuid: string): Promise<boolean> {
    return (await this.context.arrays()).some(({ uuid }) => uuid === arrayUuid);
  }

  async disconnect(): Promise<void> {
    const { connection } = this.notes;
    if (connection === null) return;
    await releaseBackup(connection, this.unaborted());
    await this.note({ connection: null });
  }

  async dropTemporary(): Promise<void> {
    const { temporary } = this.notes;
    if (temporary === null) return;
    await dropImage(temporary.arrayUuid, temporary.volume, this.unaborted());
    await this.note({ temporary: null });
  }

  /** The reasons why not. */
  async mountAgain(): Promise<string[]> {
    const { places } = this.notes;
    if (places.length === 0) return [];
    const shown = places.map(({ mountPoint }) => mountPoint).join(', ');
    this.report('mount', shown);
    const problems = await putBack(places, this.context.clock);
    if (problems.length === 0) await this.say(`mounted again: ${shown}`);
    return problems;
  }

  async hook(name: 'pre' | 'post'): Promise<void> {
    const hook = this.input[name];
    if (hook === null) return;
    const { entry } = this.input;
    const { clock, log, signal } = name === 'pre' ? this.context : this.unaborted();
    this.report(name, hook.command);
    const variables = { ARRAYFS_BACKUP: entry.id, ARRAYFS_VOLUME: this.notes.plan?.target ?? '' };
    await runHook(hook, name, { clock, signal, variables, log });
  }

  /** Undefined where it succeeded, or there is none. */
  async postFailure(): Promise<ArrayError | undefined> {
    try {
      await this.hook('post');
      return undefined;
    } catch (error) {
      return asArrayError(error);
    }
  }
}
