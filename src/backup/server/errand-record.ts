/** An errand as the catalog has it: how it begins, and which message of its client ends it how. */
import { BACKUP_LOG_LINE_CHARACTERS_MAX } from '../../base/limits.js';
import type { Report } from '../api.js';
import { ERRANDS, type ErrandInput, type ErrandKind } from '../errands.js';
import type { ErrandRecord, LiveErrandRecord } from './catalog-records.js';

export interface NewErrand<K extends ErrandKind = ErrandKind> {
  readonly kind: K;
  readonly client: string;
  readonly input: ErrandInput<K>;
  readonly run?: number;
  readonly entry?: string;
}

export type End = Pick<ErrandRecord, 'state' | 'output' | 'failure'>;

export function newRecord<K extends ErrandKind>(
  id: number,
  { kind, client, input, run, entry }: NewErrand<K>,
  createdMs: number,
): LiveErrandRecord {
  return {
    ...{ id, kind, client, input, run: run ?? null, entry: entry ?? null, createdMs },
    ...{ state: 'waiting', revision: 1, output: null, failure: null, log: [], lineCount: 0 },
    ...{ isCancelling: false, sequence: 0, endedMs: 0 },
  };
}

export function isOver({ state }: Pick<ErrandRecord, 'state'>): boolean {
  return state !== 'waiting' && state !== 'running';
}

/** Undefined where the message does not end the errand. */
export function endOf(record: ErrandRecord, { errand, output, failure }: Report): End | undefined {
  if (failure !== undefined) {
    const state = record.isCancelling ? 'cancelled' : 'failed';
    return { state, output: null, failure };
  }
  if (output === undefined) return undefined;
  const parsed = ERRANDS[record.kind].output.safeParse(output);
  if (parsed.success) return { state: 'done', output: parsed.data, failure: null };
  const reason = `the client answered errand ${errand} with something unexpected`;
  return { state: 'failed', output: null, failure: { error: 'EIO', reason } };
}

/** A line as it is kept. */
export function cut(line: string): string {
  return line.length > BACKUP_LOG_LINE_CHARACTERS_MAX
    ? `${line.slice(0, BACKUP_LOG_LINE_CHARACTERS_MAX)}...`
    : line;
}

/** As it is kept in `errands`. */
export function withoutInput({ input: _input, ...record }: LiveErrandRecord): ErrandRecord {
  return record;
}
