/** The intent log in a real file. */
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LOG_BYTES_MAX, LOG_BYTES_MIN } from '../../src/base/limits.js';
import { createLogFile, FileLog, hasLogFile } from '../../src/store/file-log.js';
import { IntentLog } from '../../src/store/intent-log.js';
import { nextLogRecord, readLog } from '../../src/store/log-format.js';
import { cleanScratch, makeScratch } from '../support/scratch-directory.js';

let directory: string;
let file: string;
beforeEach(() => {
  directory = makeScratch();
  file = join(directory, 'intent.log');
});
afterEach(cleanScratch);

describe('createLogFile', () => {
  it.each<[string, number, number]>([
    ['least', 2 ** 24, LOG_BYTES_MIN],
    ['a sixteenth of the capacity', 2 ** 29 + 123, 2 ** 25],
    ['most', 2 ** 40, LOG_BYTES_MAX],
  ])('makes a file of %s in size, whose space is taken', (_what, capacityBytes, sizeBytes) => {
    expect(hasLogFile(directory)).toBe(false);
    createLogFile(directory, capacityBytes);
    const { size, blocks, mode } = statSync(file);
    expect([size, mode & 0o777, blocks * 512 >= sizeBytes]).toEqual([sizeBytes, 0o600, true]);
    expect(readFileSync(file).every((byte) => byte === 0)).toBe(true);
    expect(hasLogFile(directory)).toBe(true);
  });

  it('gives up what an old log held', () => {
    writeFileSync(file, 'old');
    createLogFile(directory, 2 ** 24);
    expect(readFileSync(file).subarray(0, 8)).toEqual(Buffer.alloc(8));
  });

  it('says what the file system says', () => {
    expect(() => createLogFile(join(directory, 'none'), 2 ** 24)).toThrow(/^EIO|^ENOENT/);
  });
});

describe('FileLog', () => {
  it('is as large as its file, and keeps what is written', async () => {
    createLogFile(directory, 2 ** 24);
    const log = new FileLog(directory, 2 ** 24);
    expect(log.sizeBytes).toBe(LOG_BYTES_MIN);
    await log.write(LOG_BYTES_MIN - 4, Uint8Array.of(1, 2, 3, 4));
    await log.close();
    expect([...readFileSync(file).subarray(-5)]).toEqual([0, 1, 2, 3, 4]);
    const again = new FileLog(directory, 2 ** 24);
    expect([...again.read(LOG_BYTES_MIN - 5, 5)]).toEqual([0, 1, 2, 3, 4]);
    expect(again.read(LOG_BYTES_MIN - 2, 10)).toHaveLength(2);
    await again.close();
  });

  it('makes a missing file, which has no header', async () => {
    const log = new FileLog(directory, 2 ** 24);
    expect(statSync(file).size).toBe(LOG_BYTES_MIN);
    expect(() => readLog(log, 1, nextLogRecord(undefined, 2))).toThrow(/^EIO: .* missing/);
    await log.close();
  });

  it('reads a file that was cut', async () => {
    createLogFile(directory, 2 ** 24);
    truncateSync(file, 100);
    const log = new FileLog(directory, 2 ** 24);
    expect([log.sizeBytes, log.read(0, 4_096).length, log.read(4_096, 24).length]).toEqual([
      100, 100, 0,
    ]);
    await log.close();
  });

  it('carries an intent log over a reopening', async () => {
    const record = nextLogRecord(undefined, 7);
    const device = new FileLog(directory, 2 ** 24);
    const log = new IntentLog(device, record);
    await log.begin(1);
    const payload = new Uint8Array(100_000).fill(5);
    await Promise.all([log.append(payload, 1), log.append(payload.subarray(0, 10), 1)]);
    await log.close();
    const again = new FileLog(directory, 2 ** 24);
    expect(readLog(again, 1, record).map(({ length }) => length)).toEqual([100_000, 10]);
    await again.close();
  });
});
