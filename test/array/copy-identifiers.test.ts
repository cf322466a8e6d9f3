/** List identifiers of copies, and what is kept under them. */
import { beforeEach, describe, expect, it } from 'vitest';
import { COPY_RESULTS_MAX, JOBS_RUNNING_MAX } from '../../src/base/limits.js';
import { SCSI_STATUS } from '../../src/ecopy/scsi-target.js';
import { listOf, patched, sense } from '../ecopy/list-builder.js';
import { hexOf } from '../ecopy/worked-examples.js';
import { blocks, CONTENT, CopyFixture, NEXUS } from './copy-fixture.js';

let fixture: CopyFixture;

beforeEach(async () => {
  fixture = await CopyFixture.openWritten();
});

describe('list identifiers', () => {
  const segment = blocks([0, 1], [0, 0], 8);
  const withId = (flags: string, segments: readonly string[] = [segment]) =>
    listOf({ flags, targets: fixture.targets, segments });
  const IN_PROGRESS = sense('05', '0016');

  it('in use are refused to the same host at the same port alone', async () => {
    fixture.san = { ...fixture.san };
    const running = fixture.send(withId('0700', [blocks([0, 2], [0, 0], 2048)]));
    expect(hexOf((await fixture.send(withId('0700'))).sense)).toBe(IN_PROGRESS);
    expect(fixture.array.jobs()).toHaveLength(1);
    const status = await fixture.results('00', { id: '07' });
    expect(status.slice(0, 14)).toBe('00000008000001');
    expect(await fixture.results('01', { id: '07' })).toBe('status 2');
    expect(await fixture.copy(withId('0700'), { ...NEXUS, port: 'CL2-B' })).toBe('good');
    expect(await fixture.copy(withId('0800'))).toBe('good');
    expect((await fixture.drive(running)).status).toBe(0);
    expect(await fixture.copy(withId('0700'))).toBe('good');
  });

  it('do not help where as many jobs run as may: the host is to come again', async () => {
    const list = withId('0018', [blocks([0, 2], [0, 0], 2048)]);
    const running = Array.from({ length: JOBS_RUNNING_MAX }, () => fixture.send(list));
    expect((await fixture.send(list)).status).toBe(SCSI_STATUS.busy);
    const written = () => fixture.ecopies.startList(list, { uid: 0 });
    expect(written).toThrow(/^ENOSPC/);
    const answers = await fixture.drive(Promise.all(running));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([SCSI_STATUS.good]));
    expect(await fixture.copy(list)).toBe('good');
  });

  it('are not needed, and several copies may have none', async () => {
    const running = fixture.send(withId('0018'));
    expect(await fixture.copy(withId('0018'))).toBe('good');
    expect((await fixture.drive(running)).status).toBe(0);
    expect(await fixture.results('00', { id: '00' })).toBe('status 2');
    expect(fixture.array.job(1).subject).toBe('list without identifier of local at CL1-A');
  });

  it('lead to results until they are fetched whole', async () => {
    await fixture.copy(withId('0100'));
    expect(await fixture.results('00', { bytes: '4' })).toBe('00000008');
    expect(await fixture.results('00')).toBe('000000080100010100000004');
    expect(await fixture.results('00')).toBe('status 2');
    expect(await fixture.results('04')).toBe('00000000');
    expect(await fixture.results('01', { bytes: '0' })).toBe('');
    expect(await fixture.results('01')).toBe('status 2');
    expect(fixture.array.job(1).report?.()).toContain('segments in the list: 1');
  });

  it('lead to the held data of the segments that ask for it', async () => {
    const held = patched(blocks([0, 1], [8, 0], 2), 0, '0d');
    await fixture.copy(withId('0100', [segment, held]));
    const data = hexOf(CONTENT.subarray(8 * 512, 10 * 512));
    expect(await fixture.results('01')).toBe(`00000400${data}`);
    await fixture.copy(withId('0110', [held]));
    expect(await fixture.results('01')).toBe('status 2');
    // HDD: it was not held.
    expect((await fixture.results('00')).slice(8, 10)).toBe('81');
  });

  it('are forgotten, the oldest first, when there are too many', async () => {
    for (let copy = 0; copy <= COPY_RESULTS_MAX; copy += 1) {
      expect(await fixture.copy(withId(`${copy.toString(16).padStart(2, '0')}00`))).toBe('good');
    }
    expect(await fixture.results('00', { id: '00' })).toBe('status 2');
    expect(await fixture.results('00', { id: '01' })).toMatch(/^0000000801/);
  });
});
