/**
 * The intent log, as the check sees it: it must belong to the pool and be readable from where the
 * store's record says. What it holds is applied by the next mount, not by the check.
 */
import { ArrayError } from '../base/errors.js';
import type { StoreReader } from './block-store.js';
import type { Findings, Repairs } from './check-findings.js';
import { recordKey } from './keys.js';
import type { LogDevice } from './log-device.js';
import { type LogEntry, unpackEntries } from './log-entries.js';
import { readLog, unpackLogRecord } from './log-format.js';

const LOG_KIND = 'damaged log';

export interface CheckedLog {
  /** Undefined where there is none. */
  readonly device: LogDevice | undefined;
  /** Makes a new, empty one in its place. */
  replace(): void;
}

/** With what it must agree with. */
interface PoolsLog extends CheckedLog {
  readonly tagSeed: number;
  readonly publishedSequence: number;
}

/** Returns how many batches the next mount applies. */
export function checkLog(
  reader: StoreReader,
  { device, replace, tagSeed, publishedSequence }: PoolsLog,
  findings: Findings,
  repairs: Repairs,
): number {
  const key = recordKey('log');
  const value = reader.get('records', key);
  // Never opened, or of a layout without a log.
  if (value === undefined) return 0;
  try {
    const record = unpackLogRecord(value);
    if (device === undefined) throw new ArrayError('EIO', 'intent.log is missing');
    const batches = readLog(device, tagSeed, record).map(unpackEntries);
    const isNeeded = ({ sequence }: LogEntry) => sequence > publishedSequence;
    return batches.filter((entries) => entries.some(isNeeded)).length;
  } catch (error) {
    if (!(error instanceof ArrayError)) throw error;
    // In this order: a log without its record would be begun anew without a word.
    if (repairs.enabled) replace();
    const repaired = repairs.add((transaction) => transaction.remove('records', key));
    const loss = 'writes confirmed since the last publish are lost';
    findings.add(LOG_KIND, '-', `${error.reason}; ${loss}`, repaired);
    return 0;
  }
}
