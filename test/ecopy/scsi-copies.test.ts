/** EXTENDED COPY and RECEIVE COPY RESULTS at a target port. */
import { describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { decodeParameterList } from '../../src/ecopy/parameter-list.js';
import type { CopyResults } from '../../src/ecopy/scsi-target.js';
import { SenseError } from '../../src/ecopy/sense.js';
import { SENSE } from '../../src/ecopy/sense-codes.js';
import { sense } from './list-builder.js';
import { answered, good, NotingCopyManager } from './scsi-fixture.js';
import { bytesOf, EXAMPLES } from './worked-examples.js';

const ARRAY = { lun: '00'.repeat(8) };
const refused = (bytes: string) => `02,${bytes},`;
const UNKNOWN_LIST = refused(sense('05', '2400', 'c00002'));
const copyCdb = (bytes: number) =>
  `83 ${'00'.repeat(9)} ${bytes.toString(16).padStart(8, '0')} 0000`;
const results = (action: string, allocation: string) =>
  `84 ${action} 22 ${'00'.repeat(7)} ${allocation} 0000`;
const FAILED = '70 00 0A 00 00 00 00 0A 00 00 00 01 08 04 00 A0 00 06';

describe('EXTENDED COPY at a target port', () => {
  const list = EXAMPLES.diskToTape;

  it('gives the list to the copy manager, with host and port, and ends with the copy', async () => {
    const copyManager = new NotingCopyManager();
    const sent = { ...ARRAY, copyManager, dataOut: list, port: 'CL2-A' as const };
    expect(await answered(copyCdb(list.length), sent)).toBe(good(''));
    const nexus = { host: 'local', port: 'CL2-A' };
    expect(copyManager.copied).toEqual([{ nexus, list: decodeParameterList(list) }]);
  });

  it('takes no more than the parameter list length', async () => {
    const copyManager = new NotingCopyManager();
    const dataOut = Buffer.concat([list, bytesOf('ffff')]);
    expect(await answered(copyCdb(list.length), { copyManager, dataOut })).toBe(good(''));
    expect(copyManager.copied).toHaveLength(1);
  });

  it.each([
    ['of no bytes does nothing', copyCdb(0), list, good('')],
    [
      'that is cut off (example 7)',
      copyCdb(0x44),
      EXAMPLES.truncated,
      refused(sense('05', '1a00')),
    ],
    [
      'that is shorter than it says',
      copyCdb(list.length),
      list.subarray(1),
      refused(sense('05', '1a00')),
    ],
    ['that is too long', copyCdb(0x20011), list, refused(sense('05', '1a00'))],
    ['in the LID4 form', `83 01 ${'00'.repeat(14)}`, list, refused(sense('05', '2000', 'c00001'))],
  ])('a list %s', async (_what, cdb, dataOut, expected) => {
    const copyManager = new NotingCopyManager();
    expect(await answered(cdb, { copyManager, dataOut })).toBe(expected);
    expect(copyManager.copied).toEqual([]);
  });

  it.each([
    [
      'the sense of the copy manager',
      new SenseError({
        code: SENSE.unreachableTarget,
        segment: 1,
        pointer: { in: 'segment', byte: 6 },
      }),
      refused(sense('0a', '0804', 'a00006', '0001')),
    ],
    [
      'a list identifier in use',
      new SenseError({ code: SENSE.operationInProgress }),
      refused(sense('05', '0016')),
    ],
    ['no time', new ArrayError('EBUSY', 'x'), '08,,'],
    ['another failure', new ArrayError('ENOSPC', 'x'), refused(sense('04', '4400'))],
  ])('answers %s', async (_what, failure, expected) => {
    const copyManager = new NotingCopyManager();
    copyManager.failure = failure;
    expect(await answered(copyCdb(list.length), { copyManager, dataOut: list })).toBe(expected);
  });

  it.each([
    ['REPORT LUNS', 'c101000000000000', refused(sense('05', '2000', 'c00000'))],
    ['nothing', '0005000000000000', refused(sense('05', '2500'))],
  ])('%s is no copy manager', async (_what, lun, expected) => {
    const copyManager = new NotingCopyManager();
    const sent = { copyManager, dataOut: list, lun };
    expect(await answered(copyCdb(list.length), sent)).toBe(expected);
    expect(copyManager.copied).toEqual([]);
  });
});

describe('RECEIVE COPY RESULTS at a target port', () => {
  const status = { heldDataDiscarded: false, segmentsProcessed: 1, writtenBytes: 65536 } as const;
  const done: CopyResults = {
    status: { ...status, state: 'done' },
    ...{ heldData: bytesOf('01020304'), failure: 'none' },
  };
  const running: CopyResults = { status: { ...status, state: 'in-progress' } };
  const failed: CopyResults = {
    status: { ...status, state: 'failed' },
    ...{ heldData: bytesOf(''), failure: { status: 2, sense: bytesOf(FAILED) } },
  };
  const keeping = (kept: CopyResults, who = 'local CL1-A 34') => {
    const copyManager = new NotingCopyManager();
    copyManager.kept.set(who, kept);
    return copyManager;
  };

  it.each<[string, CopyResults, string, string, readonly string[]]>([
    [
      'COPY STATUS (example 2)',
      done,
      results('00', '000000ff'),
      good('00 00 00 08 01 00 01 01 00 00 00 40'),
      ['status'],
    ],
    [
      'COPY STATUS of a copy that runs',
      running,
      results('00', '000000ff'),
      good('00 00 00 08 00 00 01 01 00 00 00 40'),
      [],
    ],
    [
      'COPY STATUS, cut',
      done,
      results('00', '0000000b'),
      good('00 00 00 08 01 00 01 01 00 00 00'),
      [],
    ],
    ['COPY STATUS that nobody wants', done, results('00', '00000000'), good(''), ['status']],
    ['RECEIVE DATA', done, results('01', '00000008'), good('00000004 01020304'), ['heldData']],
    ['RECEIVE DATA, cut', done, results('01', '00000005'), good('00000004 01'), []],
    ['RECEIVE DATA that nobody wants', done, results('01', '00000000'), good(''), ['heldData']],
    ['no held data', failed, results('01', '00000100'), good('00000000'), ['heldData']],
    ['RECEIVE DATA of a copy that runs', running, results('01', '00000008'), UNKNOWN_LIST, []],
    [
      'FAILED SEGMENT DETAILS (example 8)',
      failed,
      results('04', '0000004e'),
      good(`00 00 00 4A ${'00'.repeat(52)} 02 00 00 12 ${FAILED}`),
      ['failure'],
    ],
    [
      'FAILED SEGMENT DETAILS, cut',
      failed,
      results('04', '0000004d'),
      good(`00 00 00 4A ${'00'.repeat(52)} 02 00 00 12 ${FAILED.slice(0, -3)}`),
      [],
    ],
    [
      'FAILED SEGMENT DETAILS of none',
      done,
      results('04', '000000ff'),
      good('00000000'),
      ['failure'],
    ],
    [
      'FAILED SEGMENT DETAILS of a copy that runs',
      running,
      results('04', '000000ff'),
      UNKNOWN_LIST,
      [],
    ],
    ['what has been forgotten', {}, results('00', '000000ff'), UNKNOWN_LIST, []],
    ['another action', done, results('02', '000000ff'), refused(sense('05', '2400', 'c00001')), []],
  ])('answers %s', async (_what, kept, cdb, expected, forgotten) => {
    const copyManager = keeping(kept);
    expect(await answered(cdb, { copyManager })).toBe(expected);
    expect(copyManager.forgotten).toEqual(forgotten.map((part) => `local CL1-A 34 ${part}`));
  });

  it.each(['local CL1-B 34', 'other CL1-A 34', 'local CL1-A 35'])(
    'does not know the list identifier of %s',
    async (who) => {
      const copyManager = keeping(done, who);
      expect(await answered(results('00', '000000ff'), { copyManager })).toBe(UNKNOWN_LIST);
      expect(copyManager.forgotten).toEqual([]);
    },
  );

  it('tells the operating parameters, cut as asked, whatever the list identifier', async () => {
    const whole = await answered(results('03', '000000ff'));
    expect(whole.slice(0, 4 + 8 + 2)).toBe('00,,0000004201');
    expect(await answered(results('03', '00000004'), ARRAY)).toBe(good('00000042'));
  });
});
