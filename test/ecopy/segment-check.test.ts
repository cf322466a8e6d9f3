/** What a segment asks of its list, found when its turn comes: COPY ABORTED with its number. */
import { describe, expect, it } from 'vitest';
import { decodeParameterList } from '../../src/ecopy/parameter-list.js';
import { checkSegment, targetFailure } from '../../src/ecopy/segment-check.js';
import { SENSE } from '../../src/ecopy/sense-codes.js';
import { COPY_SEGMENT, DISK, listOf, patched, sense, senseOf, TAPE } from './list-builder.js';
import { bytesOf, EXAMPLES, hexOf } from './worked-examples.js';

const PROCESSOR = patched(TAPE, 1, '03');
const FIXED = patched(TAPE, 28, '01008000');
/** Indexes: 0 disk, 1 tape, 2 processor, 3 tape with blocks of 32 KiB. */
const targets = [DISK, TAPE, PROCESSOR, FIXED];

/** The end of segment 1 of a list: segment 0 is good. */
function check(segment: string, inline = ''): string {
  const list = decodeParameterList(listOf({ targets, segments: [COPY_SEGMENT, segment], inline }));
  expect(senseOf(() => checkSegment(list, 0))).toBe('none');
  return senseOf(() => checkSegment(list, 1));
}

const at = (codes: string, byte: string) => sense('0a', codes, `a000${byte}`, '0001');
const toStream = (type: string, ends: string, length: string, blocks = '0001') =>
  `${type}000014 ${ends} 00 ${length} 0000 ${blocks} 0000000000000000`;

describe('a segment in its list', () => {
  it('example 8: segment 0 is carried out, segment 1 has no destination', () => {
    const list = decodeParameterList(EXAMPLES.badIndex);
    expect(senseOf(() => checkSegment(list, 0))).toBe('none');
    expect(senseOf(() => checkSegment(list, 1))).toBe(
      hexOf(bytesOf('70 00 0A 00 00 00 00 0A 00 00 00 01 08 04 00 A0 00 06')),
    );
  });

  it('has the targets its indexes name', () => {
    const list = decodeParameterList(EXAMPLES.diskToTape);
    const { source, destination } = checkSegment(list, 0);
    expect([source, destination]).toEqual(list.targets);
  });

  it.each<[string, string, string]>([
    ['a disk to a tape', toStream('00', '0000 0001', '010000'), 'none'],
    ['a disk to a processor', toStream('00', '0000 0002', '010000'), 'none'],
    ['a tape to a disk', toStream('01', '0001 0000', '010000'), 'none'],
    ['a disk as a stream', toStream('00', '0000 0000', '010000'), at('260c', '06')],
    ['a tape as a disk', toStream('0b', '0001 0001', '010000'), at('260c', '04')],
    ['a stream source that is none', toStream('01', '0000 0000', '010000'), at('260c', '04')],
    ['no such source', toStream('00', '0004 0001', '010000'), at('0804', '04')],
    ['no such destination', toStream('00', '0000 ffff', '010000'), at('0804', '06')],
    ['filemarks on a tape', '10000008 0000 0001 00 000001', 'none'],
    ['filemarks on a disk', '10000008 0000 0000 00 000001', at('260c', '06')],
    ['filemarks on a processor', '10000008 0000 0002 00 000001', at('260c', '06')],
    ['space on a disk', '11000008 0000 0000 00 000001', at('260c', '06')],
    ['locate on a disk', '12000008 0000 0000 00000001', at('260c', '06')],
    ['an image from a disk', '13000008 0000 0001 00000001', at('260c', '04')],
    ['an image to a disk', '13000008 0001 0000 00000001', at('260c', '06')],
    ['an image from tape to tape', '13000008 0001 0003 00000001', 'none'],
    ['verify anything', '07000008 0002 0000 01000000', 'none'],
    ['verify nothing', '07000008 0004 0000 01000000', at('0804', '04')],
    ['a key for anything', `14000018 0000 0002 ${'00'.repeat(20)}`, 'none'],
    ['discard from a disk', '0600000c 0000 0000 00 010000 00000001', at('260c', '04')],

    ['the longest transfer', toStream('00', '0000 0001', '010000'), 'none'],
    ['one byte more', toStream('00', '0000 0001', '010001'), at('2600', '09')],
    ['two fixed blocks', toStream('00', '0000 0003', '000002'), 'none'],
    ['three fixed blocks', toStream('00', '0000 0003', '000003'), at('2600', '09')],
    ['no length, something to move', toStream('00', '0000 0001', '000000'), at('2600', '09')],
    ['no length, nothing to move', toStream('00', '0000 0001', '000000', '0000'), 'none'],
    ['too long a read', toStream('01', '0001 0000', '010001'), at('2600', '09')],
    ['too long a read of two', '03000010 0001 0001 00 010001 00 000001 00000001', at('2600', '09')],
    [
      'too long a write of two',
      '03000010 0001 0001 00 000001 00 010001 00000001',
      at('2600', '0d'),
    ],
    ['discard in no steps', '0f00000c 0001 0000 00 000000 00000001', at('2600', '09')],
    ['embedded in no steps', '05000010 0000 0001 00 000000 0001 0000 ff000000', at('2600', '09')],
  ])('%s', (_what, segment, expected) => {
    expect(check(segment)).toBe(expected);
  });

  it.each<[string, string, string]>([
    ['all of it', '00000000 00000004', 'none'],
    ['none of it, at its end', '00000004 00000000', 'none'],
    ['one byte more', '00000001 00000004', at('260b', '0c')],
    ['numbers that overflow', 'ffffffff ffffffff', at('260b', '0c')],
  ])('inline data: %s', (_what, range, expected) => {
    expect(check(`04000010 0000 0001 00 000004 ${range}`, '01020304')).toBe(expected);
  });

  it('a target that fails is pointed at in the list', () => {
    const list = decodeParameterList(EXAMPLES.legato);
    const failure = () => {
      throw targetFailure(SENSE.targetNotReachable, list, 0, 1);
    };
    expect(senseOf(failure)).toBe(sense('0a', '0d02', '80002c', '0000'));
  });
});
