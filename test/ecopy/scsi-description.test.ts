/** What a person reads of a command and its answer. */
import { describe, expect, it } from 'vitest';
import { describeAnswer, describeCommand } from '../../src/ecopy/scsi-description.js';
import type { ScsiAnswer } from '../../src/ecopy/scsi-target.js';
import { repeat } from '../support/factor.js';
import { RandomSource } from '../support/random-source.js';
import { type Sent, send } from './scsi-fixture.js';
import { bytesOf } from './worked-examples.js';

const CODES = [0x00, 0x03, 0x12, 0x25, 0x83, 0x84, 0x9e, 0xa0];
const FAILED = '70 00 0A 00 00 00 00 0A 00 00 00 01 08 04 00 A0 00 06';

async function described(cdb: string, sent: Sent = {}): Promise<string[]> {
  return describeAnswer(bytesOf(cdb), await send(cdb, sent)).split('\n');
}

const good = (dataIn: string): ScsiAnswer => ({
  ...{ status: 0, sense: new Uint8Array(), dataIn: bytesOf(dataIn) },
});

describe('the text of an answer', () => {
  it('has the command, the status, and the data by name', async () => {
    expect(await described(`25 ${'00'.repeat(9)}`)).toEqual([
      'READ CAPACITY(10) (25h), logical block: 0, partial medium: no',
      'status: GOOD (00h)',
      'data-in: 8 bytes',
      '  last logical block: 2097151 (1FFFFFh)',
      '  block length: 512 (200h)',
      '  size: 1073741824 bytes',
    ]);
  });

  it('has sense in words', async () => {
    expect(await described('12 01 b0 00ff 00')).toEqual([
      'INQUIRY (12h), vital product data: yes, command support: no, page code: 176 (B0h), allocation length: 255 (FFh)',
      'status: CHECK CONDITION (02h)',
      'sense: ILLEGAL REQUEST: INVALID FIELD IN CDB (05h/24h/00h), byte 2 of the command',
    ]);
  });

  it.each<[string, string, Sent, readonly string[]]>([
    ['nothing', '00'.repeat(6), {}, []],
    [
      'standard data',
      '12 00 00 0006 00',
      {},
      [
        ...[
          'a disk',
          'peripheral qualifier: 0',
          'device type: 0',
          'version: 5',
          'hierarchical luns: yes',
        ],
        ...['response format: 2', 'additional length: 31 (1Fh)', 'third party copy: yes'],
      ],
    ],
    [
      'pages',
      '12 01 00 00ff 00',
      { lun: '0005000000000000' },
      [
        ...[
          'no logical unit',
          'device type: 127 (7Fh)',
          'page code: 0',
          'page length: 1',
          'pages: 00h',
        ],
      ],
    ],
    [
      'names',
      '12 01 83 0038 00',
      {},
      [
        ...['a disk', 'device type: 0', 'page code: 131 (83h)', 'page length: 83 (53h)'],
        'unit, NAA: 60000000123456789ab0000000000007',
        ...['unit, T10 vendor name: ARRAYFS VOL00007', 'unit, label: payroll'],
      ],
    ],
    [
      'a capacity that is too large',
      `25 ${'00'.repeat(9)}`,
      { lun: '412c000000000000' },
      [
        ...['last logical block: 4294967295 (FFFFFFFFh)', 'block length: 512 (200h)'],
        'size: larger than this command can say',
      ],
    ],
    [
      'half a capacity',
      `9e 10 ${'00'.repeat(8)} 00000008 00 00`,
      { lun: '412c000000000000' },
      ['last logical block: 8589934591 (1FFFFFFFFh)'],
    ],
    [
      'LUNs',
      'a0 00 02 000000 00000100 00 00',
      {},
      [...['LUN 0', 'LUN 1', 'LUN 3', 'LUN 300', 'unit c101000000000000']],
    ],
    [
      'sense',
      '03 000000 12 00',
      { lun: '0005000000000000' },
      ['ILLEGAL REQUEST: LOGICAL UNIT NOT SUPPORTED (05h/25h/00h)'],
    ],
    ['sense that is cut', '03 000000 04 00', {}, ['0000: 70 00 00 00']],
  ])('shows %s', async (_what, cdb, sent, lines) => {
    const [, status, , ...data] = await described(cdb, sent);
    expect(status).toBe('status: GOOD (00h)');
    expect(data).toEqual(lines.map((line) => `  ${line}`));
  });

  it('shows what a port can copy', async () => {
    const lines = (await described('12 01 8f 00ff 00')).map((line) => line.trim());
    expect(lines).toContain('list: 83h 01h 00h 84h 04h 00h 01h 03h 04h');
    expect(lines).toContain('descriptor C001h');
    expect(lines).toContain('held bytes max: 262144 (40000h)');
    const parameters = await described(`84 03 ${'00'.repeat(8)} 000000ff 0000`);
    expect(parameters[0]).toBe(
      'RECEIVE COPY RESULTS (84h): operating parameters, service action: 3, list identifier: 0, allocation length: 255 (FFh)',
    );
    expect(parameters).toContain('  stream transfer bytes max: 65536 (10000h)');
  });

  it.each([
    [
      'COPY STATUS',
      '00',
      '00000008 81 0001 01 00000040',
      'the copy is done, segments processed: 1, bytes written: 65536, held data discarded',
    ],
    ['COPY STATUS, cut', '00', '00000008 01', '0000: 00 00 00 08 01'],
    ['held data', '01', '00000003 aabbcc', '0000: AA BB CC'],
    ['no failed segment', '04', '00000000', 'no segment failed'],
    [
      'a failed segment',
      '04',
      `0000004a ${'00'.repeat(52)} 02 00 00 12 ${FAILED}`,
      'status 02h, COPY ABORTED: UNREACHABLE COPY TARGET (0Ah/08h/04h), segment 1, byte 6 of it',
    ],
    ['an unknown action', '1f', 'aa', '0000: AA'],
  ])('shows %s', (_what, action, dataIn, line) => {
    const cdb = bytesOf(`84 ${action} 22 ${'00'.repeat(13)}`);
    expect(describeAnswer(cdb, good(dataIn)).split('\n').at(-1)).toBe(`  ${line}`);
  });

  it('shows the bytes of what it does not know', () => {
    const answer = { status: 0x18, sense: bytesOf('72'), dataIn: bytesOf('00'.repeat(17)) };
    expect(describeAnswer(bytesOf('2a'), answer).split('\n')).toEqual([
      ...['unknown command (2Ah)', 'status: UNKNOWN STATUS (18h)', 'sense: 0000: 72'],
      ...['data-in: 17 bytes', `  0000: ${'00 '.repeat(16).trim()}`, '  0010: 00'],
    ]);
    expect(describeCommand(new Uint8Array())).toBe('an empty command');
    expect(describeCommand(bytesOf('1200'))).toBe(
      'INQUIRY (12h), vital product data: no, command support: no',
    );
  });

  it('does not give control characters to the terminal', () => {
    const text = describeAnswer(bytesOf('12 01 80 00ff 00'), good('00 80 0004 1b5b324a'));
    expect(text.split('\n').at(-1)).toBe('  serial number: \\x1b[2J');
  });

  it('is a text for whatever bytes', () => {
    const random = new RandomSource(0xde5c);
    for (let round = 0; round < repeat(20_000); round += 1) {
      const cdb = random.bytes(random.integer(0, 16));
      if (cdb.length > 0 && random.chance(0.9)) cdb[0] = random.pick(CODES);
      const dataIn = random.bytes(random.integer(0, 90));
      if (dataIn.length > 1 && random.chance(0.5))
        dataIn[1] = random.pick([0x00, 0x80, 0x83, 0x8f]);
      const sense = random.bytes(random.integer(0, 20));
      const text = describeAnswer(cdb, { status: random.integer(0, 8), sense, dataIn });
      if (dataIn.length > 0) expect(text).toContain(`data-in: ${dataIn.length} bytes\n  `);
    }
  });
});
