/** Hosts, LUN masking and the way of requests through target ports. */
import { beforeEach, describe, expect, it } from 'vitest';
import { STRANGERS_TOLD_MAX } from '../../src/base/limits.js';
import { BLOCK_BYTES } from '../../src/base/sizes.js';
import { decodeScsiRead } from '../../src/ecopy/scsi-frame.js';
import { SCSI_STATUS } from '../../src/ecopy/scsi-target.js';
import { parseFaultTarget } from '../../src/san/faults.js';
import { codeOf } from '../fuse/tree-access.js';
import { APP, LOCAL, STRANGER, TargetsFixture } from './targets-fixture.js';

let targets: TargetsFixture;

beforeEach(async () => {
  targets = await TargetsFixture.open();
});

const lunsOf = (port: string, uid: number | undefined) =>
  targets
    .port(port)
    .luns(uid)
    .map(({ lun, copy }) => `${lun} ${copy.name}`);

const open: TargetsFixture['openLun'] = (...words) => targets.openLun(...words);

const data = Buffer.alloc(BLOCK_BYTES, 5);

describe('a host at a port', () => {
  it('sees what is mapped for it, which hides what is mapped for any host', () => {
    expect(lunsOf('CL1-A', LOCAL)).toEqual(['0 db', '1 log']);
    expect(lunsOf('CL1-A', APP)).toEqual(['0 db', '1 own', '7 monday']);
    expect(lunsOf('CL2-A', LOCAL)).toEqual([]);
    expect(lunsOf('CL2-A', APP)).toEqual(['3 db']);
  });

  it('is who mounted the array where the transport is told of nobody', () => {
    expect(lunsOf('CL1-A', undefined)).toEqual(['0 db', '1 log']);
  });

  it('opens no volume that it does not see, as if there were none', async () => {
    expect(await codeOf(() => open('own', LOCAL))).toBe('ENXIO');
    expect(await codeOf(() => open('log', APP))).toBe('ENXIO');
    expect(await codeOf(() => open('db', LOCAL, true, 'CL2-A'))).toBe('ENXIO');
    expect(await codeOf(() => targets.port('CL1-A').openLun(999, LOCAL, { write: false }))).toBe(
      'ENXIO',
    );
  });

  it('finds ports that are targets alone', async () => {
    const names = () => targets.array.targets.list().map(({ name }) => name);
    expect(names()).toEqual(['CL1-A', 'CL1-B', 'CL2-A', 'CL2-B']);
    await targets.array.san.changePorts(['CL1-C'], { role: 'both' });
    expect(names()).toEqual(['CL1-A', 'CL1-B', 'CL1-C', 'CL2-A', 'CL2-B']);
  });
});

describe('a user who is no host', () => {
  it('is refused everywhere, and events tell of each user once', async () => {
    const port = targets.port('CL1-A');
    for (const uid of [STRANGER, STRANGER, STRANGER + 1]) {
      expect(await codeOf(() => port.luns(uid))).toBe('EACCES');
      expect(await codeOf(() => open('db', uid))).toBe('EACCES');
      expect(await codeOf(() => port.openScsi(uid, () => {}))).toBe('EACCES');
    }
    expect(targets.events().filter((text) => text.startsWith('UNKNOWN-HOST'))).toEqual([
      `UNKNOWN-HOST user ${STRANGER} is no host, and is refused`,
      `UNKNOWN-HOST user ${STRANGER + 1} is no host, and is refused`,
    ]);
  });

  it('does not fill the events, however many there are', async () => {
    const port = targets.port('CL1-A');
    for (let uid = 0; uid < STRANGERS_TOLD_MAX + 50; uid += 1) {
      expect(await codeOf(() => port.luns(STRANGER + uid))).toBe('EACCES');
    }
    const all = targets.array.recentEvents(STRANGERS_TOLD_MAX + 100);
    expect(all.filter(({ code }) => code === 'UNKNOWN-HOST')).toHaveLength(STRANGERS_TOLD_MAX);
  });
});

