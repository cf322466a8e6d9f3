/** The intent log's bytes by hand, and what is read of a log that was torn, damaged, exchanged or never begun. */
import { crc32 } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { IntentLog } from '../../src/store/intent-log.js';
import { type LogDevice, MemoryLog } from '../../src/store/log-device.js';
import {
  heldGeneration,
  type LogRecord,
  nextLogRecord,
  packLogRecord,
  readLog,
  unpackLogRecord,
} from '../../src/store/log-format.js';
import { begunLog, bytesOf, PAGE, RECORD, readTexts, SALT, SEED } from './log-fixture.js';

let device: MemoryLog;
let log: IntentLog;
beforeEach(async () => {
  ({ device, log } = await begunLog());
});

function read(from: LogDevice = device, record = RECORD): string[] {
  return readTexts(from, record);
}

describe('the bytes of the intent log', () => {
  it('are a header in page 1 for generation 1, in page 0 for generation 2', async () => {
    const header = Buffer.from(
      `4146534c4f473031 11223344 00000001 55667788 000000010000`.replaceAll(' ', ''),
      'hex',
    );
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(header));
    expect(Buffer.from(device.read(PAGE, 30))).toEqual(Buffer.concat([header, sum]));
    expect(Buffer.from(device.read(PAGE + 30, PAGE - 30))).toEqual(Buffer.alloc(PAGE - 30));
    expect(Buffer.from(device.read(0, PAGE))).toEqual(Buffer.alloc(PAGE));
    await new IntentLog(device, nextLogRecord(RECORD, 9)).begin(SEED);
    expect(Buffer.from(device.read(0, 20)).toString('hex')).toBe(
      '4146534c4f473031112233440000000200000009',
    );
  });

  it('are length, number and checksum before a payload, and zeros to the end of the page', async () => {
    await log.append(bytesOf('abc'), 1);
    await log.append(bytesOf('d'), 1);
    const batch = (lengthAndNumber: string, payload: string) => {
      const [head, body] = [Buffer.from(lengthAndNumber, 'hex'), Buffer.from(payload)];
      const sum = Buffer.alloc(4);
      sum.writeUInt32BE(crc32(Buffer.concat([head, body]), SALT));
      const bytes = Buffer.concat([head, sum, body]);
      return Buffer.concat([bytes, Buffer.alloc(PAGE - bytes.length)]);
    };
    const expected = [batch('00000003000000000001', 'abc'), batch('00000001000000000002', 'd')];
    expect(Buffer.from(device.read(2 * PAGE, 2 * PAGE))).toEqual(Buffer.concat(expected));
  });

  it('of the record are those of its four numbers', () => {
    const record = { generation: 1, salt: 2, position: 0x0102_0304_0506, batch: 4 };
    const packed = packLogRecord(record);
    expect(Buffer.from(packed.subarray(0, -4)).toString('hex')).toBe(
      '01 00000001 00000002 010203040506 000000000004'.replaceAll(' ', ''),
    );
    expect(unpackLogRecord(packed)).toEqual(record);
    for (let index = 0; index < packed.length; index += 1) {
      const damaged = new Uint8Array(packed);
      damaged[index] = (damaged[index] as number) ^ 1;
      expect(() => unpackLogRecord(damaged)).toThrow(ArrayError);
    }
  });
});

/** What the device is found with when the last write was cut at a byte, or a byte of it is wrong. */
function changed(from: MemoryLog, position: number, change: (old: number) => number): MemoryLog {
  const bytes = from.read(0, from.sizeBytes);
  bytes[position] = change(bytes[position] as number);
  return new MemoryLog(bytes);
}

