/** A begun intent log of 16 pages in memory, and what is read of it as texts. */
import { IntentLog } from '../../src/store/intent-log.js';
import { type LogDevice, MemoryLog } from '../../src/store/log-device.js';
import { type LogRecord, nextLogRecord, readLog } from '../../src/store/log-format.js';

export const PAGE = 4_096;
export const SEED = 0x1122_3344;
export const SALT = 0x5566_7788;
export const RECORD: LogRecord = nextLogRecord(undefined, SALT);

export const bytesOf = (text: string) => new Uint8Array(Buffer.from(text));

export async function begunLog(): Promise<{ device: MemoryLog; log: IntentLog }> {
  const device = new MemoryLog(16 * PAGE);
  const log = new IntentLog(device, RECORD);
  await log.begin(SEED);
  return { device, log };
}

/** Payloads of the batches. */
export function readTexts(from: LogDevice, record = RECORD): string[] {
  return readLog(from, SEED, record).map((payload) => Buffer.from(payload).toString());
}
