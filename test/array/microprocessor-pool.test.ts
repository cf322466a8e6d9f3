/** Backups, restores, sessions and probes by real microprocessors, on every kind of device. */
import { afterAll, describe, expect, it } from 'vitest';
import type { Transfer, TransferEnd } from '../../src/array/backup-path.js';
import { type Clock, systemClock } from '../../src/base/clock.js';
import { openBackup } from '../../src/device/backup-image.js';
import { PortTasks } from '../../src/san/port-tasks.js';
import type { PortResult } from '../../src/san/search-reasons.js';
import { contentOf, hashOf } from '../device/backup-source.js';
import { DEVICE_KINDS, type DeviceCase, makeDevice, makeLibrary } from '../device/device-cases.js';
import {
  addressOf,
  backupRequest,
  makePool,
  managementOf,
  portsOf,
  randomImage,
  restoreRequest,
  SinkInMemory,
  until,
} from '../support/backup-pool.js';
import { cleanScratch } from '../support/scratch-directory.js';

afterAll(cleanScratch);

const IMAGE = randomImage(1, 640 * 1024);

/** What another initiator reads afterwards. */
function storedOn({ device, medium }: DeviceCase): string {
  const session = device.login('CL2-D');
  try {
    return hashOf(contentOf(openBackup(session, medium)));
  } finally {
    session.logout();
  }
}

/** No session has its medium. */
function isFree({ device, medium }: DeviceCase): boolean {
  const session = device.login('CL1-D');
  try {
    session.reserve(medium);
    return true;
  } catch {
    return false;
  } finally {
    session.logout();
  }
}

function reasonOf(end: TransferEnd): string {
  if (end.outcome !== 'failed') throw new Error(`it is ${end.outcome}`);
  return end.error.message;
}

describe.each(DEVICE_KINDS)('a backup to %s', (kind) => {
  it('is written by a microprocessor and read back by one', async () => {
    const target = makeDevice(kind);
    const pool = makePool();
    const transfer = pool.backup(backupRequest(target, IMAGE));
    expect(await transfer.done).toEqual({ outcome: 'done', media: [target.medium] });
    expect(transfer).toMatchObject({ phase: 'ended', doneBytes: IMAGE.length, attempts: 1 });
    expect(storedOn(target)).toBe(hashOf(IMAGE));
    const sink = new SinkInMemory();
    const restore = pool.restore(restoreRequest(target, sink));
    expect(await restore.done).toEqual({ outcome: 'done', media: [target.medium] });
    expect(hashOf(sink.content)).toBe(hashOf(IMAGE));
    expect(restore.doneBytes).toBe(IMAGE.length);
    if (kind === 'tape') expect(sink.restored?.manifest).toEqual(managementOf(IMAGE).manifest);
    if (kind !== 'disk') expect(sink.restored?.information?.[0]).toBe(0x49);
  });
});

