/** UUIDs and NAA identifiers as text. */
import { describe, expect, it } from 'vitest';
import { naaText, newUuid, uuidText } from '../../src/base/uuid.js';
import { ManualClock } from '../support/manual-clock.js';

describe('newUuid', () => {
  it('marks itself as a random UUID of RFC 4122', () => {
    const clock = new ManualClock();
    for (let count = 0; count < 50; count += 1) {
      expect(uuidText(newUuid(clock))).toMatch(
        /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      );
    }
  });

  it('is another one each time', () => {
    const clock = new ManualClock();
    const texts = new Set(Array.from({ length: 100 }, () => uuidText(newUuid(clock))));
    expect(texts.size).toBe(100);
  });
});

describe('uuidText', () => {
  it('groups the bytes as 8-4-4-4-12 digits', () => {
    const bytes = Buffer.from('00112233445566778899AABBCCDDEEFF', 'hex');
    expect(uuidText(bytes)).toBe('00112233-4455-6677-8899-aabbccddeeff');
  });
});

describe('naaText', () => {
  it.each<[number, string]>([
    [1, '60000000123456789ab0000000000001'],
    [0xffff_ffff, '60000000123456789ab00000ffffffff'],
  ])('puts serial and volume number %d into 16 bytes', (number, text) => {
    expect(naaText('0123456789ab', number)).toBe(text);
  });
});
