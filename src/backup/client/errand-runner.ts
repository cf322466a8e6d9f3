/**
 * Carries out the errands of this client, several at once but one at a time for each volume: an errand that names a volume
 * waits for those before it that name it, too. What a client that was killed had begun is recovered first.
 */
import { z } from 'zod';
import { ArrayError, asArrayError } from '../../base/errors.js';
import { ERRANDS, type ErrandKind } from '../errands.js';
import type { ErrandContext, ErrandHandler, ErrandHandlers } from './errand-handler.js';
import { ErrandWork, type WorkShop } from './errand-work.js';
import type { ErrandOutcome, JournalRecord } from './journal.js';

/** The names of what an errand must have for itself; never rejects. */
export type ErrandSubjects = (kind: ErrandKind, input: unknown) => Promise<readonly string[]>;

interface Running {
  readonly work: ErrandWork;
  /** Settles when the errand has ended and the server knows. */
  readonly ended: Promise<void>;
}

export class ErrandRunner {
  private readonly running = new Map<number, Running>();
  /** Subject -> the end of the last errand that has it, or waits for it. */
  private readonly lastOf = new Map<string, Promise<void>>();
  /** Subjects are taken in the order in which errands came. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly shop: WorkShop,
    private readonly handlers: ErrandHandlers,
    private readonly subjectsOf: ErrandSubjects,
  ) {}

  /** Ids of errands that are not over, or whose end the server does not know yet. */
  has(): number[] {
    return [...this.running.keys()];
  }

  /** Goes on with what the journal has. */
  recover(): void {
    const { records, damaged } = this.shop.journal.read();
    for (const file of damaged) this.shop.log.error({ file }, 'not a record of the journal');
    for (const record of records) this.begin(record, true);
  }

  /** Resolves when the errand is in the journal; one that is under way already is left alone. */
  async accept(errand: Pick<JournalRecord, 'id' | 'kind' | 'input'>): Promise<void> {
    if (this.running.has(errand.id)) return;
    const record = { ...errand, sequence: 0, log: [], outcome: null };
    await this.shop.journal.write(record);
    this.begin(record, false);
  }

  cancel(id: number): void {
    this.running.get(id)?.work.cancel();
  }

  /** All that is under way settles: when it is over, or, after a stop, when it can be left. */
  async settled(): Promise<void> {
    await Promise.all([...this.running.values()].map(({ ended }) => ended));
  }

  private begin(record: JournalRecord, isRecovery: boolean): void {
    const work = new ErrandWork(this.shop, record);
    const ended = this.carryOut(work, isRecovery)
      .catch((error: unknown) => {
        this.shop.log.error({ errand: work.id, reason: String(error) }, 'the journal failed');
      })
      .finally(() => this.running.delete(work.id));
    this.running.set(work.id, { work, ended });
  }

  private async carryOut(work: ErrandWork, isRecovery: boolean): Promise<void> {
    if (work.outcome !== null) {
      await work.tellOutcome();
      return;
    }
    const release = await this.takeSubjects(work);
    try {
      this.shop.log.info({ errand: work.id, kind: work.kind, isRecovery }, 'errand begun');
      const outcome = await this.outcomeOf(work, isRecovery);
      if (this.shop.stopping.aborted && 'failure' in outcome) return;
      this.shop.log.info({ errand: work.id, kind: work.kind, ...shown(outcome) }, 'errand over');
      await work.end(outcome);
    } finally {
      release();
    }
  }

  private async takeSubjects(work: ErrandWork): Promise<() => void> {
    const taking = this.turn.then(async () => {
      const subjects = await this.subjectsOf(work.kind, work.input);
      const before = subjects.map((subject) => this.lastOf.get(subject));
      let release = () => {};
      const end = new Promise<void>((resolve) => {
        release = resolve;
      });
      for (const subject of subjects) this.lastOf.set(subject, end);
      const forget = () => {
        for (const subject of subjects) {
          if (this.lastOf.get(subject) === end) this.lastOf.delete(subject);
        }
        release();
      };
      return { before, forget };
    });
    this.turn = taking.catch(() => undefined);
    const { before, forget } = await taking;
    if (before.some((end) => end !== undefined)) {
      work.context().report({ step: 'queue', text: 'waits for another errand', done: 0, total: 0 });
    }
    // A cancel does not wait in a queue; what comes behind it still does.
    await Promise.race([Promise.all(before), aborted(work.signal)]);
    return () => void Promise.all(before).then(forget);
  }

  private async outcomeOf(work: ErrandWork, isRecovery: boolean): Promise<ErrandOutcome> {
    try {
      if (work.signal.aborted && !isRecovery) throw new ArrayError('EINTR', 'cancelled');
      return { output: await this.perform(work, isRecovery) };
    } catch (error) {
      if (!(error instanceof ArrayError)) {
        const stack = error instanceof Error ? error.stack : String(error);
        this.shop.log.error({ errand: work.id, stack }, 'errand failed');
      }
      const { code, reason } = asArrayError(error);
      return { failure: { error: code, reason } };
    }
  }

  private async perform(work: ErrandWork, isRecovery: boolean): Promise<unknown> {
    const handler = this.handlers[work.kind] as ErrandHandler<ErrandKind>;
    const input = ERRANDS[work.kind].input.safeParse(work.input);
    if (!input.success) {
      const problem = z.prettifyError(input.error).split('\n').join(' ');
      throw new ArrayError('EINVAL', `the server's errand is not understood: ${problem}`);
    }
    const context: ErrandContext = work.context();
    // The types of one row of handlers and errands belong together; one of all rows cannot say so.
    const value = input.data as never;
    if (!isRecovery) return handler.perform(value, context);
    if (handler.recover === undefined) {
      throw new ArrayError('EINTR', 'the backup client ended while it was at it');
    }
    return handler.recover(value, context);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function shown(outcome: ErrandOutcome): Readonly<Record<string, unknown>> {
  return 'failure' in outcome ? outcome.failure : { result: 'done' };
}