describe('a backup', () => {
  it('may be plain, empty, or over several cartridges', async () => {
    const pool = makePool();
    for (const image of [IMAGE, Buffer.alloc(0)]) {
      const target = makeDevice('tape');
      const management = managementOf(image, { form: 'plain' });
      const { done } = pool.backup(backupRequest(target, image, { management }));
      expect(await done).toMatchObject({ outcome: 'done' });
      expect(storedOn(target)).toBe(hashOf(image));
    }
    const target = makeDevice('tape');
    const large = randomImage(2, 2_500 * 1024, 0);
    const { done } = pool.backup(backupRequest(target, large));
    expect(await done).toEqual({ outcome: 'done', media: ['AFS001', 'AFS002', 'AFS003'] });
    expect(storedOn(target)).toBe(hashOf(large));
  });

  it('tells each port and why where none reaches the device', async () => {
    const pool = makePool();
    const target = makeDevice('tape');
    const ports = () => ({
      ports: ['CL1-C', 'CL2-D'] as const,
      refused: [{ port: 'CL2-C', reason: 'no-path' }] as const,
    });
    const other = target.device.login('somebody');
    other.reserve(target.medium);
    const busy = await pool.backup(backupRequest(target, IMAGE, { ports })).done;
    expect(reasonOf(busy)).toContain(
      'EBUSY: device0 is not available: ports CL1-C, CL2-D: cartridge AFS001 is reserved by somebody',
    );
    expect(reasonOf(busy)).toMatch(/\); port CL2-C has no path to it$/);
    other.logout();
    const missing = backupRequest({ ...target, medium: 'AFS009' }, IMAGE, { ports });
    expect(reasonOf(await pool.backup(missing).done)).toMatch(
      /ENXIO: device0 is not available: ports CL1-C, CL2-D: tape library .* has no cartridge AFS009, but AFS001 to AFS003; port CL2-C/,
    );
    const none = backupRequest(target, IMAGE, { ports: portsOf([]) });
    expect(reasonOf(await pool.backup(none).done)).toContain('no port may be used');
  });

  it('fails with what the device answered, and its sense', async () => {
    const pool = makePool();
    const path = makeLibrary({ slots: 1, drives: 1 });
    const target = { definition: { kind: 'tape', path } as const, medium: 'AFS001' };
    const image = randomImage(3, 4 * 2 ** 20, 0);
    const end = await pool.backup(backupRequest(target, image)).done;
    expect(reasonOf(end)).toContain('ENOSPC: cartridge AFS001 is full');
    expect(end).toMatchObject({ error: { details: { fault: 'full', sense: { key: 0x0d } } } });
  });

  it('fails with the error of its source', async () => {
    const target = makeDevice('disk');
    const source = { read: () => Promise.reject(new Error('the pool is gone')) };
    const end = await makePool().backup(backupRequest(target, IMAGE, { source })).done;
    expect(reasonOf(end)).toBe('EIO: the pool is gone');
  });
});

describe('a restore', () => {
  it('fails with the error of its sink', async () => {
    const target = makeDevice('disk');
    const pool = makePool();
    await pool.backup(backupRequest(target, IMAGE)).done;
    const sink = new SinkInMemory();
    sink.write = () => {
      throw new Error('no more space');
    };
    const end = await pool.restore(restoreRequest(target, sink)).done;
    expect(reasonOf(end)).toBe('EIO: no more space');
  });

  it('is cancelled while a piece waits for its turn', async () => {
    const target = makeDevice('disk');
    const pool = makePool();
    await pool.backup(backupRequest(target, IMAGE)).done;
    let asked = 0;
    const pace = () => {
      asked += 1;
      return asked < 3 ? undefined : new Promise<void>(() => {});
    };
    const sink = new SinkInMemory();
    const transfer = pool.restore(restoreRequest(target, sink, { pace }));
    await until(
      () => asked === 3,
      () => transfer.phase === 'ended',
    );
    transfer.cancel();
    expect(await transfer.done).toEqual({ outcome: 'cancelled' });
    expect(sink.content.length).toBeLessThan(IMAGE.length);
  });

  it('of a damaged backup fails, whatever was given to the sink before', async () => {
    const target = makeDevice('tape');
    const pool = makePool();
    await pool.backup(backupRequest(target, IMAGE)).done;
    const session = target.device.login('CL1-D');
    session.reserve(target.medium);
    const medium = session.load('write');
    if (!('rewind' in medium)) throw new Error('it is no tape');
    medium.spaceMarks(4);
    medium.spaceRecords(2);
    medium.writeMarks(2);
    session.logout();
    // The event loop is busy until the microprocessor has ended: it sees that together with what lies in the area.
    const transfer: Transfer = pool.restore(
      restoreRequest(target, new SinkInMemory(), {
        onChange: () => {
          if (transfer.phase !== 'moving') return;
          do Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
          while (!isFree(target));
        },
      }),
    );
    const end = await transfer.done;
    expect(end.outcome).toBe('failed');
  });
});

