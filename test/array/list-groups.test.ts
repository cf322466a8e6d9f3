/** The port group that a parameter list came through: in use while the list needs its initiator ports. */
import { afterAll, expect, it } from 'vitest';
import { decodeParameterList } from '../../src/ecopy/parameter-list.js';
import { setGroup } from '../../src/san/port-groups.js';
import { deviceWwn } from '../../src/san/port-id.js';
import { bytesOf, EXAMPLES } from '../ecopy/worked-examples.js';
import { cleanScratch } from '../support/scratch-directory.js';
import { blocks, CopyFixture, NEXUS } from './copy-fixture.js';

afterAll(cleanScratch);

it('is in use while a list with devices runs, and not by others', async () => {
  const fixture = await CopyFixture.openWritten();
  const group = { name: 'g1', targets: ['CL1-A'], initiators: ['CL1-C'] } as const;
  fixture.addTape();
  fixture.san = setGroup(fixture.san, group);
  const isUsed = () => fixture.array.san.isGroupInUse('g1');
  const wwn = deviceWwn(fixture.array.identity.serial, 1);
  const list = Buffer.from(EXAMPLES.diskToTape);
  list.set(bytesOf(fixture.descriptor('db')), 16);
  list.set(bytesOf(`e0010000 ${'00'.repeat(8)} ${wwn} ${'00'.repeat(12)}`), 48);
  list.writeBigUInt64BE(64n, list.length - 8);
  const started = fixture.ecopies.start(NEXUS, decodeParameterList(list));
  expect(isUsed()).toBe(true);
  await fixture.drive(started.ended);
  expect(isUsed()).toBe(false);
  const lines = started.job.report().filter((line) => /^(moving|why)/.test(line));
  expect(lines).toEqual([
    'moving through port CL1-C by microprocessor CL1-M0',
    'why CL1-C: CL1-C is the only port that may be used',
  ]);
  const volumes = decodeParameterList(fixture.list(blocks([0, 1], [0, 0], 8)));
  const inside = fixture.ecopies.start(NEXUS, volumes);
  expect(isUsed()).toBe(false);
  await fixture.drive(inside.ended);
});
