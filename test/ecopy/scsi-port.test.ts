/** Commands at a target port, by bytes written by hand; INQUIRY and copy commands have tests of their own. */
import { describe, expect, it } from 'vitest';
import { ArrayError } from '../../src/base/errors.js';
import { executeCommand } from '../../src/ecopy/scsi-port.js';
import { sense } from './list-builder.js';
import { answered, good, send, targetWith } from './scsi-fixture.js';
import { bytesOf, hexOf } from './worked-examples.js';

const refused = (bytes: string) => `02,${bytes},`;
const BAD_FIELD = (pointer: string) => refused(sense('05', '2400', pointer));
const BAD_CODE = refused(sense('05', '2000', 'c00000'));
const NO_UNIT = refused(sense('05', '2500'));
const READY = '00 00000000 00';
const ARRAY = { lun: '00'.repeat(8) };
const WELL_KNOWN = { lun: 'c101000000000000' };
const NO_SECTOR = { lun: '0003000000000000' };
const LARGE = { lun: '412c000000000000' };
const ABSENT = { lun: '0005000000000000' };
const HIDDEN = { lun: '0002000000000000' };

describe('a command at a target port', () => {
  it.each<[string, string, object, string]>([
    ['TEST UNIT READY', READY, {}, good('')],
    ['TEST UNIT READY of the array at LUN 0', READY, ARRAY, good('')],
    ['TEST UNIT READY of REPORT LUNS', READY, WELL_KNOWN, good('')],
    ['TEST UNIT READY without a sector', READY, NO_SECTOR, refused(sense('02', '0403'))],
    ['REQUEST SENSE', '03 000000 ff 00', {}, good(sense('00', '0000'))],
    ['REQUEST SENSE, cut', '03 000000 03 00', {}, good('700000')],
    [
      'REQUEST SENSE of a volume without a sector',
      '03 000000 12 00',
      NO_SECTOR,
      good(sense('02', '0403')),
    ],
    ['REQUEST SENSE where nothing is', '03 000000 12 00', ABSENT, good(sense('05', '2500'))],
    ['REQUEST SENSE in descriptor format', '03 010000 12 00', {}, BAD_FIELD('c80001')],
    ['READ CAPACITY(10)', '25 00 00000000 0000 00 00', {}, good('001fffff 00000200')],
    [
      'READ CAPACITY(10) of more than 2 TiB',
      '25 00 00000000 0000 00 00',
      LARGE,
      good('ffffffff 00000200'),
    ],
    [
      'READ CAPACITY(10) without a sector',
      '25 00 00000000 0000 00 00',
      NO_SECTOR,
      refused(sense('02', '0403')),
    ],
    ['READ CAPACITY(10) with a block', '25 00 00000001 0000 00 00', {}, BAD_FIELD('c00002')],
    ['READ CAPACITY(10) with PMI', '25 00 00000000 0000 01 00', {}, BAD_FIELD('c80008')],
    [
      'READ CAPACITY(16)',
      `9e 10 ${'00'.repeat(8)} 00000020 00 00`,
      {},
      good(`00000000001fffff 00000200 ${'00'.repeat(20)}`),
    ],
    [
      'READ CAPACITY(16) of more than 2 TiB, cut',
      `9e 10 ${'00'.repeat(8)} 0000000c 00 00`,
      LARGE,
      good('00000001ffffffff 00000200'),
    ],
    [
      'READ CAPACITY(16) with a block',
      `9e 10 00000001 00000000 00000020 00 00`,
      {},
      BAD_FIELD('c00002'),
    ],
    [
      'READ CAPACITY(16) with PMI',
      `9e 10 ${'00'.repeat(8)} 00000020 01 00`,
      {},
      BAD_FIELD('c8000e'),
    ],
    ['another service action', `9e 11 ${'00'.repeat(8)} 00000020 00 00`, {}, BAD_FIELD('c00001')],
    ['READ CAPACITY(10) of the array', '25 00 00000000 0000 00 00', ARRAY, BAD_CODE],
    ['a command of another kind', '28 00 00000000 00 0001 00', {}, BAD_CODE],
    ['an empty CDB', '', {}, BAD_CODE],
  ])('%s', async (_what, cdb, sent, expected) => {
    expect(await answered(cdb, sent)).toBe(expected);
  });

  it.each<[string, string, object, string]>([
    [
      'all logical units',
      'a0 00 00 000000 00000100 00 00',
      {},
      '00000020 00000000 0000000000000000 0001000000000000 0003000000000000 412c000000000000',
    ],
    [
      'those of another host',
      'a0 00 00 000000 00000100 00 00',
      { host: 'other' },
      '00000020 00000000 0000000000000000 0001000000000000 0002000000000000 0003000000000000',
    ],
    [
      'a volume at LUN 0',
      'a0 00 00 000000 00000100 00 00',
      { port: 'CL2-B' },
      '00000008 00000000 0000000000000000',
    ],
    [
      'well-known units',
      'a0 00 01 000000 00000100 00 00',
      {},
      '00000008 00000000 c101000000000000',
    ],
    [
      'all of both',
      'a0 00 02 000000 00000100 00 00',
      { port: 'CL2-B' },
      '00000010 00000000 0000000000000000 c101000000000000',
    ],
    [
      'as many as there is room for',
      'a0 00 00 000000 00000010 00 00',
      {},
      '00000020 00000000 0000000000000000',
    ],
    [
      'at the well-known unit',
      'a0 00 01 000000 00000010 00 00',
      WELL_KNOWN,
      '00000008 00000000 c101000000000000',
    ],
    [
      'where nothing is',
      'a0 00 01 000000 00000010 00 00',
      ABSENT,
      '00000008 00000000 c101000000000000',
    ],
  ])('REPORT LUNS lists %s', async (_what, cdb, sent, expected) => {
    expect(await answered(cdb, sent)).toBe(good(expected));
  });

  it.each([
    ['another selection', 'a0 00 03 000000 00000100 00 00', 'c00002'],
    ['no room for a LUN', 'a0 00 00 000000 0000000f 00 00', 'c00006'],
  ])('REPORT LUNS with %s is refused', async (_what, cdb, pointer) => {
    expect(await answered(cdb)).toBe(BAD_FIELD(pointer));
  });

  it.each([
    ['NACA', '00 00000000 04', 'ca0005'],
    ['LINK', `9e 10 ${'00'.repeat(8)} 00000020 00 01`, 'c8000f'],
    ['both, the higher first', 'a0 00 00 000000 00000100 00 05', 'ca000b'],
  ])('CONTROL with %s is refused', async (_what, cdb, pointer) => {
    expect(await answered(cdb)).toBe(BAD_FIELD(pointer));
  });

  it.each([
    ['one byte short', '00 00000000'],
    ['the operation code alone', '25'],
    ['15 bytes for 16', `9e 10 ${'00'.repeat(8)} 00000020 00`],
    ['more than 16', `00 ${'00'.repeat(16)}`],
  ])('a CDB of %s is refused', async (_what, cdb) => {
    expect(await answered(cdb)).toBe(BAD_CODE);
  });

  it('a CDB may be filled up to 16 bytes', async () => {
    expect(await answered(`25 ${'00'.repeat(9)} ffffffffffff`)).toBe(good('001fffff 00000200'));
  });
});

