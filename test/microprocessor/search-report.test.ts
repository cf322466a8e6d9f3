/** The report of a request that was searched in vain: what was said at which ports. */
import { describe, expect, it } from 'vitest';
import { addDetail, decodeDetails } from '../../src/microprocessor/search-report.js';

describe('a report', () => {
  it('has each thing once, and of each port the newest', () => {
    let report = '';
    report = addDetail(report, 'CL1-C', 'drive 1: busy');
    report = addDetail(report, 'CL2-C', 'drive 1: busy');
    report = addDetail(report, 'CL1-D', 'no cartridge');
    expect(report).toBe('CL1-C CL2-C: drive 1: busy\nCL1-D: no cartridge');
    report = addDetail(report, 'CL1-C', 'no cartridge');
    expect(report).toBe('CL2-C: drive 1: busy\nCL1-D CL1-C: no cartridge');
    expect([...decodeDetails(report)]).toEqual([
      ['CL2-C', 'drive 1: busy'],
      ['CL1-D', 'no cartridge'],
      ['CL1-C', 'no cartridge'],
    ]);
  });

  it('is one line for what was said in several, cut where it is long', () => {
    const report = addDetail('', 'CL1-C', `a\nb${'c'.repeat(500)}`);
    expect(report).toBe(`CL1-C: a b${'c'.repeat(237)}`);
    expect(decodeDetails('').size).toBe(0);
  });
});