describe('a probe', () => {
  it('says of each port whether it reaches the device, and what it sees', async () => {
    const target = makeDevice('tape', ['394ff8594e54201c']);
    const ports = () => ({
      ports: ['CL1-C', 'CL2-C'] as const,
      refused: [{ port: 'CL2-D', reason: 'port-down' }] as const,
    });
    const device = addressOf(target.definition);
    const tasks = new PortTasks();
    const pool = makePool({ witness: { tasks, noteSearch: () => {} } });
    const probes = await pool.probe({ device, ports, number: 1 });
    expect(tasks.list).toEqual([]);
    expect(probes.map(({ port, reason }) => [port, reason])).toEqual([
      ['CL1-C', 'found'],
      ['CL2-C', 'refused'],
      ['CL2-D', 'port-down'],
    ]);
    expect(probes[0]?.sighting).toMatchObject({ device: 'tape' });
    expect(probes[0]?.sighting?.media.map(({ name }) => name)).toEqual([
      ...['AFS001', 'AFS002', 'AFS003'],
    ]);
    expect(probes[1]?.detail).toContain('initiator 394ff8594e54202c is not let in by');
  });
});

describe('tasks of ports', () => {
  it('are there while an errand goes through, and searches are told with what came of them', async () => {
    const tasks = new PortTasks();
    const searches: string[] = [];
    const noteSearch = (device: string, { port, reason }: PortResult) =>
      searches.push(`${device} ${port} ${reason}`);
    const witness = { tasks, noteSearch };
    const target = makeDevice('disk', ['394ff8594e54202c']);
    const seen = new Set<string>();
    const transfer = makePool({ witness }).backup(
      backupRequest(target, IMAGE, {
        onChange: () => {
          for (const { port, kind, peer, step } of tasks.list) {
            seen.add(`${port} ${kind} ${peer} ${step}`);
          }
        },
      }),
    );
    expect(await transfer.done).toMatchObject({ outcome: 'done' });
    expect(seen).toContain('CL2-C initiator device0 transfer');
    expect(tasks.list).toEqual([]);
    expect(searches).toEqual(['device0 CL1-C refused', 'device0 CL2-C found']);
  });
});

describe('microprocessors', () => {
  it('are started ahead where an errand is to come', async () => {
    const pool = makePool();
    pool.prepare();
    pool.prepare();
    expect(pool.microprocessors().map(({ state, starts }) => [state, starts])).toEqual([
      ...[
        ['running', 1],
        ['running', 1],
        ['running', 1],
        ['running', 1],
      ],
    ]);
    const { done } = pool.backup(backupRequest(makeDevice('disk'), IMAGE));
    expect(await done).toMatchObject({ outcome: 'done' });
    expect(pool.microprocessors().every(({ starts }) => starts === 1)).toBe(true);
  });

  it('run without an errand as long as they are to stand by, and are given back later otherwise', async () => {
    let giveBack: (() => void)[] = [];
    const clock: Clock = {
      ...systemClock,
      after(delayMs, action) {
        if (delayMs < 10_000) return systemClock.after(delayMs, action);
        giveBack.push(action);
        const cancel = () => {
          giveBack = giveBack.filter((each) => each !== action);
        };
        return { cancel };
      },
    };
    const pool = makePool({ clock });
    const states = () => new Set(pool.microprocessors().map(({ state }) => state));
    pool.standBy(true);
    expect([...states()]).toEqual(['running']);
    await pool.backup(backupRequest(makeDevice('disk'), IMAGE)).done;
    expect(giveBack).toEqual([]);
    pool.standBy(false);
    expect(giveBack).toHaveLength(1);
    giveBack[0]?.();
    expect([...states()]).toEqual(['idle']);
  });

  it('have no thread before there is something to do, and none after close', async () => {
    const pool = makePool();
    expect(pool.microprocessors().map(({ name, state }) => `${name} ${state}`)).toEqual([
      ...['CL1-M0 idle', 'CL1-M1 idle', 'CL2-M0 idle', 'CL2-M1 idle'],
    ]);
    await pool.backup(backupRequest(makeDevice('disk'), IMAGE)).done;
    expect(
      pool.microprocessors().every(({ state, starts }) => state === 'running' && starts === 1),
    ).toBe(true);
    await pool.close();
    expect(pool.microprocessors().every(({ state }) => state === 'idle')).toBe(true);
    expect(() => pool.backup(backupRequest(makeDevice('disk'), IMAGE))).toThrow('EINTR');
  });
});
