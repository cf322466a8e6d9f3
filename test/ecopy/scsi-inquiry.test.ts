/** INQUIRY: standard data and pages, by hand from the tables of SPC-3 and SPC-4. */
import { describe, expect, it } from 'vitest';
import { sense } from './list-builder.js';
import { answered, good, type Sent } from './scsi-fixture.js';

const ARRAY = { lun: '00'.repeat(8) };
const WELL_KNOWN = { lun: 'c101000000000000' };
const ABSENT = { lun: '0005000000000000' };
const STANDARD = '12 00 00 00ff 00';
const page = (code: string) => `12 01 ${code} 01ff 00`;
const ascii = (text: string) => Buffer.from(text, 'latin1').toString('hex');
const TAIL = ascii('1   ');
const ARRAYFS = ascii('ARRAYFS ');

const PORT_AND_ARRAY = `
  01 13 00 08 30123456789ab01a
  01 14 00 04 00000001
  01 23 00 08 30123456789ab000`;
const THIRD_PARTY_COPY = `
  0001 000c 09 8301 00 8404 00010304 0000
  0004 001c 00000000 0040 0400 00010000 00010000 ${'00'.repeat(12)}
  0008 001c 1a 000102030405060708090a0b0c0d0e0f1011121314 e0e1e2e3e4 00
  8001 0020 00000040 00000040 00000000 00 00 ${'00'.repeat(18)}
  9101 000c 00010000 ${'00'.repeat(8)}
  c001 001c 00040000 00 ${'00'.repeat(23)}`;

describe('INQUIRY', () => {
  it.each<[string, string, Sent, string]>([
    [
      'a volume',
      STANDARD,
      {},
      `00 00 05 12 1f 08 10 02 ${ARRAYFS} ${ascii('VOLUME'.padEnd(16))} ${TAIL}`,
    ],
    [
      'the array',
      STANDARD,
      ARRAY,
      `0c 00 05 12 1f 08 10 02 ${ARRAYFS} ${ascii('ARRAY'.padEnd(16))} ${TAIL}`,
    ],
    [
      'REPORT LUNS',
      STANDARD,
      WELL_KNOWN,
      `1e 00 05 12 1f 00 10 02 ${ARRAYFS} ${ascii('REPORT LUNS'.padEnd(16))} ${TAIL}`,
    ],
    [
      'nothing',
      STANDARD,
      ABSENT,
      `7f 00 05 12 1f 00 10 02 ${ARRAYFS} ${ascii(''.padEnd(16))} ${TAIL}`,
    ],
    ['a volume, cut', '12 00 00 0005 00', {}, '00 00 05 12 1f'],
    ['a volume, nothing of it', '12 00 00 0000 00', {}, ''],
    ['the pages of a volume', page('00'), {}, '00 00 0004 00 80 83 8f'],
    ['the pages of the array', page('00'), ARRAY, '0c 00 0004 00 80 83 8f'],
    ['the pages of REPORT LUNS', page('00'), WELL_KNOWN, '1e 00 0002 00 83'],
    ['the pages of nothing', page('00'), ABSENT, '7f 00 0001 00'],
    [
      'the serial number of a volume',
      page('80'),
      {},
      `00 80 0014 ${ascii('0123456789ab00000007')}`,
    ],
    ['the serial number of the array', page('80'), ARRAY, `0c 80 000c ${ascii('0123456789ab')}`],
    [
      'the names of a volume',
      page('83'),
      {},
      `00 83 0053
      01 03 00 10 60000000123456789ab0000000000007
      02 01 00 10 ${ascii('ARRAYFS VOL00007')}
      03 00 00 07 ${ascii('payroll')} ${PORT_AND_ARRAY}`,
    ],
    [
      'the names of a volume without label',
      page('83'),
      { lun: '412c000000000000' },
      `00 83 0048
      01 03 00 10 60000000123456789ab000000000012c
      02 01 00 10 ${ascii('ARRAYFS VOL00300')} ${PORT_AND_ARRAY}`,
    ],
    [
      'the names at another port',
      page('83'),
      { ...ARRAY, port: 'CL2-B' },
      `00 83 0053
      01 03 00 10 60000000123456789ab0000000000007
      02 01 00 10 ${ascii('ARRAYFS VOL00007')}
      03 00 00 07 ${ascii('payroll')}
      01 13 00 08 30123456789ab02b 01 14 00 04 00000006 01 23 00 08 30123456789ab000`,
    ],
    ['the names of the array', page('83'), ARRAY, `0c 83 0020 ${PORT_AND_ARRAY}`],
    ['the names of REPORT LUNS', page('83'), WELL_KNOWN, `1e 83 0020 ${PORT_AND_ARRAY}`],
    ['the names, cut', '12 01 83 0006 00', {}, '00 83 0053 01 03'],
    ['third party copy', page('8f'), {}, `00 8f 00a4 ${THIRD_PARTY_COPY}`],
    ['third party copy of the array', page('8f'), ARRAY, `0c 8f 00a4 ${THIRD_PARTY_COPY}`],
  ])('shows %s', async (_what, cdb, sent, expected) => {
    expect(await answered(cdb, sent)).toBe(good(expected));
  });

  it.each<[string, string, Sent, string]>([
    ['a page without EVPD', '12 00 80 00ff 00', {}, 'c00002'],
    ['CMDDT', '12 02 00 00ff 00', {}, 'c90001'],
    ['a page that is not there', page('b0'), {}, 'c00002'],
    ['the serial number of REPORT LUNS', page('80'), WELL_KNOWN, 'c00002'],
    ['the names of nothing', page('83'), ABSENT, 'c00002'],
  ])('refuses %s', async (_what, cdb, sent, pointer) => {
    expect(await answered(cdb, sent)).toBe(`02,${sense('05', '2400', pointer)},`);
  });
});
