/** A parameter list whose device does not answer: its cancel reaches a session that is still being opened. */
import { afterAll, expect, it } from 'vitest';
import type { DeviceSession, SessionRequest } from '../../src/array/backup-path.js';
import { Ecopies } from '../../src/array/ecopies.js';
import { ArrayError } from '../../src/base/errors.js';
import { decodeParameterList } from '../../src/ecopy/parameter-list.js';
import { deviceWwn } from '../../src/san/port-id.js';
import { listOf } from '../ecopy/list-builder.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { blocks, CopyFixture, NEXUS } from './copy-fixture.js';
import { DirectPath } from './direct-path.js';

afterAll(cleanScratch);

/** Its sessions answer nothing before they are cancelled. */
class SilentPath extends DirectPath {
  override openSession(request: SessionRequest): DeviceSession {
    let cancel = () => {};
    const answer = new Promise<never>((_resolve, reject) => {
      cancel = () => reject(new ArrayError('EINTR', 'the session was cancelled'));
    });
    return { ...super.openSession(request), run: () => answer, cancel, close: async () => {} };
  }
}

it('ends when its job is cancelled, without an answer of the device', async () => {
  const fixture = await CopyFixture.openWritten();
  fixture.addDisk(Buffer.alloc(2 ** 20));
  fixture.ecopies = new Ecopies(fixture.array, () => fixture.san, new SilentPath());
  const wwn = deviceWwn(fixture.array.identity.serial, 1);
  const disk = `e0000000 ${'00'.repeat(8)} ${wwn} ${'00'.repeat(8)} 00000200`;
  const targets = [fixture.descriptor('db'), disk];
  const list = decodeParameterList(listOf({ targets, segments: [blocks([0, 1], [0, 0], 8)] }));
  const { job } = fixture.ecopies.start(NEXUS, list);
  await fixture.pools.clock.advance(1_000);
  expect(job.state).toBe('running');
  const cancelled = fixture.array.cancelJob(job.id);
  await fixture.pools.clock.advance(1_000);
  expect([job.state, job.message]).toEqual(['cancelled', 'cancelled in segment 0']);
  await cancelled;
});
