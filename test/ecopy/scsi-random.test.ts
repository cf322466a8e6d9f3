/**
 * Random commands and truncations at a target port: every one has an answer, sense data goes with CHECK
 * CONDITION and nothing else, and data-in is a beginning of the whole for every allocation length.
 */
import { describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { decodeScsiRead, decodeScsiWrite, encodeScsiRead } from '../../src/ecopy/scsi-frame.js';
import { executeCommand } from '../../src/ecopy/scsi-port.js';
import type { ScsiAnswer, ScsiRequest } from '../../src/ecopy/scsi-target.js';
import { decodeSense } from '../../src/ecopy/sense.js';
import { PORT_IDS } from '../../src/san/port-id.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { NotingCopyManager, send, targetWith } from './scsi-fixture.js';
import { bytesOf, EXAMPLES, hexOf } from './worked-examples.js';

const CODES = [0x00, 0x03, 0x12, 0x25, 0x83, 0x84, 0x9e, 0xa0];
const LUNS = [
  ...['0000000000000000', '0001000000000000', '0002000000000000', '0003000000000000'],
  ...['412c000000000000', 'c101000000000000', '0005000000000000'],
].map(bytesOf);
const LISTS = Object.values(EXAMPLES);

/** A command that is nearly right more often than not. */
function randomRequest(random: RandomSource): ScsiRequest {
  const host = random.pick(['local', 'other']);
  const lun = random.chance(0.9) ? random.pick(LUNS) : random.bytes(random.integer(0, 9));
  const place = { host, port: random.pick(PORT_IDS), lun };
  if (random.chance(0.1)) return { ...place, ...randomBytes(random) };
  const cdb = Buffer.alloc(16);
  cdb[0] = random.pick(CODES);
  for (let change = random.integer(0, 4); change > 0; change -= 1) {
    cdb[random.integer(1, 15)] = random.integer(0, random.pick([1, 4, 0x12, 0x8f, 255]));
  }
  const dataOut = Buffer.from(random.pick(LISTS));
  if (random.chance(0.7)) cdb.writeUInt32BE(dataOut.length, 10);
  if (random.chance(0.3)) dataOut[random.integer(0, dataOut.length - 1)] = random.integer(0, 255);
  const size = random.chance(0.9) ? 16 : random.integer(0, 17);
  return { ...place, cdb: cdb.subarray(0, size), dataOut };
}

function randomBytes(random: RandomSource) {
  return {
    cdb: random.bytes(random.integer(0, 32)),
    dataOut: random.bytes(random.integer(0, 100)),
  };
}

function manager(): NotingCopyManager {
  const kept = new NotingCopyManager();
  const status = { heldDataDiscarded: false, segmentsProcessed: 1, writtenBytes: 512 } as const;
  for (let id = 0; id < 256; id += 2) {
    kept.kept.set(`local CL1-A ${id}`, {
      status: { ...status, state: id % 4 === 0 ? 'done' : 'in-progress' },
      ...(id % 4 === 0 && { heldData: bytesOf('aabbcc'), failure: 'none' as const }),
    });
  }
  return kept;
}

/** What kind of answer it was; an expectation fails where it is none. */
function kindOf(answer: ScsiAnswer): string {
  const { status, sense, dataIn } = answer;
  if (status === 0 && sense.length === 0) return dataIn.length > 0 ? 'data' : 'good';
  expect([status, dataIn.length]).toEqual([2, 0]);
  const { code } = decodeSense(sense);
  return code.text;
}

describe('random commands', () => {
  it('have an answer, always, and the frame gives it back', async () => {
    const random = new RandomSource(0x5c51);
    const target = targetWith(manager());
    const kinds = new Set<string>();
    for (let round = 0; round < repeat(100_000); round += 1) {
      const answer = await executeCommand(randomRequest(random), target);
      kinds.add(kindOf(answer));
      const again = decodeScsiRead(encodeScsiRead(answer));
      if (hexOf(again.dataIn) !== hexOf(answer.dataIn)) expect(again).toEqual(answer);
    }
    const often = [
      ...['data', 'good', 'ILLEGAL REQUEST: INVALID COMMAND OPERATION CODE'],
      ...['ILLEGAL REQUEST: INVALID FIELD IN CDB', 'ILLEGAL REQUEST: LOGICAL UNIT NOT SUPPORTED'],
      'ILLEGAL REQUEST: PARAMETER LIST LENGTH ERROR',
      'ILLEGAL REQUEST: INVALID FIELD IN PARAMETER LIST',
      'NOT READY: LOGICAL UNIT NOT READY, MANUAL INTERVENTION REQUIRED',
    ];
    expect([...kinds]).toEqual(expect.arrayContaining(often));
    expect(kinds).not.toContain('HARDWARE ERROR: INTERNAL TARGET FAILURE');
  });

  it('have an answer at every truncation of the CDB, which is not a good one', async () => {
    const lengths = [6, 6, 6, 10, 16, 16, 16, 12];
    for (const [index, code] of CODES.entries()) {
      for (let size = 0; size < (lengths[index] ?? 0); size += 1) {
        const cdb = Buffer.alloc(size);
        if (size > 0) cdb[0] = code;
        const request = { host: 'local', port: 'CL1-A' as const, lun: bytesOf('0001000000000000') };
        const answer = await executeCommand({ ...request, cdb, dataOut: cdb }, targetWith());
        expect(kindOf(answer)).toBe('ILLEGAL REQUEST: INVALID COMMAND OPERATION CODE');
      }
    }
  });

  it.each([
    ['03 000000', '00', 1],
    ['12 00 00', '00', 2],
    ['12 01 83', '00', 2],
    ['12 01 8f', '00', 2],
    [`9e 10 ${'00'.repeat(8)}`, '0000', 4],
    [`84 03 ${'00'.repeat(8)}`, '0000', 4],
  ])('%s are cut to every allocation length', async (head, tail, lengthBytes) => {
    const ofLength = async (allocation: number) => {
      const digits = allocation.toString(16).padStart(2 * lengthBytes, '0');
      return (await send(head + digits + tail)).dataIn;
    };
    const whole = hexOf(await ofLength(255));
    expect(whole.length).toBeGreaterThanOrEqual(36);
    for (let allocation = 0; allocation < 255; allocation += 1) {
      expect(hexOf(await ofLength(allocation))).toBe(whole.slice(0, 2 * allocation));
    }
  });

  it('written as random bytes are complete, say how much is missing, or are too many', () => {
    const random = new RandomSource(0xf4a3e);
    for (let round = 0; round < repeat(10_000); round += 1) {
      const bytes = random.bytes(random.integer(0, 60));
      if (bytes.length > 8 && random.chance(0.5))
        bytes.set([0x83, ...Array(11).fill(0)].slice(0, bytes.length - 8), 8);
      const write = decodedOrRefused(bytes);
      if (write === undefined) expect(bytes.length).toBeGreaterThan(24);
      else if (write.isComplete) expect(write.command.cdb).toHaveLength(16);
      else expect(write.missingBytes).toBeGreaterThan(0);
    }
  });
});

/** Undefined where there is more than the CDB announces. */
function decodedOrRefused(bytes: Uint8Array) {
  try {
    return decodeScsiWrite(bytes);
  } catch (error) {
    if (error instanceof ArrayError && error.code === 'EINVAL') return undefined;
    throw error;
  }
}
