/**
 * One errand under way at this client: its record in the journal, the reports of its progress, log and end, and the
 * context its handler works in. What the server is told has been in the journal before.
 */
import type { Clock } from '../../base/clock.js';
import { ArrayError } from '../../base/errors.js';
import type { Report } from '../api.js';
import type { BackupLog } from '../backup-log.js';
import { ServerAwayError } from '../http-client.js';
import type { ServerClient } from '../server-client.js';
import type { ClientArrays } from './client-arrays.js';
import type {
  CatalogChange,
  ClientConfiguration,
  ErrandContext,
  ErrandProgress,
} from './errand-handler.js';
import type { ErrandOutcome, Journal, JournalRecord } from './journal.js';
import { pauseUnlessAborted, untilAnswered } from './until-answered.js';

/** Between two reports of one errand: progress comes in thousands of steps. */
const REPORT_PAUSE_MS = 250;

/** What all errands of a client share. */
export interface WorkShop {
  readonly clock: Clock;
  readonly configuration: ClientConfiguration;
  readonly server: Pick<ServerClient, 'report' | 'changeCatalog'>;
  readonly journal: Journal;
  readonly arrays: Pick<ClientArrays, 'now' | 'until'>;
  readonly log: BackupLog;
  /** Aborted when the client stops: what is in the journal then is for the next one. */
  readonly stopping: AbortSignal;
}

export class ErrandWork {
  /** Aborted by a cancel or by the end of the client. */
  readonly signal: AbortSignal;
  private readonly cancelling = new AbortController();
  /** Aborted at its end, which does not wait for the next report. */
  private readonly ending = new AbortController();
  private progress: ErrandProgress | null = null;
  private sentLines = 0;
  private reporting: Promise<void> | undefined;
  private hasNews = false;

  constructor(
    private readonly shop: WorkShop,
    private record: JournalRecord,
  ) {
    this.signal = AbortSignal.any([this.cancelling.signal, shop.stopping]);
  }

  get id(): number {
    return this.record.id;
  }

  get kind(): JournalRecord['kind'] {
    return this.record.kind;
  }

  get input(): unknown {
    return this.record.input;
  }

  get outcome(): ErrandOutcome | null {
    return this.record.outcome;
  }

  cancel(): void {
    this.cancelling.abort();
  }

  context(): ErrandContext {
    const { clock, configuration, arrays } = this.shop;
    return {
      clock,
      configuration,
      signal: this.signal,
      noted: this.record.notes,
      arrays: () => arrays.now(),
      untilArray: (uuid) => arrays.until(uuid, this.signal),
      note: (notes) => this.keep({ notes }),
      report: (progress) => {
        this.progress = progress;
        this.tell();
      },
      log: (line) => {
        this.record = { ...this.record, log: [...this.record.log, line] };
        this.tell();
      },
      catalog: (change) => this.changeCatalog(change),
    };
  }

  /** The end is in the journal, and told until the server has answered; then nothing is left of the errand here. */
  async end(outcome: ErrandOutcome): Promise<void> {
    await this.keep({ outcome });
    this.ending.abort();
    await this.reporting;
    await this.tellOutcome();
  }

  async tellOutcome(): Promise<void> {
    const { log, journal } = this.shop;
    const sent = this.untilAnswered(() => this.send(this.record.outcome ?? {}));
    try {
      await sent;
    } catch (error) {
      if (this.shop.stopping.aborted) return;
      // The server has given it up or does not know it: nobody waits for the answer.
      log.warn({ errand: this.id, reason: reasonOf(error) }, 'the end of an errand was not taken');
    }
    await journal.remove(this.id);
  }

  private async keep(change: Partial<JournalRecord>): Promise<void> {
    this.record = { ...this.record, ...change };
    await this.shop.journal.write(this.record);
  }

  private async changeCatalog({ add, remove }: CatalogChange): Promise<void> {
    const sequence = this.record.sequence + 1;
    await this.keep({ sequence });
    const message = { errand: this.id, sequence, add: [...add], remove: [...remove] };
    await this.untilAnswered(() => this.shop.server.changeCatalog(message, this.shop.stopping));
  }

  private untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
    const { clock, stopping } = this.shop;
    return untilAnswered(ask, { clock, signal: stopping });
  }

  private tell(): void {
    this.hasNews = true;
    this.reporting ??= this.tellNews().finally(() => {
      this.reporting = undefined;
    });
  }

  /** One report at a time; what comes meanwhile goes with the next. */
  private async tellNews(): Promise<void> {
    // Not at a cancel, which lasts: it would go round without a pause.
    const pauseEnd = AbortSignal.any([this.shop.stopping, this.ending.signal]);
    while (this.hasNews && this.record.outcome === null && !this.shop.stopping.aborted) {
      this.hasNews = false;
      if (this.record.log.length > this.sentLines) await this.keep({});
      await this.send({}).catch((error: unknown) => {
        this.hasNews ||= error instanceof ServerAwayError;
      });
      await pauseUnlessAborted(this.shop.clock, REPORT_PAUSE_MS, pauseEnd);
    }
  }

  private async send(outcome: ErrandOutcome | Record<string, never>): Promise<void> {
    const { log } = this.record;
    const report: Report = {
      errand: this.id,
      progress: this.progress && { unit: 'bytes', ...this.progress },
      firstLine: this.sentLines,
      log: log.slice(this.sentLines),
      ...outcome,
    };
    await this.shop.server.report(report, this.shop.stopping);
    this.sentLines = log.length;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof ArrayError ? error.reason : String(error);
}
