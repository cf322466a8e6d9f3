/** The exchange of commands and answers over one open file, with commands that end when the test says so. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ScsiConversation } from '../../src/array/scsi-conversation.js';
import { ArrayError } from '../../src/base/errors.js';
import { SCSI_WAIT_MS_MAX } from '../../src/base/limits.js';
import { encodeScsiRead, encodeScsiWrite } from '../../src/ecopy/scsi-frame.js';
import { SCSI_STATUS, type ScsiAnswer, type ScsiCommand } from '../../src/ecopy/scsi-target.js';
import { ManualClock } from '../support/manual-clock.js';

const LUN = Buffer.alloc(8);
const INQUIRY = Buffer.from('120000002400', 'hex');
const COPY = Buffer.from('83000000000000000000000000300000', 'hex');
const DATA_OUT = Buffer.alloc(0x30, 7);
const GOOD: ScsiAnswer = {
  status: SCSI_STATUS.good,
  sense: new Uint8Array(),
  dataIn: Buffer.from('data-in'),
};
const bytes = (cdb: Uint8Array, dataOut = new Uint8Array()) =>
  encodeScsiWrite({ lun: LUN, cdb, dataOut });

let clock: ManualClock;
let conversation: ScsiConversation;
let begun: ScsiCommand[];
let finish: (answer: ScsiAnswer) => void;
let fail: (error: unknown) => void;
let answers: number;
/** What `check` throws, where the port is down. */
let problem: ArrayError | undefined;

beforeEach(() => {
  clock = new ManualClock();
  begun = [];
  answers = 0;
  problem = undefined;
  conversation = new ScsiConversation({
    clock,
    check: () => {
      if (problem !== undefined) throw problem;
    },
    execute: (command) => {
      begun.push(command);
      return new Promise((resolve, reject) => {
        finish = resolve;
        fail = reject;
      });
    },
    onAnswer: () => {
      answers += 1;
    },
  });
});

async function codeOf(action: () => unknown): Promise<string> {
  try {
    await action();
    return 'done';
  } catch (error) {
    return error instanceof ArrayError ? error.code : `${error}`;
  }
}

describe('a command', () => {
  it('refuses more data than the command announces, and takes the next command', async () => {
    const longer = Buffer.concat([DATA_OUT, Buffer.of(1)]);
    expect(await codeOf(() => conversation.write(bytes(COPY, longer)))).toBe('EINVAL');
    conversation.write(bytes(COPY, DATA_OUT.subarray(1)));
    expect(await codeOf(() => conversation.write(Buffer.alloc(2)))).toBe('EINVAL');
    expect(begun).toEqual([]);
    conversation.write(bytes(COPY, DATA_OUT));
    expect(begun).toHaveLength(1);
    finish(GOOD);
  });

  it('begins with its last byte, however it comes in pieces, and its answer comes once it ends', async () => {
    const whole = bytes(COPY, DATA_OUT);
    for (const at of whole.keys()) {
      expect(begun).toEqual([]);
      conversation.write(whole.subarray(at, at + 1));
    }
    expect(begun).toHaveLength(1);
    expect(Buffer.from(begun[0]?.dataOut ?? []).equals(DATA_OUT)).toBe(true);
    const answer = conversation.answer();
    expect([conversation.isAnswered, answers]).toEqual([false, 0]);
    finish(GOOD);
    expect(await answer).toEqual(encodeScsiRead(GOOD));
    expect([conversation.isAnswered, answers]).toEqual([true, 1]);
    expect(conversation.answer()).toEqual(encodeScsiRead(GOOD));
  });

  it('keeps nothing of the memory it came in', async () => {
    const piece = bytes(COPY, DATA_OUT);
    conversation.write(piece.subarray(0, 30));
    piece.fill(0, 0, 30);
    conversation.write(piece.subarray(30));
    expect(begun).toHaveLength(1);
    expect(Buffer.from(begun[0]?.dataOut ?? []).equals(DATA_OUT)).toBe(true);
  });

  it('is refused while another one is at work, which goes on', async () => {
    conversation.write(bytes(INQUIRY));
    expect(await codeOf(() => conversation.write(bytes(INQUIRY)))).toBe('EBUSY');
    finish(GOOD);
    expect(await conversation.answer()).toEqual(encodeScsiRead(GOOD));
    conversation.write(bytes(INQUIRY));
    expect(begun).toHaveLength(2);
    expect(conversation.isAnswered).toBe(false);
  });

  it('may begin before the answer to the last one was read, which is forgotten', async () => {
    conversation.write(bytes(INQUIRY));
    finish(GOOD);
    await clock.yield();
    conversation.write(bytes(INQUIRY).subarray(0, 5));
    expect([conversation.isAnswered, await codeOf(() => conversation.answer())]).toEqual([
      false,
      'EINVAL',
    ]);
  });

  it('that ends by a bug says so, and the next one is taken', async () => {
    conversation.write(bytes(INQUIRY));
    fail(new TypeError('a bug'));
    expect(await codeOf(() => conversation.answer())).toBe('TypeError: a bug');
    conversation.write(bytes(INQUIRY));
    finish(GOOD);
    expect(await conversation.answer()).toEqual(encodeScsiRead(GOOD));
  });
});

describe('reading', () => {
  it('gives nothing before the first command', () => {
    expect(conversation.answer()).toHaveLength(0);
    conversation.write(new Uint8Array());
    expect(conversation.answer()).toHaveLength(0);
  });

  it('of a command that is not all there is refused', async () => {
    conversation.write(bytes(COPY, DATA_OUT).subarray(0, 70));
    expect(await codeOf(() => conversation.answer())).toBe('EINVAL');
  });

  it('ends when its reader is interrupted, and the answer is there for the next', async () => {
    conversation.write(bytes(INQUIRY));
    const reader = new AbortController();
    const patient = conversation.answer(new AbortController().signal);
    const read = conversation.answer(reader.signal);
    reader.abort();
    expect(await codeOf(() => read)).toBe('EINTR');
    finish(GOOD);
    expect(await patient).toEqual(encodeScsiRead(GOOD));
    expect(clock.timerCount).toBe(0);
  });

  it('ends after a while where nobody could interrupt it', async () => {
    conversation.write(bytes(INQUIRY));
    const read = codeOf(() => conversation.answer());
    await clock.advance(SCSI_WAIT_MS_MAX);
    expect(await read).toBe('EBUSY');
    const again = conversation.answer();
    finish(GOOD);
    expect(await again).toEqual(encodeScsiRead(GOOD));
    expect(clock.timerCount).toBe(0);
  });

  it('ends with the file', async () => {
    conversation.write(bytes(INQUIRY));
    const read = codeOf(() => conversation.answer(new AbortController().signal));
    conversation.close();
    expect(await read).toBe('EBUSY');
  });
});

describe('a port that is down', () => {
  const down = new ArrayError('ENXIO', 'port CL1-A is down');

  it('takes no command and gives no answer', async () => {
    conversation.write(bytes(INQUIRY));
    finish(GOOD);
    await clock.yield();
    problem = down;
    expect(await codeOf(() => conversation.answer())).toBe('ENXIO');
    expect(await codeOf(() => conversation.write(bytes(INQUIRY)))).toBe('ENXIO');
    expect(begun).toHaveLength(1);
    problem = undefined;
    expect(conversation.answer()).toEqual(encodeScsiRead(GOOD));
  });
});