describe('a volume through a port', () => {
  it('is the volume itself', async () => {
    const image = open('db');
    expect(await image.write(BLOCK_BYTES, data)).toBe(BLOCK_BYTES);
    await targets.clock.drive(image.sync());
    const target = Buffer.alloc(BLOCK_BYTES);
    expect(await image.read(BLOCK_BYTES, target)).toBe(BLOCK_BYTES);
    expect(target.equals(data)).toBe(true);
    expect(targets.fixture.bytes('db')).toEqual([0, 5, 0, 0]);
    expect(await image.nextData(0)).toBe(BLOCK_BYTES);
    await image.discard(BLOCK_BYTES, BLOCK_BYTES);
    expect(await image.nextData(0)).toBeUndefined();
    expect(targets.array.volume('db').writerCount).toBe(1);
    image.close();
    image.close();
    expect(targets.array.volume('db').openCount).toBe(0);
  });

  it('keeps its size, as a disk does', async () => {
    const image = open('db');
    expect(await codeOf(() => image.write(4 * BLOCK_BYTES - 512, data))).toBe('ENOSPC');
    expect(await codeOf(() => image.resize(BLOCK_BYTES))).toBe('EPERM');
    expect(await codeOf(() => image.resize(4 * BLOCK_BYTES))).toBe('done');
    expect(targets.array.volume('db').sizeBytes).toBe(4 * BLOCK_BYTES);
    expect(await image.read(4 * BLOCK_BYTES, Buffer.alloc(1))).toBe(0);
  });

  it('is refused for writing as in volumes', async () => {
    expect(await codeOf(() => open('db@monday', APP))).toBe('EROFS');
    const image = open('db@monday', APP, false);
    expect(await codeOf(() => image.write(0, data))).toBe('EBADF');
    await targets.array.reserveVolumes(['log']);
    expect(await codeOf(() => open('log'))).toBe('EROFS');
  });

  it('shares no blocks with others: what is copied goes through the port', async () => {
    const image = open('db');
    const direct = targets.array.openImage(targets.array.volume('log'), { write: true });
    expect(await codeOf(() => image.copyTo(0, direct, 0, BLOCK_BYTES))).toBe('EXDEV');
    expect(await codeOf(() => direct.copyTo(0, image, 0, BLOCK_BYTES))).toBe('EXDEV');
  });
});

describe('an open LUN is refused from the moment', () => {
  type Change = [string, (san: TargetsFixture['array']['san']) => Promise<unknown>, string];
  const changes: Change[] = [
    ['the port is down', (san) => san.changePorts(['CL1-A'], { state: 'down' }), 'ENXIO'],
    ['its controller is down', (san) => san.changeController('CL1', 'down'), 'ENXIO'],
    [
      'the port is for backup only',
      (san) => san.changePorts(['CL1-A'], { usage: 'backup' }),
      'EACCES',
    ],
    ['it is unmapped', (san) => san.unmapLuns('db', { ports: ['CL1-A'] }), 'ENXIO'],
    [
      'another volume hides it',
      (san) => san.mapLun('log', { ports: ['CL1-A'], lun: 0, host: 'app' }),
      'ENXIO',
    ],
    ['the user is no host any more', (san) => san.setHost('app', []), 'EACCES'],
  ];
  it.each(changes)('%s', async (_what, change, code) => {
    const image = open('db', APP);
    await image.write(0, data);
    await change(targets.array.san);
    const target = Buffer.alloc(512);
    expect(await codeOf(() => image.read(0, target))).toBe(code);
    expect(await codeOf(() => image.write(0, data))).toBe(code);
    expect(await codeOf(() => image.sync())).toBe(code);
    expect(await codeOf(() => image.discard(0, BLOCK_BYTES))).toBe(code);
    expect(await codeOf(() => image.nextData(0))).toBe(code);
    expect(await codeOf(() => open('db', APP))).toBe(code);
    image.close();
    expect(targets.fixture.bytes('db')).toEqual([5, 0, 0, 0]);
  });

  it('a fault puts the port down, until it is cleared', async () => {
    const image = open('db');
    const { faults } = targets.array.san;
    const fault = faults.add({ target: { kind: 'port', name: 'CL1-A' }, kind: 'down' });
    expect(await codeOf(() => image.write(0, data))).toBe('ENXIO');
    faults.clear(fault.number);
    expect(await codeOf(() => image.write(0, data))).toBe('done');
  });

  it.each(['port:CL1-A', 'controller:CL1'])(
    'a fault at %s delays it, or makes it fail',
    async (name) => {
      const image = open('db');
      const { faults } = targets.array.san;
      const target = parseFaultTarget(name);
      faults.add({ target, kind: 'delay', delayMs: 500, count: 1 });
      const written = Promise.resolve(image.write(0, data));
      await targets.clock.advance(499);
      expect(targets.fixture.bytes('db')[0]).toBe(0);
      await targets.clock.advance(1);
      expect(await written).toBe(BLOCK_BYTES);
      expect(targets.fixture.bytes('db')[0]).toBe(5);
      if (target.kind === 'controller') return;
      faults.add({ target, kind: 'EIO', count: 3 });
      expect(await codeOf(() => image.read(0, Buffer.alloc(512)))).toBe('EIO');
      expect(await codeOf(() => image.sync())).toBe('EIO');
      const command = targets.port('CL1-A').openScsi(LOCAL, () => {});
      command.write(Buffer.alloc(24));
      expect(await codeOf(() => command.answer())).toBe('EIO');
      command.write(Buffer.alloc(24));
      expect(decodeScsiRead(await command.answer()).status).toBe(SCSI_STATUS.good);
      expect(await codeOf(() => image.read(0, Buffer.alloc(512)))).toBe('done');
    },
  );

  it('works again when the port is up again', async () => {
    const image = open('db');
    await targets.array.san.changePorts(['CL1-A'], { state: 'down' });
    expect(await codeOf(() => image.write(0, data))).toBe('ENXIO');
    await targets.array.san.changePorts(['CL1-A'], { state: 'up' });
    expect(await codeOf(() => image.write(0, data))).toBe('done');
  });
});
