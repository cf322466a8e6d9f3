/** What target ports do with requests beside serving them: load, turns with backup data, tasks. */
import { beforeEach, describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { LOAD_PERIOD_MS } from '../../src/san/load.js';
import { QUIET_MS } from '../../src/san/turns.js';
import { codeOf } from '../fuse/tree-access.js';
import { APP, STRANGER, TargetsFixture } from './targets-fixture.js';

let targets: TargetsFixture;

beforeEach(async () => {
  targets = await TargetsFixture.open();
});

const open: TargetsFixture['openLun'] = (...words) => targets.openLun(...words);
const data = Buffer.alloc(BLOCK_BYTES, 5);

describe('the load of a port', () => {
  const load = async () => {
    await targets.clock.advance(LOAD_PERIOD_MS);
    return targets.array.san.load().ports.find(({ port }) => port === 'CL1-A');
  };

  it('is of the requests that passed it, and of no others', async () => {
    const image = open('db');
    await load();
    for (let block = 0; block < 4; block += 1) await image.write(block * BLOCK_BYTES, data);
    await image.read(0, Buffer.alloc(512));
    const direct = targets.array.openImage(targets.array.volume('db'), { write: true });
    await direct.write(0, data);
    await codeOf(() => open('db', STRANGER));
    expect(await load()).toEqual({
      ...{ port: 'CL1-A', ios: 5, transfer: 4 * BLOCK_BYTES + 512, access: 'sequential' },
    });
    await targets.array.san.changePorts(['CL1-A'], { state: 'down' });
    await codeOf(() => image.write(0, data));
    expect(await load()).toEqual({ port: 'CL1-A', ios: 0, transfer: 0, access: 'none' });
  });

  it('counts what is written to a duplexed volume four times', async () => {
    await targets.fixture.create(4, 'copy');
    await targets.array.createPair('log', 'copy', {
      pace: 'fast',
      mode: 'mirror',
      sync: false,
      force: false,
    });
    await targets.clock.advance(5_000);
    const image = open('log');
    await load();
    await image.write(0, data);
    await image.read(0, Buffer.alloc(BLOCK_BYTES));
    expect(await load()).toMatchObject({ ios: 2, transfer: 5 * BLOCK_BYTES });
    await targets.clock.drive(targets.array.splitPairs(['log:copy'], {}));
    await targets.clock.advance(5_000);
    await image.write(0, data);
    expect(await load()).toMatchObject({ ios: 1, transfer: BLOCK_BYTES });
  });
});

describe('a port that is target and initiator', () => {
  beforeEach(() => targets.array.san.changePorts(['CL1-A'], { role: 'both' }));

  it('lets requests and backup data go in turns', async () => {
    const image = open('db');
    const queue = targets.array.san.queues.of('CL1-A');
    await image.write(0, data);
    let chunkWent = false;
    void queue.backup(2 ** 18)?.then(() => {
      chunkWent = true;
    });
    await image.write(0, data);
    expect(chunkWent).toBe(false);
    await targets.clock.advance(QUIET_MS);
    expect(chunkWent).toBe(true);
  });

  it('lets a chunk go first whose turn it is, and the requests behind it in their order', async () => {
    const queue = targets.array.san.queues.of('CL1-A');
    const image = open('db');
    const order: string[] = [];
    const share = { unit: 'bytes', value: 1 } as const;
    queue.setRule({ online: share, backup: share });
    // Requests that are still under way use up the share of online; a chunk uses up that of backup.
    const underWay = () => queue.online(1, () => new Promise<void>(() => {}));
    void underWay();
    expect(queue.backup(1)).toBeUndefined();
    void queue.backup(1)?.then(() => order.push('chunk'));
    void underWay();
    const answers = [1, 2, 3].map((byte) => image.write(0, Buffer.alloc(512, byte)));
    void Promise.resolve(answers[0]).then(() => order.push('request'));
    expect(answers.map((answer) => answer instanceof Promise)).toEqual([true, false, false]);
    expect(await Promise.all(answers)).toEqual([512, 512, 512]);
    expect(order).toEqual(['chunk', 'request']);
    expect(targets.fixture.bytes('db')[0]).toBe(3);
  });
});

describe('tasks of a port', () => {
  const tasks = () =>
    targets.array.san
      .ports()
      .flatMap(({ id, tasks: own }) =>
        own.map(({ kind, peer, step }) => `${id} ${kind} ${peer} ${step}`),
      );

  it('are the LUNs that hosts have open, and their commands', async () => {
    const images = [open('db'), open('db', APP, true, 'CL2-A')];
    const { revision } = targets.array;
    expect(tasks()).toEqual(['CL1-A target local transfer', 'CL2-A target app transfer']);
    for (const image of images) image.close();
    expect(tasks()).toEqual([]);
    expect(targets.array.revision).toBeGreaterThan(revision);
  });

  it('keep the role of the port', async () => {
    const image = open('db', APP, true, 'CL2-A');
    await targets.array.san.unmapLuns('db', { ports: ['CL2-A'] });
    const change = () => targets.array.san.changePorts(['CL2-A'], { role: 'initiator' });
    expect(await codeOf(change)).toBe('EBUSY');
    image.close();
    expect(await codeOf(change)).toBe('done');
  });

  it('are not left by one that could not be opened', async () => {
    await codeOf(() => open('db@monday', APP));
    expect(tasks()).toEqual([]);
  });
});