describe('a torn or damaged log', () => {
  const last = 'the last batch';

  it('ends before a batch that was cut at any byte', async () => {
    await log.append(bytesOf('first'), 1);
    const before = device.read(0, device.sizeBytes);
    await log.append(bytesOf(last), 1);
    const after = device.read(0, device.sizeBytes);
    for (let cut = 0; cut <= 14 + last.length; cut += 1) {
      const torn = new Uint8Array(before);
      torn.set(after.subarray(0, 3 * PAGE + cut));
      const isWhole = cut === 14 + last.length;
      expect(read(new MemoryLog(torn))).toEqual(isWhole ? ['first', last] : ['first']);
    }
  });

  it('ends before a batch over pages of which any was not written', async () => {
    await log.append(bytesOf('first'), 1);
    const before = device.read(0, device.sizeBytes);
    await log.append(bytesOf('z'.repeat(4 * PAGE)), 1);
    for (let page = 3; page < 8; page += 1) {
      const torn = device.read(0, device.sizeBytes);
      torn.set(before.subarray(page * PAGE, (page + 1) * PAGE), page * PAGE);
      expect(read(new MemoryLog(torn))).toEqual(['first']);
    }
  });

  it('ends before a batch of which any byte is wrong', async () => {
    await log.append(bytesOf('first'), 1);
    await log.append(bytesOf(last), 1);
    for (let byte = 0; byte < 14 + last.length; byte += 1) {
      for (const bit of [1, 0x80]) {
        expect(read(changed(device, 3 * PAGE + byte, (old) => old ^ bit))).toEqual(['first']);
      }
    }
  });

  it('never takes a batch of an earlier lap for one of this', async () => {
    for (let lap = 0; lap < 3; lap += 1) {
      for (let count = 0; count < 14; count += 1) {
        await log.append(bytesOf(`${lap}/${count}`), lap * 14 + count);
        log.published(lap * 14 + count - 1);
        expect(read(device, log.recordAt(lap * 14 + count - 1))).toEqual([`${lap}/${count}`]);
      }
    }
  });

  it('of another salt holds nothing', async () => {
    await log.append(bytesOf('old mount'), 1);
    const next = nextLogRecord(RECORD, SALT + 1);
    await new IntentLog(device, next).begin(SEED);
    expect(read(device, next)).toEqual([]);
  });
});

describe('heldGeneration', () => {
  it('is that of the newest header, whoever it belongs to', async () => {
    expect(heldGeneration(device)).toMatchObject({ generation: 1 });
    await new IntentLog(device, nextLogRecord({ generation: 8 }, 3)).begin(SEED + 1);
    expect(heldGeneration(device)).toMatchObject({ generation: 9 });
    expect(heldGeneration(new MemoryLog(16 * PAGE))).toBeUndefined();
  });
});

describe('readLog', () => {
  it('takes no log without a header', () => {
    expect(() => read(new MemoryLog(16 * PAGE))).toThrow(/^EIO: the intent log is missing/);
    expect(() => read(new MemoryLog(0))).toThrow(/^EIO: the intent log is missing/);
  });

  it('takes no header of which any byte is wrong', () => {
    for (let byte = 0; byte < 24; byte += 1) {
      const damaged = changed(device, PAGE + byte, (old) => old ^ 1);
      expect(() => read(damaged)).toThrow(/^EIO: the intent log is missing or damaged/);
    }
  });

  it('takes the older header where the newer one was torn: the log is as good as not begun', async () => {
    const next = nextLogRecord(RECORD, 9);
    await new IntentLog(device, next).begin(SEED);
    expect(
      read(
        changed(device, 10, (old) => old ^ 1),
        next,
      ),
    ).toEqual([]);
  });

  it('refuses the log of another pool', () => {
    expect(() => readLog(device, SEED + 1, RECORD)).toThrow(/^EINVAL: .* belongs to another pool/);
  });

  it.each<[string, Partial<LogRecord>]>([
    ['a newer generation', { generation: 0 }],
    ['an older generation', { generation: 3 }],
    ['another salt', { salt: SALT + 1 }],
  ])('refuses a log of %s', (_what, change) => {
    expect(() => read(device, { ...RECORD, ...change })).toThrow(/^EINVAL: .* another state/);
  });

  it('reads nothing of a log that was announced and not begun', async () => {
    await log.append(bytesOf('replayed before the announcement'), 1);
    expect(read(device, nextLogRecord(RECORD, 9))).toEqual([]);
  });

  it('is damaged where its end was cut off, whatever is left', async () => {
    await log.append(bytesOf('first'), 1);
    for (const size of [2 * PAGE, 3 * PAGE, 3 * PAGE + 10, 15 * PAGE]) {
      const cut = new MemoryLog(device.read(0, size));
      expect(() => read(cut)).toThrow(/^EIO: .* damaged/);
    }
  });

  it('is damaged where a batch is not whole that has whole ones after it', async () => {
    for (const text of ['first', 'second', 'third']) await log.append(bytesOf(text), 1);
    for (const page of [2, 3]) {
      const copy = device.copy();
      await copy.write(page * PAGE + 16, bytesOf('!'));
      expect(() => read(copy)).toThrow(/^EIO: .* damaged/);
    }
  });
});