describe('LUN addresses', () => {
  it.each([
    ['peripheral', '0001000000000000', good('')],
    ['flat', '4001000000000000', good('')],
    ['flat, more than 255', '412c000000000000', good('')],
    ['peripheral on another bus', '0101000000000000', NO_UNIT],
    ['logical unit addressing', '8001000000000000', NO_UNIT],
    ['another well-known unit', 'c102000000000000', NO_UNIT],
    ['a second level', '0001000100000000', NO_UNIT],
    ['the last byte set', '0000000000000001', NO_UNIT],
    ['7 bytes', '00010000000000', NO_UNIT],
    ['9 bytes', '000100000000000000', NO_UNIT],
    ['nothing', '', NO_UNIT],
  ])('%s', async (_what, lun, expected) => {
    expect(await answered(READY, { lun })).toBe(expected);
  });
});

describe('a LUN that is hidden', () => {
  it('is there for its host', async () => {
    expect(await answered(READY, { ...HIDDEN, host: 'other' })).toBe(good(''));
  });

  it.each(Array.from({ length: 256 }, (_, code) => code.toString(16).padStart(2, '0')))(
    'answers %sh as one that is absent',
    async (code) => {
      for (const rest of ['00'.repeat(15), `01 ${'80'.repeat(8)} 000000ff 0000`]) {
        const hidden = await answered(code + rest, HIDDEN);
        expect(hidden).toBe(await answered(code + rest, ABSENT));
      }
    },
  );

  it('is no unit', async () => {
    expect(await answered(READY, HIDDEN)).toBe(NO_UNIT);
    expect(await answered('ff', HIDDEN)).toBe(NO_UNIT);
  });
});

describe('an array that fails', () => {
  const failing = (error: Error) => ({
    ...targetWith(),
    volumes: () => {
      throw error;
    },
  });
  const request = {
    ...{ host: 'local', port: 'CL1-A' as const, dataOut: new Uint8Array() },
    ...{ lun: bytesOf('00'.repeat(8)), cdb: bytesOf(READY) },
  };

  it('answers HARDWARE ERROR', async () => {
    const { status, sense: data } = await executeCommand(
      request,
      failing(new ArrayError('EIO', 'x')),
    );
    expect([status, hexOf(data)]).toEqual([2, sense('04', '4400')]);
  });

  it('answers BUSY where it has no time', async () => {
    const answer = await executeCommand(request, failing(new ArrayError('EBUSY', 'x')));
    expect(answer).toEqual({ status: 8, sense: new Uint8Array(), dataIn: new Uint8Array() });
  });

  it('lets an assertion through', async () => {
    await expect(executeCommand(request, failing(new Error('bug')))).rejects.toThrow('bug');
    expect((await send(READY)).status).toBe(0);
  });
});
